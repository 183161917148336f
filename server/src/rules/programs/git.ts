import { branchNamed, meansElse } from '../branchNames';
import { hasOption, type ArgumentRule, type Seen } from './rule';

/** Subcommands of git that run nothing but git itself once its environment is neutral, with the options that keep it so. */

const look = '--name-only --name-status --stat --shortstat --numstat --dirstat --summary --raw --patch -p -u -s --no-patch --patch-with-stat --compact-summary --color --no-color --color-words --word-diff -w -b --ignore-all-space --ignore-space-change --ignore-space-at-eol --ignore-blank-lines --ignore-cr-at-eol --minimal --patience --histogram --no-renames --find-renames -M -C --find-copies --find-copies-harder --full-index --binary --text -a -R --check --exit-code --quiet -q -z --relative --no-relative --no-ext-diff --no-textconv --function-context -W --no-prefix --pickaxe-all --pickaxe-regex --ita-invisible-in-index --abbrev --no-indent-heuristic --indent-heuristic --color-moved --cc -c --combined-all-paths -m';
const lookValues = { text: '-S -G --diff-filter --word-diff-regex --diff-algorithm --anchored --diff-merges --inter-hunk-context --src-prefix --dst-prefix --line-prefix --output-indicator-new --output-indicator-old --ws-error-highlight', number: '-U --unified -l' } as const;
const lookOptional = { text: '--stat --color --word-diff --color-words --color-moved --abbrev --find-renames --find-copies --dirstat --relative --ignore-submodules' } as const;
const walkFlags = '--all --oneline --graph --decorate --no-decorate --abbrev-commit --no-abbrev-commit --first-parent --merges --no-merges --reverse --follow --topo-order --date-order --author-date-order --full-history --simplify-merges --show-pulls --left-right --cherry --cherry-pick --cherry-mark --boundary --branches --tags --remotes --source --parents --children --relative-date --no-notes --no-mailmap --use-mailmap --mailmap --no-walk --do-walk --ancestry-path --left-only --right-only --invert-grep -i --regexp-ignore-case -E --extended-regexp -F --fixed-strings -P --perl-regexp --all-match --dense --sparse -g --walk-reflogs --log-size --remove-empty --count --objects --stdin-packs --no-expand-tabs';
const walkValues = { number: '-n --max-count --skip --min-parents --max-parents', text: '--author --committer --grep --since --until --after --before --glob --exclude --decorate-refs --date --encoding -L', format: '--format' } as const;
const walkOptional = { text: '--decorate --branches --tags --remotes --no-walk --expand-tabs --notes', format: '--pretty --format' } as const;

const diff: ArgumentRule = { flags: `${look} --cached --staged --merge-base --no-index -0 -1 -2 -3 --base --ours --theirs`, values: lookValues, optional: lookOptional, operands: ['rev'] };
const log: ArgumentRule = {
  flags: `${look} ${walkFlags}`,
  values: { text: `${lookValues.text} ${walkValues.text}`, number: `${lookValues.number} ${walkValues.number}`, format: walkValues.format },
  optional: { text: `${lookOptional.text} ${walkOptional.text}`, format: walkOptional.format },
  operands: ['rev'],
  digits: true,
};
const transfer = '-q -v --quiet --verbose --progress --no-progress -n --dry-run --tags --no-tags -4 -6 --ipv4 --ipv6';

const status: ArgumentRule = { flags: '-s -b -v -z --short --branch --long --verbose --show-stash --ahead-behind --no-ahead-behind --no-renames --renames --no-column --ignored --porcelain -u --untracked-files', optional: { text: '-u --untracked-files --porcelain --ignored --ignore-submodules --find-renames --column' }, operands: ['rev'] };
const refs: ArgumentRule = { flags: '-h -d --heads --tags --refs --head --hash --abbrev --dereference --verify --quiet -q --symref --exit-code', values: { number: '--count', format: '--format --sort', rev: '--points-at --merged --no-merged --contains --no-contains' }, optional: { text: '--hash --abbrev' }, operands: ['rev'] };
const listing = { rev: '--merged --no-merged --contains --no-contains --points-at' } as const;

/** The subcommands that only look. */
export const gitReaders: readonly (readonly [string, ArgumentRule])[] = [
  ['status', status],
  ['diff', diff],
  ['log', log],
  ['show', log],
  ['whatchanged', log],
  ['shortlog', { ...log, flags: `${walkFlags} -n -s -e -c --numbered --summary --email --committer`, values: { text: walkValues.text.replace('--committer ', ''), number: '--max-count --skip', format: '--group' }, optional: { text: '-w', format: '--format' } }],
  ['rev-list', log],
  ['diff-tree', { ...diff, flags: `${diff.flags ?? ''} -r -t --root --no-commit-id --always -v --pretty`, optional: { ...lookOptional, format: '--pretty --format' } }],
  ['diff-index', diff],
  ['diff-files', diff],
  ['rev-parse', { flags: '--show-toplevel --show-prefix --show-cdup --git-dir --absolute-git-dir --git-common-dir --is-inside-work-tree --is-inside-git-dir --is-bare-repository --is-shallow-repository --abbrev-ref --symbolic-full-name --symbolic --verify -q --quiet --short --all --branches --tags --remotes --local-env-vars --show-object-format --revs-only --no-revs --flags --no-flags --sq --not --show-superproject-working-tree', optional: { text: '--short --abbrev-ref --show-object-format --branches --tags --remotes' }, values: { text: '--git-path --default' }, operands: ['rev'] }],
  ['ls-files', { flags: '-c -d -m -o -i -s -u -k -t -v -f -z --cached --deleted --modified --others --ignored --stage --unmerged --killed --directory --no-empty-directory --eol --deduplicate --error-unmatch --exclude-standard --full-name --recurse-submodules --abbrev --debug', values: { text: '-x --exclude --exclude-per-directory', read: '-X --exclude-from --with-tree', format: '--format' }, operands: ['rev'], check: excludesByName }],
  ['ls-tree', { flags: '-d -r -t -l -z --name-only --name-status --object-only --full-name --full-tree --long --abbrev', values: { format: '--format' }, optional: { text: '--abbrev' }, operands: ['rev'] }],
  ['ls-remote', { flags: '-h -t -q --heads --tags --refs --quiet --exit-code --symref --get-url', values: { format: '--sort' }, operands: ['remote', 'text'] }],
  ['blame', { flags: '-b -c -e -f -l -n -p -s -t -w --root --show-stats --show-name --show-number --show-email --porcelain --line-porcelain --incremental --minimal --color-lines --color-by-age --progress --no-progress --first-parent --no-textconv', values: { text: '-L --date --since', read: '--ignore-revs-file', rev: '--ignore-rev', number: '--abbrev' }, optional: { number: '-M -C' }, operands: ['rev'] }],
  ['describe', { flags: '--all --tags --contains --always --long --exact-match --debug --first-parent --dirty --broken', values: { text: '--match --exclude', number: '--candidates --abbrev' }, optional: { text: '--dirty --broken --abbrev' }, operands: ['rev'] }],
  ['grep', { flags: '-E -F -G -P -i -v -w -x -c -l -L -n -h -H -q -s -z -o -W -p -r -I -a --extended-regexp --fixed-strings --basic-regexp --perl-regexp --ignore-case --invert-match --word-regexp --count --files-with-matches --name-only --files-without-match --line-number --column --null --only-matching --quiet --all-match --cached --untracked --no-index --exclude-standard --recurse-submodules --break --heading --show-function --function-context --full-name --and --or --not --color --no-color --no-textconv --text', values: { text: '-e', number: '-A -B -C -m --max-depth --threads --context --after-context --before-context --max-count', read: '-f' }, optional: { text: '--color' }, operands: ['text', 'rev'], replaceFirst: '-e -f', words: '( )', digits: true }],
  ['cat-file', { flags: '-t -s -e -p --batch --batch-check --batch-all-objects --buffer --unordered --allow-unknown-type', optional: { format: '--batch --batch-check' }, operands: ['rev'] }],
  ['merge-base', { flags: '-a --all --octopus --independent --is-ancestor --fork-point', operands: ['rev'] }],
  ['name-rev', { flags: '--tags --name-only --always --all --no-undefined', values: { text: '--refs --exclude' }, operands: ['rev'] }],
  ['symbolic-ref', { flags: '-q --quiet --short', operands: ['text'], most: 1, least: 1 }],
  ['show-ref', refs],
  ['for-each-ref', refs],
  ['show-branch', { flags: '-r -a --remotes --all --current --list --independent --merge-base --no-name --sha1-name --topics --topo-order --date-order --more --color --no-color', optional: { number: '--more' }, operands: ['rev'] }],
  ['cherry', { flags: '-v', operands: ['rev'] }],
  ['range-diff', { flags: `${look} --no-dual-color --left-only --right-only`, values: { number: '--creation-factor' }, operands: ['rev'] }],
  ['count-objects', { flags: '-v -H --verbose --human-readable' }],
  ['check-ignore', { flags: '-q -v -z -n --quiet --verbose --non-matching --no-index', operands: ['rev'] }],
  ['check-attr', { flags: '-a -z --all --cached', operands: ['text', 'rev'] }],
  ['check-ref-format', { flags: '--branch --normalize --allow-onelevel', operands: ['text'] }],
  ['version', { flags: '--build-options' }],
  ['var', { flags: '-l', operands: ['name'] }],
];

/** The subcommands that change the repository, its files or a remote, in forms that lose nothing and run nothing. */
export const gitWriters: readonly (readonly [string, ArgumentRule])[] = [
  ['add', { flags: '-A -u -n -v -N -f --all --update --dry-run --verbose --intent-to-add --force --no-all --ignore-removal --ignore-errors --ignore-missing --refresh --renormalize', values: { text: '--chmod' }, operands: ['rev'] }],
  ['commit', { flags: '-a -q -v -s --all --quiet --verbose --signoff --no-signoff --amend --no-edit --allow-empty --dry-run --short --porcelain --only -o --include -i --no-gpg-sign --no-status --reset-author --no-post-rewrite', values: { text: '-m --message --author --date', read: '-F --file', rev: '-C --reuse-message' }, operands: ['rev'], needs: '-m --message -F --file -C --reuse-message --no-edit --dry-run' }],
  ['checkout', { flags: '-q --quiet --progress --no-progress -t --track --no-track --detach -d --ours --theirs --no-guess --guess --overlay --no-overlay', values: { text: '-b --orphan' }, optional: { text: '--track' }, operands: ['rev'], check: plainBranch }],
  ['switch', { flags: '-q --quiet --progress --no-progress -t --track --no-track --detach -d --no-guess --guess', values: { text: '-c --create --orphan' }, operands: ['rev'], check: plainBranch }],
  ['restore', { flags: '-q --quiet --staged -S --worktree -W --ours --theirs --merge --overlay --no-overlay --progress --no-progress --ignore-unmerged', values: { rev: '-s --source' }, operands: ['rev'] }],
  ['reset', { flags: '--soft --mixed -q --quiet -N --intent-to-add --no-refresh --refresh', operands: ['rev'] }],
  ['fetch', { flags: `${transfer} --all -p --prune -t -a --append --atomic -k --keep --no-auto-gc --no-auto-maintenance --unshallow --set-upstream --no-recurse-submodules --write-fetch-head --no-write-fetch-head`, values: { number: '--depth --deepen -j --jobs', text: '--shallow-since' }, operands: ['remote', 'text'], check: ordinaryRefs }],
  ['pull', { flags: `${transfer} --rebase -r --no-rebase --ff --ff-only --no-ff --autostash --no-autostash --all -p --prune --stat --no-stat --squash --no-commit --commit --no-edit --allow-unrelated-histories --no-recurse-submodules --set-upstream --no-gpg-sign`, values: { number: '--depth' }, optional: { name: '--rebase' }, operands: ['remote', 'text'], check: ordinaryRefs }],
  ['push', { flags: `${transfer} -u --set-upstream --porcelain --follow-tags --atomic --no-verify-signatures --thin --no-thin --no-signed`, operands: ['remote', 'text'], check: (seen) => ordinaryRefs(seen) ?? pushedRefs(seen) }],
  ['stash', { flags: '-u --include-untracked --keep-index -k --no-keep-index -q --quiet --index --staged -S --oneline --stat --patch -p', values: { text: '-m --message' }, operands: ['text'], check: plainStash }],
  ['branch', { flags: '-a -r -v -vv -l -q -d -m -c -t -i --all --remotes --verbose --list --quiet --delete --move --copy --show-current --no-color --no-column --ignore-case --track --no-track --abbrev --no-abbrev --unset-upstream --color --column --merged --no-merged', values: { rev: '-u --set-upstream-to --contains --no-contains --points-at', format: '--format --sort' }, optional: { text: '--color --column --abbrev --track' }, operands: ['rev'] }],
  ['tag', { flags: '-l -a -n --list --annotate --no-column --ignore-case -i --color --no-sign --column', values: { ...listing, text: '-m --message', read: '-F --file', format: '--format --sort' }, optional: { number: '-n', text: '--color --column' }, operands: ['rev'] }],
  ['merge', { flags: '-q -v --quiet --verbose --no-edit --ff --ff-only --no-ff --squash --commit --no-commit --stat --no-stat -n --abort --quit --autostash --no-autostash --allow-unrelated-histories --no-gpg-sign --progress --no-progress', values: { text: '-m' }, operands: ['rev'] }],
  ['cherry-pick', { flags: '-x -n --no-commit --abort --quit --allow-empty --keep-redundant-commits --ff -s --signoff --no-gpg-sign', values: { number: '-m --mainline' }, operands: ['rev'] }],
  ['revert', { flags: '--no-edit -n --no-commit --abort --quit -s --signoff --no-gpg-sign', values: { number: '-m --mainline' }, operands: ['rev'], needs: '--no-edit -n --no-commit --abort --quit' }],
  ['rebase', { flags: '-q -v --quiet --verbose --stat --no-stat -n --abort --quit --autostash --no-autostash --no-ff --ignore-date --fork-point --no-fork-point --keep-base --no-gpg-sign --no-keep-empty', values: { rev: '--onto' }, operands: ['rev'] }],
  ['mv', { flags: '-n -v -k -f --dry-run --verbose --force', operands: ['write'] }],
  ['rm', { flags: '-n -q --dry-run --quiet --cached --ignore-unmatch', operands: ['write'] }],
  ['clean', { flags: '-n --dry-run -d -x -X -q', values: { text: '-e --exclude' }, operands: ['read'], needs: '-n --dry-run' }],
  ['config', { flags: '--list -l --get --get-all --get-regexp --get-urlmatch --name-only --show-origin --show-scope --global --system --local --worktree --no-includes -z --null --bool --int --path --bool-or-int', values: { text: '--type --default', read: '-f --file' }, operands: ['text'], check: configReads }],
  ['remote', { flags: '-v --verbose --push --all', operands: ['name', 'remote'], check: remoteReads }],
  ['worktree', { flags: '--porcelain -v -z', operands: ['text'], check: (seen) => only(seen, ['list']) }],
  ['submodule', { flags: '--quiet -q --cached', operands: ['text', 'rev'], check: (seen) => (seen.operands.length === 0 ? undefined : only(seen, ['status'])) }],
  ['reflog', { ...log, operands: ['text'], check: (seen) => (seen.operands.some((text) => ['expire', 'delete', 'drop', 'write'].includes(text)) ? 'it would change the reflog' : undefined) }],
  ['notes', { operands: ['text', 'rev'], check: (seen) => only(seen, ['list', 'show']) }],
  ['bisect', { flags: '--no-checkout --first-parent', operands: ['text'], check: (seen) => only(seen, ['start', 'good', 'bad', 'old', 'new', 'skip', 'reset', 'log', 'terms']) }],
  ['apply', { flags: '--check --stat --numstat --summary -v --verbose -R --reverse --index --cached -3 --3way', values: { number: '-p -C' }, operands: ['read'], needs: '--check --stat --numstat --summary' }],
  ['format-patch', { flags: `${look.replace(' --cc ', ' ')} --stdout -k -n -N --cover-letter --numbered --no-numbered`, values: { number: '--start-number' }, operands: ['rev'], needs: '--stdout', digits: true }],
];

const always = ['reference-transaction', 'post-index-change', 'pre-auto-gc'];
const committing = [...always, 'pre-commit', 'pre-merge-commit', 'prepare-commit-msg', 'commit-msg', 'post-commit', 'post-rewrite', 'post-checkout', 'post-merge'];
const replaying = [...committing, 'pre-rebase', 'applypatch-msg', 'pre-applypatch', 'post-applypatch'];

/** Subcommands during which git runs hooks of the repository, and the names of these hooks (githooks(5)). */
export const hookedCommands: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...['commit', 'merge', 'cherry-pick', 'revert'].map((name) => [name, committing] as const),
  ...['pull', 'rebase'].map((name) => [name, replaying] as const),
  ...['checkout', 'switch', 'bisect'].map((name) => [name, [...always, 'post-checkout']] as const),
  ['reset', always],
  ['push', [...always, 'pre-push']],
]);

/** Subcommands that need to know the person: the user's own git configuration is left in place for them. */
export const personalCommands: ReadonlySet<string> = new Set(['commit', 'merge', 'pull', 'push', 'fetch', 'rebase', 'cherry-pick', 'revert', 'stash', 'tag', 'ls-remote', 'notes']);

/** Subcommands that talk to other machines. */
export const remoteCommands: ReadonlySet<string> = new Set(['fetch', 'pull', 'push', 'ls-remote', 'remote']);

/** git opens the file of this name in every folder, so that it must be no more than a name. */
function excludesByName(seen: Seen): string | undefined {
  const odd = seen.options.find(({ name, value }) => name === '--exclude-per-directory' && /[\\/]|^\.\.$/.test(value ?? ''));
  return odd === undefined ? undefined : `"${(odd.value ?? '').slice(0, 60)}" is not the plain name of a file`;
}

/** A leading `+` overwrites the other side, a leading `:` deletes there. */
function ordinaryRefs(seen: Seen): string | undefined {
  const named = seen.operands.slice(1);
  const odd = named.find((text) => /^[+:-]/.test(text));
  if (odd !== undefined) return `"${odd.slice(0, 60)}" overwrites or deletes`;
  // Pruning deletes whatever the named destinations hold and the other side has not, also what was never pushed.
  if (named.length > 0 && ['-p', '--prune'].some((name) => hasOption(seen, name))) return 'pruning with references named deletes local ones';
  const twofold = named.find((text) => text.includes(':') && meansElse(branchNamed(text.slice(text.indexOf(':') + 1)) ?? ''));
  if (twofold !== undefined) return `"${twofold.slice(0, 60)}" makes a branch whose name also means something else`;
  // A star may complete any beginning: `re*` is `refs/replace/…` for a branch `fs/replace/…` of the other side.
  const hidden = named.find((text) => /:refs\/(?!heads\/|remotes\/|tags\/)/.test(text) || (/:.*\*/.test(text) && !/:refs\/(heads|remotes|tags)\//.test(text)));
  return hidden === undefined ? undefined : `"${hidden.slice(0, 60)}" writes references that are neither branches nor tags`;
}

/** Afterwards every command that names a branch would ask, since nobody could say what a name means. */
function plainBranch(seen: Seen): string | undefined {
  const made = seen.options.find(({ name, value }) => ['-b', '-c', '--create', '--orphan'].includes(name) && meansElse(value ?? ''));
  return made === undefined ? undefined : `"${(made.value ?? '').slice(0, 60)}" is a branch whose name also means something else`;
}

/** The other side completes a name to whatever reference it has, so that `notes/commits` is one of its notes, and `conductor/audit` an anchor of the log. */
function pushedRefs(seen: Seen): string | undefined {
  const odd = seen.operands.slice(1).map((text) => text.slice(text.indexOf(':') + 1)).find((name) => /^(refs\/(?!heads\/|remotes\/|tags\/)|(conductor|notes|replace|meta|original|bisect|worktree|rewritten|changes|pull|merge-requests|for|keep-around|environments|pipelines)\/|stash$)/.test(name));
  return odd === undefined ? undefined : `"${odd.slice(0, 60)}" may be a reference that is neither branch nor tag`;
}

function plainStash(seen: Seen): string | undefined {
  const [verb] = seen.operands;
  if (verb !== 'show' && ['-p', '--patch'].some((name) => hasOption(seen, name))) return 'choosing parts needs a person at a terminal';
  return verb === undefined ? undefined : only(seen, ['list', 'show', 'push', 'pop', 'apply', 'save']);
}

function only(seen: Seen, verbs: readonly string[]): string | undefined {
  const [verb = ''] = seen.operands;
  if (seen.beforeDashes === 0) return 'behind "--" stands a file, and no word that says what to do';
  return verbs.includes(verb) ? undefined : `"${verb.slice(0, 60)}" is not among ${verbs.join(', ')}`;
}

/** One name reads a value, two write it. The user's own configuration can hold tokens, so that only harmless keys of it are shown. */
function configReads(seen: Seen): string | undefined {
  const [verb = '', ...rest] = seen.operands;
  if (['edit', 'set', 'unset', 'rename-section', 'remove-section'].includes(verb)) return 'it changes the configuration';
  const named = ['get', 'list'].includes(verb);
  const lists = verb === 'list' || ['--list', '-l'].some((name) => hasOption(seen, name));
  const gets = ['--get', '--get-all', '--get-regexp', '--get-urlmatch'].some((name) => hasOption(seen, name));
  const keys = named ? rest : seen.operands;
  if (!lists && !gets && keys.length > 1) return 'it changes the configuration';
  if (!lists && keys.length === 0) return 'it needs a key';
  if (hasOption(seen, '--global') || hasOption(seen, '--system') || hasOption(seen, '--show-origin')) return "it shows the user's own configuration";
  if (['--local', '--worktree', '-f', '--file'].some((name) => hasOption(seen, name))) return undefined;
  const key = keys[0] ?? '';
  const plain = !lists && !hasOption(seen, '--get-regexp') && !hasOption(seen, '--get-urlmatch') && (isPublicKey(key) || isRepositoryKey(key));
  return plain ? undefined : "it shows the user's own configuration; with --local it need not ask";
}

/** Keys of the user's own configuration that every commit shows anyway, or that hold no more than a preference. */
export function isPublicKey(key: string): boolean {
  return /^(user\.(name|email)|init\.defaultbranch|core\.(autocrlf|eol|filemode|ignorecase|bare|quotepath)|(pull|push|merge|rebase|fetch|color|diff)\.(rebase|default|ff|autostash|prune|ui|renames))$/i.test(key);
}

/** Keys that a repository sets for itself; they are read without the user's own configuration. */
function isRepositoryKey(key: string): boolean {
  return /^(remote|branch|submodule)\.[^\s]+\.[A-Za-z]+$/i.test(key);
}

function remoteReads(seen: Seen): string | undefined {
  return seen.operands.length === 0 ? undefined : only(seen, ['show', 'get-url']);
}

import type { Verdict } from '../../../protocol/src/call';
import { revealLine } from '../../../protocol/src/display';
import { ask, outOfScope } from './argumentKinds';
import { controlNameIn } from './controlNames';
import { repositoriesAmong } from './gitLayout';
import { placeInside, type CommandFacts, type GitWriteQuery } from './places';
import { hasOption, type Seen } from './programs/rule';

/**
 * Git writes files that nobody named: commits hold them, and commits can come from anywhere. What would be written is asked of the
 * repository beforehand, and files that decide what programs run are not written without a person.
 */

/** What has to be known about the files that a subcommand would write; empty when it writes none. */
export function writeQueries(subcommand: string, seen: Seen): readonly GitWriteQuery[] {
  return makers.get(subcommand)?.(seen) ?? [];
}

/** The verdicts on what would be written. */
export function judgeWrites(subcommand: string, queries: readonly GitWriteQuery[], scope: Readonly<{ facts: CommandFacts; folder: string }>): readonly Verdict[] {
  return queries.flatMap((query) => {
    const named = namedControl(query);
    const writes = scope.facts.gitWrites(scope.folder, query);
    if ('unknown' in writes) return [ask('shell.gitWrites', `Which files git ${subcommand} would write is not known: ${writes.unknown}.`)];
    const beyond = writes.names.filter((name) => scope.facts.inScope?.(writes.top, name) === false);
    const steered = sizeOf(writes.names) > maxCharacters ? 'tooMany' : (scope.facts.steersGitAmong?.(writes.top, writes.names) ?? []);
    if (steered === 'tooMany') return [ask('shell.gitWrites', `git ${subcommand} would write more files and folders than can be looked through.`)];
    // A repository of its own inside a control folder names its files from its own top.
    const within = writes.top !== '' && scope.facts.place(writes.top, '.') === 'control';
    const steering = [...(within ? writes.names : writes.names.filter((name) => isControl(name, writes.below))), ...(writes.renamed ?? []).filter(isNamedControl), ...(namesByPattern(query) ? writes.names.filter(isNamedControl) : []), ...steered];
    const control = [...new Set([...named, ...steering, ...repositoriesAmong(writes.names).map((folder) => `${folder}/HEAD`)])];
    return [
      ...(beyond.length === 0 ? [] : [outOfScope(`git ${subcommand}: ${listed(beyond)}`)]),
      ...(control.length === 0 ? [] : [ask('shell.controlFile', `git ${subcommand} would write or remove files that decide which programs run or what agents may do (${listed(control)}).`)]),
      ...(writes.links.length === 0 ? [] : [ask('shell.gitLinks', `git ${subcommand} would create symbolic links, which can lead anywhere (${listed(writes.links)}).`)]),
      ...(writes.outside.length === 0 ? [] : [ask('shell.outside', `git ${subcommand} would write files of the repository that lie outside the project (${listed(writes.outside)}).`)]),
    ];
  });
}

/** Characters of all names of files that one command would write; with more a person decides. */
const maxCharacters = 4 * 1024 * 1024;

function sizeOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + name.length, 0);
}

/** Some names count only together with those of the folders above them, which may lie above the repository. */
function isControl(name: string, below: readonly string[] = []): boolean {
  return controlNameIn([...below, ...name.split('/')]) !== undefined;
}

/** What the command names itself also counts when package managers and builders take their orders from it; commits change those every day. */
function isNamedControl(text: string): boolean {
  return placeInside(text.split(/[\\/]/)) === 'control';
}

/** Whether the files that a command names stand behind a pattern or a folder, so that only git knows their names; what is brought back from the last commit goes without asking. */
function namesByPattern(query: GitWriteQuery): boolean {
  if (query.kind === 'tracked') return true;
  const paths = query.kind === 'checkout' ? query.after : query.kind === 'files' ? query.paths : [];
  return paths.some((path) => /[*?[\\]|^:/.test(path));
}

/** Control files that the command names itself; they count even when no repository was looked at. */
function namedControl(query: GitWriteQuery): readonly string[] {
  switch (query.kind) {
    case 'checkout':
      return [...query.before, ...query.after].filter(isNamedControl);
    case 'files':
    case 'clear':
      return query.paths.filter(isNamedControl);
    case 'tracked':
      return query.into === undefined ? [] : landings(query.paths, query.into).filter(isNamedControl);
    default:
      return [];
  }
}

/** Where sources arrive: under the new name, or below it when it is a folder. */
function landings(sources: readonly string[], into: string): readonly string[] {
  return [into, ...sources.map((source) => `${into}/${source.split(/[\\/]/).findLast((name) => name !== '' && name !== '.') ?? ''}`)];
}

function listed(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return names.slice(0, 5).map((name) => revealLine(name, 80)).join(', ') + more;
}

type Maker = (seen: Seen) => readonly GitWriteQuery[];

const unseen = (why: string): readonly GitWriteQuery[] => [{ kind: 'unseen', why }];

const autostash = unseen('what is changed is put away and merged with what came, which can take one file for another');

const makers: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ['checkout', checkout],
  ['switch', (seen) => (hasOption(seen, '--orphan') ? unseen('a branch without history empties the work tree') : seen.operands.map((target) => ({ kind: 'switch', target })))],
  ['restore', restore],
  ['merge', merge],
  ['pull', () => unseen('what the other side has is not here yet; "git fetch" and then "git merge" need not ask')],
  ['rebase', rebase],
  ['cherry-pick', (seen) => pick(seen, false)],
  ['revert', (seen) => pick(seen, true)],
  ['stash', stash],
  ['mv', (seen) => (simulated(seen) ? [] : [{ kind: 'tracked', paths: seen.operands.slice(0, -1), into: seen.operands.at(-1) ?? '.' }])],
  ['rm', (seen) => (simulated(seen) || hasOption(seen, '--cached') ? [] : [{ kind: 'tracked', paths: seen.operands }])],
  ['bisect', (seen) => (['log', 'terms'].includes(seen.operands[0] ?? '') || (seen.operands[0] === 'start' && seen.operands.length === 1) ? [] : unseen('it goes to a commit of its own choice'))],
]);

/** Subcommands that write files of the work tree. */
export const treeWriters: ReadonlySet<string> = new Set(makers.keys());

function simulated(seen: Seen): boolean {
  return hasOption(seen, '-n') || hasOption(seen, '--dry-run');
}

function checkout(seen: Seen): readonly GitWriteQuery[] {
  if (seen.operands.length === 0) return [];
  return [{ kind: 'checkout', before: seen.operands.slice(0, seen.beforeDashes), after: seen.operands.slice(seen.beforeDashes), dashed: seen.dashed }];
}

function restore(seen: Seen): readonly GitWriteQuery[] {
  const staged = hasOption(seen, '--staged') || hasOption(seen, '-S');
  const work = !staged || hasOption(seen, '--worktree') || hasOption(seen, '-W');
  if (!work) return [];
  const source = valueOf(seen, '--source', '-s') ?? (staged ? 'HEAD' : undefined);
  return [{ kind: 'files', paths: seen.operands, ...(source === undefined ? {} : { revision: source }) }];
}

function merge(seen: Seen): readonly GitWriteQuery[] {
  if (hasOption(seen, '--quit')) return [];
  if (hasOption(seen, '--abort')) return [{ kind: 'clear', paths: [], untracked: false }];
  if (hasOption(seen, '--autostash')) return autostash;
  return [{ kind: 'merge', others: seen.operands.length === 0 ? ['@{upstream}'] : seen.operands }];
}

function rebase(seen: Seen): readonly GitWriteQuery[] {
  if (hasOption(seen, '--quit')) return [];
  if (hasOption(seen, '--abort')) return unseen('it goes back to where the rebase began');
  if (hasOption(seen, '--autostash')) return autostash;
  if (hasOption(seen, '--keep-base')) return unseen('it looks for its own beginning');
  const [upstream = '@{upstream}', branch = 'HEAD'] = seen.operands;
  return [{ kind: 'rebase', onto: valueOf(seen, '--onto') ?? upstream, since: upstream, branch }];
}

function pick(seen: Seen, undo: boolean): readonly GitWriteQuery[] {
  if (hasOption(seen, '--quit')) return [];
  if (hasOption(seen, '--abort')) return unseen('it goes back to where it began');
  return [{ kind: 'pick', commits: seen.operands, parent: Number(valueOf(seen, '-m', '--mainline') ?? 1), undo }];
}

function stash(seen: Seen): readonly GitWriteQuery[] {
  const [verb = 'push', ...rest] = seen.operands;
  if (verb === 'list' || verb === 'show') return [];
  if (verb === 'pop' || verb === 'apply') return [{ kind: 'stash', name: rest[0] ?? '0' }];
  const untracked = hasOption(seen, '-u') || hasOption(seen, '--include-untracked');
  return [{ kind: 'clear', paths: verb === 'push' ? rest : [], untracked }];
}

function valueOf(seen: Seen, ...names: readonly string[]): string | undefined {
  return seen.options.findLast((option) => names.includes(option.name))?.value;
}

import { hasOption, type ArgumentRule, type Seen, type Typed } from './rule';

/** Programs that only look, with the options of GNU, BSD and common Linux versions that keep it so. */

/** Programs that print or compute from their arguments alone, whatever those are. Read without an option table. */
export const textOnly: ReadonlySet<string> = new Set(['echo', 'printf', 'true', 'false', 'basename', 'dirname', 'expr', 'seq', 'sleep', 'yes', 'factor']);

/** Those of them that also do nothing else whatever another program feeds them. */
export const textFed: ReadonlySet<string> = new Set(['echo', 'printf', 'basename', 'dirname']);

/** Those whose versions all take an option for an option wherever it stands. */
const permuting: ReadonlySet<string> = new Set(['ls', 'dir', 'vdir', 'sort', 'diff', 'test', 'ps', 'tree', 'ag', 'xxd', 'tr']);

const table: readonly (readonly [string, ArgumentRule])[] = [
  ...['ls', 'dir', 'vdir'].map((name): readonly [string, ArgumentRule] => [name, {
    flags: '-a -A -b -B -c -C -d -f -F -g -G -h -H -i -k -l -m -n -N -o -p -q -Q -r -R -s -S -t -u -U -v -x -X -Z -1 -@ -O -e --all --almost-all --author --escape --ignore-backups --directory --dired --file-type --full-time --group-directories-first --no-group --human-readable --si --dereference-command-line --inode --kibibytes --numeric-uid-gid --literal --hide-control-chars --show-control-chars --quote-name --reverse --recursive --size --context --zero --version --help',
    // On BSD the first is a switch, and a path may follow.
    values: { read: '-I', text: '--ignore --hide --block-size', number: '-w --width -T --tabsize' },
    optional: { text: '--color --classify --format --indicator-style --quoting-style --sort --time --time-style --hyperlink' },
    follows: '-L --dereference',
    operands: ['read'],
    fed: 0,
  }]),
  ['cat', { flags: '-A -b -e -E -n -s -t -T -u -v --show-all --number-nonblank --show-ends --number --squeeze-blank --show-tabs --show-nonprinting --version --help', operands: ['read'], fed: 0 }],
  ['tac', { flags: '-b -r --before --regex', values: { text: '-s --separator' }, operands: ['read'], fed: 0 }],
  ['rev', { operands: ['read'], fed: 0 }],
  ['nl', { flags: '-p --no-renumber', values: { text: '-b -d -f -h -n -s --body-numbering --number-format --number-separator', number: '-i -l -v -w' }, operands: ['read'], fed: 0 }],
  ['head', { flags: '-q -v -z --quiet --silent --verbose --zero-terminated --version --help', values: { number: '-n -c --lines --bytes' }, operands: ['read'], digits: true, fed: 0 }],
  // `-f` never ends: the command would only run into its time limit.
  ['tail', { flags: '-q -r -v -z --quiet --silent --verbose --zero-terminated --version --help', values: { number: '-n -c --lines --bytes' }, operands: ['read'], digits: true, fed: 0 }],
  ['wc', { flags: '-c -m -l -L -w --bytes --chars --lines --max-line-length --words --version --help', values: { text: '--total' }, operands: ['read'], fed: 0 }],
  ['cut', { flags: '-n -s -z --complement --only-delimited --zero-terminated', values: { text: '-b -c -d -f --bytes --characters --delimiter --fields --output-delimiter' }, operands: ['read'], fed: 0 }],
  ['tr', { flags: '-c -C -d -s -t --complement --delete --squeeze-repeats --truncate-set1', operands: ['text'], stopAtOperand: true }],
  ['uniq', { flags: '-c -d -D -i -u -z --count --repeated --ignore-case --unique --zero-terminated', values: { number: '-f -s -w --skip-fields --skip-chars --check-chars' }, optional: { text: '--all-repeated --group' }, operands: ['read'], most: 1 }],
  ['sort', {
    flags: '-b -d -f -g -h -i -M -n -R -r -V -c -C -m -s -u -z --ignore-leading-blanks --dictionary-order --ignore-case --general-numeric-sort --human-numeric-sort --ignore-nonprinting --month-sort --numeric-sort --random-sort --reverse --version-sort --merge --stable --unique --zero-terminated --debug --version --help',
    values: { text: '-k -t --key --field-separator -S --buffer-size --sort', number: '--parallel --batch-size', read: '--random-source' },
    optional: { text: '--check' },
    operands: ['read'],
    fed: 0,
  }],
  ['shuf', { flags: '-e -z -r --echo --zero-terminated --repeat', values: { text: '-i --input-range', number: '-n --head-count' }, operands: ['read'] }],
  ['comm', { flags: '-1 -2 -3 -i -z --check-order --nocheck-order --total', values: { text: '--output-delimiter' }, operands: ['read'] }],
  ['diff', {
    flags: '-q -s -c -u -e -n -y -p -t -T -N -P -r --recursive -i -E -Z -b -w -B -a -d -H --normal --brief --report-identical-files --ed --rcs --side-by-side --left-column --suppress-common-lines --show-c-function --expand-tabs --initial-tab --suppress-blank-empty --no-dereference --new-file --unidirectional-new-file --ignore-file-name-case --no-ignore-file-name-case --ignore-case --ignore-tab-expansion --ignore-trailing-space --ignore-space-change --ignore-all-space --ignore-blank-lines --strip-trailing-cr --text --minimal --speed-large-files --version --help',
    values: { text: '--label -L -x --exclude -I --ignore-matching-lines -F --show-function-line', number: '-C -U -W --width --horizon-lines --tabsize', read: '-X --exclude-from -S --starting-file --from-file --to-file' },
    optional: { text: '--color --palette', number: '--context --unified' },
    operands: ['read'],
    digits: true,
    check: keepsLinks,
    derive: comparedFiles,
  }],
  ['cmp', { flags: '-b -l -s --print-bytes --verbose --quiet --silent', values: { text: '-i --ignore-initial', number: '-n --bytes' }, operands: ['read', 'read', 'text'] }],
  ['date', { flags: '-u -R --utc --universal --rfc-email --debug --version --help', values: { text: '-d --date --rfc-3339', read: '-r --reference' }, optional: { text: '-I --iso-8601' }, operands: ['text'], check: onlyFormat }],
  ['pwd', { flags: '-L -P --logical --physical' }],
  ['whoami', { flags: '--version --help' }],
  ['id', { flags: '-a -g -G -n -r -u -z -Z --group --groups --name --real --user --zero --context', operands: ['text'] }],
  ['groups', { operands: ['text'] }],
  ['uname', { flags: '-a -s -n -r -v -m -p -i -o --all --kernel-name --nodename --kernel-release --kernel-version --machine --processor --hardware-platform --operating-system' }],
  ['arch', {}],
  ['nproc', { flags: '--all', values: { number: '--ignore' } }],
  ['uptime', { flags: '-p -s -V --pretty --since' }],
  ['hostname', { flags: '-s -f -d -i -I -A --short --fqdn --long --domain --ip-address --all-ip-addresses --all-fqdns' }],
  ['tty', { flags: '-s' }],
  ['locale', { flags: '-a -m -c -k', operands: ['text'] }],
  ['getconf', { flags: '-a', operands: ['name'] }],
  ['cal', { flags: '-1 -3 -s -m -j -y', operands: ['text'] }],
  ['stat', { flags: '-L -f -t -x -l -r -n -s --dereference --file-system --terse', values: { text: '-c --format --printf' }, operands: ['read'], fed: 0 }],
  ['file', { flags: '-b -E -h -i -I -k -L -n -N -p -r -v -0 --brief --mime --mime-type --mime-encoding --keep-going --dereference --no-dereference --no-pad --no-buffer --extension --version', values: { text: '-F --separator -e --exclude', number: '-P' }, operands: ['read'], fed: 0 }],
  ['which', { flags: '-a -s --all', operands: ['name'] }],
  ['whereis', { flags: '-b -m -s -u', operands: ['name'] }],
  ['test', { singleDash: true, flags: '-a -o', values: { read: '-b -c -d -e -f -g -G -h -k -L -N -O -p -r -s -S -u -w -x -nt -ot -ef', text: '-n -z -t -eq -ne -lt -le -gt -ge' }, operands: ['text'], derive: comparedTimes }],
  ['realpath', { flags: '-e -m -L -P -q -s -z --canonicalize-existing --canonicalize-missing --logical --physical --quiet --strip --no-symlinks --zero', values: { read: '--relative-to --relative-base' }, operands: ['read'], fed: 0 }],
  ['readlink', { flags: '-f -e -m -n -q -s -v -z --canonicalize --canonicalize-existing --canonicalize-missing --no-newline', operands: ['read'], fed: 0 }],
  ['du', { flags: '-a -b -c -D -h -H -k -l -m -P -s -S -x -0 --all --apparent-size --bytes --total --human-readable --summarize --separate-dirs --one-file-system --null --inodes --si', follows: '-L --dereference', values: { number: '-d --max-depth -t --threshold', text: '-B --block-size --exclude', read: '-X --exclude-from' }, optional: { text: '--time --time-style' }, operands: ['read'], fed: 0 }],
  ['df', { flags: '-a -h -H -i -k -l -m -P -T -x --all --human-readable --si --inodes --local --portability --print-type --total', values: { text: '-B --block-size -t --type' }, optional: { text: '--output' }, operands: ['read'] }],
  ['free', { flags: '-b -k -m -g -h -l -t -w --human --lohi --total --wide' }],
  ['tree', { apart: true, unsureDashes: true, follows: '-l', flags: '-a -d -f -i -x -q -N -Q -p -u -g -s -h -D -F -r -t -c -U -v -J -X -C -n -S -A --dirsfirst --filesfirst --du --prune --gitignore --noreport --si --inodes --device --matchdirs --ignore-case', values: { number: '-L --filelimit', text: '-P -I --charset --timefmt' }, optional: { text: '--sort' }, operands: ['read'] }],
  ['fold', { flags: '-b -c -s --bytes --spaces', values: { number: '-w --width' }, operands: ['read'], digits: true, fed: 0 }],
  ['fmt', { flags: '-c -s -t -u', values: { number: '-w -g --width --goal', text: '--prefix', read: '-p' }, operands: ['read'], digits: true, fed: 0 }],
  ['expand', { flags: '-i --initial', values: { text: '-t --tabs' }, operands: ['read'] }],
  ['unexpand', { flags: '-a --all --first-only', values: { text: '-t --tabs' }, operands: ['read'] }],
  ['paste', { flags: '-s -z --serial --zero-terminated', values: { text: '-d --delimiters' }, operands: ['read'], fed: 0 }],
  ['join', { flags: '-i -z --ignore-case --check-order --nocheck-order --header', values: { text: '-a -e -o -t -v -1 -2 -j' }, operands: ['read'] }],
  ['tsort', { operands: ['read'] }],
  ['column', { flags: '-t -x -n -e -J -L --table --fillrows --json', values: { text: '-s -o -N -H -R -W -E --separator --output-separator --table-columns --table-right --table-hide', number: '-c --output-width' }, operands: ['read'] }],
  ['od', { flags: '-a -b -c -d -f -i -l -o -s -v -x --output-duplicates --traditional', values: { text: '-A -t --address-radix --format', number: '-j -N -S --skip-bytes --read-bytes' }, optional: { text: '-w --width' }, operands: ['read'] }],
  ['hexdump', { flags: '-b -c -C -d -o -v -x -X --canonical --no-squeezing', values: { text: '-e', number: '-n -s --length --skip' }, operands: ['read'] }],
  // xxd reads no clusters, and only options before its file: what follows the file is where it writes.
  ['xxd', { singleDash: true, stopAtOperand: true, flags: '-a -b -C -e -E -i -p -ps -plain -u', values: { number: '-c -g -l -s -o -cols -len -seek' }, operands: ['read'], most: 1 }],
  ['strings', { flags: '-a -f -w --all --print-file-name', values: { number: '-n --bytes', text: '-t --radix -e --encoding' }, operands: ['read'], digits: true, check: withoutResponseFile }],
  ...['md5sum', 'sha1sum', 'sha224sum', 'sha256sum', 'sha384sum', 'sha512sum', 'b2sum', 'cksum', 'sum', 'shasum', 'md5'].map((name): readonly [string, ArgumentRule] => [name, { flags: '-b -t -z -r -s -q --binary --text --tag --zero', values: { number: '-l --length', name: '-a --algorithm' }, operands: ['read'], fed: 0 }]),
  ...['base64', 'base32'].map((name): readonly [string, ArgumentRule] => [name, { flags: '-d -D -i --decode --ignore-garbage', values: { number: '-w --wrap' }, operands: ['read'], most: 1 }]),
  ['numfmt', { flags: '--grouping -z', values: { text: '-d --from --to --format --suffix --field --round --padding' }, optional: { text: '--header' }, operands: ['text'] }],
  ['gofmt', { singleDash: true, flags: '-l -d -s -e', operands: ['read'], least: 1 }],
  ['printenv', { flags: '-0 --null', operands: ['name'] }],
  ['ps', { flags: '-e -A -a -f -l -x -j -H --forest --no-headers', values: { number: '-p --pid --ppid', text: '-o --format -C --sort', name: '-u -U' }, operands: ['text'], check: plainPs }],
  ['pgrep', { flags: '-a -l -f -x -n -o -c -v', values: { name: '-u -U', number: '-P' }, operands: ['text'] }],
  ['ag', { flags: '-i -l -L -n -s -S -v -w -Q -c -a -u --hidden --nocolor --ignore-case --files-with-matches --literal --count --line-numbers', values: { number: '-A -B -C -m --depth', text: '-G --ignore' }, operands: ['text', 'read'], least: 1, fed: 1 }],
];

/** The readers by name. */
export const readers = table.map(([name, rule]): readonly [string, ArgumentRule] => [name, permuting.has(name) ? rule : { ...rule, mayStop: true }]);

const recursive = ['-r', '--recursive'];

/** Inside folders diff opens what links lead to, unless it is told not to. */
function keepsLinks(seen: Seen): string | undefined {
  const recurses = recursive.some((name) => hasOption(seen, name));
  return recurses && !hasOption(seen, '--no-dereference') ? 'in folders it follows links, which may lead out of the project; with --no-dereference it need not ask' : undefined;
}

/** Two folders are compared file by file even without `-r`. */
function comparedFiles(seen: Seen): readonly Typed[] {
  const further = seen.options.flatMap(({ name, value }) => (value !== undefined && /^--(from|to)-file$/.test(name) ? [value] : []));
  return hasOption(seen, '--no-dereference') ? [] : [...seen.operands, ...further].map((text) => ({ kind: 'file', text }));
}

/** Before `-nt`, `-ot` and `-ef` stands a file as well. */
function comparedTimes(seen: Seen): readonly Typed[] {
  const compares = ['-nt', '-ot', '-ef'].some((name) => hasOption(seen, name));
  return compares ? seen.operands.map((text) => ({ kind: 'read', text })) : [];
}

/** The tools of binutils read further arguments from `@file`. */
function withoutResponseFile(seen: Seen): string | undefined {
  const all = [...seen.operands, ...seen.options.map((option) => option.value ?? '')];
  return all.some((text) => text.startsWith('@')) ? 'with "@" it reads further arguments from a file' : undefined;
}

/** An operand of `date` without `+` sets the clock. */
function onlyFormat(seen: Seen): string | undefined {
  return seen.operands.every((text) => text.startsWith('+')) ? undefined : 'an argument without "+" sets the clock';
}

/** The old spelling of ps: letters without a dash. `e` there shows the environment of every process. */
function plainPs(seen: Seen): string | undefined {
  if (seen.options.some((option) => /environ/i.test(option.value ?? ''))) return 'it can show the environment of other processes';
  return seen.operands.every((text) => /^(a|x|u|ax|aux|axu|auxf|axf|au|ux|[0-9]+)$/.test(text)) ? undefined : 'these letters can show the environment of other processes';
}

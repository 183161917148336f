import type { ArgumentRule } from './rule';

/** Programs that search files. Each of them has options that run other programs; none of those is listed here. */

const grep: ArgumentRule = {
  flags: '-E -F -G -P -i -y -v -w -x -c -l -L -q -s -b -H -h -n -o -T -Z -z -a -I -r -U --extended-regexp --fixed-strings --basic-regexp --perl-regexp --ignore-case --no-ignore-case --invert-match --word-regexp --line-regexp --count --files-with-matches --files-without-match --quiet --silent --no-messages --byte-offset --with-filename --no-filename --line-number --only-matching --initial-tab --null --null-data --text --recursive --line-buffered --binary --version --help',
  values: { text: '-e --regexp --include --exclude --exclude-dir --label -d --directories -D --devices --binary-files', read: '-f --file --exclude-from', number: '-A -B -C -m --after-context --before-context --max-count' },
  // On macOS and FreeBSD the value of --context can only be joined, and the next word is the pattern.
  optional: { text: '--color --colour' },
  joined: { number: '--context' },
  operands: ['text', 'read'],
  replaceFirst: '-e --regexp -f --file',
  follows: '-R --dereference-recursive',
  least: 1,
  digits: true,
  fed: 1,
};

const ripgrep: ArgumentRule = {
  flags: '-a -b -c -F -h -H -i -I -l -n -N -o -p -P -q -s -S -u -U -v -V -w -x -0 -. --text --byte-offset --count --count-matches --fixed-strings --files --files-with-matches --files-without-match --heading --no-heading --hidden --ignore-case --case-sensitive --smart-case --invert-match --json --line-number --no-line-number --line-regexp --word-regexp --only-matching --multiline --multiline-dotall --no-config --no-filename --with-filename --no-ignore --no-ignore-vcs --no-ignore-parent --no-ignore-dot --no-ignore-global --no-messages --null --null-data --one-file-system --passthru --pcre2 --pretty --quiet --stats --trim --type-list --unrestricted --vimgrep --column --crlf --binary --line-buffered --block-buffered --no-hidden --no-unicode --glob-case-insensitive --help --version --sort-files',
  values: {
    text: '-e --regexp -g --glob --iglob -t --type -T --type-not -r --replace -E --encoding --colors --color --context-separator --sort --sortr --field-match-separator --path-separator --max-filesize --type-add --type-clear',
    number: '-A -B -C -m -d -j -M --after-context --before-context --context --max-count --max-depth --maxdepth --threads --max-columns',
    read: '-f --file --ignore-file',
  },
  operands: ['text', 'read'],
  replaceFirst: '-e --regexp -f --file --files --type-list',
  follows: '-L --follow',
  fed: 1,
};

const fd: ArgumentRule = {
  flags: '-H -I -u -s -i -g -F -a -p -0 -1 -q -h -V --hidden --no-ignore --no-ignore-vcs --unrestricted --case-sensitive --ignore-case --glob --regex --fixed-strings --absolute-path --relative-path --full-path --print0 --prune --quiet --one-file-system --show-errors --help --version',
  values: { text: '-t --type -e --extension -E --exclude -c --color -S --size --changed-within --changed-before --changed-after --path-separator --and', number: '-d --max-depth --min-depth --exact-depth -j --threads --max-results', read: '--ignore-file --base-directory --search-path' },
  follows: '-L --follow',
  operands: ['text', 'read'],
};

const find: ArgumentRule = {
  singleDash: true,
  follows: '-L -follow',
  flags: '-H -P -O0 -O1 -O2 -O3 -depth -d -mount -xdev -noleaf -warn -nowarn -daystart -ignore_readdir_race -noignore_readdir_race -empty -executable -readable -writable -false -true -nogroup -nouser -print -print0 -ls -prune -quit -a -o -and -or -not -version --version -help --help',
  values: {
    text: '-newerat -newerBt -newerct -newermt -name -iname -path -ipath -wholename -iwholename -regex -iregex -lname -ilname -type -xtype -perm -size -user -group -regextype -fstype -printf -context -flags',
    number: '-maxdepth -mindepth -mtime -atime -ctime -mmin -amin -cmin -inum -links -uid -gid -used',
    read: '-newer -anewer -cnewer -samefile -neweraa -neweraB -newerac -neweram -newerBa -newerBB -newerBc -newerBm -newerca -newercB -newercc -newercm -newerma -newermB -newermc -newermm',
  },
  words: '! ( ) ,',
  operands: ['read'],
};

/** The searchers by name. */
export const searchers: readonly (readonly [string, ArgumentRule])[] = [
  ['grep', grep],
  ['egrep', grep],
  ['fgrep', grep],
  ['rg', ripgrep],
  ['fd', fd],
  ['fdfind', fd],
  ['find', find],
];

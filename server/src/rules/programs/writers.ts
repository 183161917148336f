import type { ArgumentRule, Seen } from './rule';

/** Programs whose own work is to change files: silent inside the project, one place at a time; control files and folders as a whole ask. */

const copy: ArgumentRule = {
  flags: '-i -n -p -v -a -r -R -d -L -P -H -f -u --interactive --no-clobber --verbose --archive --recursive --force --update --no-dereference --dereference --version --help',
  values: { text: '--preserve', write: '-t --target-directory' },
  operands: ['read'],
  last: 'write',
  least: 2,
};

/** The writers by name. */
export const writers: readonly (readonly [string, ArgumentRule])[] = [
  ['cp', { ...copy, check: copiesPlainly }],
  ['mv', { flags: '-i -n -v -f -u --interactive --no-clobber --verbose --force --update --version --help', values: { write: '-t --target-directory' }, operands: ['write'], least: 2, check: copiesPlainly }],
  ['ln', { flags: '-s -f -n -v -r --symbolic --force --no-dereference --verbose --relative --version --help', operands: ['write'], least: 2, most: 2 }],
  ['mkdir', { flags: '-p -v --parents --verbose --version --help', values: { text: '-m --mode' }, operands: ['write'] }],
  ['rmdir', { flags: '-p -v --parents --verbose --ignore-fail-on-non-empty --version --help', operands: ['write'] }],
  ['touch', { flags: '-a -c -m -h --no-create --no-dereference --version --help', values: { text: '-d -t --date --time', read: '-r --reference' }, operands: ['write'] }],
  ['rm', { flags: '-f -i -I -v -d --force --interactive --verbose --dir --version --help', operands: ['write'] }],
  ['unlink', { operands: ['write'], most: 1 }],
  ['truncate', { flags: '-c -o --no-create --io-blocks', values: { text: '-s --size', read: '-r --reference' }, operands: ['write'] }],
  ['chmod', { flags: '-v -c -f --verbose --changes --silent --quiet', operands: ['text', 'write'], least: 2, check: ordinaryMode }],
  ['tee', { flags: '-a -i -p --append --ignore-interrupts --version --help', operands: ['write'] }],
  ['split', { flags: '-d -x -e -u --numeric-suffixes --hex-suffixes --elide-empty-files --verbose', values: { text: '-b -C --bytes --line-bytes --additional-suffix -n --number -t --separator', number: '-a -l --suffix-length --lines' }, operands: ['read', 'write'] , most: 2 }],
  ['mktemp', { flags: '-d -u -q --directory --dry-run --quiet', operands: ['write'] }],
  ['dd', { operands: ['text'], check: plainDd }],
  ['tar', { flags: '-t -c -v -z -j -J -a -h --list --create --verbose --gzip --bzip2 --xz --auto-compress --dereference --no-recursion --version --help', values: { write: '-f --file', text: '--exclude' }, operands: ['read'], check: plainTar }],
  ['zipinfo', { flags: '-1 -s -m -l -v -h -t', operands: ['read'], most: 1 }],
  ['unzip', { flags: '-l -v -t -Z -p -q', operands: ['read', 'text'], needs: '-l -v -t -Z -p' }],
  ...['gzip', 'bzip2', 'xz', 'zstd'].map((name): readonly [string, ArgumentRule] => [name, { flags: '-c -d -t -l -k -f -q -v -1 -2 -3 -4 -5 -6 -7 -8 -9 --stdout --decompress --test --list --keep --version --help', operands: ['write'] }]),
  ...['gunzip', 'bunzip2', 'unxz', 'unzstd'].map((name): readonly [string, ArgumentRule] => [name, { flags: '-c -t -l -k -q -v --stdout --test --list --keep', operands: ['write'] }]),
];

/** Copying a folder's content (`x/.`) merges into what is there, hooks and settings included. */
function copiesPlainly(seen: Seen): string | undefined {
  const sources = seen.operands.slice(0, -1);
  return sources.some((path) => /(^|[\\/])\.{1,2}[\\/]*$/.test(path)) ? 'a folder would be merged into another, with everything in it' : undefined;
}

/** Mode bits that give a program another user's rights ask. */
function ordinaryMode(seen: Seen): string | undefined {
  const mode = seen.operands[0] ?? '';
  return /^(0?[0-7]{3}|[ugoa]*[-+=][rwxX]*(,[ugoa]*[-+=][rwxX]*)*)$/.test(mode) ? undefined : 'the mode is not an ordinary one';
}

/** The operands of dd that only say how; `if` and `of` are judged as paths by the caller. */
function plainDd(seen: Seen): string | undefined {
  const odd = seen.operands.find((text) => !/^(if|of|bs|ibs|obs|count|skip|seek|conv|status|iflag|oflag)=/.test(text));
  return odd === undefined ? undefined : `"${odd.slice(0, 60)}" is not known to be harmless`;
}

/** Listing and packing only. An archive name with a colon is a machine that tar would log in to. */
function plainTar(seen: Seen): string | undefined {
  const modes = seen.options.filter((option) => ['-t', '-c', '--list', '--create'].includes(option.name));
  if (modes.length !== 1) return 'only listing (-t) and packing (-c) are known to be harmless';
  const archive = seen.options.find((option) => option.name === '-f' || option.name === '--file')?.value;
  if (archive === undefined) return 'without -f it uses a device or standard output';
  return archive.includes(':') ? 'an archive name with ":" is another machine' : undefined;
}

/** The old spelling of tar, letters without a dash, in the new one: `tzf a.tgz` is `-tzf a.tgz`. */
export function dashedTar(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  return first !== undefined && /^[a-zA-Z]*f$/.test(first) ? [`-${first}`, ...rest] : args;
}

/** The paths that dd reads and writes. */
export function ddPaths(args: readonly string[]): readonly Readonly<{ kind: 'read' | 'write'; text: string }>[] {
  const starting = (prefix: string, kind: 'read' | 'write') => args.filter((text) => text.startsWith(prefix)).map((text) => ({ kind, text: text.slice(prefix.length) }));
  return [...starting('if=', 'read'), ...starting('of=', 'write')];
}

/** Where copying really lands when the last operand is a folder: each source's name below it. */
export function landings(args: readonly string[]): readonly string[] {
  const operands = args.filter((text) => !text.startsWith('-'));
  const target = operands.at(-1);
  if (target === undefined) return [];
  return operands.slice(0, -1).map((source) => `${target}/${source.split(/[\\/]/).filter((name) => name !== '').at(-1) ?? ''}`);
}

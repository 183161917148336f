import { innerControlNames } from '../controlNames';
import { hasOption, type ArgumentRule, type Seen, type Typed } from './rule';

/** Programs whose own work is to change files: silent inside the project, one place at a time; control files and folders as a whole ask. */

const copy: ArgumentRule = {
  flags: '-i -n -p -v -a -r -R -d -P -f -u --interactive --no-clobber --verbose --archive --recursive --force --update --no-dereference --version --help',
  values: { write: '-t --target-directory' },
  // The value of --preserve is only ever joined: the next word is a file to copy.
  optional: { text: '--preserve --update' },
  follows: '-L -H --dereference',
  operands: ['read'],
  last: 'write',
  least: 2,
};

/** The writers by name. */
export const writers: readonly (readonly [string, ArgumentRule])[] = [
  ['cp', { ...copy, check: copiesPlainly, derive: (seen) => [...landings(seen), ...(recursive.some((name) => hasOption(seen, name)) ? copiedFolders(seen) : keepsLinks.some((name) => hasOption(seen, name)) ? carried(seen) : [])] }],
  ['mv', { changesNames: true, flags: '-i -n -v -f -u --interactive --no-clobber --verbose --force --update --version --help', values: { write: '-t --target-directory' }, operands: ['write'], least: 2, check: copiesPlainly, derive: (seen) => [...landings(seen), ...pipelineFolders(seen), ...carried(seen)] }],
  ['ln', { changesNames: true, flags: '-s -f -n -v -r --symbolic --force --no-dereference --verbose --relative --version --help', operands: ['write'], least: 2, most: 2, check: straightTarget, derive: linkPaths }],
  ['mkdir', { changesNames: true, flags: '-p -v --parents --verbose --version --help', values: { text: '-m --mode' }, operands: ['write'], check: (seen) => seen.options.map(({ name, value }) => (name === '-m' || name === '--mode' ? modeFlaw(value ?? '') : undefined)).find((flaw) => flaw !== undefined) }],
  ['rmdir', { changesNames: true, flags: '-p -v --parents --verbose --ignore-fail-on-non-empty --version --help', operands: ['write'] }],
  ['touch', { flags: '-a -c -m -h --no-create --no-dereference --version --help', values: { text: '-d -t --date --time', read: '-r --reference' }, operands: ['write'] }],
  ['rm', { changesNames: true, flags: '-f -i -I -v -d --force --interactive --verbose --dir --version --help', operands: ['write'] }],
  ['unlink', { changesNames: true, operands: ['write'], most: 1 }],
  ['truncate', { flags: '-c -o --no-create --io-blocks', values: { text: '-s --size', read: '-r --reference' }, operands: ['write'] }],
  ['chmod', { flags: '-v -c -f --verbose --changes --silent --quiet', operands: ['text', 'write'], least: 2, check: ordinaryMode }],
  ['tee', { flags: '-a -i -p --append --ignore-interrupts --version --help', operands: ['write'] }],
  ['mktemp', { flags: '-d -u -q --directory --dry-run --quiet', operands: ['write'] }],
  ['dd', { operands: ['text'], check: plainDd, derive: ddPaths }],
  ['tar', { flags: '-t -c -v -z -j -J -a --list --create --verbose --gzip --bzip2 --xz --auto-compress --no-recursion --version --help', follows: '-h --dereference', values: { write: '-f --file', text: '--exclude' }, operands: ['read'], check: plainTar }],
  ['zipinfo', { unsureDashes: true, flags: '-1 -s -m -l -v -h -t', operands: ['read'], most: 1, derive: zipped }],
  // Options after the archive are names of members, so that it would unpack.
  ['unzip', { unsureDashes: true, flags: '-l -v -t -Z -p -q', operands: ['read', 'text'], stopAtOperand: true, needs: '-l -v -t -Z -p', derive: zipped }],
  ...['gzip', 'bzip2', 'xz'].map((name): readonly [string, ArgumentRule] => [name, { flags: '-c -d -t -l -k -f -q -v -1 -2 -3 -4 -5 -6 -7 -8 -9 --stdout --decompress --test --list --keep --version --help', operands: ['write'], derive: unpacked }]),
  ...['gunzip', 'bunzip2', 'unxz'].map((name): readonly [string, ArgumentRule] => [name, { flags: '-c -t -l -k -q -v --stdout --test --list --keep', operands: ['write'], derive: unpacked }]),
  // Unlike the ones above it writes through a link that waits under the new name.
  ...['zstd', 'unzstd'].map((name): readonly [string, ArgumentRule] => [name, { flags: '-c -d -t -l -k -q -v -1 -2 -3 -4 -5 -6 -7 -8 -9 --stdout --decompress --test --list --keep --version --help', operands: ['read'], needs: '-c -t -l --stdout --test --list --version --help', check: (seen) => (seen.operands.length > 0 && !prints(seen) ? 'it unpacks all the same, since its last word counts' : undefined) }]),
];

const recursive = ['-r', '-R', '-a', '--recursive', '--archive'];
const keepsLinks = ['-P', '-d', '--no-dereference'];

/** Copying a folder's content (`x/.`) merges into what is there, hooks and settings included. */
function copiesPlainly(seen: Seen): string | undefined {
  const sources = seen.operands.slice(0, -1);
  return sources.some((path) => /(^|[\\/])\.{1,2}[\\/]*$/.test(path)) ? 'a folder would be merged into another, with everything in it' : undefined;
}

/** Mode bits that give a program another user's rights ask. */
function ordinaryMode(seen: Seen): string | undefined {
  return modeFlaw(seen.operands[0] ?? '');
}

function modeFlaw(mode: string): string | undefined {
  if (/^0?[0-7]{2}[2367]$/.test(mode) || /[oa][ugoa]*[-+=]*[+=][rxX]*w/.test(mode)) return 'everybody on this machine could write there';
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
  if (seen.operands.some((text) => text.startsWith('@'))) return 'with "@" it takes over what is in another archive';
  return archive.includes(':') ? 'an archive name with ":" is another machine' : undefined;
}

/**
 * The old spelling of tar, letters without a dash, in the new one: `tzf a.tgz` is `-tzf a.tgz`. A first word without a dash is always that,
 * whatever follows; where a letter before the last takes a value, the new spelling would give it another one, so that it is left unreadable.
 */
export function dashedTar(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  if (first === undefined || first.startsWith('-')) return args;
  return /^[ctvzjJa]*f?$/.test(first) ? [`-${first}`, ...rest] : ['--old-style', ...args];
}

/** The paths that dd reads and writes. */
function ddPaths(seen: Seen): readonly Typed[] {
  const starting = (prefix: string, kind: 'read' | 'write') => seen.operands.filter((text) => text.startsWith(prefix)).map((text): Typed => ({ kind, text: text.slice(prefix.length) }));
  return [...starting('if=', 'read'), ...starting('of=', 'write')];
}

/** What is copied or moved, and where to: the last operand, or the folder of `-t`. */
function journey(seen: Seen): Readonly<{ sources: readonly string[]; target: string }> {
  const named = seen.options.findLast((option) => option.name === '-t' || option.name === '--target-directory')?.value;
  return named === undefined ? { sources: seen.operands.slice(0, -1), target: seen.operands.at(-1) ?? '.' } : { sources: seen.operands, target: named };
}

/** Where copying really lands when the target is a folder: each source's name below it. */
function landings(seen: Seen): readonly Typed[] {
  const { sources, target } = journey(seen);
  return sources.map((source) => ({ kind: 'write', text: below(target, source) }));
}

function below(target: string, source: string): string {
  return `${target}/${source.split(/[\\/]/).filter((name) => name !== '').at(-1) ?? ''}`;
}

/**
 * A folder that merges into one that is there is written through every link in it. Where nothing is overwritten, what comes and what is there
 * may still be more together than each of them: `HEAD` beside `objects` and `refs` is a repository.
 */
function copiedFolders(seen: Seen): readonly Typed[] {
  return [...pipelineFolders(seen), ...carried(seen), ...landings(seen).map(({ text }): Typed => ({ kind: 'fresh', text }))];
}

/** What goes somewhere whole, links included. */
function carried(seen: Seen): readonly Typed[] {
  return journey(seen).sources.map((text): Typed => ({ kind: 'tree', text }));
}

/** A folder that arrives as `.github` brings its `workflows` along, and so does one that leaves. */
function pipelineFolders(seen: Seen): readonly Typed[] {
  const { sources, target } = journey(seen);
  return [...sources, target, ...landings(seen).map(({ text }) => text)].flatMap((text) => innerControlNames.map((inner): Typed => ({ kind: 'write', text: `${text}/${inner}` })));
}

/** A link is followed from where it lies, so its target must be inside from there too. */
function linkPaths(seen: Seen): readonly Typed[] {
  const [target = '', link = '.'] = seen.operands;
  const absolute = /^([\\/]|[A-Za-z]:)/.test(target);
  const led: readonly Typed[] = absolute ? [] : [`${link}/../${target}`, ...innerControlNames.map((inner) => `${link}/../${target}/${inner}`)].map((text) => ({ kind: 'write', text }));
  return [...led, ...landings(seen), ...pipelineFolders(seen)];
}

/** Behind a name `..` leads to wherever that name leads by then, and nobody judges the link again. */
function straightTarget(seen: Seen): string | undefined {
  const names = (seen.operands[0] ?? '').split(/[\\/]/).filter((name) => name !== '' && name !== '.');
  const firstName = names.findIndex((name) => name !== '..');
  return firstName >= 0 && names.lastIndexOf('..') > firstName ? 'where the link leads depends on what stands before ".."' : undefined;
}

/** Unpacking writes beside the archive, under its name without the ending; a name without an ending is completed. */
function unpacked(seen: Seen): readonly Typed[] {
  const kind = prints(seen) ? 'read' : 'write';
  const completed = seen.operands.flatMap((text) => completions.map((ending): Typed => ({ kind, text: text + ending })));
  return kind === 'read' ? completed : [...completed, ...seen.operands.map((text): Typed => ({ kind, text: text.replace(/[._-][A-Za-z0-9]+$/, '') }))];
}

/** Whether nothing is written. Testing and listing count only alone: of several modes most of these programs take the last one. */
function prints(seen: Seen): boolean {
  const any = (names: readonly string[]): boolean => names.some((name) => hasOption(seen, name));
  return any(['-c', '--stdout']) || (any(['-t', '-l', '--test', '--list']) && !any(['-d', '--decompress']));
}

/** Endings that programs try when there is no file of the name. */
const completions = ['.gz', '.z', '-gz', '-z', '_z', '.Z'] as const;

/** An archive may be named without its ending. */
function zipped(seen: Seen): readonly Typed[] {
  return seen.operands.slice(0, 1).flatMap((text) => ['.zip', '.ZIP'].map((ending): Typed => ({ kind: 'read', text: text + ending })));
}

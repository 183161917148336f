import { parse as parseJsonc, visit } from 'jsonc-parser';
import { realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { readSmallFile } from '../../base/smallFile';
import { isWithin } from './resolve';

/** Reads the files of a project that say what its programs do: scripts of packages, options of compilers. All text here is the agent's to write. */

/** Bytes of one such file; a longer one counts as unknown. */
const maxFile = 1024 * 1024;

/** Configurations that may extend each other in one project of a compiler. */
const maxExtended = 16;

/** Whether the nearest package.json, as package managers look for it but not above the project, has this script. */
export function scriptIn(folder: string, name: string, project: string): 'yes' | 'no' | 'unknown' {
  const file = nearest(folder, 'package.json', project);
  if (file === undefined) return 'no';
  try {
    const parsed: unknown = JSON.parse(readSmallFile(file, maxFile) ?? '');
    const scripts: unknown = typeof parsed === 'object' && parsed !== null && 'scripts' in parsed ? parsed.scripts : undefined;
    return typeof scripts === 'object' && scripts !== null && Object.hasOwn(scripts, name) ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}

/** The nearest file of a name at or above a folder, down from and including `top`. */
export function nearest(folder: string, name: string, top: string): string | undefined {
  for (let current = folder; isWithin(current, top); current = dirname(current)) {
    const file = join(current, name);
    if (isFile(file)) return file;
    if (current === dirname(current)) break;
  }
  return undefined;
}

/** Options of the TypeScript compiler that write files even where nothing is to be emitted, wherever the configuration says. */
const writingOptions: ReadonlySet<string> = new Set(['tsbuildinfofile', 'incremental', 'composite', 'generatetrace', 'generatecpuprofile']);

/**
 * Whether a configuration of the TypeScript compiler, with everything that it extends, leaves `--noEmit` writing nothing: `plain`, or
 * `writes` when it may write, or cannot be read to its end. `named` is the value of `--project`; without it the nearest one counts.
 */
export function compilerProject(folder: string, named: string, project: string): 'plain' | 'writes' {
  const path = named === '' ? nearest(folder, 'tsconfig.json', project) : join(isAbsolute(named) ? '/' : folder, named);
  if (path === undefined) return 'plain';
  const file = statOf(path)?.isDirectory() === true ? join(path, 'tsconfig.json') : path;
  return isPlain([file]) ? 'plain' : 'writes';
}

function isPlain(first: readonly string[]): boolean {
  const pending = [...first];
  for (let read = 0; read < maxExtended; read += 1) {
    const file = pending.pop();
    if (file === undefined) return true;
    const text = readSmallFile(file, maxFile);
    if (text === undefined || mayWrite(text)) return false;
    const extended = extendedBy(text).map((name) => foundFrom(file, name));
    if (extended.some((files) => files === undefined || files.length === 0)) return false;
    pending.push(...extended.flatMap((files) => files ?? []));
  }
  return false;
}

/** What the compiler would read in another way than this reader counts as well: flaws, and an `extends` that stands there twice. */
function mayWrite(text: string): boolean {
  const names: string[] = [];
  let flaws = 0;
  visit(text, { onObjectProperty: (name) => void names.push(name.toLowerCase()), onError: () => (flaws += 1) }, { allowTrailingComma: true });
  return flaws > 0 || names.some((name) => writingOptions.has(name)) || names.filter((name) => name === 'extends').length > 1;
}

function extendedBy(text: string): readonly string[] {
  const parsed: unknown = parseJsonc(text, [], { allowTrailingComma: true });
  const named: unknown = typeof parsed === 'object' && parsed !== null && 'extends' in parsed ? parsed.extends : [];
  return (Array.isArray(named) ? named : [named]).map(String);
}

/** Every file that the compiler may find for what a configuration extends; undefined where other files decide which one it takes. */
function foundFrom(file: string, name: string): readonly string[] | undefined {
  const beside = isAbsolute(name) || /^\.\.?\//.test(name);
  if (beside) return filesAmong([name, `${name}.json`].map((text) => join(isAbsolute(name) ? '/' : dirname(file), text)));
  // Anything else is a package, `.` and `..` included; `#` stands for what package.json says.
  if (name.startsWith('.') || name.startsWith('#')) return undefined;
  const places = foldersAbove(dirname(file)).map((folder) => join(folder, 'node_modules'));
  const ownPackage = foldersAbove(dirname(file)).map((folder) => join(folder, 'package.json')).find(isFile);
  const described = places.flatMap((place) => packageFiles(place, name));
  if (described.some((path) => redirects(path, name, false)) || (ownPackage !== undefined && redirects(ownPackage, name, true))) return undefined;
  // A package behind a link is read where it really lies.
  return filesAmong(places.flatMap((place) => [join(place, name), join(place, `${name}.json`), join(place, name, 'tsconfig.json')])).map((path) => realpathSync.native(path));
}

/** The descriptions of a package and of the folders in it that the name goes through. */
function packageFiles(place: string, name: string): readonly string[] {
  const parts = name.split('/');
  return filesAmong(parts.map((_, index) => join(place, ...parts.slice(0, index + 1), 'package.json')));
}

/** Members of a package's description that send the compiler to other files than the name says. */
const redirecting: ReadonlySet<string> = new Set(['tsconfig', 'exports', 'typesversions']);

/** Whether a description decides where a name leads. The package around a configuration does so only for its own name. */
function redirects(path: string, name: string, onlyOwn: boolean): boolean {
  const text = readSmallFile(path, maxFile);
  if (text === undefined) return true;
  const names: string[] = [];
  let flaws = 0;
  visit(text, { onObjectProperty: (member) => void names.push(member.toLowerCase()), onError: () => (flaws += 1) });
  if (flaws > 0) return true;
  const parsed: unknown = parseJsonc(text);
  const own: unknown = typeof parsed === 'object' && parsed !== null && 'name' in parsed ? parsed.name : undefined;
  const concerns = !onlyOwn || (typeof own === 'string' && (name === own || name.startsWith(`${own}/`)));
  return concerns && names.some((member) => redirecting.has(member));
}

function filesAmong(paths: readonly string[]): readonly string[] {
  return paths.filter(isFile);
}

function isFile(path: string): boolean {
  return statOf(path)?.isFile() === true;
}

/** A file where a folder should be makes looking fail even where nothing need be there. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function foldersAbove(folder: string): readonly string[] {
  return dirname(folder) === folder ? [folder] : [folder, ...foldersAbove(dirname(folder))];
}

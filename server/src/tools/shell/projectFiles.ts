import { parse as parseJsonc, visit } from 'jsonc-parser';
import { statSync } from 'node:fs';
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
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) return file;
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
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, 'tsconfig.json') : path;
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
    if (extended.includes(undefined)) return false;
    pending.push(...extended.flatMap((path) => path ?? []));
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

/** Where the compiler finds what a configuration extends: beside it, or in the packages around it. */
function foundFrom(file: string, name: string): string | undefined {
  const folders = isAbsolute(name) ? ['/'] : name.startsWith('.') ? [dirname(file)] : foldersAbove(dirname(file)).map((folder) => join(folder, 'node_modules'));
  const spellings = folders.flatMap((folder) => [join(folder, name), join(folder, `${name}.json`), join(folder, name, 'tsconfig.json')]);
  return spellings.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function foldersAbove(folder: string): readonly string[] {
  return dirname(folder) === folder ? [folder] : [folder, ...foldersAbove(dirname(folder))];
}

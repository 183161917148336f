import { readdirSync, type Dirent } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { loadsByName } from '../../rules/programText';
import { physical } from './facts';
import { isWithin } from './resolve';

/**
 * The files of a project that a program text may load by the names in it. How each language spells that (`import a.b`, `require("./b")`,
 * `use A::B`, `-mb`, `< b.sh`) is not asked: every word in the text is held against the names that lie in the folders it can mean.
 */

/** Different words of one command that are looked up; folders in which they are, entries of these, and files that are found. */
const most = { words: 400, folders: 12, entries: 20_000, files: 64 } as const;

/** Names without their endings that languages take for a folder. */
const ofFolders = /^(?:__init__|__main__|index|init|main|mod|package)(?:\.|$)/;

/** What a look found: absolute files in order; `whole` is false when there was more than could be looked at. */
export type Loadable = Readonly<{ files: readonly string[]; whole: boolean }>;

/** Looks up every name that these words could mean, from a folder. */
export function loadableFrom(words: readonly string[], folder: string, project: string): Loadable {
  const look = new Look(project);
  const names = [...new Set(words.flatMap(namesIn))];
  const start = physical(folder) ?? folder;
  const known = names.slice(0, most.words);
  const bases = [start, ...known.map((name) => join(start, name)).filter((path) => path !== start && look.isFolder(path))];
  for (const base of [...new Set(bases)].slice(0, most.folders)) for (const name of known) look.find(base, name);
  return { files: [...look.found].sort().slice(0, most.files), whole: look.whole && names.length <= most.words && bases.length <= most.folders && look.found.size <= most.files };
}

/** What the commands of a step can load by name; nothing where no program text is among them. One may hand the text to another. */
export function loadableBy(commands: readonly Readonly<{ argv: readonly [string, ...string[]]; folder: string }>[], project: string): Loadable {
  const [first] = commands;
  if (first === undefined || !commands.some(({ argv }) => loadsByName(argv))) return { files: [], whole: true };
  return loadableFrom(commands.flatMap(({ argv }) => argv.slice(1)), first.folder, project);
}

/** A word of a program may be a path, a path with dots or colons between its names, or all of that behind the letters of an option. */
function namesIn(word: string): readonly string[] {
  const pieces = word.split(/[^\p{L}\p{N}_./:+@-]+/u).flatMap((piece) => (/^-[A-Za-z]/.test(piece) ? [piece.slice(2), piece.replace(/^-[A-Za-z]+/, '')] : [piece]));
  return pieces.flatMap((piece) => {
    const path = piece.replace(/:+/g, '/').replace(/^[./]+(?=[^./])/, '').replace(/[./]+$/, '');
    return (path.includes('.') ? [path, path.replaceAll('.', '/')] : [path]).flatMap(withFolders);
  }).filter((name) => name !== '' && name.length < 512 && !name.split('/').includes('..'));
}

/** A path, and the folders on the way to it, which languages load as well. */
function withFolders(path: string): readonly string[] {
  const names = path.split('/');
  return [path, ...names.slice(0, 8).map((_, index) => names.slice(0, index + 1).join('/'))];
}

class Look {
  readonly found = new Set<string>();
  whole = true;
  private readonly folders = new Map<string, ReadonlyMap<string, readonly Dirent[]>>();
  private entries = 0;

  constructor(private readonly project: string) {}

  isFolder(path: string): boolean {
    return this.at(path).some((entry) => entry.name === basename(path) && !entry.isFile());
  }

  /** Files of that name, with whatever ending, what a folder of that name stands for, and what was translated from them before. */
  find(base: string, name: string): void {
    const path = join(base, name);
    for (const entry of this.at(path)) {
      const place = join(dirname(path), entry.name);
      if (entry.isDirectory() || entry.isSymbolicLink()) this.addAll(place, (inner) => ofFolders.test(inner));
      if (!entry.isDirectory()) this.found.add(place);
    }
    if (this.at(join(dirname(path), '__pycache__')).length > 0) this.addAll(join(dirname(path), '__pycache__'), (inner) => inner.startsWith(`${basename(path)}.`));
  }

  private addAll(folder: string, fits: (name: string) => boolean): void {
    for (const entries of this.list(folder).values()) for (const entry of entries) if (!entry.isDirectory() && fits(entry.name)) this.found.add(join(folder, entry.name));
  }

  /** What lies at a path, apart from endings. */
  private at(path: string): readonly Dirent[] {
    const last = basename(path);
    const stem = stemOf(last);
    return (this.list(dirname(path)).get(stem) ?? []).filter(({ name }) => name === last || name.startsWith(`${last}.`));
  }

  private list(folder: string): ReadonlyMap<string, readonly Dirent[]> {
    const known = this.folders.get(folder);
    if (known !== undefined) return known;
    const made = new Map<string, Dirent[]>();
    this.folders.set(folder, made);
    if (!isWithin(folder, this.project)) return made;
    if (this.folders.size > most.words * 4 || this.entries > most.entries) this.whole = false;
    else for (const entry of entriesOf(folder)) {
      this.entries += 1;
      const stem = stemOf(entry.name);
      made.set(stem, [...(made.get(stem) ?? []), entry]);
    }
    return made;
  }
}

/** Up to the first dot that is not the first letter. */
function stemOf(name: string): string {
  const dot = name.indexOf('.', 1);
  return dot < 0 ? name : name.slice(0, dot);
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

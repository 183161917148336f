import { lstatSync, opendirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { readFilePattern, type PatternPart } from '../../rules/filePattern';
import { hiddenCharacter } from '../../rules/commandLine';
import type { Expansion } from '../../rules/places';
import { isWithin, isWithinAsSpelt } from './resolve';

/** Looks up which files a pattern stands for: folder by folder, below the project only, into no folder through a link that a star found. */

/** Names that all patterns of one judgement may look at. */
export const maxLooked = 5000;

/** Names that one pattern may stand for. */
export const maxMatches = 256;

/** Where patterns may look, and how far. */
export type Ground = Readonly<{
  /** Absolute and resolved. */
  project: string;
  own: string;
  /** Where a name arrives when links are followed. */
  follow(folder: string, name: string): string | undefined;
  /** What is left of `maxLooked`; counted down. */
  budget: { left: number };
}>;

class Refused extends Error {}

/** The files that match, in the order of their names' code units; `folder` is absolute and resolved. */
export function expandPattern(folder: string, text: string, active: readonly number[], ground: Ground): Expansion {
  const pattern = readFilePattern(text, active);
  if ('refused' in pattern) return pattern;
  const found: Found = { names: [], onlyFolders: pattern.onlyFolders };
  try {
    descend({ folder, written: '.' }, pattern.parts, ground, found);
    return { names: found.names };
  } catch (error) {
    if (error instanceof Refused) return { refused: error.message };
    throw error;
  }
}

type Found = Readonly<{ names: string[]; onlyFolders: boolean }>;
type Here = Readonly<{ folder: string; written: string }>;

function descend(here: Here, parts: readonly PatternPart[], ground: Ground, found: Found): void {
  const [part, ...rest] = parts;
  if (part === undefined) return;
  if (!isWithin(here.folder, ground.project)) throw new Refused('it leads out of the project');
  if (isWithinAsSpelt(here.folder, ground.own)) throw new Refused("it leads into Conductor's own folder");
  if (part.kind === 'name') named(here, part.name, rest, ground, found);
  else if (part.kind === 'match') for (const entry of entriesOf(here.folder, ground)) matched(here, entry, part, rest, ground, found);
  else folders(here, rest, ground, found);
}

function named(here: Here, name: string, rest: readonly PatternPart[], ground: Ground, found: Found): void {
  const written = `${here.written}/${name}`;
  if (rest.length === 0) {
    const entry = lookAt(join(here.folder, name));
    if (entry !== undefined) add(written, entry, found);
    return;
  }
  const folder = ground.follow(here.folder, name);
  if (folder === undefined) throw new Refused('it leads through too many links');
  descend({ folder, written }, rest, ground, found);
}

function matched(here: Here, entry: Dirent, part: Extract<PatternPart, { kind: 'match' }>, rest: readonly PatternPart[], ground: Ground, found: Found): void {
  if (!part.matches(entry.name)) return;
  const written = `${here.written}/${entry.name}`;
  if (rest.length === 0) add(written, entry, found);
  else if (entry.isDirectory()) descend({ folder: join(here.folder, entry.name), written }, rest, ground, found);
}

/** `**`: this folder and every folder below it that a star would find. At the end of a pattern it stands for all that is in them. */
function folders(here: Here, rest: readonly PatternPart[], ground: Ground, found: Found): void {
  const further = rest.length === 0 ? [everything] : rest;
  descend(here, further, ground, found);
  for (const entry of entriesOf(here.folder, ground)) {
    if (entry.isDirectory() && !entry.name.startsWith('.')) folders({ folder: join(here.folder, entry.name), written: `${here.written}/${entry.name}` }, further, ground, found);
  }
}

const everything: PatternPart = { kind: 'match', matches: (name) => !name.startsWith('.') };

type Seen = Readonly<{ isDirectory(): boolean }>;

function add(written: string, entry: Seen, { names, onlyFolders }: Found): void {
  if (onlyFolders && !entry.isDirectory()) return;
  const flaw = hiddenCharacter(written);
  if (flaw !== undefined || written.includes('\uFFFD') || /[\n\t]/.test(written)) throw new Refused('it matches a name with characters that a person cannot see or tell apart');
  names.push(onlyFolders ? `${written}/` : written);
  if (names.length > maxMatches) throw new Refused(`it stands for more than ${maxMatches} names`);
}

function entriesOf(folder: string, ground: Ground): readonly Dirent[] {
  const entries: Dirent[] = [];
  let reader;
  try {
    reader = opendirSync(folder);
  } catch {
    // What is no folder, or cannot be read, holds no match.
    return entries;
  }
  try {
    for (let entry = reader.readSync(); entry !== null; entry = reader.readSync()) {
      ground.budget.left -= 1;
      if (ground.budget.left < 0) throw new Refused(`more than ${maxLooked} names would have to be looked at`);
      entries.push(entry);
    }
  } finally {
    reader.closeSync();
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function lookAt(path: string): Seen | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

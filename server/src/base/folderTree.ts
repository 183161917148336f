import { rmdirSync, unlinkSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { codeOf } from './descriptorWalk';
import type { Pace } from './pace';
import { sameObject, systemPins, type Identity, type Pin, type Pins } from './pin';

/** Looking through and removing what a held folder holds. Links are listed, never followed. */

/** One thing in a folder. `parent` and `pin` are held only until the next one is asked for. */
export type Entry = Readonly<{ segments: readonly string[]; parent: Pin; pin: Pin }>;

/** How to go through a tree. */
export type Tour = Readonly<{
  /** Whether to go into this folder. */
  enter(segments: readonly string[]): boolean;
  /** Folders that are never entered, and never yielded. */
  avoid: readonly Identity[];
  pace: Pace;
}>;

/** Names read from one folder at most; a folder with more is cut and reported through `onSkip`. */
export const maxNamesPerFolder = 20_000;

/** Folders inside folders, at most; each level holds a descriptor. */
export const maxDepth = 256;

/** Why something was left out of a tour. */
export type Skip = 'unreadable' | 'avoided' | 'tooManyNames' | 'tooDeep';

/** Told of everything that a tour leaves out. */
export type OnSkip = (why: Skip, segments: readonly string[]) => void;

/** Yields everything below a held folder, each folder before its content, names in byte order. */
export async function* tour(folder: Pin, plan: Tour, onSkip: OnSkip, pins: Pins = systemPins, above: readonly string[] = []): AsyncGenerator<Entry, void, undefined> {
  for (const name of await namesIn(folder, above, plan, onSkip)) {
    if (plan.pace.due()) await plan.pace.rest();
    const segments = [...above, name];
    const pin = tryPin(folder, name, pins);
    // Gone since the folder was read.
    if (pin === undefined) continue;
    try {
      if (plan.avoid.some((identity) => sameObject(identity, pin.stat))) onSkip('avoided', segments);
      else {
        yield { segments, parent: folder, pin };
        if (!pin.stat.isDirectory() || !plan.enter(segments)) continue;
        if (segments.length >= maxDepth) onSkip('tooDeep', segments);
        else yield* tour(pin, plan, onSkip, pins, segments);
      }
    } finally {
      pin.close();
    }
  }
}

/** How a removal ended; anything but `done` stopped it where it was. `avoided`: it met a folder that must stay. */
export type Removed = Readonly<{ kind: 'done' | 'avoided' | 'changed' | 'tooDeep'; files: number; folders: number }>;

/**
 * Removes one thing from a held folder, a folder with all that it holds. A link is removed, never what it leads to.
 * `changed` at once when the name leads to another object than `expected`. Throws the system's error.
 */
export async function removeTree(parent: Pin, name: string, expected: Identity, avoid: readonly Identity[], pace: Pace, pins: Pins = systemPins): Promise<Removed> {
  const count = { files: 0, folders: 0 };
  const now = tryPin(parent, name, pins);
  now?.close();
  if (now === undefined || !sameObject(now.stat, expected)) return { kind: 'changed', ...count };
  const kind = await removeOne(parent, name, { avoid, pace, pins, count }, 0);
  return { kind, ...count };
}

type Removal = Readonly<{ avoid: readonly Identity[]; pace: Pace; pins: Pins; count: { files: number; folders: number } }>;

async function removeOne(parent: Pin, name: string, removal: Removal, depth: number): Promise<Removed['kind']> {
  if (removal.pace.due()) await removal.pace.rest();
  const pin = tryPin(parent, name, removal.pins);
  // Somebody else removed it first, which is what was wanted.
  if (pin === undefined) return 'done';
  try {
    if (removal.avoid.some((identity) => sameObject(identity, pin.stat))) return 'avoided';
    if (!pin.stat.isDirectory()) return removeName(parent, name, removal);
    if (depth >= maxDepth) return 'tooDeep';
    const emptied = await empty(pin, removal, depth);
    if (emptied !== 'done') return emptied;
    if (!parent.holds()) return 'changed';
    rmdirSync(parent.at(name));
    removal.count.folders += 1;
    return 'done';
  } finally {
    pin.close();
  }
}

function removeName(parent: Pin, name: string, removal: Removal): Removed['kind'] {
  if (!parent.holds()) return 'changed';
  unlinkSync(parent.at(name));
  removal.count.files += 1;
  return 'done';
}

async function empty(folder: Pin, removal: Removal, depth: number): Promise<Removed['kind']> {
  for (;;) {
    const { names, more } = await readNames(folder, removal.pace);
    for (const name of names) {
      const kind = await removeOne(folder, name, removal, depth + 1);
      if (kind !== 'done') return kind;
    }
    if (!more) return 'done';
  }
}

async function namesIn(folder: Pin, above: readonly string[], plan: Tour, onSkip: OnSkip): Promise<readonly string[]> {
  try {
    const { names, more } = await readNames(folder, plan.pace);
    if (more) onSkip('tooManyNames', above);
    return names.sort();
  } catch (error) {
    if (codeOf(error) === 'UNKNOWN') throw error;
    onSkip('unreadable', above);
    return [];
  }
}

async function readNames(folder: Pin, pace: Pace): Promise<{ names: string[]; more: boolean }> {
  const names: string[] = [];
  if (!folder.holds()) throw Object.assign(new Error('The folder was swapped while it was being read.'), { code: 'ESTALE' });
  const handle = await opendir(folder.path, { bufferSize: 512 });
  try {
    for (let entry = await handle.read(); entry !== null; entry = await handle.read()) {
      if (names.length === maxNamesPerFolder) return { names, more: true };
      names.push(entry.name);
      if (pace.due()) await pace.rest();
    }
    return { names, more: false };
  } finally {
    await handle.close();
  }
}

function tryPin(folder: Pin, name: string, pins: Pins): Pin | undefined {
  try {
    return pins.child(folder, name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

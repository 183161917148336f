import { tour } from '../../base/folderTree';
import { readSlice } from '../../base/heldFile';
import { createPace } from '../../base/pace';
import type { Pin } from '../../base/pin';
import { createFinder, type Finder } from './finder';
import { IgnoreRules } from './ignored';
import { Left } from './left';
import type { Match } from './needle';
import type { Pattern } from './pattern';
import { closePlace, type FoundPlace, type Places } from './places';
import type { PrepareContext } from '../tool';

/** Looks through files that are held one by one. */

/** Files larger than this many bytes are left out, and counted. */
export const maxSearchedBytes = 4 * 1_048_576;

/** Milliseconds after which a search answers with what it has. */
export const maxDuration = 20_000;

/** One search. */
export type Search = Readonly<{ places: Places; context: PrepareContext; place: FoundPlace; pattern: Pattern; fits(segments: readonly string[]): boolean; limit: number; gitignore: boolean; signal: AbortSignal }>;

/** What was found so far, and what was left out. `end` says why no more was looked at. */
export type Tally = { matches: (Match & Readonly<{ path: string }>)[]; files: number; binary: number; large: number; shared: number; slow: number; ignored: boolean; end: 'all' | 'limit' | 'time' };

/** Nothing yet. */
export function emptyTally(): Tally {
  return { matches: [], files: 0, binary: 0, large: 0, shared: 0, slow: 0, ignored: false, end: 'all' };
}

/** Whether a file has further names. */
export function isShared(pin: Pin): boolean {
  return pin.stat.isFile() && pin.stat.nlink > 1n;
}

/** Package stores link every file twice or more. */
export function mayHoldShared(place: FoundPlace): boolean {
  return place.names.every((names) => names.includes('node_modules'));
}

/** Searches a file, or everything below a folder, name by name. */
export async function lookThrough(search: Search, tally: Tally, left: Left): Promise<void> {
  const finder = createFinder(search.pattern);
  try {
    if (search.place.target.stat.isFile()) await look(search, search.place.target, search.place.path, finder, tally);
    else await lookAround(search, finder, tally, left);
  } finally {
    await finder.close();
  }
}

async function lookAround(search: Search, finder: Finder, tally: Tally, left: Left): Promise<void> {
  const { place, places, signal } = search;
  const began = performance.now();
  const rules = search.gitignore ? await rulesAbove(search) : undefined;
  const base = segmentsOf(place);
  const enter = (segments: readonly string[]): boolean => !left.isClosed(segments) && rules?.isIgnored([...base, ...segments], true) !== true;
  for await (const { segments, parent, pin } of tour(place.target, { enter, avoid: place.avoid, pace: createPace(signal) }, left.add, places.pins)) {
    if (performance.now() - began > maxDuration) tally.end = 'time';
    if (tally.end !== 'all') return;
    if (!pin.stat.isFile() || !search.fits(segments)) continue;
    await rules?.enter(parent, [...base, ...segments.slice(0, -1)]);
    if (rules?.isIgnored([...base, ...segments], false) === true) tally.ignored = true;
    else if (isShared(pin) && !mayHoldShared(place)) tally.shared += 1;
    else await look(search, pin, pathOf(place, segments), finder, tally);
  }
}

async function look(search: Search, pin: Pin, path: string, finder: Finder, tally: Tally): Promise<void> {
  const bytes = await contentOf(search.places, pin, tally);
  if (bytes === undefined) return;
  tally.files += 1;
  if (isBinary(bytes)) {
    tally.binary += 1;
    return;
  }
  const found = await finder.find(bytes, search.limit - tally.matches.length + 1);
  if (found === 'tooLong') tally.slow += 1;
  else take(search, tally, path, found);
}

/** Adds matches up to the limit. */
export function take(search: Search, tally: Tally, path: string, found: readonly Match[]): void {
  const room = search.limit - tally.matches.length;
  tally.matches.push(...found.slice(0, room).map((match) => ({ path, ...match })));
  if (found.length > room) tally.end = 'limit';
}

/** The bytes of a file; one that may not be read, or that vanished, is no reason to end the search. */
export async function contentOf(places: Places, pin: Pin, tally: Tally): Promise<Buffer | undefined> {
  if (pin.stat.size > BigInt(maxSearchedBytes)) {
    tally.large += 1;
    return undefined;
  }
  try {
    return (await readSlice(pin, 0, maxSearchedBytes, places.pins))?.bytes;
  } catch {
    return undefined;
  }
}

/** Whether the beginning holds a NUL. */
export function isBinary(bytes: Buffer): boolean {
  return bytes.subarray(0, 8192).includes(0);
}

/** The path of a file as it is shown. */
export function pathOf(place: FoundPlace, segments: readonly string[]): string {
  return place.path === '.' ? segments.join('/') : `${place.path}/${segments.join('/')}`;
}

/** Names from the project to a place inside it; none for another allowed folder, whose rules begin at itself. */
export function segmentsOf(place: FoundPlace): readonly string[] {
  const inside = place.path !== '.' && !/^([\\/]|[A-Za-z]:)/.test(place.path);
  return inside ? place.path.split('/') : [];
}

/** The rules of the folders above a place and of its own. A place that was named counts, even where a rule above leaves it out. */
export async function rulesAbove({ places, place, context }: Search): Promise<IgnoreRules> {
  const base = segmentsOf(place);
  const rules = new IgnoreRules(places.pins, base.length);
  for (let depth = 0; depth < base.length; depth += 1) {
    const above = places.find(base.slice(0, depth).join('/') || '.', context, false);
    if (above.kind === 'found') await rules.enter(above.target, base.slice(0, depth));
    closePlace(above);
  }
  await rules.enter(place.target, base);
  return rules;
}

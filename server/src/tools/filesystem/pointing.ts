import type { Pin } from '../../base/pin';
import { sameObject } from '../../base/pin';
import { linesOf } from './finder';
import type { IgnoreRules } from './ignored';
import { closedFolders, type Left } from './left';
import { contentOf, isBinary, isShared, maxDuration, maxSearchedBytes, mayHoldShared, pathOf, rulesAbove, segmentsOf, take, type Search, type Tally } from './looking';
import { runRipgrep, type Pointed, type Ripgrep } from './ripgrep';

/**
 * Searches with ripgrep, which opens files by their paths: somebody who swaps a folder for a link meanwhile can make it read outside.
 * So it only points. Every file that it names is walked to again from the held folder, name by name and through no link, every line is
 * read anew, and only a line that says there what ripgrep saw is shown.
 */

/** Searches below a folder; `failed` when ripgrep could not, so that nothing was found out. */
export async function pointThrough(search: Search, ripgrep: Ripgrep, tally: Tally, left: Left): Promise<'done' | 'failed'> {
  const enough = new AbortController();
  const check = new Checking(search, tally, search.gitignore ? await rulesAbove(search) : undefined, () => enough.abort());
  nameClosed(search, left);
  const run = await runRipgrep(ripgrep, {
    pattern: search.pattern, folder: search.place.target.path, perFile: search.limit + 1, maxBytes: maxSearchedBytes, gitignore: search.gitignore, timeoutMs: maxDuration,
    signal: AbortSignal.any([search.signal, enough.signal]), onFile: (path, lines) => check.add(path, lines),
  });
  await check.end();
  search.signal.throwIfAborted();
  tally.files = Math.max(tally.files, run.files);
  if (run.kind === 'time') tally.end = 'time';
  return run.kind === 'failed' ? 'failed' : 'done';
}

/** Files that wait to be checked, at most: ripgrep is faster. */
const maxWaiting = 5000;

class Checking {
  private work = Promise.resolve();
  private waiting = 0;

  constructor(
    private readonly search: Search,
    private readonly tally: Tally,
    private readonly rules: IgnoreRules | undefined,
    private readonly stop: () => void,
  ) {}

  add(path: string, lines: readonly Pointed[]): void {
    const segments = path.split('/').filter((name) => name !== '' && name !== '.');
    if (this.tally.end !== 'all' || segments.includes('..') || !this.search.fits(segments)) return;
    this.waiting += 1;
    this.work = this.work.then(() => this.check(segments, lines)).finally(() => (this.waiting -= 1));
    // The failure is met at the end.
    this.work.catch(() => this.stop());
    if (this.waiting < maxWaiting) return;
    this.tally.end = 'limit';
    this.stop();
  }

  end(): Promise<void> {
    return this.work;
  }

  private async check(segments: readonly string[], lines: readonly Pointed[]): Promise<void> {
    if (this.tally.matches.length > this.search.limit || this.search.signal.aborted) return;
    const pin = await this.walkTo(segments);
    try {
      if (pin === undefined) return;
      if (isShared(pin) && !mayHoldShared(this.search.place)) this.tally.shared += 1;
      else await this.show(pin, segments, lines);
    } finally {
      pin?.close();
    }
    if (this.tally.end === 'limit') this.stop();
  }

  /** The regular file at a path, through no link; undefined when there is none, or none that may be shown. */
  private async walkTo(segments: readonly string[]): Promise<Pin | undefined> {
    const { place, places } = this.search;
    const base = segmentsOf(place);
    const held: Pin[] = [];
    try {
      for (const [index, name] of segments.entries()) {
        const isLast = index === segments.length - 1;
        const pin = places.pins.child(held.at(-1) ?? place.target, name);
        held.push(pin);
        if (place.avoid.some((identity) => sameObject(identity, pin.stat)) || (isLast ? !pin.stat.isFile() : !pin.stat.isDirectory())) return undefined;
        if (this.rules?.isIgnored([...base, ...segments.slice(0, index + 1)], !isLast) === true) return void (this.tally.ignored = true);
        if (!isLast) await this.rules?.enter(pin, [...base, ...segments.slice(0, index + 1)]);
      }
      return held.pop();
    } catch {
      // It vanished, or may not be read.
      return undefined;
    } finally {
      for (const pin of held) pin.close();
    }
  }

  private async show(pin: Pin, segments: readonly string[], pointed: readonly Pointed[]): Promise<void> {
    const bytes = await contentOf(this.search.places, pin, this.tally);
    if (bytes === undefined) return;
    if (isBinary(bytes)) {
      this.tally.binary += 1;
      return;
    }
    const lines = linesOf(bytes, pointed.map(({ line }) => line));
    const found = pointed.flatMap(({ line, at, bytes: seen }) => {
      const there = lines.get(line);
      return there !== undefined && there.bytes.equals(withoutNewline(seen)) ? [there.shown(at)] : [];
    });
    take(this.search, this.tally, pathOf(this.search.place, segments), found);
  }
}

function withoutNewline(line: Buffer): Buffer {
  return line.at(-1) === 0x0a ? line.subarray(0, -1) : line;
}

/** Those that lie in the searched folder itself; looking for deeper ones would take as long as the search. */
function nameClosed({ place, places }: Search, left: Left): void {
  for (const name of closedFolders) {
    try {
      const pin = places.pins.child(place.target, name);
      pin.close();
      if (pin.stat.isDirectory()) left.isClosed([name]);
    } catch {
      // There is none.
    }
  }
}

/** Counts the entries that a filter lets through, from the index where that is enough, else from the lines in question. */
import { maxLineBytes } from '../../../../protocol/src/audit/bytes';
import type { ReadableFile } from '../files/disk';
import { needleOf, quickPlaces, quickTest, timeMatcher, type AuditFilter } from './filter';
import { mixedKind, type Kind } from './kinds';
import { quarterMs, type ByteRange, type Counted, type Quarter } from './timeIndex';

/** Entries of a quarter that fit, by the start of the quarter. */
export type Counts = ReadonlyMap<number, number>;

const blockBytes = 1_048_576;
/** Bytes after which whoever waits may have enough. */
const sliceBytes = 8_388_608;
/** Filters whose counts are kept. */
const mostRemembered = 4;

/** Counts by filter, and remembers what had to be read for the last few filters. */
export class Counting {
  /** By filter without times: for each quarter, its entries at that time and those that fit. */
  readonly #read = new Map<string, Map<number, Readonly<{ of: number; fit: number }>>>();

  /** Entries that fit, of quarters that hold any. Reads what the index cannot tell; `signal` ends that. */
  async counts(file: ReadableFile, counted: Counted, filter: AuditFilter, signal?: AbortSignal): Promise<Counts> {
    return (await this.newest(file, counted, filter, () => false, signal)).counts;
  }

  /** The same, the newest first, until that is `enough`: `all` is false then, and asked again it goes on from there. */
  async newest(file: ReadableFile, counted: Counted, filter: AuditFilter, enough: () => boolean, signal?: AbortSignal): Promise<Readonly<{ counts: Counts; all: boolean }>> {
    const counts = new Map<number, number>();
    const unread: Quarter[] = [];
    const kept = this.#keptFor(filter);
    for (const quarter of withinTimes(counted.quarters, filter)) {
      const known = isWhole(quarter, filter) ? kept.get(quarter.start) : undefined;
      const fit = known?.of === quarter.count ? known.fit : fitting(counted, quarter, filter);
      // A copy: the index may go on counting while the lines are read.
      if (fit === undefined) unread.push({ ...quarter });
      else if (fit > 0) counts.set(quarter.start, fit);
    }
    const places = unread.length === 0 ? undefined : await placesOf(counted, filter);
    while (unread.length > 0) {
      const some = unread.splice(-readAtOnce(unread));
      const read = await countIn(file, { quarters: some, ranges: within(joined(some), places) }, filter, signal);
      for (const quarter of some) {
        const fit = read.get(quarter.start) ?? 0;
        if (fit > 0) counts.set(quarter.start, fit);
        if (isWhole(quarter, filter)) kept.set(quarter.start, { of: quarter.count, fit });
      }
      if (enough()) break;
    }
    return { counts, all: unread.length === 0 };
  }

  /** Where entries that fit can be, the last first, as far as it is known without reading. */
  async rangesOf(counted: Counted, filter: AuditFilter): Promise<readonly ByteRange[]> {
    const kept = this.#keptFor(filter);
    const places = withinTimes(counted.quarters, filter).filter((quarter) => {
      const known = kept.get(quarter.start);
      return known?.of === quarter.count ? known.fit > 0 : fitting(counted, quarter, filter) !== 0;
    });
    return within(joined(places), await placesOf(counted, filter)).reverse();
  }

  #keptFor({ since: _since, until: _until, ...filter }: AuditFilter): Map<number, Readonly<{ of: number; fit: number }>> {
    const key = JSON.stringify(Object.entries(filter).sort());
    const kept = this.#read.get(key) ?? new Map<number, Readonly<{ of: number; fit: number }>>();
    this.#read.delete(key);
    this.#read.set(key, kept);
    const [oldest] = this.#read.keys();
    if (this.#read.size > mostRemembered && oldest !== undefined) this.#read.delete(oldest);
    return kept;
  }
}

/** How many of the last quarters are read before anybody is asked whether that is enough. */
function readAtOnce(quarters: readonly Quarter[]): number {
  let bytes = 0;
  let count = 0;
  while (count < quarters.length && bytes < sliceBytes) {
    count += 1;
    const { from = 0, to = 0 } = quarters.at(-count) ?? {};
    bytes += to - from;
  }
  return count;
}

function withinTimes(quarters: readonly Quarter[], { since, until }: AuditFilter): Quarter[] {
  const from = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since);
  const to = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until);
  return quarters.filter(({ start }) => start + quarterMs > from && start < to);
}

/** Whether the times of the filter cut nothing off a quarter. */
function isWhole({ start }: Quarter, { since, until }: AuditFilter): boolean {
  return (since === undefined || Date.parse(since) <= start) && (until === undefined || Date.parse(until) >= start + quarterMs);
}

/** Entries of a quarter that fit, as the index knows: undefined when their lines must be read for that. */
function fitting({ kindOf }: Counted, quarter: Quarter, filter: AuditFilter): number | undefined {
  let sum = 0;
  for (let i = 0; i < quarter.kinds.length; i += 2) {
    const [number = mixedKind, count = 0] = [quarter.kinds[i], quarter.kinds[i + 1]];
    const kind = kindOf(number);
    if (kind === undefined) {
      if (Object.keys(filter).length > 0) return undefined;
      sum += count;
    } else if (kindFits(kind, filter)) sum += count;
  }
  return sum > 0 && (filter.text !== undefined || filter.call !== undefined || !isWhole(quarter, filter)) ? undefined : sum;
}

function kindFits(kind: Kind, { tool, result, phase, client }: AuditFilter): boolean {
  return (
    (tool === undefined || kind.tool === tool || kind.tool.startsWith(`${tool}.`)) &&
    (result === undefined || kind.result === result) &&
    (phase === undefined || kind.phase === phase) &&
    (client === undefined || `${kind.client}\n${kind.user}`.toLowerCase().includes(client.toLowerCase()))
  );
}

/** The ranges of quarters as few ranges that do not overlap, the first first. */
function joined(quarters: readonly Quarter[]): ByteRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const { from, to } of [...quarters].sort((a, b) => a.from - b.from)) {
    const last = ranges.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else ranges.push({ from, to });
  }
  return ranges;
}

/** Where the index leaves room for the text of a filter. */
async function placesOf(counted: Counted, filter: AuditFilter): Promise<readonly ByteRange[] | undefined> {
  const needle = needleOf(filter);
  return needle === undefined ? undefined : await counted.placesOf(needle);
}

/** What of some ranges lies in others; both in order and without overlaps. */
function within(ranges: readonly ByteRange[], places: readonly ByteRange[] | undefined): ByteRange[] {
  if (places === undefined) return [...ranges];
  const shared: { from: number; to: number }[] = [];
  let next = 0;
  for (const range of ranges) {
    while (next < places.length && (places[next]?.to ?? 0) <= range.from) next += 1;
    for (let i = next; i < places.length && (places[i]?.from ?? 0) < range.to; i += 1) {
      const [from, to] = [Math.max(range.from, places[i]?.from ?? 0), Math.min(range.to, places[i]?.to ?? 0)];
      const last = shared.at(-1);
      if (last?.to === from) last.to = to;
      else if (from < to) shared.push({ from, to });
    }
  }
  return shared;
}

type Unread = Readonly<{ quarters: readonly Quarter[]; ranges: readonly ByteRange[] }>;

async function countIn(file: ReadableFile, { quarters, ranges }: Unread, filter: AuditFilter, signal: AbortSignal | undefined): Promise<Counts> {
  const counts = new Map<number, number>(quarters.map(({ start }) => [start, 0]));
  const mayFit = quickTest(filter);
  const places = quickPlaces(filter);
  const { text: _found, ...others } = filter;
  // Where the places of the text are known, the lines need not be searched for it once more.
  const timeOf = timeMatcher(places === undefined ? filter : others);
  for (const range of ranges) {
    await eachBlock(file, range, signal, (bytes, from, to) => {
      const look = (start: number, newline: number): void => {
        const time = timeOf(bytes, start, newline);
        const quarter = time === undefined ? Number.NaN : Math.floor(Date.parse(time) / quarterMs) * quarterMs;
        const count = counts.get(quarter);
        if (count !== undefined) counts.set(quarter, count + 1);
      };
      if (places !== undefined) return places(bytes, from, to, look);
      if (mayFit !== undefined && !mayFit(bytes, from, to)) return;
      for (let start = from, newline = bytes.indexOf(0x0a, from); newline !== -1 && newline < to; start = newline + 1, newline = bytes.indexOf(0x0a, start)) look(start, newline);
    });
  }
  return counts;
}

/** Hands out whole lines, many at a time: those in `bytes[from, to)`. The event loop runs between two blocks. */
async function eachBlock(file: ReadableFile, range: ByteRange, signal: AbortSignal | undefined, take: (bytes: Buffer, from: number, to: number) => void): Promise<void> {
  const bytes = Buffer.allocUnsafe(Math.min(blockBytes + maxLineBytes, range.to - range.from));
  let held = 0;
  for (let position = range.from; position < range.to; ) {
    signal?.throwIfAborted();
    const length = await file.read(bytes.subarray(held, held + Math.min(blockBytes, range.to - position)), position);
    if (length === 0) return;
    position += length;
    const end = held + length;
    const whole = bytes.subarray(0, end).lastIndexOf(0x0a) + 1;
    if (whole > 0) take(bytes, 0, whole);
    held = end - whole;
    // Of a line that is too long for an entry nothing is kept but its end.
    if (held > maxLineBytes) held = 0;
    else bytes.copyWithin(0, whole, end);
  }
}

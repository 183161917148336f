/** Counts entries by quarter of an hour and by kind in one pass, and goes on from there when the log has grown. Derived, never trusted. */
import { readHead } from '../../../../protocol/src/audit/head';
import type { Disk, FileMark, ReadableFile } from '../files/disk';
import { Grams, gramTest } from './grams';
import type { KeptCounts } from './keptCounts';
import { Kinds, type Kind } from './kinds';
import { scanLines } from '../files/lines';
import { openWholeLog, type LogPart, type WholeLog } from '../files/wholeLog';

/** Milliseconds in a quarter of an hour. */
export const quarterMs = 900_000;

/** Entries of one quarter of an hour: how many, of which kinds, and the byte range that holds them all (and perhaps others). */
export type Quarter = {
  readonly start: number;
  count: number;
  from: number;
  to: number;
  /** Numbers of kinds, each with the number of its entries after it. */
  readonly kinds: number[];
};

/** Bytes of the log. `to` does not belong to it. */
export type ByteRange = Readonly<{ from: number; to: number }>;

/** What the index knows: quarters in order of time, and the kinds that their numbers mean. */
export type Counted = Readonly<{
  quarters: readonly Quarter[];
  kindOf(number: number): Kind | undefined;
  /** Whole lines among which every line with this text is, in any case of its letters, the first first; undefined when that is not known. */
  placesOf(text: string): Promise<readonly ByteRange[] | undefined>;
}>;

/** A log that has grown by more than this many bytes since it was counted is not counted anew for one page. */
const nearBytes = 8_388_608;

/** The counts of one file of the log, up to the byte `indexed`. */
type PartCounts = { readonly part: LogPart; /** Of the file in use; those of closed files are kept beside them. */ grams: Grams | undefined; readonly quarters: Map<number, Quarter>; mark: FileMark | undefined; indexed: number; /** The last bytes that were counted, to notice a file that was rewritten in place. */ lastBytes: Buffer };

/** The quarters of a log, updated on demand. */
export class TimeIndex {
  #parts = new Map<string, PartCounts>();
  #kinds = new Kinds();
  /** Identity of the oldest file: another one means another log. */
  #log = '';
  #indexed = 0;
  #counted: Counted = { quarters: [], kindOf: () => undefined, placesOf: () => Promise.resolve(undefined) };
  /** Lets one scan at a time count. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `kept` remembers the counts of closed files from one process to the next. */
  constructor(
    private readonly path: string,
    private readonly disk: Disk,
    private readonly kept?: KeptCounts,
  ) {}

  /** The counts, after reading what the log gained since the last call. */
  counted(signal?: AbortSignal): Promise<Counted> {
    const done = this.#turn.then(() => this.#read(signal));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Whether a log of this size is counted, or nearly. */
  isNear(size: number): boolean {
    return this.#indexed <= size && size - this.#indexed < nearBytes;
  }

  async #read(signal: AbortSignal | undefined): Promise<Counted> {
    const file = await openWholeLog(this.path, this.disk);
    try {
      const changed = await this.#update(file, signal);
      if (changed) this.#counted = { quarters: joined([...this.#parts.values()]), kindOf: (number) => this.#kinds.at(number), placesOf: (text) => this.#placesOf(text) };
      return this.#counted;
    } finally {
      await file?.close();
    }
  }

  /** Brings every part up to date; true when something is another now. */
  async #update(file: WholeLog | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    const { id = '' } = file?.mark() ?? {};
    let changed = id !== this.#log;
    if (changed) [this.#parts, this.#kinds, this.#indexed] = [new Map(), new Kinds(), 0];
    this.#log = id;
    const present = new Map<string, PartCounts>();
    for (const part of file?.parts ?? []) {
      if (file === undefined) break;
      const known = this.#parts.get(part.path);
      const counts = await this.#countsOf(file, part, known, signal);
      changed ||= counts.changed;
      present.set(part.path, counts.part);
    }
    changed ||= present.size !== this.#parts.size;
    this.#parts = present;
    this.#indexed = [...present.values()].at(-1)?.indexed ?? 0;
    return changed;
  }

  async #countsOf(file: WholeLog, part: LogPart, known: PartCounts | undefined, signal: AbortSignal | undefined): Promise<{ part: PartCounts; changed: boolean }> {
    const to = part.to ?? file.mark().size;
    const mark = this.disk.mark(part.path);
    const same = known !== undefined && known.mark?.id === mark?.id && known.indexed >= part.from && known.indexed <= to;
    if (same && (part.to === undefined ? await isUnchanged(file, known) : known.mark?.modified === mark?.modified && known.mark?.size === mark?.size)) {
      if (part.to !== undefined || known.indexed === to) return { part: known, changed: false };
      await this.#scan(file, known, { from: known.indexed, to }, signal);
      return { part: known, changed: true };
    }
    const kept = part.to !== undefined && (await this.kept?.grams.has(part)) === true ? await this.kept?.read(part, this.#kinds) : undefined;
    const fresh: PartCounts = { part, grams: this.kept === undefined || kept !== undefined ? undefined : new Grams(), quarters: kept ?? new Map<number, Quarter>(), mark, indexed: part.from, lastBytes: Buffer.alloc(0) };
    if (kept !== undefined) fresh.indexed = to;
    else await this.#scan(file, fresh, { from: part.from, to }, signal);
    if (kept === undefined && part.to !== undefined) await this.#keep(fresh);
    return { part: fresh, changed: true };
  }

  async #keep(counts: PartCounts): Promise<void> {
    await this.kept?.write(counts.part, counts.quarters, (number) => this.#kinds.at(number));
    await this.kept?.grams.write(counts.part, counts.grams?.stretches ?? []);
    counts.grams = undefined;
  }

  async #placesOf(text: string): Promise<readonly ByteRange[] | undefined> {
    const mayHold = gramTest(text);
    if (mayHold === undefined || this.kept === undefined) return undefined;
    const places: ByteRange[] = [];
    for (const { part, grams } of this.#parts.values()) {
      const stretches = grams?.stretches ?? (await this.kept.grams.read(part)) ?? [];
      places.push(...stretches.filter(mayHold));
      places.push({ from: stretches.at(-1)?.to ?? part.from, to: part.to ?? Number.POSITIVE_INFINITY });
    }
    return places;
  }

  async #scan(file: WholeLog, counts: PartCounts, range: Readonly<{ from: number; to: number }>, signal: AbortSignal | undefined): Promise<void> {
    let minute = '';
    let quarter: Quarter | undefined;
    const { grams } = counts;
    const line = (bytes: Buffer, start: number, newline: number, offset: number): void => {
      grams?.add(bytes, start, newline, offset);
      const at = timestampAt(bytes, start, newline);
      const text = at === -1 ? readHead(bytes, start, newline)?.timestamp : bytes.toString('latin1', at, at + 16);
      if (text === undefined) return;
      if (quarter === undefined || text !== minute) {
        minute = text;
        quarter = quarterOf(counts.quarters, text, offset);
      }
      if (quarter === undefined) return;
      quarter.count += 1;
      quarter.to = Math.max(quarter.to, offset + newline - start + 1);
      countKind(quarter.kinds, this.#kinds.numberOf(bytes, start, newline));
    };
    // A scan that is broken off leaves half counts behind, so it must begin anew.
    counts.indexed = Number.POSITIVE_INFINITY;
    const rest = await scanLines(file, range, { line, oversized: () => undefined }, signal);
    counts.indexed = rest?.offset ?? range.to;
    const last = Buffer.alloc(Math.min(80, counts.indexed - file.from));
    await file.read(last, counts.indexed - last.length);
    counts.lastBytes = last;
  }
}

async function isUnchanged(file: ReadableFile, { lastBytes, indexed }: PartCounts): Promise<boolean> {
  const last = Buffer.alloc(lastBytes.length);
  await file.read(last, indexed - last.length);
  return last.equals(lastBytes);
}

/** The quarters of all files in order of time; one that goes over the end of a file is joined. */
function joined(parts: readonly PartCounts[]): Quarter[] {
  const all = new Map<number, Quarter>();
  for (const { quarters } of parts) {
    for (const quarter of quarters.values()) {
      const known = all.get(quarter.start);
      all.set(quarter.start, known === undefined ? quarter : both(known, quarter));
    }
  }
  return [...all.values()].sort((a, b) => a.start - b.start);
}

function both(one: Quarter, other: Quarter): Quarter {
  const kinds = [...one.kinds];
  for (let i = 0; i < other.kinds.length; i += 2) countKind(kinds, other.kinds[i] ?? 0, other.kinds[i + 1] ?? 0);
  return { start: one.start, count: one.count + other.count, from: Math.min(one.from, other.from), to: Math.max(one.to, other.to), kinds };
}

function quarterOf(quarters: Map<number, Quarter>, minute: string, offset: number): Quarter | undefined {
  const time = Date.parse(`${minute.slice(0, 16)}:00Z`);
  if (Number.isNaN(time)) return undefined;
  const start = time - (time % quarterMs);
  const known = quarters.get(start);
  if (known !== undefined) return known;
  const made = { start, count: 0, from: offset, to: offset, kinds: [] };
  quarters.set(start, made);
  return made;
}

function countKind(kinds: number[], number: number, more = 1): void {
  for (let i = 0; i < kinds.length; i += 2) {
    if (kinds[i] === number) {
      kinds[i + 1] = (kinds[i + 1] ?? 0) + more;
      return;
    }
  }
  kinds.push(number, more);
}

/** Where the timestamp stands in a line as our writer lays it out; -1 when it is not there. */
function timestampAt(bytes: Buffer, start: number, newline: number): number {
  const digits = start + 13;
  let comma = digits;
  while (bytes[comma] !== 0x2c && comma <= digits + 16) comma += 1;
  const at = comma + 52;
  if (comma > digits + 16 || at + 24 >= newline) return -1;
  return bytes[at - 1] === 0x22 && bytes[at + 10] === 0x54 && bytes[at + 23] === 0x5a ? at : -1;
}

/** Reads the log for people: pages newest first, single entries, counts by time, and what is new. Never trusts, never locks. */
import { setTimeout as wait } from 'node:timers/promises';
import { maxLineBytes } from '../../../../protocol/src/audit/bytes';
import { scanBackwards } from '../files/backwards';
import { Counting } from './counting';
import { realDisk, type Disk } from '../files/disk';
import { matcher, quickTest, readItem, type AuditFilter, type AuditItem } from './filter';
import type { KeptCounts } from './keptCounts';
import type { Kind } from './kinds';
import { scanLines } from '../files/lines';
import { placeOf } from '../files/search';
import { TimeIndex, type ByteRange, type Counted } from './timeIndex';
import { openWholeLog, type WholeLog } from '../files/wholeLog';

export type { AuditFilter, AuditItem } from './filter';

/** What a page is asked for. */
export type PageRequest = Readonly<{
  filter?: AuditFilter;
  /** The `next` of the page before; the end of the log by default. */
  before?: number;
  /** Nothing that begins before this byte, which begins a line; the start of the log by default. */
  from?: number;
  /** Entries per page, 100 by default, 1,000 at most. */
  limit?: number;
  signal?: AbortSignal;
}>;

/** Entries, newest first. `next` is where the following page begins; undefined at the start of the log. A page may be short, even empty, and still have a next. */
export type AuditPage = Readonly<{ items: readonly AuditItem[]; next: number | undefined }>;

/** Entries in a span of time: its start (as `keyOf` names it), how many, and the byte range that holds them. */
export type Bucket = Readonly<{ key: string; count: number; from: number; to: number }>;

/** Reads one log. Keeps nothing open between calls. */
export type AuditReader = Readonly<{
  page(request?: PageRequest): Promise<AuditPage>;
  /** The entry with this number, or the line that begins at this byte. Found by bisection; undefined when it is not there. */
  entry(which: Readonly<{ seq: number }> | Readonly<{ offset: number }>): Promise<AuditItem | undefined>;
  /** Counts per day (UTC) or as `keyOf` groups the quarters of an hour; oldest first. One pass, later only what is new. */
  buckets(keyOf?: (start: Date) => string, signal?: AbortSignal): Promise<readonly Bucket[]>;
  /** Counts of the entries that fit, grouped like buckets, those with any only; oldest first. Reads only what the index cannot tell. */
  counts(filter: AuditFilter, keyOf?: (start: Date) => string, signal?: AbortSignal): Promise<readonly Readonly<{ key: string; count: number }>[]>;
  /** The same for the newest ones, until that is `enough`; `all` is false then, and asked again it goes on from there. */
  newestCounts(filter: AuditFilter, enough: () => boolean, keyOf?: (start: Date) => string, signal?: AbortSignal): Promise<Readonly<{ counts: readonly Readonly<{ key: string; count: number }>[]; all: boolean }>>;
  /** What kinds of entries there are, and how many of each; those that are not told apart are left out. */
  kinds(signal?: AbortSignal): Promise<readonly Readonly<{ kind: Kind; count: number }>[]>;
  /** Whole lines from byte `offset` on, oldest first, at most `limit`, and where to go on. An offset beyond the end starts over. */
  since(offset: number, limit?: number): Promise<Readonly<{ items: readonly AuditItem[]; next: number }>>;
  /** New entries as they come, looked for every `everyMs` (250 by default), until `signal` is aborted. */
  follow(offset: number, options: Readonly<{ signal: AbortSignal; everyMs?: number }>): AsyncGenerator<AuditItem, void, undefined>;
  /** Bytes that were ever written to the log, 0 when there is none. */
  size(): Promise<number>;
}>;

/** A page stops after looking at this many bytes, so that a rare filter cannot hold anybody up. */
const mostScannedBytes = 67_108_864;

/** Makes a reader of the log at `path`, which need not exist yet. `kept` remembers counts from one process to the next; without, nothing is ever written. */
export function createAuditReader(path: string, disk: Disk = realDisk, kept?: KeptCounts): AuditReader {
  const index = new TimeIndex(path, disk, kept);
  const counting = new Counting();
  const withFile = async <T>(absent: T, work: (file: WholeLog) => Promise<T>): Promise<T> => {
    const file = await openWholeLog(path, disk);
    if (file === undefined) return absent;
    return await work(file).finally(() => file.close());
  };
  const since: AuditReader['since'] = (offset, limit = 1_000) =>
    withFile({ items: [], next: 0 }, (file) => readSince(file, offset, limit));
  return {
    since,
    size: () => withFile(0, (file) => Promise.resolve(file.mark().size)),
    page: (request = {}) =>
      withFile<AuditPage>({ items: [], next: undefined }, async (file) => readPage(file, request, await rangesOf(file, index, counting, request))),
    entry: (which) => withFile<AuditItem | undefined>(undefined, (file) => find(file, which)),
    buckets: async (keyOf = utcDay, signal) => grouped((await index.counted(signal)).quarters, keyOf),
    counts: (filter, keyOf = utcDay, signal) =>
      withFile<readonly Readonly<{ key: string; count: number }>[]>([], async (file) => summed(await counting.counts(file, await index.counted(signal), filter, signal), keyOf)),
    newestCounts: (filter, enough, keyOf = utcDay, signal) =>
      withFile<Awaited<ReturnType<AuditReader['newestCounts']>>>({ counts: [], all: true }, async (file) => {
        const { counts, all } = await counting.newest(file, await index.counted(signal), filter, enough, signal);
        return { counts: summed(counts, keyOf), all };
      }),
    kinds: async (signal) => kindsOf(await index.counted(signal)),
    async *follow(offset, { signal, everyMs = 250 }) {
      let next = offset;
      while (!signal.aborted) {
        const news = await since(next);
        next = news.next;
        for (const item of news.items) yield item;
        if (news.items.length === 0) await wait(everyMs, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
      }
    },
  };
}

function utcDay(start: Date): string {
  return start.toISOString().slice(0, 10);
}

function grouped(quarters: readonly Readonly<{ start: number; count: number; from: number; to: number }>[], keyOf: (start: Date) => string): Bucket[] {
  const buckets = new Map<string, Bucket>();
  for (const { start, count, from, to } of quarters) {
    const key = keyOf(new Date(start));
    const sum = buckets.get(key);
    buckets.set(key, {
      key,
      count: count + (sum?.count ?? 0),
      from: Math.min(from, sum?.from ?? from),
      to: Math.max(to, sum?.to ?? to),
    });
  }
  return [...buckets.values()];
}

function summed(counts: ReadonlyMap<number, number>, keyOf: (start: Date) => string): { key: string; count: number }[] {
  const sums = new Map<string, number>();
  for (const [start, count] of [...counts].sort(([one], [other]) => one - other)) {
    const key = keyOf(new Date(start));
    sums.set(key, (sums.get(key) ?? 0) + count);
  }
  return [...sums].map(([key, count]) => ({ key, count }));
}

function kindsOf({ quarters, kindOf }: Counted): { kind: Kind; count: number }[] {
  const counts = new Map<Kind, number>();
  for (const { kinds } of quarters) {
    for (let i = 0; i < kinds.length; i += 2) {
      const kind = kindOf(kinds[i] ?? 0);
      if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + (kinds[i + 1] ?? 0));
    }
  }
  return [...counts].map(([kind, count]) => ({ kind, count }));
}

const everything: ByteRange = { from: 0, to: Number.POSITIVE_INFINITY };

/** The bytes in which entries that fit can stand, the last first. Without times a log that is not counted yet is read as it is. */
async function rangesOf(file: WholeLog, index: TimeIndex, counting: Counting, { filter = {}, signal }: PageRequest): Promise<readonly ByteRange[]> {
  const timed = filter.since !== undefined || filter.until !== undefined;
  if (!timed && (Object.keys(filter).length === 0 || !index.isNear(file.mark().size))) return [everything];
  return await counting.rangesOf(await index.counted(signal), filter);
}

async function readPage(file: WholeLog, request: PageRequest, ranges: readonly ByteRange[]): Promise<AuditPage> {
  const { filter = {}, before = Number.POSITIVE_INFINITY, limit = 100, signal } = request;
  const most = Math.min(Math.max(limit, 1), 1_000);
  const match = matcher(filter);
  const mayFit = quickTest(filter);
  const items: AuditItem[] = [];
  const end = Math.min(before, file.mark().size);
  const start = Math.max(file.from, request.from ?? 0);
  const first = Math.max(ranges.at(-1)?.from ?? 0, start);
  let scanned = 0;
  for (const range of ranges) {
    const [from, to] = [Math.max(range.from, start), Math.min(range.to, end)];
    if (from >= to) continue;
    const done = scanned;
    const stop = await scanBackwards(
      file,
      { from, to },
      (bytes, start, newline, offset) => {
        const item = match(bytes, start, newline, offset);
        if (item !== undefined) items.push(item);
        scanned = done + to - offset;
        return items.length < most && scanned < mostScannedBytes;
      },
      signal,
      mayFit === undefined ? undefined : (bytes, start, newline) => !mayFit(bytes, start, newline),
    );
    if (!stop.ended || items.length >= most) return { items, next: stop.reached <= first ? undefined : stop.reached };
  }
  return { items, next: undefined };
}

async function readSince(file: WholeLog, offset: number, limit: number): Promise<{ items: AuditItem[]; next: number }> {
  const { size } = file.mark();
  const from = Math.max(offset > size ? 0 : offset, file.from);
  const to = Math.min(size, from + 2 * maxLineBytes);
  const items: AuditItem[] = [];
  let next = from;
  // What is beyond the limit is not even parsed: that would cost more than all the rest.
  const take = (item: () => AuditItem, end: number): void => {
    if (items.length >= limit) return;
    items.push(item());
    next = end;
  };
  await scanLines(file, { from, to }, {
    line: (bytes, start, newline, at) => take(() => readItem(bytes, start, newline, at), at + newline - start + 1),
    oversized: (at) => take(() => readItem(Buffer.alloc(0), 0, 0, at), to),
  });
  return { items, next };
}

async function find(file: WholeLog, which: Readonly<{ seq: number }> | Readonly<{ offset: number }>): Promise<AuditItem | undefined> {
  const offset = 'offset' in which ? which.offset : (await placeOf(file, which.seq, file.from))?.offset;
  if (offset === undefined || offset >= file.mark().size) return undefined;
  const { items } = await readSince(file, offset, 1);
  return items[0];
}

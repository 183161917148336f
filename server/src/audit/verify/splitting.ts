/** One pass over a file whose stretches are read at once: what is odd in any of them is read again in its turn, with the same result. */
import type { ChainCheck } from '../../../../protocol/src/audit/chain';
import type { StoredEntry } from '../../../../protocol/src/audit/entry';
import type { Stretch } from '../../../../protocol/src/audit/stretch';
import type { ReadableFile } from '../files/disk';
import { scanLines, type LineSink } from '../files/lines';
import { readStrictly, type StrictCheck } from './strict';
import type { StretchReaders } from './threads';

/** The checks of a pass, and how it reads lines itself. */
export type SplitPass = Readonly<{ check: ChainCheck; strict: StrictCheck | undefined; sink: LineSink; readers: StretchReaders; wanted: readonly number[]; signal: AbortSignal | undefined }>;

type Range = Readonly<{ from: number; to: number }>;
type Read = Range & Readonly<{ stretch: Promise<Stretch | undefined> }>;

/** Bytes in which the end of a line is looked for. */
const windowBytes = 65_536;

/** Takes as much of the range as can be cut into stretches; gives the place up to which it came, which is the beginning of a line. */
export async function passInStretches(file: ReadableFile, range: Range, pass: SplitPass): Promise<number> {
  if (range.to - range.from < 2 * pass.readers.bytes) return range.from;
  const ahead: Read[] = [];
  let reached = range.from;
  let cut: number | undefined = range.from;
  for (;;) {
    // A few more than are read at a time, so that nobody waits; not all, so that memory stays flat.
    while (cut !== undefined && ahead.length < pass.readers.count + 2) {
      const from: number = cut;
      cut = await nextCut(file, { from, to: range.to }, pass.readers.bytes);
      if (cut !== undefined) ahead.push({ from, to: cut, stretch: pass.readers.read(file, { from, to: cut, strict: pass.strict !== undefined, wanted: pass.wanted }) });
    }
    const next = ahead.shift();
    if (next === undefined) return reached;
    await take(file, next, pass);
    reached = next.to;
  }
}

async function take(file: ReadableFile, { from, to, stretch }: Read, { check, strict, sink, signal }: SplitPass): Promise<void> {
  const read = await stretch;
  signal?.throwIfAborted();
  const fits = read !== undefined && read.end === to && check.admits(read) && strict?.admits(read) !== false;
  const doubtful = fits ? await entriesAt(file, read.doubtful) : undefined;
  if (fits && doubtful !== undefined) {
    check.absorb(read);
    strict?.absorb(read, doubtful);
    sink.progress?.(to);
  } else await scanLines(file, { from, to }, sink, signal);
}

/** The entries that nobody understood at a glance; undefined when a full reading finds something wrong with any. */
async function entriesAt(file: ReadableFile, places: Stretch['doubtful']): Promise<StoredEntry[] | undefined> {
  const entries: StoredEntry[] = [];
  for (const { offset, end } of places) {
    const line = Buffer.allocUnsafe(end - offset);
    const entry = (await file.read(line, offset)) === line.length ? readStrictly(line, 0, line.length) : 'is cut off';
    if (typeof entry === 'string') return undefined;
    entries.push(entry);
  }
  return entries;
}

/** Where a stretch from `from` on ends: after a newline, near its size; at the last newline when there is less. Undefined when no newline is near. */
async function nextCut(file: ReadableFile, { from, to }: Range, size: number): Promise<number | undefined> {
  const window = Buffer.allocUnsafe(windowBytes);
  const at = to - from > 1.5 * size ? from + size : Math.max(from, to - windowBytes);
  const length = await file.read(window.subarray(0, Math.min(windowBytes, to - at)), at);
  const newline = at === from + size ? window.subarray(0, length).indexOf(0x0a) : window.subarray(0, length).lastIndexOf(0x0a);
  return newline === -1 ? undefined : at + newline + 1;
}

/** Finds an entry by its number in one file of the log, by bisection on the numbers that the lines carry. */
import { hashOfLine, maxLineBytes, tailBytes } from '../../../../protocol/src/audit/bytes';
import { readHead } from '../../../../protocol/src/audit/head';
import type { ReadableFile } from './disk';

/** Where a line stands: offset of its first byte and of the byte after its newline. */
export type LinePlace = Readonly<{ offset: number; end: number }>;
type Seen = LinePlace & Readonly<{ seq: number }>;

/** The place of entry `seq` in the bytes from `from` on; undefined when it is not there, or a damaged log hides it. */
export async function placeOf(file: ReadableFile, seq: number, from = 0): Promise<LinePlace | undefined> {
  let low = from;
  let high = file.mark().size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const line = await lineAfter(file, low, middle, high);
    if (line === undefined) {
      high = middle;
      continue;
    }
    if (line.seq === seq) return line;
    if (line.seq < seq) low = line.end;
    else high = middle;
  }
  return undefined;
}

/** The bytes of a line without its newline. */
export async function lineAt(file: ReadableFile, { offset, end }: LinePlace): Promise<Buffer> {
  const bytes = Buffer.alloc(end - offset - 1);
  const length = await file.read(bytes, offset);
  return bytes.subarray(0, length);
}

/** The bare hash that the content of entry `seq` gives; undefined when it is not there. */
export async function hashOfEntry(file: ReadableFile, seq: number): Promise<string | undefined> {
  const place = await placeOf(file, seq);
  if (place === undefined) return undefined;
  const line = await lineAt(file, place);
  return line.length > tailBytes ? hashOfLine(line, 0, line.length) : undefined;
}

/** The first line that begins at or after `middle` (or at `low` when that is `middle`) and before `high`. */
async function lineAfter(file: ReadableFile, low: number, middle: number, high: number): Promise<Seen | undefined> {
  const from = middle === low ? low : middle - 1;
  for (const room of [16_384, 2 * maxLineBytes]) {
    const bytes = Buffer.allocUnsafe(room);
    const length = await file.read(bytes, from);
    const text = bytes.subarray(0, length);
    const start = middle === low ? 0 : text.indexOf(0x0a) + 1;
    const newline = start === 0 && middle !== low ? -1 : text.indexOf(0x0a, start);
    if (newline === -1) {
      if (length < room) return undefined;
      continue;
    }
    if (from + start >= high) return undefined;
    const head = readHead(text, start, newline);
    return head === undefined ? undefined : { seq: head.seq, offset: from + start, end: from + newline + 1 };
  }
  return undefined;
}

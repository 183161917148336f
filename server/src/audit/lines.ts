/** Reads a log from front to back in blocks, so that memory stays flat whatever its size. */
import { maxLineBytes } from '../../../protocol/src/audit/bytes';
import type { Rest } from '../../../protocol/src/audit/chain';
import type { ReadableFile } from './disk';

/** Bytes asked for at a time; the event loop runs between two blocks. */
const blockBytes = 1_048_576;

/** What a scan hands out. Buffers are only valid during the call. */
export type LineSink = Readonly<{
  /** The line `bytes[start, newline)` at `offset` of the file. */
  line(bytes: Buffer, start: number, newline: number, offset: number): void;
  /** A line longer than any may be, of which only the place is told. */
  oversized(offset: number, zeroed: boolean): void;
  /** Called after each block with the offset up to which lines were handed out. */
  progress?(offset: number): void;
}>;

/**
 * Hands out every line of `file` from byte `from` up to byte `to`, and gives what follows the last newline.
 * Rejects with the reason of `signal` when that is aborted, and with the cause when the file cannot be read.
 */
export async function scanLines(
  file: ReadableFile,
  range: Readonly<{ from: number; to: number }>,
  sink: LineSink,
  signal?: AbortSignal,
): Promise<Rest | undefined> {
  const bytes = Buffer.allocUnsafe(Math.min(blockBytes + maxLineBytes, Math.max(range.to - range.from, 0)));
  let held = 0;
  let position = range.from;
  let skippingFrom: number | undefined;
  while (position < range.to) {
    signal?.throwIfAborted();
    const length = await file.read(bytes.subarray(held, held + Math.min(blockBytes, range.to - position)), position);
    if (length === 0) break;
    position += length;
    const end = held + length;
    let start = 0;
    const filled = bytes.subarray(0, end);
    for (let newline = filled.indexOf(0x0a, held); newline !== -1; newline = filled.indexOf(0x0a, start)) {
      if (skippingFrom === undefined) sink.line(bytes, start, newline, position - end + start);
      skippingFrom = undefined;
      start = newline + 1;
    }
    held = end - start;
    if (held >= maxLineBytes || skippingFrom !== undefined) {
      if (skippingFrom === undefined) sink.oversized(position - held, bytes.subarray(start, end).includes(Buffer.alloc(16)));
      skippingFrom ??= position - held;
      held = 0;
    } else {
      bytes.copyWithin(0, start, end);
    }
    sink.progress?.(position - held);
  }
  return held === 0 ? undefined : { bytes, start: 0, end: held, offset: position - held };
}

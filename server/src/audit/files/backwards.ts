/** Reads a log from back to front in blocks, for whoever wants the newest entries first. */
import { maxLineBytes } from '../../../../protocol/src/audit/bytes';
import type { ReadableFile } from './disk';

const blockBytes = 262_144;

/** Where a backward scan stopped: `reached` is the offset of the last line handed out, `ended` when nothing is left before it. */
export type BackwardStop = Readonly<{ reached: number; ended: boolean }>;

/**
 * Hands out the lines in `[range.from, range.to)`, last first, until `line` gives false. What follows the last newline is
 * passed over. A line longer than any may be is handed out without its bytes (`end` equals `start`). Lines in `bytes[start, end)` of which
 * `skips` says so are not handed out.
 */
export async function scanBackwards(
  file: ReadableFile,
  range: Readonly<{ from: number; to: number }>,
  line: (bytes: Buffer, start: number, end: number, offset: number) => boolean,
  signal?: AbortSignal,
  skips?: (bytes: Buffer, start: number, end: number) => boolean,
): Promise<BackwardStop> {
  let position = range.to;
  let reached = range.to;
  // Bytes from `position` up to the newline that ends the line they belong to; undefined until a newline was seen.
  let carried: Buffer | undefined;
  let oversized = false;
  while (position > range.from) {
    signal?.throwIfAborted();
    const length = Math.min(blockBytes, position - range.from);
    position -= length;
    const block = Buffer.allocUnsafe(length);
    if ((await file.read(block, position)) !== length) throw new Error('the log became shorter while it was read');
    const bytes: Buffer = carried === undefined ? block : Buffer.concat([block, carried]);
    let end: number = carried === undefined ? block.lastIndexOf(0x0a) : bytes.length;
    if (end === -1) continue;
    const first = bytes.indexOf(0x0a);
    if (skips !== undefined && !oversized && first !== -1 && first < end && skips(bytes, first + 1, end)) {
      end = first;
      reached = position + first + 1;
    }
    for (let before = lastNewline(bytes, end, length); before !== -1; before = lastNewline(bytes, end, length)) {
      reached = position + before + 1;
      if (!line(bytes, before + 1, oversized ? before + 1 : end, reached)) return { reached, ended: false };
      oversized = false;
      end = before;
    }
    carried = bytes.subarray(0, end);
    if (carried.length > maxLineBytes) {
      oversized = true;
      carried = Buffer.alloc(0);
    }
  }
  if (carried === undefined) return { reached, ended: true };
  line(carried, 0, oversized ? 0 : carried.length, range.from);
  return { reached: range.from, ended: true };
}

/** The newline before `end`, looked for only in the first `fresh` bytes: what was carried holds none. */
function lastNewline(bytes: Buffer, end: number, fresh: number): number {
  const from = Math.min(end, fresh) - 1;
  return from < 0 ? -1 : bytes.lastIndexOf(0x0a, from);
}

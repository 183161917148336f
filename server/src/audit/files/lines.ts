/** Reads a log from front to back in blocks, so that memory stays flat whatever its size. */
import { maxLineBytes } from '../../../../protocol/src/audit/bytes';
import type { Rest } from '../../../../protocol/src/audit/chain';
import { blockBytes, withBlock } from './blocks';
import type { ReadableFile } from './disk';

/** What a scan hands out. Buffers are only valid during the call. */
export type LineSink = Readonly<{
  /** The line `bytes[start, newline)` at `offset` of the file. */
  line(bytes: Buffer, start: number, newline: number, offset: number): void;
  /** A line longer than any may be, of which only the place is told. */
  oversized(offset: number, zeroed: boolean): void;
  /** Called after each block with the offset up to which lines were handed out. */
  progress?(offset: number): void;
}>;

type Range = Readonly<{ from: number; to: number }>;

/**
 * Hands out every line of `file` from byte `from` up to byte `to`, and gives what follows the last newline.
 * Rejects with the reason of `signal` when that is aborted, and with the cause when the file cannot be read.
 */
export async function scanLines(file: Pick<ReadableFile, 'read'>, range: Range, sink: LineSink, signal?: AbortSignal): Promise<Rest | undefined> {
  return await withBlock(async (block) => {
    const cutter = new LineCutter(sink, range.from, block);
    while (cutter.position < range.to) {
      signal?.throwIfAborted();
      const length = await file.read(cutter.room(range.to), cutter.position);
      if (length === 0) break;
      cutter.take(length);
    }
    return cutter.rest();
  });
}

/** Cuts what is read into lines. */
export class LineCutter {
  #bytes: Buffer;
  #held = 0;
  #position: number;
  #skippingFrom: number | undefined;
  readonly #sink: LineSink;

  /** `block` holds two blocks; it is exchanged for a larger one when a line is longer than that. */
  constructor(sink: LineSink, from: number, block: Buffer) {
    this.#sink = sink;
    this.#position = from;
    this.#bytes = block;
  }

  /** Where to read on. */
  get position(): number {
    return this.#position;
  }

  /** Where the next bytes belong, up to byte `to` of the file. */
  room(to: number): Buffer {
    if (this.#held + blockBytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(maxLineBytes + blockBytes);
      this.#bytes.copy(larger, 0, 0, this.#held);
      this.#bytes = larger;
    }
    return this.#bytes.subarray(this.#held, this.#held + Math.min(blockBytes, to - this.#position));
  }

  /** Hands out the lines that end in the `length` bytes that were read into the room. */
  take(length: number): void {
    const [bytes, end] = [this.#bytes, this.#held + length];
    this.#position += length;
    const filled = bytes.subarray(0, end);
    let start = 0;
    for (let newline = filled.indexOf(0x0a, this.#held); newline !== -1; newline = filled.indexOf(0x0a, start)) {
      if (this.#skippingFrom === undefined) this.#sink.line(bytes, start, newline, this.#position - end + start);
      this.#skippingFrom = undefined;
      start = newline + 1;
    }
    this.#keep(start, end);
    this.#sink.progress?.(this.#position - this.#held);
  }

  /** What follows the last newline; undefined when nothing does. */
  rest(): Rest | undefined {
    if (this.#held === 0) return undefined;
    // The buffer goes to the next reader.
    const bytes = Buffer.from(this.#bytes.subarray(0, this.#held));
    return { bytes, start: 0, end: this.#held, offset: this.#position - this.#held };
  }

  #keep(start: number, end: number): void {
    this.#held = end - start;
    if (this.#held < maxLineBytes && this.#skippingFrom === undefined) return void this.#bytes.copyWithin(0, start, end);
    if (this.#skippingFrom === undefined) this.#sink.oversized(this.#position - this.#held, this.#bytes.subarray(start, end).includes(Buffer.alloc(16)));
    this.#skippingFrom ??= this.#position - this.#held;
    this.#held = 0;
  }
}

/** Entries that wait for the disk, and their rendering as one piece of the chain. */
import { lineBytesAtMost, writeLine, type PreparedEntry } from '../../../../protocol/src/audit/bytes';
import type { ConductorError } from '../../../../protocol/src/errors';
import type { LogEnd } from '../upkeep/recovery';

/** Where an entry came to stand; `hash` is `sha256:` and hex. */
export type Placed = Readonly<{ seq: number; id: string; hash: string }>;

/** An entry as listeners get it: its place, the byte offset of its line, and the line without newline. */
export type AppendedLine = Placed & Readonly<{ offset: number; readonly text: string }>;

/** Who waits for an entry; one of both is called, once. */
export type Caller = Readonly<{ resolve(placed: Placed): void; reject(error: ConductorError): void }>;

/** An entry in the queue; some have no caller who waits. */
export type Waiting = Readonly<{
  entry: PreparedEntry;
  /** True when the call may already have run, so that the entry must be written even after a failure. */
  owed: boolean;
  caller: Caller | undefined;
}>;

/** The bytes of a batch and where each entry stands. */
export type Batch = Readonly<{ waiting: readonly Waiting[]; bytes: Buffer; lines: readonly AppendedPlace[]; end: LogEnd }>;
type AppendedPlace = Placed & Readonly<{ from: number; to: number }>;

/** A batch is cut before it exceeds this many bytes. */
const mostBatchBytes = 4_194_304;

/** How many entries from the front of the queue go into one batch: at least one. */
export function cutLength(queue: readonly Waiting[]): number {
  let bytes = 0;
  let count = 0;
  for (const { entry } of queue) {
    bytes += lineBytesAtMost(entry);
    if (bytes > mostBatchBytes && count > 0) break;
    count += 1;
  }
  return count;
}

/** Gives every entry its number and links it to the one before; the buffer is new, so that a failed batch can be kept. */
export function renderBatch(waiting: readonly Waiting[], end: LogEnd): Batch {
  const room = waiting.reduce((sum, { entry }) => sum + lineBytesAtMost(entry), 0);
  const bytes = Buffer.allocUnsafe(room);
  const lines: AppendedPlace[] = [];
  let { seq, head } = end;
  let at = 0;
  for (const { entry } of waiting) {
    seq += 1;
    const written = writeLine(bytes, at, entry, seq, head);
    head = written.hash;
    lines.push({ seq, id: entry.id, hash: `sha256:${head}`, from: at, to: written.end - 1 });
    at = written.end;
  }
  return { waiting, bytes: bytes.subarray(0, at), lines, end: { ...end, seq, head, size: end.size + at } };
}

/** The lines of a batch as listeners get them. */
export function linesOf({ bytes, lines }: Batch, start: number): AppendedLine[] {
  return lines.map(({ seq, id, hash, from, to }) => ({
    seq, id, hash, offset: start + from,
    // Most listeners only want to know that something came.
    get text(): string {
      return bytes.toString('utf8', from, to);
    },
  }));
}

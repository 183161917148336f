/** The Merkle tree over a growing log, kept as its right edge, with the digest of the newest file so far. */
import { createHash, type Hash } from 'node:crypto';
import { readTail, zeroHash } from '../../../protocol/src/audit/bytes';
import { Frontier, leafOf } from '../../../protocol/src/audit/merkle';
import type { Disk } from './disk';
import { scanLines } from './lines';
import { partsOfLog, within, type LogPart } from './parts';

/** Where a log stands: entries, bare hash of the last one, and durable bytes of its newest file. */
export type LogMark = Readonly<{ entries: number; head: string; bytes: number }>;

/** What the tree gives for a checkpoint. */
export type TreeFacts = Readonly<{ size: number; root: string; head: string; segment: number; bytes: number; segmentDigest: string; edge: Frontier }>;

/**
 * Follows one log. Nothing is read until it is asked for; then only what is new. An edge that is known from before spares
 * hashing the leaves behind it, while the newest file is always read whole, for its digest.
 */
export class LogTree {
  #edge: Frontier;
  #place: { segment: number; bytes: number; entries: number; head: string; digest: Hash } | undefined;

  constructor(
    private readonly path: string,
    private readonly disk: Disk,
    known: Frontier = new Frontier(),
  ) {
    this.#edge = known;
  }

  /** Reads on up to a mark. Throws when the log does not end as the mark says; the tree then begins anew. */
  async catchUp(mark: LogMark): Promise<TreeFacts> {
    try {
      return await this.#readOn(mark);
    } catch (cause) {
      this.#place = undefined;
      this.#edge = new Frontier();
      throw cause;
    }
  }

  async #readOn(mark: LogMark): Promise<TreeFacts> {
    const parts = await partsOfLog(this.path, this.disk);
    const newest = parts.at(-1);
    if (newest === undefined) throw new Error('there is no log');
    const from = this.#place;
    this.#place ??= { segment: parts[0]?.segment ?? 1, bytes: 0, entries: 0, head: zeroHash, digest: createHash('sha256') };
    for (const part of parts) {
      if (part.segment < (from?.segment ?? 0)) continue;
      await this.#readPart(part, part === newest ? mark.bytes : undefined);
    }
    const { segment, bytes, entries, head, digest } = this.#place;
    if (entries !== mark.entries || head !== mark.head || bytes !== mark.bytes || this.#edge.size !== entries) {
      throw new Error(`the log ends after #${entries} and not after #${mark.entries} as it should`);
    }
    return { size: entries, root: this.#edge.root().toString('hex'), head, segment, bytes, segmentDigest: digest.copy().digest('hex'), edge: this.#edge.copy() };
  }

  async #readPart(part: LogPart, to: number | undefined): Promise<void> {
    const place = this.#place;
    if (place === undefined) return;
    if (part.segment !== place.segment) Object.assign(place, { segment: part.segment, bytes: 0, digest: createHash('sha256') });
    await within(part, async (file) => {
      const rest = await scanLines(file, { from: place.bytes, to: to ?? file.mark().size }, {
        line: (bytes, start, newline) => this.#take(bytes, start, newline),
        oversized: () => { throw new Error('the log holds a line that is too long'); },
      });
      if (rest !== undefined) throw new Error('the log breaks off in the middle of a line');
    });
  }

  #take(bytes: Buffer, start: number, newline: number): void {
    const tail = readTail(bytes, start, newline);
    const place = this.#place;
    if (tail === undefined || place === undefined) throw new Error('the log holds a line that is no entry');
    place.digest.update(bytes.subarray(start, newline + 1));
    place.bytes += newline + 1 - start;
    place.entries += 1;
    place.head = tail.hash;
    if (place.entries > this.#edge.size) this.#edge.append(leafOf(Buffer.from(tail.hash, 'hex')));
  }
}

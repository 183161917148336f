/** The Merkle tree over a growing log, kept as its right edge, with the digest of the newest file so far. */
import { createHash, type Hash } from 'node:crypto';
import { readTail } from '../../../../protocol/src/audit/bytes';
import { Frontier, leafOf } from '../../../../protocol/src/audit/merkle';
import type { Disk } from '../files/disk';
import { scanLines } from '../files/lines';
import { partsOfLog, within, type LogPart } from './parts';

/** Where a log stands: entries, bare hash of the last one, number and durable bytes of its newest file. */
export type LogMark = Readonly<{ entries: number; head: string; segment: number; bytes: number }>;

/** What the tree gives for a checkpoint. */
export type TreeFacts = Readonly<{ size: number; root: string; head: string; segment: number; bytes: number; segmentDigest: string; edge: Frontier }>;

type Place = { segment: number; bytes: number; entries: number; head: string; digest: Hash };

/**
 * Follows one log. Nothing is read until it is asked for; then only what is new. An edge that is known from before spares
 * reading the files behind it, which may be gone; the newest file is always read whole, for its digest.
 */
export class LogTree {
  #edge: Frontier;
  #place: Place | undefined;

  constructor(
    private readonly path: string,
    private readonly disk: Disk,
    private readonly known: Frontier = new Frontier(),
  ) {
    this.#edge = known.copy();
  }

  /** Reads on up to a mark. Throws when the log does not end as the mark says, or when files are gone that are needed; it then begins anew. */
  async catchUp(mark: LogMark): Promise<TreeFacts> {
    try {
      return await this.#readOn(mark);
    } catch (cause) {
      this.#place = undefined;
      this.#edge = this.known.copy();
      throw cause;
    }
  }

  async #readOn(mark: LogMark): Promise<TreeFacts> {
    const parts = (await partsOfLog(this.path, this.disk)).filter(({ segment }) => segment <= mark.segment);
    const place = (this.#place ??= placeBefore(this.#firstNeeded(parts)));
    for (const part of parts) if (part.segment >= place.segment) await this.#readPart(part, place, part.segment === mark.segment ? mark.bytes : undefined);
    const { segment, bytes, entries, head, digest } = place;
    if (entries !== mark.entries || head !== mark.head || segment !== mark.segment || bytes !== mark.bytes || this.#edge.size !== entries) {
      throw new Error(`the log ends after #${entries} and not after #${mark.entries} as it should`);
    }
    return { size: entries, root: this.#edge.root().toString('hex'), head, segment, bytes, segmentDigest: digest.copy().digest('hex'), edge: this.#edge.copy() };
  }

  /** The newest file before whose end the edge lies. */
  #firstNeeded(parts: readonly LogPart[]): LogPart {
    const needed = parts.filter(({ seq }) => seq - 1 <= this.#edge.size).at(-1);
    if (needed === undefined) throw new Error(parts.length === 0 ? 'there is no log' : `the files with the entries from #${this.#edge.size + 1} on are gone, without which the tree cannot be continued`);
    return needed;
  }

  async #readPart(part: LogPart, place: Place, to: number | undefined): Promise<void> {
    if (part.segment !== place.segment) Object.assign(place, { segment: part.segment, bytes: 0, digest: createHash('sha256') });
    await within(part, async (file) => {
      const rest = await scanLines(file, { from: place.bytes, to: to ?? file.mark().size }, {
        line: (bytes, start, newline) => this.#take(place, bytes, start, newline),
        oversized: () => { throw new Error('the log holds a line that is too long'); },
      });
      if (rest !== undefined) throw new Error('the log breaks off in the middle of a line');
    });
  }

  #take(place: Place, bytes: Buffer, start: number, newline: number): void {
    const tail = readTail(bytes, start, newline);
    if (tail === undefined) throw new Error('the log holds a line that is no entry');
    place.digest.update(bytes.subarray(start, newline + 1));
    place.bytes += newline + 1 - start;
    place.entries += 1;
    place.head = tail.hash;
    if (place.entries > this.#edge.size) this.#edge.append(leafOf(Buffer.from(tail.hash, 'hex')));
  }
}

function placeBefore({ segment, seq }: LogPart): Place {
  return { segment, bytes: 0, entries: seq - 1, head: '', digest: createHash('sha256') };
}

/** Counts entries per quarter of an hour in one pass, and goes on from there when the log has grown. Derived, never trusted. */
import { readHead } from '../../../protocol/src/audit/head';
import type { Disk, FileMark, ReadableFile } from './disk';
import { scanLines } from './lines';
import { openWholeLog, type WholeLog } from './wholeLog';

/** Entries of one quarter of an hour: how many, and the byte range that holds them all (and perhaps others). */
export type Quarter = { readonly start: number; count: number; from: number; to: number };

/** The quarters of a log, updated on demand. */
export class TimeIndex {
  #quarters = new Map<string, Quarter>();
  #mark: FileMark | undefined;
  #indexed = 0;
  /** Lets one scan at a time count. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The last bytes that were indexed, to notice a file that was rewritten in place. */
  #lastBytes = Buffer.alloc(0);
  readonly #path: string;
  readonly #disk: Disk;

  constructor(path: string, disk: Disk) {
    this.#path = path;
    this.#disk = disk;
  }

  /** The quarters in order of time, after reading what the log gained since the last call. */
  quarters(signal?: AbortSignal): Promise<readonly Quarter[]> {
    const done = this.#turn.then(() => this.#read(signal));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #read(signal: AbortSignal | undefined): Promise<readonly Quarter[]> {
    const file = await openWholeLog(this.#path, this.#disk);
    if (file === undefined) {
      this.#forget();
      return [];
    }
    try {
      await this.#update(file, signal);
    } finally {
      await file.close();
    }
    return [...this.#quarters.values()].sort((a, b) => a.start - b.start);
  }

  #forget(): void {
    this.#quarters = new Map();
    this.#indexed = 0;
    this.#lastBytes = Buffer.alloc(0);
  }

  async #update(file: WholeLog, signal: AbortSignal | undefined): Promise<void> {
    const mark = file.mark();
    if (this.#mark?.id !== mark.id || mark.size < this.#indexed || !(await this.#isUnchanged(file))) this.#forget();
    this.#mark = mark;
    let minute = '';
    let quarter: Quarter | undefined;
    const line = (bytes: Buffer, start: number, newline: number, offset: number): void => {
      const at = timestampAt(bytes, start, newline);
      const text = at === -1 ? readHead(bytes, start, newline)?.timestamp : bytes.toString('latin1', at, at + 16);
      if (text === undefined) return;
      if (quarter === undefined || text !== minute) {
        minute = text;
        quarter = this.#quarterOf(text, offset);
      }
      if (quarter === undefined) return;
      quarter.count += 1;
      quarter.to = Math.max(quarter.to, offset + newline - start + 1);
    };
    // A scan that is broken off leaves half counts behind, so it must begin anew.
    const from = Math.max(this.#indexed, file.from);
    this.#indexed = Number.POSITIVE_INFINITY;
    const rest = await scanLines(file, { from, to: mark.size }, { line, oversized: () => undefined }, signal);
    this.#indexed = rest?.offset ?? mark.size;
    const last = Buffer.alloc(Math.min(80, this.#indexed - file.from));
    await file.read(last, this.#indexed - last.length);
    this.#lastBytes = last;
  }

  async #isUnchanged(file: ReadableFile): Promise<boolean> {
    const last = Buffer.alloc(this.#lastBytes.length);
    await file.read(last, this.#indexed - last.length);
    return last.equals(this.#lastBytes);
  }

  #quarterOf(minute: string, offset: number): Quarter | undefined {
    const time = Date.parse(`${minute.slice(0, 16)}:00Z`);
    if (Number.isNaN(time)) return undefined;
    const start = time - (time % 900_000);
    const key = `${start}`;
    const known = this.#quarters.get(key);
    if (known !== undefined) return known;
    const made = { start, count: 0, from: offset, to: offset };
    this.#quarters.set(key, made);
    return made;
  }
}

/** Where the timestamp stands in a line as our writer lays it out; -1 when it is not there. */
function timestampAt(bytes: Buffer, start: number, newline: number): number {
  const digits = start + 13;
  const comma = bytes.indexOf(0x2c, digits);
  const at = comma + 52;
  if (comma === -1 || comma > digits + 16 || at + 24 >= newline) return -1;
  return bytes[at - 1] === 0x22 && bytes[at + 10] === 0x54 && bytes[at + 23] === 0x5a ? at : -1;
}

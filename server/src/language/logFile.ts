/** One file of the audit log by its lines, read from the disk in bounded steps; nothing of it crosses from the editor. */
import { maxLineBytes } from '../../../protocol/src/audit/bytes';
import { readHead } from '../../../protocol/src/audit/head';
import type { Disk, FileMark, ReadableFile } from '../audit/files/disk';
import { scanLines } from '../audit/files/lines';
import { openLogFile } from '../audit/files/segments';

/** Lines of one hour that follow each other: the first and the last, counted from 0, and the hour as `2026-11-21T05`. */
export type HourOfLines = { readonly hour: string; readonly first: number; last: number };

/** What is known of a file: its lines, its hours in the order of the file, the number of its first entry. */
export type LogFacts = Readonly<{ lines: number; hours: readonly HourOfLines[]; firstSeq: number | undefined }>;

/** A place is kept for each so many lines. */
const stride = 64;
/** Most spans of hours that are kept; a clock that jumps about makes many. */
const mostHours = 4_000;

/** Knows where the lines of a file stand, and goes on from there when it has grown. */
export class LogFileLines {
  #mark: FileMark | undefined;
  #scanned = 0;
  #lastBytes: Buffer = Buffer.alloc(0);
  #lines = 0;
  #offsets: number[] = [];
  #hours: HourOfLines[] = [];
  #firstSeq: number | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly disk: Disk,
  ) {}

  /** The facts as the file is now; undefined when there is none. */
  facts(signal?: AbortSignal): Promise<LogFacts | undefined> {
    return this.#inTurn(async (file) => {
      await this.#update(file, signal);
      return { lines: this.#lines, hours: this.#hours, firstSeq: this.#firstSeq };
    });
  }

  /** A line, counted from 0, without its newline; undefined when it is not there, or too long for an entry. */
  line(number: number, signal?: AbortSignal): Promise<string | undefined> {
    return this.#inTurn(async (file) => {
      await this.#update(file, signal);
      const from = this.#offsets[Math.floor(number / stride)];
      if (from === undefined || number < 0 || number >= this.#lines) return undefined;
      return nthLine(file, from, number % stride, signal);
    });
  }

  async #inTurn<T>(work: (file: ReadableFile) => Promise<T>): Promise<T | undefined> {
    const done = this.#turn.then(async () => {
      if (this.disk.mark(this.path) === undefined) return undefined;
      const file = await openLogFile({ path: this.path, packed: false }, this.disk);
      return await work(file).finally(() => file.close());
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #update(file: ReadableFile, signal: AbortSignal | undefined): Promise<void> {
    const mark = file.mark();
    if (this.#mark?.id !== mark.id || mark.size < this.#scanned || !(await this.#isUnchanged(file, mark))) this.#forget();
    this.#mark = mark;
    const from = this.#scanned;
    // A scan that is broken off leaves half counts behind, so it must begin anew.
    this.#scanned = Number.POSITIVE_INFINITY;
    const line = (bytes: Buffer, start: number, newline: number, offset: number): void => this.#take(bytes, start, newline, offset);
    const rest = await scanLines(file, { from, to: mark.size }, { line, oversized: (offset) => this.#take(Buffer.alloc(0), 0, 0, offset) }, signal);
    this.#scanned = rest?.offset ?? mark.size;
    this.#lastBytes = await lastBytes(file, this.#scanned);
  }

  async #isUnchanged(file: ReadableFile, mark: FileMark): Promise<boolean> {
    if (mark.size === this.#scanned && mark.modified !== this.#mark?.modified) return false;
    return (await lastBytes(file, this.#scanned)).equals(this.#lastBytes);
  }

  #take(bytes: Buffer, start: number, newline: number, offset: number): void {
    const number = this.#lines;
    if (number % stride === 0) this.#offsets.push(offset);
    this.#lines += 1;
    const head = readHead(bytes, start, newline);
    if (number === 0) this.#firstSeq = head?.seq;
    const last = this.#hours.at(-1);
    const hour = head?.timestamp.slice(0, 13);
    // A line that tells no time belongs to those around it.
    if (last !== undefined && (hour === undefined || last.hour === hour || this.#hours.length >= mostHours)) last.last = number;
    else if (hour !== undefined) this.#hours.push({ hour, first: number, last: number });
  }

  #forget(): void {
    [this.#scanned, this.#lines, this.#offsets, this.#hours, this.#firstSeq, this.#lastBytes] = [0, 0, [], [], undefined, Buffer.alloc(0)];
  }
}

async function lastBytes(file: ReadableFile, end: number): Promise<Buffer> {
  const last = Buffer.alloc(Math.min(80, end));
  await file.read(last, end - last.length);
  return last;
}

async function nthLine(file: ReadableFile, from: number, skip: number, signal: AbortSignal | undefined): Promise<string | undefined> {
  const bytes = Buffer.allocUnsafe(2 * maxLineBytes);
  let [position, passed] = [from, 0];
  for (;;) {
    signal?.throwIfAborted();
    const length = await file.read(bytes, position);
    if (length === 0) return undefined;
    const filled = bytes.subarray(0, length);
    let start = 0;
    for (let newline = filled.indexOf(0x0a); newline !== -1; start = newline + 1, newline = filled.indexOf(0x0a, start)) {
      if (passed === skip) return filled.toString('utf8', start, newline);
      passed += 1;
    }
    // A line that fills the room is too long for an entry: it is passed over in pieces.
    if (start === 0 && passed === skip) return undefined;
    position += start === 0 ? length : start;
  }
}

/** Reads a stretch of a file on its own, so that several can be read at once. */
import { carries, hasLayout, hashOfLine, linksInPlace, linksTo, maxLineBytes, readTail } from '../../../../protocol/src/audit/bytes';
import { idLength, PlainLine, timeLength, Times } from '../../../../protocol/src/audit/plain';
import { isPlainEntry } from '../../../../protocol/src/audit/plainEntry';
import type { OrphanCall } from '../../../../protocol/src/audit/report';
import type { Stretch } from '../../../../protocol/src/audit/stretch';
import type { ReadableFile } from '../files/disk';
import { tellsOfApproval } from './approvalLines';
import { scanLines } from '../files/lines';

/** Which bytes to read, from the beginning of a line to the end of one; whether to look at what lines say; and entries whose hashes are wanted. */
export type StretchJob = Readonly<{ from: number; to: number; strict: boolean; wanted: readonly number[] }>;

/**
 * Reads a stretch. Undefined when anything in it is not quite as our own writer leaves it, honest or not: then the lines must be read one
 * after the other by whoever knows those before. Rejects when the file cannot be read.
 */
export async function readStretch(file: Pick<ReadableFile, 'read'>, job: StretchJob): Promise<Stretch | undefined> {
  const check = new StretchCheck(job);
  try {
    const rest = await scanLines(file, job, {
      line: (bytes, start, newline, offset) => check.push(bytes, start, newline, offset),
      oversized: () => { throw new Odd(); },
    });
    return rest === undefined ? check.finish() : undefined;
  } catch (thrown) {
    if (thrown instanceof Odd) return undefined;
    throw thrown;
  }
}

/** Of more doubtful lines than these it is quicker to read all. */
const mostDoubtful = 1_000;

/** Ends the reading of a stretch that must be read elsewhere. */
class Odd extends Error {}

class StretchCheck {
  #lines = 0;
  #end = 0;
  #first: Stretch['first'] | undefined;
  #seq = 0;
  #head = '';
  #headBefore = '';
  #phase = '';
  #newline = -2;
  readonly #line = new PlainLine();
  readonly #times = new Times();
  readonly #open = new Map<string, OrphanCall>();
  readonly #closed = new Map<string, string>();
  readonly #begun = new Set<string>();
  readonly #doubtful: { offset: number; end: number; line: number }[] = [];
  readonly #heads: { seq: number; hash: string }[] = [];
  readonly #job: StretchJob;

  constructor(job: StretchJob) {
    this.#job = job;
  }

  push(bytes: Buffer, start: number, newline: number, offset: number): void {
    const line = this.#line;
    if (newline - start >= maxLineBytes || !line.read(bytes, start, newline) || !hasLayout(bytes, newline)) throw new Odd();
    if (this.#first === undefined) this.#begin(bytes, start, newline);
    else if (line.seq !== this.#seq + 1 || !(this.#newline === start - 1 ? linksInPlace(bytes, newline, start - 1) : linksTo(bytes, newline, this.#head))) throw new Odd();
    const hash = hashOfLine(bytes, start, newline);
    if (!carries(bytes, newline, hash) || this.#times.takeAt(bytes, line.timestamp) !== undefined) throw new Odd();
    this.#lines += 1;
    this.#headBefore = this.#head;
    [this.#seq, this.#head, this.#phase, this.#newline, this.#end] = [line.seq, hash, line.phase, newline, offset + newline - start + 1];
    if (this.#job.wanted.includes(line.seq)) this.#heads.push({ seq: line.seq, hash });
    if (line.phase === 'genesis' ? line.seq !== 1 : line.phase === 'segment' && offset !== 0) throw new Odd();
    if (this.#job.strict && (!isPlainEntry(bytes, start, newline, line) || tellsOfApproval(bytes, start, newline, line))) this.#doubt(offset, newline - start);
    this.#pair(bytes, offset);
  }

  finish(): Stretch | undefined {
    if (this.#first === undefined) return undefined;
    return {
      lines: this.#lines, end: this.#end, first: this.#first,
      last: { seq: this.#seq, prevHash: this.#headBefore, hash: this.#head, timestamp: this.#times.last ?? '', phase: this.#phase },
      closed: [...this.#closed].map(([call, tool]) => ({ call, tool })), open: [...this.#open.values()], begun: [...this.#begun].join(''), doubtful: this.#doubtful, heads: this.#heads,
    };
  }

  #doubt(offset: number, length: number): void {
    if (this.#doubtful.length >= mostDoubtful) throw new Odd();
    this.#doubtful.push({ offset, end: offset + length, line: this.#lines });
  }

  #begin(bytes: Buffer, start: number, newline: number): void {
    const tail = readTail(bytes, start, newline);
    const { seq, timestamp, phase } = this.#line;
    if (tail === undefined || (seq === 1 && phase !== 'genesis')) throw new Odd();
    this.#head = tail.prevHash;
    this.#first = { seq, prevHash: tail.prevHash, timestamp: bytes.toString('latin1', timestamp, timestamp + timeLength) };
  }

  #pair(bytes: Buffer, offset: number): void {
    const { phase, call: at, tool: toolAt, toolEnd } = this.#line;
    if (phase !== 'intent' && phase !== 'done' && phase !== 'recover') return;
    if (at === -1) {
      if (phase !== 'recover') throw new Odd();
      return;
    }
    const [call, tool] = [bytes.toString('latin1', at, at + idLength), bytes.toString('latin1', toolAt, toolEnd)];
    const decided = this.#open.get(call);
    // A call that comes again after its end is for whoever knows all of them.
    if (phase === 'intent' ? this.#begun.has(call) || this.#closed.has(call) : decided === undefined ? this.#begun.has(call) || this.#closed.has(call) : decided.tool !== tool) throw new Odd();
    if (phase === 'intent') {
      this.#begun.add(call);
      this.#open.set(call, { call, tool, line: this.#lines, offset });
    } else if (decided === undefined) this.#closed.set(call, tool);
    else this.#open.delete(call);
  }
}

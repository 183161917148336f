/**
 * The log as this process holds it: the open file and its durable end, and what must be remembered while it is not open.
 * One thing at a time may be done with it; the writer sees to that.
 */
import { prepareEntry, type PreparedEntry } from '../../../../protocol/src/audit/bytes';
import type { KnownHead } from '../../../../protocol/src/audit/chain';
import type { OwnEntry } from '../../../../protocol/src/audit/entry';
import type { VerificationReport } from '../../../../protocol/src/audit/report';
import { rotateEntry } from '../../../../protocol/src/audit/segment';
import { renderBatch, type Batch, type Caller, type Waiting } from './batch';
import type { AppendFile, FileMark } from '../files/disk';
import { timestamps } from './eventId';
import { unavailable } from './health';
import { replaceLog, type LogPlace } from '../upkeep/newLog';
import { headToExpect, openLog, verifyAgainst, type Remembered } from '../upkeep/opening';
import { writeBatch, type Trouble } from './ownFile';
import { ownEntry } from './queue';
import type { Found, LogEnd } from '../upkeep/recovery';
import { beginNextFile, rotationDue } from '../upkeep/rotation';
import { RunningCalls } from './runningCalls';

/** What became of an attempt to open the log: entries that must go on record first, or what is wrong with it; `unchanged` since it was refused. */
export type Opening = Readonly<{ kind: 'open'; first: readonly Waiting[] }> | Readonly<{ kind: 'tampered'; report: VerificationReport }> | Readonly<{ kind: 'unchanged' }>;

/** What became of a batch. `note` is the id of the entry that tells of an earlier failure: it is made anew, not kept. */
export type Written = Readonly<{ kind: 'durable'; batch: Batch; offset: number }> | Readonly<{ kind: 'failed'; trouble: Trouble; note: string | undefined }>;

/** The failure that is not on record yet: its last batch, its first message, how many callers it refused, the note of it. */
type Failure = Readonly<{ batch: Batch; message: string; refused: number; note: string | undefined }>;

/** The log of one writer. */
export class OwnLog {
  readonly #place: LogPlace;
  readonly #timestamp: () => string;
  readonly #running = new RunningCalls();
  readonly #flaw: () => string | undefined;
  #known: KnownHead | undefined;
  #open: Readonly<{ file: AppendFile; end: LogEnd }> | undefined;
  /** The durable end when the log was last open in this process. */
  #lastEnd: LogEnd | undefined;
  #failure: Failure | undefined;
  /** The time that stands where the file was closed last. */
  #rotatedAt: string | undefined;
  #refused: Readonly<{ mark: FileMark | undefined }> | undefined;

  /** `flaw` says what is wrong with the cryptography of this runtime; nothing is written, verified or replaced then. */
  constructor(place: LogPlace, known: KnownHead | undefined, flaw: () => string | undefined) {
    this.#place = place;
    this.#flaw = flaw;
    this.#known = known;
    this.#timestamp = timestamps(place.now);
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** The durable end, also of a log that is not open any more; undefined before it was ever open. */
  get end(): LogEnd | undefined {
    return this.#open?.end ?? this.#lastEnd;
  }

  /** True while a failure is not on record yet. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Opens the log, creates or repairs it. Rejects with the operating system's cause. */
  async open(): Promise<Opening> {
    this.#expectSound();
    const { disk, path } = this.#place;
    if (this.#refused !== undefined && sameMark(this.#refused.mark, disk.mark(path))) return { kind: 'unchanged' };
    const opened = await openLog(this.#place, this.#memory());
    if (opened.kind === 'tampered') {
      this.#refused = { mark: disk.mark(path) };
      return opened;
    }
    return { kind: 'open', first: this.#use(opened.file, opened.found) };
  }

  /** Writes a batch behind the end and makes it durable. After a failure, what was half written is taken back and the descriptor given up for good. */
  async write(waiting: readonly Waiting[]): Promise<Written> {
    if (this.#open === undefined) throw new Error('the log is not open');
    const { file, end } = this.#open;
    const batch = renderBatch(waiting, end);
    const trouble = await writeBatch(this.#place, file, end, batch);
    if (trouble !== undefined) {
      if (trouble.wrote) await file.truncate(end.size).catch(() => undefined); // tried again when the log is reopened
      await this.close();
      const { message = trouble.message, refused = 0, note } = this.#failure ?? {};
      this.#failure = { batch, message, refused, note: undefined };
      return { kind: 'failed', trouble, note };
    }
    this.#open = { file, end: batch.end };
    this.#lastEnd = batch.end;
    this.#failure = undefined;
    this.#running.see(batch, end);
    return { kind: 'durable', batch, offset: end.size };
  }

  /** Counts callers that were refused by the failure at hand, for the entry that will tell of it. */
  countRefused(callers: number): void {
    if (this.#failure !== undefined) this.#failure = { ...this.#failure, refused: this.#failure.refused + callers };
  }

  /** The entry that closes the file, when it is full or old; undefined when it is not. Its time is no later than that of the `oldest` entry that waits. */
  lastOfFile(oldest: string | undefined): Waiting | undefined {
    const why = this.#open === undefined ? undefined : rotationDue(this.#open.end, this.#place);
    if (why === undefined || this.#open === undefined) return undefined;
    this.#rotatedAt = oldest ?? this.#timestamp();
    // Not owed: after a failure the file is not full any more, or it is found to be so again.
    return { ...ownEntry(this.#prepare(rotateEntry(this.#open.end.start.segment, why), this.#rotatedAt)), owed: false };
  }

  /** Begins the next file after `lastOfFile` was written; gives the number of the closed one. What fails on the way is gone on with at the next opening. */
  async beginNext(): Promise<number> {
    if (this.#open === undefined) throw new Error('the log is not open');
    const closed = { ...this.#open, end: { ...this.#open.end, closed: true } };
    this.#open = closed;
    this.#lastEnd = closed.end;
    try {
      // What waits meanwhile has its time already, and must not seem to come from before the file.
      const at = Date.parse(this.#rotatedAt ?? this.#timestamp());
      this.#open = await beginNextFile({ ...this.#place, now: () => at }, closed.file, closed.end, this.#running.list());
      this.#lastEnd = this.#open.end;
      return closed.end.start.segment;
    } catch (cause) {
      await this.close();
      throw cause;
    }
  }

  /** Verifies the log against everything that is remembered of it. */
  async verify(): Promise<VerificationReport> {
    this.#expectSound();
    return await verifyAgainst(this.#place, this.#memory());
  }

  /** Sets the log aside and begins a new one, of which nothing is remembered; gives the path of the old one, if it was there. */
  async replace(reason: string): Promise<string | undefined> {
    this.#expectSound();
    await this.close();
    const aside = await replaceLog(this.#place, reason, headToExpect(this.#memory()));
    this.#known = undefined;
    this.#lastEnd = undefined;
    this.#failure = undefined;
    this.#refused = undefined;
    return aside;
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close().catch(() => undefined); // whatever it says, this descriptor is never used again
  }

  /** A wrong hash would write what nobody can verify, and would call a good log damaged. */
  #expectSound(): void {
    const flaw = this.#flaw();
    if (flaw !== undefined) throw unavailable(`${flaw} Nothing is recorded with it, and nothing runs: use another version of Node.js or of the editor.`);
  }

  #use(file: AppendFile, { end, open, notes, recorded }: Extract<Found, { kind: 'usable' }>): Waiting[] {
    this.#open = { file, end };
    this.#running.reset(open);
    this.#lastEnd = end;
    this.#refused = undefined;
    // A note that is not marked as recorded is only told once more at the next start.
    const last: Caller = { resolve: () => void recorded().catch(() => undefined), reject: () => undefined };
    const first = notes.map((note, i) => ownEntry(this.#prepare(note), i === notes.length - 1 ? last : undefined));
    if (this.#failure === undefined) return first;
    const entry = this.#prepare(interruption(this.#failure));
    this.#failure = { ...this.#failure, note: entry.id };
    return [ownEntry(entry), ...first];
  }

  #prepare(note: OwnEntry, timestamp = this.#timestamp()): PreparedEntry {
    const { nextId, actor } = this.#place;
    return prepareEntry({ ...note, ...(actor && { actor }) }, nextId(), timestamp);
  }

  #memory(): Remembered {
    return { known: this.#known, end: this.#lastEnd, open: this.#running.list(), failedBatch: this.#failure?.batch.bytes };
  }
}

function interruption({ message, refused }: Failure): OwnEntry {
  return { phase: 'recover', tool: 'audit.recover', input: { kind: 'interrupted', reason: message, rejected: refused }, result: 'ok' };
}

function sameMark(a: FileMark | undefined, b: FileMark | undefined): boolean {
  return a?.id === b?.id && a?.size === b?.size && a?.modified === b?.modified;
}

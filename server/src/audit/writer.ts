/**
 * The only code that appends to the audit log. Entries that wait together share one write and one sync; numbers and
 * hashes are given when a batch is cut. What cannot be recorded is refused, and the cause is shown as health.
 */
import { prepareEntry, type PreparedEntry } from '../../../protocol/src/audit/bytes';
import type { KnownHead } from '../../../protocol/src/audit/chain';
import type { NewEntry, OwnEntry } from '../../../protocol/src/audit/entry';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { rotateEntry } from '../../../protocol/src/audit/segment';
import type { Actor } from '../../../protocol/src/call';
import { ConductorError } from '../../../protocol/src/errors';
import { linesOf, renderBatch, type AppendedLine, type Batch, type Placed, type Waiting } from './batch';
import { realDisk, type AppendFile, type Disk, type FileMark } from './disk';
import { eventIds, timestamps } from './eventId';
import { defaultKeeping, replaceLog, type Keeping, type LogPlace } from './newLog';
import { headToExpect, openLog, verifyAgainst, type Remembered } from './opening';
import { messageOf, writeBatch, type Trouble } from './ownFile';
import { EntryQueue, ownEntry } from './queue';
import type { Found, LogEnd } from './recovery';
import { beginNextFile, rotationDue } from './rotation';
import { RunningCalls } from './runningCalls';

export type { AppendedLine, Placed } from './batch';

/** Whether entries can be recorded. `failed` is tried again with every append; `tampered` as soon as the file changes. */
export type AuditHealth =
  | Readonly<{ state: 'healthy' }>
  | Readonly<{ state: 'failed'; message: string }>
  | Readonly<{ state: 'tampered'; message: string; report: VerificationReport }>
  | Readonly<{ state: 'closed' }>;

/**
 * The log as the writer knows it: entries, `sha256:` hash of the last one (null before the first), number and durable bytes of the
 * file in use, the log's random id, health.
 */
export type AuditState = Readonly<{ entries: number; head: string | null; bytes: number; segment: number; logId: string | undefined; health: AuditHealth }>;

/** What a writer is told; everything but `path` and `createdBy` has a default. */
export type AuditWriterOptions = Readonly<{
  /** Absolute path of the log; its folder is created, mode 0700. */
  path: string;
  /** Name and version of this program, for the genesis entry. */
  createdBy: string;
  /** Who stands behind the log's own entries. */
  actor?: Actor;
  /** A sentence about what became of a call that a crash cut off; it goes into the entry that closes the call. */
  afterCrash?: (call: string) => string | undefined;
  /** A head that was kept outside the log: an older or shorter log is then refused as tampered. */
  known?: KnownHead;
  disk?: Disk;
  /** Wall clock in milliseconds since 1970; Date.now by default. */
  now?: () => number;
  nextId?: () => string;
  /** Takes secrets out of an entry before anything is hashed; gives it back as it is by default. */
  redact?: (entry: NewEntry, id: string) => NewEntry;
  /** When a file is full, and what becomes of closed ones; asked again each time. 64 MiB, all kept, by default. */
  keeping?: () => Keeping;
}>;

/** Appends to the log. Entries keep the order in which they were handed over. */
export type AuditWriter = Readonly<{
  /** Resolves when the entry is durable. Rejects with AUDIT_UNAVAILABLE when it cannot be, and TOO_LARGE above 1 MiB. */
  append(entry: NewEntry): Promise<Placed>;
  /** For calls that change nothing: resolves with the id at once while the log is healthy, and is written behind; else like `append`. */
  enqueue(entry: NewEntry): Promise<string>;
  /** Sets a tampered or lost log aside and begins a new one that names it and the reason; gives the path of the old one, if it was there. Rejects with CONFLICT when there is no need. */
  startNewLog(reason: string): Promise<string | undefined>;
  state(): AuditState;
  /** Calls back after each durable batch; gives the function that stops it. */
  onAppended(listener: (lines: readonly AppendedLine[]) => void): () => void;
  /** Calls back when the health changes; gives the function that stops it. */
  onHealth(listener: (health: AuditHealth) => void): () => void;
  /** Calls back after a file was closed and the next one begun, with the number of the closed one; gives the function that stops it. */
  onRotated(listener: (segment: number) => void): () => void;
  /** Writes what is queued, then refuses everything. */
  close(): Promise<void>;
}>;

/** Opens the log, creates or repairs it, and puts repairs on record. Never rejects for the log's sake: look at `state().health`. */
export async function openAuditWriter(options: AuditWriterOptions): Promise<AuditWriter> {
  const writer = new LogWriter(options);
  await writer.start();
  return writer;
}

/** Above this many queued bytes, `enqueue` waits like `append`. */
const mostQueuedBytes = 8_388_608;

class LogWriter implements AuditWriter {
  readonly #place: LogPlace;
  readonly #timestamp: () => string;
  readonly #redact: (entry: NewEntry, id: string) => NewEntry;
  #known: KnownHead | undefined;
  /** Open for appending. After a failure the health stays `failed` until a batch was written again. */
  #log: Readonly<{ file: AppendFile; end: LogEnd }> | undefined;
  /** The durable end when the log was last open in this process. */
  #lastEnd: LogEnd | undefined;
  /** The failure that is not on record yet: its last batch, its first message, how many callers it refused, the note of it. */
  #failed: Readonly<{ batch: Batch; message: string; rejected: number; note: string | undefined }> | undefined;
  #refused: Readonly<{ mark: FileMark | undefined }> | undefined;
  #health: AuditHealth = { state: 'failed', message: 'The audit log is not open yet.' };
  readonly #queue = new EntryQueue();
  readonly #running = new RunningCalls();
  #turn: Promise<void> = Promise.resolve();
  #scheduled = false;
  readonly #appended = new Set<(lines: readonly AppendedLine[]) => void>();
  readonly #healthChanged = new Set<(health: AuditHealth) => void>();
  readonly #rotated = new Set<(segment: number) => void>();

  constructor({ path, createdBy, actor, afterCrash, known, disk = realDisk, now = Date.now, nextId = eventIds(now), keeping = () => defaultKeeping, redact = (entry) => entry }: AuditWriterOptions) {
    this.#redact = redact;
    this.#place = { path, createdBy, actor, afterCrash, disk, now, nextId, keeping };
    this.#known = known;
    this.#timestamp = timestamps(now);
  }

  async start(): Promise<void> {
    await this.#inTurn(async () => {
      if (await this.#reopen()) await this.#drain();
    });
  }

  append(entry: NewEntry): Promise<Placed> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: Placed | ConductorError): void =>
        outcome instanceof ConductorError ? reject(outcome) : resolve(outcome);
      this.#queue.push({ entry: this.#prepare(entry), owed: entry.phase !== 'intent', settle });
      this.#drainSoon();
    });
  }

  async enqueue(entry: NewEntry): Promise<string> {
    if (this.#health.state !== 'healthy' || this.#queue.bytes > mostQueuedBytes) return (await this.append(entry)).id;
    const prepared = this.#prepare(entry);
    this.#queue.push({ entry: prepared, owed: true, settle: undefined });
    this.#drainSoon();
    return prepared.id;
  }

  async startNewLog(reason: string): Promise<string | undefined> {
    let aside: string | undefined;
    await this.#inTurn(async () => {
      await this.#mayReplace();
      await this.#closeFile();
      try {
        aside = await replaceLog(this.#place, reason, headToExpect(this.#memory()));
      } catch (cause) {
        throw unavailable(`A new audit log could not be started: ${messageOf(cause)}`, cause);
      }
      this.#known = undefined;
      this.#lastEnd = undefined;
      this.#failed = undefined;
      this.#refused = undefined;
      if (await this.#reopen()) await this.#drain();
    });
    return aside;
  }

  state(): AuditState {
    const end = this.#log?.end ?? this.#lastEnd;
    const head = end === undefined ? null : `sha256:${end.head}`;
    return { entries: end?.seq ?? 0, head, bytes: end?.size ?? 0, segment: end?.start.segment ?? 1, logId: end?.start.logId, health: this.#health };
  }

  onAppended(listener: (lines: readonly AppendedLine[]) => void): () => void {
    this.#appended.add(listener);
    return () => this.#appended.delete(listener);
  }

  onHealth(listener: (health: AuditHealth) => void): () => void {
    this.#healthChanged.add(listener);
    return () => this.#healthChanged.delete(listener);
  }

  onRotated(listener: (segment: number) => void): () => void {
    this.#rotated.add(listener);
    return () => this.#rotated.delete(listener);
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#drain();
      await this.#closeFile();
      this.#setHealth({ state: 'closed' });
    });
  }

  #prepare(entry: NewEntry): PreparedEntry {
    if (this.#health.state === 'closed') throw unavailable('The audit log is closed.');
    const id = ('id' in entry ? entry.id : undefined) ?? this.#place.nextId();
    try {
      return prepareEntry(this.#redact(entry, id), id, this.#timestamp());
    } catch (cause) {
      if (cause instanceof RangeError) throw new ConductorError('TOO_LARGE', cause.message, { cause });
      throw cause;
    }
  }

  #drainSoon(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    // Not at once: what follows in this turn of the event loop can share the write.
    setImmediate(() => {
      this.#scheduled = false;
      void this.#inTurn(() => this.#drain());
    });
  }

  /** Lets one thing at a time touch the file. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #drain(): Promise<void> {
    let answer = nobody;
    const giveAnswer = (): void => {
      const due = answer;
      answer = nobody;
      due.give();
    };
    try {
      while (this.#queue.length > 0) {
        if (this.#log === undefined && !(await this.#reopen())) return;
        if (this.#log === undefined) continue;
        const written = this.#commit(this.#log, this.#queue.cut(answer.callers));
        // The disk is at work now: whoever is answered hands over the next entry meanwhile.
        giveAnswer();
        answer = await written;
        const why = this.#log === undefined ? undefined : rotationDue(this.#log.end, this.#place);
        if (this.#queue.length > 0 && why === undefined) continue;
        giveAnswer();
        if (why !== undefined) await this.#rotate(why);
        // Whoever was answered now may hand over the next entry in this turn of the event loop, to share the next write.
        await nextTurn();
      }
    } finally {
      giveAnswer();
    }
  }

  /** Writes a batch; gives the answers to its callers, which are due once it is durable and can wait until the next batch is on its way. */
  async #commit({ file, end }: Readonly<{ file: AppendFile; end: LogEnd }>, waiting: readonly Waiting[]): Promise<Answer> {
    const batch = renderBatch(waiting, end);
    const trouble = await writeBatch(this.#place, file, end, batch);
    if (trouble !== undefined) {
      await this.#fail(trouble, file, end, batch);
      return nobody;
    }
    this.#log = { file, end: batch.end };
    this.#lastEnd = batch.end;
    this.#failed = undefined;
    this.#setHealth({ state: 'healthy' });
    this.#queue.written(waiting);
    this.#running.see(batch, end);
    if (this.#appended.size > 0) this.#tell(this.#appended, linesOf(batch, end.size));
    return {
      callers: waiting.length,
      give: () => batch.lines.forEach(({ seq, id, hash }, i) => waiting[i]?.settle?.({ seq, id, hash })),
    };
  }

  /** Closes the file, and goes on in the next one. What fails on the way is gone on with at the next opening. */
  async #rotate(why: 'size' | 'age'): Promise<void> {
    if (this.#log === undefined) return;
    const { end } = this.#log;
    // Not owed: after a failure the file is not full any more, or it is found to be so again.
    const last: Waiting[] = [{ entry: this.#prepareOwn(rotateEntry(end.start.segment, why)), owed: false, settle: undefined }];
    this.#queue.adopt(last);
    (await this.#commit(this.#log, last)).give();
    if (this.#log === undefined) return;
    const closed = { ...this.#log, end: { ...this.#log.end, closed: true } };
    this.#log = closed;
    this.#lastEnd = closed.end;
    try {
      this.#log = await beginNextFile(this.#place, closed.file, closed.end, this.#running.list());
      this.#lastEnd = this.#log.end;
      this.#tell(this.#rotated, this.#log.end.start.segment - 1);
    } catch (cause) {
      await this.#closeFile();
      const message = `The next file of the audit log could not be begun: ${messageOf(cause)}`;
      this.#setHealth({ state: 'failed', message });
      this.#queue.reject(() => unavailable(message, cause));
    }
  }

  /** Takes back what was half written, gives up the descriptor for good, and refuses everybody who waits. */
  async #fail(trouble: Trouble, file: AppendFile, end: LogEnd, batch: Batch): Promise<void> {
    if (trouble.wrote) await file.truncate(end.size).catch(() => undefined); // tried again when the log is reopened
    await this.#closeFile();
    const { message = trouble.message, rejected = 0, note } = this.#failed ?? {};
    const refused = this.#queue.takeBack(batch.waiting, note);
    this.#failed = { batch, message, rejected: rejected + refused, note: undefined };
    this.#setHealth({ state: 'failed', message: trouble.message });
    this.#queue.reject(() => unavailable(trouble.message, trouble.cause));
  }

  /** Opens the log, or says in the health why not and refuses everybody who waits. */
  async #reopen(): Promise<boolean> {
    try {
      const stillRefused = this.#refused !== undefined && sameMark(this.#refused.mark, this.#place.disk.mark(this.#place.path));
      if (!stillRefused) await this.#open();
      if (this.#log !== undefined) return true;
      const { health } = this.state();
      this.#queue.reject(() => unavailable('message' in health ? health.message : 'The audit log is not open.'));
    } catch (cause) {
      await this.#closeFile();
      const message = `The audit log could not be opened: ${messageOf(cause)}`;
      this.#setHealth({ state: 'failed', message });
      this.#queue.reject(() => unavailable(message, cause));
    }
    return false;
  }

  async #open(): Promise<void> {
    const opened = await openLog(this.#place, this.#memory());
    if (opened.kind === 'open') this.#use(opened.file, opened.found);
    else this.#refuse(opened.report);
  }

  #use(file: AppendFile, { end, open, notes, recorded }: Extract<Found, { kind: 'usable' }>): void {
    this.#log = { file, end };
    this.#running.reset(open);
    this.#lastEnd = end;
    this.#refused = undefined;
    // A note that is not marked as recorded is only told once more at the next start.
    const last: Waiting['settle'] = (outcome) => {
      if (!(outcome instanceof ConductorError)) void recorded().catch(() => undefined);
    };
    const own: Waiting[] = notes.map((note, i) => ownEntry(this.#prepareOwn(note), i === notes.length - 1 ? last : undefined));
    if (this.#failed === undefined) {
      this.#setHealth({ state: 'healthy' });
    } else {
      const entry = this.#prepareOwn(interruption(this.#failed));
      this.#failed = { ...this.#failed, note: entry.id };
      own.unshift(ownEntry(entry));
    }
    this.#queue.putFirst(own);
  }

  #prepareOwn(note: OwnEntry): PreparedEntry {
    const { nextId, actor } = this.#place;
    return prepareEntry({ ...note, ...(actor && { actor }) }, nextId(), this.#timestamp());
  }

  #refuse(report: VerificationReport): void {
    this.#refused = { mark: this.#place.disk.mark(this.#place.path) };
    const message = `The audit log is damaged, so nothing runs. ${report.message} "conductor audit verify" shows the damage; "conductor audit start-new" in a terminal, or "Conductor: Start New Audit Log…" in the editor, begins a new one and keeps this one as evidence.`;
    this.#setHealth({ state: 'tampered', message, report });
  }

  async #mayReplace(): Promise<void> {
    if (this.#health.state === 'closed') throw unavailable('The audit log is closed.');
    if (this.#health.state === 'tampered') return;
    const report = await verifyAgainst(this.#place, this.#memory());
    if (report.verdict === 'tampered' || report.class === 'missing') return;
    throw new ConductorError('CONFLICT', `A new audit log is only for a damaged one. ${report.message}`);
  }

  async #closeFile(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.file.close().catch(() => undefined); // whatever it says, this descriptor is never used again
  }

  #memory(): Remembered {
    return { known: this.#known, end: this.#lastEnd, open: this.#running.list(), failedBatch: this.#failed?.batch.bytes };
  }

  #setHealth(health: AuditHealth): void {
    const before = this.#health;
    this.#health = health;
    if (before.state !== health.state) this.#tell(this.#healthChanged, health);
  }

  /** Tells listeners outside of the writer's own work, so that their mistakes are not taken for a failed disk. */
  #tell<T>(listeners: ReadonlySet<(news: T) => void>, news: T): void {
    for (const listener of listeners) queueMicrotask(() => listener(news));
  }
}

/** What the callers of a durable batch wait for. */
type Answer = Readonly<{ callers: number; give(): void }>;
const nobody: Answer = { callers: 0, give: () => undefined };

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function interruption({ message, rejected }: Readonly<{ message: string; rejected: number }>): OwnEntry {
  return { phase: 'recover', tool: 'audit.recover', input: { kind: 'interrupted', reason: message, rejected }, result: 'ok' };
}

function sameMark(a: FileMark | undefined, b: FileMark | undefined): boolean {
  return a?.id === b?.id && a?.size === b?.size && a?.modified === b?.modified;
}

function unavailable(message: string, cause?: unknown): ConductorError {
  return new ConductorError('AUDIT_UNAVAILABLE', message, { cause });
}


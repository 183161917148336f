/**
 * The only code that appends to the audit log. Entries that wait together share one write and one sync; numbers and
 * hashes are given when a batch is cut. What cannot be recorded is refused, and the cause is shown as health.
 */
import { prepareEntry, type PreparedEntry } from '../../../../protocol/src/audit/bytes';
import type { KnownHead } from '../../../../protocol/src/audit/chain';
import type { NewEntry } from '../../../../protocol/src/audit/entry';
import { runtimeFlaw } from '../../../../protocol/src/audit/kernelSoundness';
import type { Actor } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { linesOf, type AppendedLine, type Placed, type Waiting } from './batch';
import { realDisk, type Disk } from '../files/disk';
import { eventIds, timestamps } from './eventId';
import { Health, tampered, unavailable, type AuditHealth } from './health';
import { defaultKeeping, type Keeping } from '../upkeep/newLog';
import { News } from './news';
import { messageOf } from './ownFile';
import { OwnLog } from './ownLog';
import { Answers, EntryQueue } from './queue';

export type { AppendedLine, Placed } from './batch';
export type { AuditHealth } from './health';

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
  /** What is wrong with the cryptography of this runtime; its own test by default. */
  flaw?: () => string | undefined;
}>;

/** Appends to the log. Entries keep the order in which they were handed over. */
export type AuditWriter = Readonly<{
  /** Resolves when the entry is durable. Rejects with AUDIT_UNAVAILABLE when it cannot be, and TOO_LARGE above 1 MiB. */
  append(entry: NewEntry): Promise<Placed>;
  /** For calls that change nothing: resolves with the id at once while the log is healthy, and is written within milliseconds; else like `append`. */
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
/** Milliseconds for which entries that nobody waits for are gathered, and bytes of them that end it: a write and a sync cost more than all the rest of such a call. */
const gathering = { ms: 5, bytes: 262_144 } as const;

class LogWriter implements AuditWriter {
  readonly #nextId: () => string;
  readonly #timestamp: () => string;
  readonly #redact: (entry: NewEntry, id: string) => NewEntry;
  readonly #log: OwnLog;
  readonly #queue = new EntryQueue();
  readonly #health = new Health();
  readonly #appended = new News<readonly AppendedLine[]>();
  readonly #rotated = new News<number>();
  #turn: Promise<void> = Promise.resolve();
  #scheduled = false;
  #later: NodeJS.Timeout | undefined;

  constructor({ path, createdBy, actor, afterCrash, known, disk = realDisk, now = Date.now, nextId = eventIds(now), keeping = () => defaultKeeping, redact = (entry) => entry, flaw = runtimeFlaw }: AuditWriterOptions) {
    this.#redact = redact;
    this.#nextId = nextId;
    this.#timestamp = timestamps(now);
    this.#log = new OwnLog({ path, createdBy, actor, afterCrash, disk, now, nextId, keeping }, known, flaw);
  }

  async start(): Promise<void> {
    await this.#inTurn(async () => {
      if (await this.#reopen()) await this.#drain();
    });
  }

  append(entry: NewEntry): Promise<Placed> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry: this.#prepare(entry), owed: entry.phase !== 'intent', caller: { resolve, reject } });
      this.#drainSoon();
    });
  }

  async enqueue(entry: NewEntry): Promise<string> {
    if (this.#health.now.state !== 'healthy' || this.#queue.bytes > mostQueuedBytes) return (await this.append(entry)).id;
    const prepared = this.#prepare(entry);
    this.#queue.push({ entry: prepared, owed: true, caller: undefined });
    this.#drainLater();
    return prepared.id;
  }

  async startNewLog(reason: string): Promise<string | undefined> {
    let aside: string | undefined;
    await this.#inTurn(async () => {
      await this.#mayReplace();
      try {
        aside = await this.#log.replace(reason);
      } catch (cause) {
        throw unavailable(`A new audit log could not be started: ${messageOf(cause)}`, cause);
      }
      if (await this.#reopen()) await this.#drain();
    });
    return aside;
  }

  state(): AuditState {
    const { end } = this.#log;
    const head = end === undefined ? null : `sha256:${end.head}`;
    return { entries: end?.seq ?? 0, head, bytes: end?.size ?? 0, segment: end?.start.segment ?? 1, logId: end?.start.logId, health: this.#health.now };
  }

  onAppended(listener: (lines: readonly AppendedLine[]) => void): () => void {
    return this.#appended.on(listener);
  }

  onHealth(listener: (health: AuditHealth) => void): () => void {
    return this.#health.changed.on(listener);
  }

  onRotated(listener: (segment: number) => void): () => void {
    return this.#rotated.on(listener);
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      while (this.#queue.length > 0) await this.#drain();
      await this.#log.close();
      this.#health.become({ state: 'closed' });
    });
  }

  #prepare(entry: NewEntry): PreparedEntry {
    if (this.#health.now.state === 'closed') throw unavailable('The audit log is closed.');
    const id = ('id' in entry ? entry.id : undefined) ?? this.#nextId();
    try {
      return prepareEntry(this.#redact(entry, id), id, this.#timestamp());
    } catch (cause) {
      if (cause instanceof RangeError) throw new ConductorError('TOO_LARGE', cause.message, { cause });
      throw cause;
    }
  }

  /** Nobody waits for what is queued. */
  #drainLater(): void {
    if (this.#queue.bytes > gathering.bytes) return this.#drainSoon();
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#later ??= setTimeout(() => this.#drainSoon(), gathering.ms);
  }

  #drainSoon(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
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

  /** Writes what is there, and batch after batch until nobody waits. Whoever is durable is answered while the next batch is on its way to the disk. */
  async #drain(): Promise<void> {
    const answers = new Answers();
    clearTimeout(this.#later);
    this.#later = undefined;
    try {
      while (this.#queue.length > 0) {
        if (!this.#log.isOpen && !(await this.#reopen())) return;
        const written = this.#commit(this.#queue.cut(answers.callers), answers);
        answers.give();
        await written;
        const last = this.#log.lastOfFile(this.#queue.oldest);
        if (last === undefined && this.#queue.isAwaited) continue;
        answers.give();
        if (last !== undefined) await this.#rotate(last);
        // Whoever was answered now may hand over the next entry in this turn of the event loop, to share the next write.
        await nextTurn();
        if (!this.#queue.isAwaited) break;
      }
    } finally {
      answers.give();
      this.#drainLater();
    }
  }

  async #commit(waiting: readonly Waiting[], answers: Answers): Promise<void> {
    const written = await this.#log.write(waiting);
    if (written.kind === 'failed') {
      this.#log.countRefused(this.#queue.takeBack(waiting, written.note));
      this.#giveUp(written.trouble.message, written.trouble.cause);
      return;
    }
    this.#health.become({ state: 'healthy' });
    this.#queue.written(waiting);
    answers.owe(written.batch);
    this.#appended.tell(() => linesOf(written.batch, written.offset));
  }

  /** Closes the file with its last entry, and goes on in the next one. */
  async #rotate(last: Waiting): Promise<void> {
    this.#queue.adopt([last]);
    await this.#commit([last], new Answers());
    if (!this.#log.isOpen) return;
    try {
      const segment = await this.#log.beginNext();
      this.#rotated.tell(() => segment);
    } catch (cause) {
      this.#giveUp(`The next file of the audit log could not be begun: ${messageOf(cause)}`, cause);
    }
  }

  /** Opens the log, or says in the health why not and refuses everybody who waits. */
  async #reopen(): Promise<boolean> {
    try {
      const opening = await this.#log.open();
      if (opening.kind === 'open') {
        // After a failure the health stays `failed` until a batch was written again.
        if (!this.#log.hasFailed) this.#health.become({ state: 'healthy' });
        this.#queue.putFirst(opening.first);
        return true;
      }
      if (opening.kind === 'tampered') this.#health.become(tampered(opening.report));
      const { now } = this.#health;
      this.#queue.reject(() => unavailable('message' in now ? now.message : 'The audit log is not open.'));
    } catch (cause) {
      await this.#log.close();
      this.#giveUp(`The audit log could not be opened: ${messageOf(cause)}`, cause);
    }
    return false;
  }

  /** Says in the health what failed, and refuses everybody who waits. */
  #giveUp(message: string, cause: unknown): void {
    this.#health.become({ state: 'failed', message });
    this.#queue.reject(() => unavailable(message, cause));
  }

  async #mayReplace(): Promise<void> {
    if (this.#health.now.state === 'closed') throw unavailable('The audit log is closed.');
    if (this.#health.now.state === 'tampered') return;
    const report = await this.#log.verify();
    if (report.verdict === 'tampered' || report.class === 'missing') return;
    throw new ConductorError('CONFLICT', `A new audit log is only for a damaged one. ${report.message}`);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

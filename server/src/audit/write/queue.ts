/** Entries that wait for the disk, and outcomes of calls that already ran and must not be lost to a failure. */
import type { PreparedEntry } from '../../../../protocol/src/audit/bytes';
import { ConductorError } from '../../../../protocol/src/errors';
import { cutLength, type Batch, type Caller, type Waiting } from './batch';

/** Entries of calls that already ran, kept through a failure to be written afterwards. */
const mostOwed = 1_000;

/** From this many callers on, two batches of half of them are quicker than one of all: a sync costs little more than the work on them. */
const fewestHalved = 32;

/** Who waits, in order. */
export class EntryQueue {
  #waiting: Waiting[] = [];
  #owed: Waiting[] = [];
  #bytes = 0;

  get length(): number {
    return this.#waiting.length;
  }

  /** Bytes of what waits and of what is being written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether somebody waits for what waits. */
  get isAwaited(): boolean {
    return this.#waiting.some(({ caller }) => caller !== undefined);
  }

  /** The time of the entry that waits longest, as it will stand in the log; undefined when none waits. */
  get oldest(): string | undefined {
    return /^"id":"[^"]*","timestamp":"([^"]+)"/.exec(this.#waiting[0]?.entry.members ?? '')?.[1];
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#bytes += waiting.entry.bytes;
  }

  /**
   * Takes the next batch; its bytes count as queued until `written`. Many callers, together with those of the batch before who are
   * about to come again, are taken in two halves: while one is on its way to the disk, the other is made ready.
   */
  cut(before: number): Waiting[] {
    const callers = this.#waiting.length + before;
    const most = callers < fewestHalved || !this.isAwaited ? callers : Math.ceil(callers / 2);
    return this.#waiting.splice(0, Math.min(most, cutLength(this.#waiting)));
  }

  written(entries: readonly Waiting[]): void {
    for (const { entry } of entries) this.#bytes -= entry.bytes;
  }

  /** Counts entries that go to the disk without having waited. */
  adopt(entries: readonly Waiting[]): void {
    for (const { entry } of entries) this.#bytes += entry.bytes;
  }

  /** Puts entries before everybody who waits, and after them what was owed. */
  putFirst(own: readonly Waiting[]): void {
    for (const { entry } of [...own, ...this.#owed]) this.#bytes += entry.bytes;
    this.#waiting = [...own, ...this.#owed, ...this.#waiting];
    this.#owed = [];
  }

  /** Takes back a batch that could not be written, keeps what must not be lost, and gives how many callers there are to refuse. */
  takeBack(batch: readonly Waiting[], note: string | undefined): number {
    this.#waiting = [...batch, ...this.#waiting];
    for (const { owed, entry } of this.#waiting) {
      if (owed && entry.id !== note && this.#owed.length < mostOwed) this.#owed.push({ entry, owed: true, caller: undefined });
    }
    return this.#waiting.filter(({ caller }) => caller !== undefined).length;
  }

  /** Refuses everybody who waits. */
  reject(error: () => ConductorError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const { caller } of waiting) caller?.reject(error());
  }
}

/** Answers to callers whose entries are durable; they can wait until the next batch is on its way. */
export class Answers {
  #due: Batch[] = [];
  #callers = 0;

  /** How many entries are not answered yet. */
  get callers(): number {
    return this.#callers;
  }

  owe(batch: Batch): void {
    this.#due.push(batch);
    this.#callers += batch.lines.length;
  }

  give(): void {
    const due = this.#due;
    this.#due = [];
    this.#callers = 0;
    for (const { waiting, lines } of due) lines.forEach(({ seq, id, hash }, i) => waiting[i]?.caller?.resolve({ seq, id, hash }));
  }
}

/** An entry of the writer's own, which nobody waits for unless `caller` is given. */
export function ownEntry(entry: PreparedEntry, caller?: Caller): Waiting {
  return { entry, owed: true, caller };
}

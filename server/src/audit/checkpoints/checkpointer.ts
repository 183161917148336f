/**
 * Has the log signed while it is written: after so many entries, some time after activity, at the end of each epoch, and at the
 * end of the run. The order is fixed: entries durable, signed, checkpoint durable, anchors told.
 */
import { noteHash, parseCheckpoint, type Checkpoint, type LogFacts } from '../../../../protocol/src/audit/checkpoint';
import { namedLogKey, saysFacts } from '../../../../protocol/src/audit/keys';
import { verifierKeyText, type NoteSignature } from '../../../../protocol/src/audit/note';
import { judgeSeries, signatureFlaw } from '../../../../protocol/src/audit/series';
import type { ClosedEpoch, SignAnswer, SigningState, SignRequest } from '../../../../protocol/src/audit/signing';
import type { KnownHead } from '../../../../protocol/src/audit/chain';
import type { Actor } from '../../../../protocol/src/call';
import { CheckpointStore } from './checkpointStore';
import type { Disk } from '../files/disk';
import { LogTree, type TreeFacts } from './logTree';
import { logIdOf } from './parts';
import type { AuditWriter } from '../write/writer';

/** Somebody who can sign. Those who come first are asked first. */
export type Signer = Readonly<{ name: string; sign(request: SignRequest): Promise<SignAnswer> }>;

/** What a checkpointer is made of. */
export type CheckpointerOptions = Readonly<{
  log: string;
  disk: Disk;
  writer: Pick<AuditWriter, 'append' | 'state' | 'onAppended' | 'onRotated'>;
  store: CheckpointStore;
  signers: () => readonly Signer[];
  /** Who stands behind the log's own entries. */
  actor: Actor;
  /** Wall clock in milliseconds since 1970. */
  now: () => number;
  schedule: (run: () => void, ms: number) => () => void;
  /** Called with each checkpoint once it is durable. */
  made?: (checkpoint: Checkpoint, facts: TreeFacts) => void;
  /** Called when the state changed. */
  changed?: () => void;
  times?: Times;
}>;

/** When checkpoints are made: entries; milliseconds after activity, until an epoch ends, and until a failed attempt is repeated. */
export type Times = Readonly<{ every: number; quietMs: number; epochMs: number; retryMs: number }>;

/** Every 256 entries, 10 s after activity, each hour; a failure is tried again after a minute. */
export const ordinaryTimes: Times = { every: 256, quietMs: 10_000, epochMs: 3_600_000, retryMs: 60_000 };


/** The head that the checkpoints hold the log to: it must not be shorter, nor another. Undefined when there is none that is signed. */
export function headOfCheckpoints(store: CheckpointStore): KnownHead | undefined {
  const last = [...store.all].reverse().find((one) => signatureFlaw(one) === undefined);
  return last === undefined ? undefined : { entries: last.size, head: last.head };
}

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #times: Times;
  #tree: LogTree | undefined;
  #logId: string | undefined;
  /** Keys that an `audit.key` entry of this log tells of, in base64. */
  readonly #told = new Set<string>();
  #closed = new Map<string, ClosedEpoch>();
  #waiting = 0;
  #cancelQuiet: (() => void) | undefined;
  #cancelEpoch: (() => void) | undefined;
  #noted: string | undefined;
  #problem: string | undefined;
  #standing: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #over = false;
  readonly #stopListening: readonly (() => void)[];

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#times = options.times ?? ordinaryTimes;
    this.#takeUp();
    // Whoever looks may know this log by its id, also before anything is signed.
    void logIdOf(options.log, options.disk).then((logId) => { this.#logId ??= logId; }, () => undefined);
    this.#stopListening = [
      options.writer.onAppended((lines) => this.#appended(lines.filter(({ text }) => !isOwn(text)).length)),
      options.writer.onRotated(() => void this.make('rotation')),
    ];
    this.#nextEpoch();
    this.#wakeIn(this.#times.quietMs);
  }

  /** How the signing stands; the anchors are added by whoever keeps them. */
  state(): Omit<SigningState, 'anchors'> {
    const { last } = this.#options.store;
    const problem = this.#standing ?? this.#problem ?? null;
    if (last === undefined) return { logId: this.#logId ?? null, signedTo: null, at: null, place: null, publicKey: null, problem };
    return { logId: last.logId, signedTo: last.size, at: last.time, place: last.signer, publicKey: verifierKeyText(namedLogKey(last)), problem };
  }

  /** Makes a checkpoint now, unless nothing is new; resolves when it is durable, or could not be made, which the state tells. `before` is done after the log's own entry and before signing. */
  make(reason: string, before?: () => Promise<void>): Promise<boolean> {
    const done = this.#turn.then(async () => await this.#make(reason, before));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Keeps signatures of others under a checkpoint that is in the store. */
  async addSignatures({ note }: Checkpoint, signatures: readonly NoteSignature[]): Promise<void> {
    const done = this.#turn.then(async () => {
      const { store } = this.#options;
      if (store.all.some((one) => one.note.text === note.text)) await store.append({ text: note.text, signatures: [...note.signatures, ...signatures] });
    });
    this.#turn = done.catch(() => undefined);
    await done;
  }

  /** Puts the checkpoints of a log aside that was replaced, and follows the new one. */
  async startAnew(): Promise<void> {
    await this.#turn;
    await this.#options.store.setAside(`log-${this.#logId ?? this.#options.store.last?.logId ?? 'unknown'}`);
    this.#logId = undefined;
    this.#told.clear();
    this.#takeUp();
    this.#appended(1);
  }

  /** Stops the clocks; a checkpoint that is being made is finished. */
  async close(): Promise<void> {
    this.#over = true;
    for (const stop of this.#stopListening) stop();
    this.#cancelQuiet?.();
    this.#cancelEpoch?.();
    await this.#turn;
    await this.#options.store.close();
  }

  /** What the store holds counts as closed: a new run begins a new epoch of every key. */
  #takeUp(): void {
    const { store } = this.#options;
    this.#tree = undefined;
    this.#problem = undefined;
    this.#noted = undefined;
    this.#closed = new Map(store.all.map(({ logKey, epoch }) => [logKey.toString('base64'), { logKey: logKey.toString('base64'), epoch }]));
    for (const { logKey } of store.all) this.#told.add(logKey.toString('base64'));
    const [first] = judgeSeries(store.all).problems;
    this.#standing = store.damaged ? 'The file of checkpoints holds something that is no checkpoint: it was changed.' : first?.message;
  }

  #appended(activity: number): void {
    if (activity === 0 || this.#over) return;
    this.#waiting += activity;
    if (this.#waiting >= this.#times.every) void this.make('entries');
    else this.#wakeIn(this.#times.quietMs);
  }

  #wakeIn(ms: number): void {
    if (this.#over) return;
    this.#cancelQuiet ??= this.#options.schedule(() => {
      this.#cancelQuiet = undefined;
      void this.make('activity');
    }, ms);
  }

  /** An epoch ends even when nothing happens, as long as this runs: its last checkpoint shows that nothing did. */
  #nextEpoch(): void {
    this.#cancelEpoch = this.#options.schedule(() => {
      void this.make('epoch').then((made) => {
        const { last } = this.#options.store;
        if (made && last !== undefined) this.#close(last);
      });
      this.#nextEpoch();
    }, this.#times.epochMs);
  }

  #close({ logKey, epoch }: Checkpoint): void {
    this.#closed.set(logKey.toString('base64'), { logKey: logKey.toString('base64'), epoch });
  }

  async #make(reason: string, before: (() => Promise<void>) | undefined): Promise<boolean> {
    const { writer, store } = this.#options;
    if (writer.state().health.state !== 'healthy') return false;
    if (reason === 'activity' && this.#waiting === 0 && store.last !== undefined) return false;
    this.#waiting = 0;
    try {
      await this.#note(reason);
      await before?.();
      const { checkpoint, facts } = await this.#signed();
      // Before the checkpoint: the edge is what the tree is continued from when old files are gone.
      await store.keepEdge(facts.edge);
      await store.append(checkpoint.note);
      this.#noted = undefined;
      this.#options.made?.(checkpoint, facts);
      return true;
    } catch (cause) {
      this.#problem = `The audit log is not signed any further: ${cause instanceof Error ? cause.message : String(cause)}`;
      this.#waiting = 1;
      this.#wakeIn(this.#times.retryMs);
      return false;
    } finally {
      this.#options.changed?.();
    }
  }

  /** Names the checkpoint before in the log itself, so that taking it away is seen. */
  async #note(reason: string): Promise<void> {
    const { writer, store, actor } = this.#options;
    const previous = store.last === undefined ? 'none' : noteHash(store.last);
    if (this.#noted === previous) return;
    const input = { reason, previous: store.last === undefined ? null : { entries: store.last.size, sha256: `sha256:${previous}` } };
    await writer.append({ phase: 'event', tool: 'audit.checkpoint', input, result: 'ok', actor });
    this.#noted = previous;
  }

  /** Signs; a key that the log does not know yet is told in an entry first, which the signature then covers. */
  async #signed(): Promise<{ checkpoint: Checkpoint; facts: TreeFacts }> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const facts = await this.#facts();
      const checkpoint = await this.#ask(facts.about);
      const key = checkpoint.logKey.toString('base64');
      if (this.#told.has(key)) return { checkpoint, facts: facts.tree };
      const input = { publicKey: verifierKeyText(namedLogKey(checkpoint)), place: checkpoint.signer };
      await this.#options.writer.append({ phase: 'event', tool: 'audit.key', input, result: 'ok', actor: this.#options.actor });
      this.#told.add(key);
    }
    throw new Error('the signing key changes from one moment to the next');
  }

  async #facts(): Promise<{ about: LogFacts; tree: TreeFacts }> {
    const { log, disk, writer, store, now } = this.#options;
    const { entries, head, segment: inUse, bytes } = writer.state();
    this.#tree ??= new LogTree(log, disk, await store.edge());
    const tree = await this.#tree.catchUp({ entries, head: (head ?? '').replace(/^sha256:/, ''), segment: inUse, bytes });
    this.#logId = await logIdOf(log, disk);
    if (this.#logId === undefined) throw new Error('the log does not say its id.');
    if (store.last !== undefined && store.last.logId !== this.#logId) throw new Error('the log was replaced by another.');
    const { size, root, segment, segmentDigest } = tree;
    const previous = store.last === undefined ? undefined : noteHash(store.last);
    return { tree, about: { logId: this.#logId, size, root, head: tree.head, segment, bytes: tree.bytes, segmentDigest, previous, time: new Date(now()).toISOString() } };
  }

  /** Asks one signer after the other. One that remembers the log differently ends it: that is an alarm, not a lack. */
  async #ask(facts: LogFacts): Promise<Checkpoint> {
    const reasons: string[] = [];
    for (const signer of this.#options.signers()) {
      const answer = await signer.sign({ facts, closed: [...this.#closed.values()] }).catch((cause: unknown): SignAnswer => ({ kind: 'unavailable', reason: cause instanceof Error ? cause.message : String(cause) }));
      if (answer.kind === 'refused') throw new Error(`${signer.name} refuses to sign it. ${answer.reason}`);
      if (answer.kind === 'unavailable') {
        reasons.push(`${signer.name}: ${answer.reason}`);
        continue;
      }
      const checkpoint = parseCheckpoint(answer.note);
      if (checkpoint === undefined || !saysFacts(checkpoint, facts) || signatureFlaw(checkpoint) !== undefined) throw new Error(`${signer.name} signed something else than it was asked to.`);
      this.#problem = reasons[0] === undefined ? undefined : `Signed with a weaker key, because ${reasons[0]}`;
      return checkpoint;
    }
    throw new Error(reasons[0] ?? 'nobody is there who has a key.');
  }
}

/** Whether a line is an entry that this file made; those are no activity. */
function isOwn(text: string): boolean {
  return /^[^{]*\{"v":1,"seq":\d+,"id":"\w+","timestamp":"[^"]+","phase":"event","tool":"audit\.(?:checkpoint|key)"/.test(text.slice(0, 400));
}

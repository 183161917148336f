import type { Decision, DecisionResult, Pending } from '../../../protocol/src/approvals';
import { ConductorError } from '../../../protocol/src/errors';
import { useWithinMs } from '../../../protocol/src/statement';
import { rightsOf } from '../../../protocol/src/roles';
import { createMemory } from './memory';
import type { Answer, AskOptions, Person, Question } from './question';
import type { Vouched } from './vouching';
import { WaitingLine, type Clocks } from './waiting';

/** What the desk needs from outside, and how much it holds. */
export type DeskOptions = Clocks &
  Readonly<{
    /** Called after each change with everything that still waits, oldest first. */
    onChange(pending: Pending[]): void;
    /** Says how far an answer about the call that waits is vouched for, or refuses it. */
    vouch(pending: Pending, decision: Decision, by: Person): Vouched;
    /** Most calls that wait for one asking connection. Default: 100. */
    perConnection?: number;
    /** Most calls that wait in all. Default: 500. */
    inAll?: number;
  }>;

/** The one place where calls wait for people. */
export type Desk = Readonly<{
  /** Asks. Never rejects; an id that was asked before is a bug and throws. */
  ask(question: Question, options: AskOptions): Promise<Answer>;
  /** Takes an answer: the first one wins, and only with the digest of what waits. Throws UNAUTHORIZED for a role without the right to decide (T40). */
  decide(decision: Decision, by: Person): DecisionResult;
  /** Says that somebody at this connection sees the questions. Saying it twice is saying it once. */
  attend(connection: number): void;
  /** Takes it back. When nobody is left, all that waits is denied. */
  leave(connection: number): void;
  /** Everything that waits, oldest first. */
  list(): Pending[];
  /** Denies all that waits and answers `unavailable` from now on. */
  close(reason: string): void;
}>;

const windowClosed = 'The last window or terminal that could answer was closed before anybody answered.';

/** Makes an empty desk. Questions never wait for each other. */
export function createDesk(options: DeskOptions): Desk {
  const line = new WaitingLine(options, (pending) => options.onChange(pending));
  const attendants = new Set<number>();
  const answered = createMemory(1000);
  let closed = false;
  return {
    ask(question, asking) {
      if (line.get(question.id) !== undefined || answered.has(question.id)) throw new RangeError(`Question ${question.id} was asked before`);
      if (asking.signal.aborted) return Promise.resolve({ kind: 'withdrawn', waitedMs: 0 });
      if (closed || attendants.size === 0) return Promise.resolve({ kind: 'unavailable' });
      const full = fullness(line, asking, options);
      return full === undefined ? line.open(question, asking) : Promise.resolve(full);
    },

    decide(decision, by) {
      if (!rightsOf[by.role].has('decide')) throw new ConductorError('UNAUTHORIZED', `A connection with the role ${by.role} cannot answer approvals.`);
      const result = takeAnswer(line, decision, by, { vouch: options.vouch, answeredBefore: answered.has(decision.id) });
      if (result.outcome === 'accepted') answered.add(decision.id);
      return result;
    },

    attend: (connection) => void attendants.add(connection),

    leave(connection) {
      if (attendants.delete(connection) && attendants.size === 0) line.denyAll(windowClosed);
    },

    list: () => line.list(),

    close(reason) {
      closed = true;
      line.denyAll(reason);
    },
  };
}

/** Characters that are kept for what waits: of one client, and of all. Each takes several bytes, and the memory of the broker is everybody's. */
const mostWeight = { own: 16 * 1_048_576, all: 64 * 1_048_576 } as const;

function fullness(line: WaitingLine, { connection, weight = 0 }: AskOptions, { perConnection = 100, inAll = 500 }: DeskOptions): Answer | undefined {
  const [own, all] = [line.of(connection), line.of()];
  if (own.count >= perConnection) return { kind: 'full', message: `${String(own.count)} calls of this client wait for approval already. Wait until some are answered.` };
  if (all.count >= inAll) return { kind: 'full', message: `${String(all.count)} calls wait for approval already. Wait until some are answered.` };
  if (weight > 0 && own.weight + weight > mostWeight.own) return { kind: 'full', message: `Calls of this client that wait for approval hold ${String(own.weight)} characters already, and this one has ${String(weight)}. Wait until some are answered.` };
  if (weight > 0 && all.weight + weight > mostWeight.all) return { kind: 'full', message: `Calls that wait for approval hold ${String(all.weight)} characters already. Wait until some are answered.` };
  return undefined;
}

type Look = Pick<DeskOptions, 'vouch'> & Readonly<{ answeredBefore: boolean }>;

function takeAnswer(line: WaitingLine, answer: Decision, by: Person, { vouch, answeredBefore }: Look): DecisionResult {
  const { id, digest, decision, reason, rung } = answer;
  const one = line.get(id);
  if (one === undefined) {
    return answeredBefore
      ? { outcome: 'answered', message: 'Somebody else was faster: this call was answered already.' }
      : { outcome: 'gone', message: 'This call no longer waits: it was withdrawn, its time ran out, or it was never asked.' };
  }
  if (line.isLate(one)) {
    line.finish(one, { kind: 'timeout', waitedMs: line.waitedMs(one) });
    return { outcome: 'gone', message: 'The time to answer ran out.' };
  }
  if (digest !== one.pending.digest) return { outcome: 'other', message: 'What was shown to you is not what waits under this id. Look at it again.' };
  const lasting = rung === undefined || rung === 'once' ? undefined : one.pending.ladder?.[decision === 'approve' ? 'allow' : 'deny'].find((offer) => offer.rung === rung);
  if (rung !== undefined && rung !== 'once' && lasting === undefined) return { outcome: 'other', message: 'What you chose is not offered for this call. Look at it again.' };
  const vouched = vouch(one.pending, answer, by);
  if (vouched.kind === 'refused') return { outcome: 'refused', message: vouched.message };
  const { kind: _vouched, ...proof } = vouched;
  line.finish(one, { kind: decision === 'approve' ? 'approved' : 'denied', by, waitedMs: line.waitedMs(one), ...(reason === undefined ? {} : { reason }), ...(lasting === undefined ? {} : { rung: lasting.rung }), ...proof, useBy: one.wallDeadline + useWithinMs });
  return { outcome: 'accepted', message: lasting?.title ?? (decision === 'approve' ? 'Approved once.' : 'Denied.'), level: proof.level };
}

import type { Actor } from '../../../protocol/src/call';
import type { Decision, DecisionResult, Pending } from '../../../protocol/src/approvals';
import { ConductorError } from '../../../protocol/src/errors';
import { rightsOf, type Role } from '../../../protocol/src/roles';

/** Runs something after so many milliseconds; what comes back cancels it. */
export type Schedule = (run: () => void, ms: number) => () => void;

/** What the desk needs from outside, and how much it holds. */
export type DeskOptions = Readonly<{
  /** Monotonic milliseconds: for waiting. */
  now(): number;
  /** Milliseconds since 1970: for the times that people see. An approval must be in time by both clocks. */
  wallNow(): number;
  schedule: Schedule;
  /** Called after each change with everything that still waits, oldest first. */
  onChange(pending: Pending[]): void;
  /** Most calls that wait for one asking connection. Default: 100. */
  perConnection?: number;
  /** Most calls that wait in all. Default: 500. */
  inAll?: number;
}>;

/** A question as its asker writes it; the desk adds the times. */
export type Question = Omit<Pending, 'askedAt' | 'expiresAt'>;

/** For how long to ask, who asks, and how the asker withdraws. */
export type AskOptions = Readonly<{ timeoutMs: number; signal: AbortSignal; /** Connection of the agent, for the limit of each. */ connection: number }>;

/** Who answers: the connection behind an answer, as stamped by its door. */
export type Person = Readonly<{ role: Role; connection: number; client?: string }>;

/** Who decided: a person, or the `broker` itself, which can only deny. */
export type Decider = Pick<Actor, 'role' | 'client' | 'connection'>;

/** How a question ended. Only `approved` lets the call go on, and it is given at most once for each question. */
export type Answer =
  | Readonly<{ kind: 'approved' | 'denied'; by: Decider; reason?: string; waitedMs: number }>
  /** Nobody answered in time. */
  | Readonly<{ kind: 'timeout'; waitedMs: number }>
  /** Nobody is there to ask. */
  | Readonly<{ kind: 'unavailable' }>
  /** Too many questions wait already. */
  | Readonly<{ kind: 'full'; message: string }>
  /** The asker no longer wants it. */
  | Readonly<{ kind: 'withdrawn'; waitedMs: number }>;

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

type Waiting = Readonly<{ pending: Pending; connection: number; askedAt: number; deadline: number; wallDeadline: number; finish(answer: Answer): void }>;

const windowClosed = 'The last window or terminal that could answer was closed before anybody answered.';

/** Makes an empty desk. Questions never wait for each other. */
export function createDesk(options: DeskOptions): Desk {
  const { now, wallNow, schedule, onChange, perConnection = 100, inAll = 500 } = options;
  const waiting = new Map<string, Waiting>();
  const attendants = new Set<number>();
  const answered = createMemory(1000);
  let closed = false;

  const list = (): Pending[] => Array.from(waiting.values(), ({ pending }) => pending);
  const waitedMs = (one: Waiting): number => Math.max(0, Math.round(now() - one.askedAt));
  const isLate = (one: Waiting): boolean => now() >= one.deadline || wallNow() >= one.wallDeadline;

  const finish = (one: Waiting, answer: Answer): void => {
    if (!waiting.delete(one.pending.id)) return;
    one.finish(answer);
    onChange(list());
  };

  const denyAll = (reason: string): void => {
    const all = [...waiting.values()];
    waiting.clear();
    for (const one of all) one.finish({ kind: 'denied', by: { role: 'broker' }, reason, waitedMs: waitedMs(one) });
    if (all.length > 0) onChange([]);
  };

  const refusal = (connection: number, signal: AbortSignal): Answer | undefined => {
    if (signal.aborted) return { kind: 'withdrawn', waitedMs: 0 };
    if (closed || attendants.size === 0) return { kind: 'unavailable' };
    const own = [...waiting.values()].filter((one) => one.connection === connection).length;
    if (own >= perConnection) return { kind: 'full', message: `${String(own)} calls of this client wait for approval already. Wait until some are answered.` };
    if (waiting.size >= inAll) return { kind: 'full', message: `${String(waiting.size)} calls wait for approval already. Wait until some are answered.` };
    return undefined;
  };

  const open = (question: Question, { timeoutMs, signal, connection }: AskOptions, resolve: (answer: Answer) => void): void => {
    const askedAt = now();
    const wall = wallNow();
    const times = { askedAt: new Date(wall).toISOString(), expiresAt: new Date(wall + timeoutMs).toISOString() };
    const end = (kind: 'withdrawn' | 'timeout') => (): void => {
      finish(one, { kind, waitedMs: waitedMs(one) });
    };
    const withdraw = end('withdrawn');
    const cancel = schedule(end('timeout'), timeoutMs);
    const one: Waiting = {
      // A copy: what is shown and compared stays as it was asked, whatever the asker's object becomes.
      pending: { ...structuredClone(question), ...times },
      connection,
      askedAt,
      deadline: askedAt + timeoutMs,
      wallDeadline: wall + timeoutMs,
      finish: (answer) => {
        cancel();
        signal.removeEventListener('abort', withdraw);
        resolve(answer);
      },
    };
    waiting.set(question.id, one);
    signal.addEventListener('abort', withdraw, { once: true });
    onChange(list());
  };

  return {
    ask(question, asking) {
      if (waiting.has(question.id) || answered.has(question.id)) throw new RangeError(`Question ${question.id} was asked before`);
      const refused = refusal(asking.connection, asking.signal);
      if (refused !== undefined) return Promise.resolve(refused);
      return new Promise((resolve) => {
        open(question, asking, resolve);
      });
    },

    decide({ id, digest, decision, reason }, by) {
      if (!rightsOf[by.role].has('decide')) throw new ConductorError('UNAUTHORIZED', `A connection with the role ${by.role} cannot answer approvals.`);
      const one = waiting.get(id);
      if (one === undefined) {
        return answered.has(id)
          ? { outcome: 'answered', message: 'Somebody else was faster: this call was answered already.' }
          : { outcome: 'gone', message: 'This call no longer waits: it was withdrawn, its time ran out, or it was never asked.' };
      }
      if (isLate(one)) {
        finish(one, { kind: 'timeout', waitedMs: waitedMs(one) });
        return { outcome: 'gone', message: 'The time to answer ran out.' };
      }
      if (digest !== one.pending.digest) return { outcome: 'other', message: 'What was shown to you is not what waits under this id. Look at it again.' };
      answered.add(id);
      finish(one, { kind: decision === 'approve' ? 'approved' : 'denied', by, waitedMs: waitedMs(one), ...(reason === undefined ? {} : { reason }) });
      return { outcome: 'accepted', message: decision === 'approve' ? 'Approved once.' : 'Denied.' };
    },

    attend: (connection) => void attendants.add(connection),

    leave(connection) {
      if (attendants.delete(connection) && attendants.size === 0) denyAll(windowClosed);
    },

    list,

    close(reason) {
      closed = true;
      denyAll(reason);
    },
  };
}

// Remembers the latest ids, to tell "answered" from "never heard of".
function createMemory(limit: number): { add(id: string): void; has(id: string): boolean } {
  const ids = new Set<string>();
  return {
    add: (id) => {
      ids.add(id);
      const [oldest] = ids;
      if (ids.size > limit && oldest !== undefined) ids.delete(oldest);
    },
    has: (id) => ids.has(id),
  };
}

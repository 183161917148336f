import type { Pending } from '../../../protocol/src/approvals';
import type { Answer, AskOptions, Question } from './question';

/** The questions that wait, each with its time; every one ends once. */

/** Runs something after so many milliseconds; what comes back cancels it. */
export type Schedule = (run: () => void, ms: number) => () => void;

/** What waiting needs from outside. */
export type Clocks = Readonly<{
  /** Monotonic milliseconds: for waiting. */
  now(): number;
  /** Milliseconds since 1970: for the times that people see. An approval must be in time by both clocks. */
  wallNow(): number;
  schedule: Schedule;
  /** 64 random hex digits, never the same twice. */
  nonce(): string;
}>;

/** One question that waits. */
export type Waiting = Readonly<{ pending: Pending; connection: number; weight: number; askedAt: number; deadline: number; wallDeadline: number; finish(answer: Answer): void }>;

/** The questions that wait, oldest first. */
export class WaitingLine {
  readonly #waiting = new Map<string, Waiting>();

  /** `onChange` hears of each change, with everything that still waits. */
  constructor(readonly clocks: Clocks, readonly onChange: (pending: Pending[]) => void) {}

  get(id: string): Waiting | undefined {
    return this.#waiting.get(id);
  }

  list(): Pending[] {
    return Array.from(this.#waiting.values(), ({ pending }) => pending);
  }

  /** How many wait for one asking connection, and how many characters are kept for them; for all without one. */
  of(connection?: number): Readonly<{ count: number; weight: number }> {
    const ones = [...this.#waiting.values()].filter((one) => connection === undefined || one.connection === connection);
    return { count: ones.length, weight: ones.reduce((sum, one) => sum + one.weight, 0) };
  }

  /** Milliseconds since it was asked. */
  waitedMs(one: Waiting): number {
    return Math.max(0, Math.round(this.clocks.now() - one.askedAt));
  }

  isLate(one: Waiting): boolean {
    return this.clocks.now() >= one.deadline || this.clocks.wallNow() >= one.wallDeadline;
  }

  /** Lets a question wait until it is finished, withdrawn or out of time; resolves once, with its end. */
  open(question: Question, { timeoutMs, signal, connection, weight = 0 }: AskOptions): Promise<Answer> {
    const { now, wallNow, schedule, nonce } = this.clocks;
    return new Promise((resolve) => {
      const askedAt = now();
      const wall = wallNow();
      const times = { askedAt: new Date(wall).toISOString(), expiresAt: new Date(wall + timeoutMs).toISOString() };
      const binding = { ...question.binding, nonce: nonce() };
      const end = (kind: 'withdrawn' | 'timeout') => () => this.finish(one, { kind, waitedMs: this.waitedMs(one) });
      const withdraw = end('withdrawn');
      const cancel = schedule(end('timeout'), timeoutMs);
      const one: Waiting = {
        // A copy: what is shown and compared stays as it was asked, whatever the asker's object becomes.
        pending: { ...structuredClone(question), binding, ...times },
        connection, weight, askedAt, deadline: askedAt + timeoutMs, wallDeadline: wall + timeoutMs,
        finish: (answer) => {
          cancel();
          signal.removeEventListener('abort', withdraw);
          resolve(answer);
        },
      };
      this.#waiting.set(question.id, one);
      signal.addEventListener('abort', withdraw, { once: true });
      this.onChange(this.list());
    });
  }

  /** Ends one question, unless it has ended. */
  finish(one: Waiting, answer: Answer): void {
    if (!this.#waiting.delete(one.pending.id)) return;
    one.finish(answer);
    this.onChange(this.list());
  }

  /** Denies all that waits, in the broker's own name. */
  denyAll(reason: string): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of all) one.finish({ kind: 'denied', by: { role: 'broker' }, reason, waitedMs: this.waitedMs(one) });
    if (all.length > 0) this.onChange([]);
  }
}

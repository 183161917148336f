import type { AskedAgain, Pending } from '../../../protocol/src/approvals';
import type { Verdict } from '../../../protocol/src/call';
import type { Narrowed } from '../../../protocol/src/fileChanges';
import type { Chosen } from '../approvals/shelf';
import { keepInformed, putToDesk, type Answered, type Caller } from './asking';
import type { Judged } from './judging';
import { shelve } from './narrowing';
import type { Rooms } from './rooms';
import type { Round } from './rounds';
import { followRules } from './rulesInSight';

/** One question about a call, or the passage of one that needs none. Each has an id and entries of its own in the log. */
export type Turn = Readonly<{ judged: Judged; again?: AskedAgain; narrowed?: Narrowed; /** It was asked already, and the call came again for the answer. */ open?: OpenQuestion; /** How often it came again. */ calledAgain?: number; /** The round of the same call before this one. */ before?: Round }>;

/** How a question ended. `forbidden`: the rules that came meanwhile say no. `chosen`: a person left out some of the changes. */
export type Ended = Readonly<{ answered: Answered; forbidden?: Pick<Verdict, 'rule' | 'reason'>; chosen?: Chosen }>;

/** A question that was put to the desk. It may outlive the request of the agent that began it: `withdraw` takes it back. */
export type OpenQuestion = Readonly<{ turn: Turn; /** Milliseconds, monotonic. */ askedAt: number; ended: Promise<Ended>; withdraw(): void }>;

/** Puts the question of a turn to the desk, and its files where windows can look at them; it is withdrawn when the rules say no meanwhile. */
export function openQuestion(rooms: Rooms, turn: Turn, lasting: Pick<Pending, 'ladder' | 'outgrown'>): OpenQuestion {
  const { judged } = turn;
  const rules = followRules(rooms, judged);
  const place = shelve(rooms, judged);
  const withdrawn = new AbortController();
  const signal = AbortSignal.any([withdrawn.signal, rules.signal, place.signal]);
  const ended = putToDesk(rooms.desk, { ...turn, ...judged, lasting }, judged.policy.config.approvalTimeout, signal)
    .finally(() => (rules.stop(), place.clear()))
    .then((answered): Ended => {
      const [forbidden, chosen] = [rules.forbidden(), place.chosen()];
      return { answered, ...(forbidden === undefined ? {} : { forbidden }), ...(chosen === undefined ? {} : { chosen }) };
    });
  return { turn, askedAt: rooms.now(), ended, withdraw: () => withdrawn.abort() };
}

/** Waits for the end, keeping the agent informed; undefined when so many milliseconds were over first. A caller who takes the call back withdraws the question. */
export async function waitFor({ ended, withdraw }: OpenQuestion, caller: Caller, ms: number): Promise<Ended | undefined> {
  const stop = keepInformed(caller);
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    if (Number.isFinite(ms)) timer = setTimeout(() => resolve(undefined), Math.max(0, ms));
  });
  caller.signal.addEventListener('abort', withdraw);
  if (caller.signal.aborted) withdraw();
  try {
    return await Promise.race([ended, over]);
  } finally {
    clearTimeout(timer);
    caller.signal.removeEventListener('abort', withdraw);
    stop();
  }
}

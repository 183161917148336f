import type { AskedAgain } from '../../../protocol/src/approvals';
import type { Verdict } from '../../../protocol/src/call';
import type { Narrowed } from '../../../protocol/src/fileChanges';
import type { Question } from '../approvals/question';
import type { Chosen } from '../approvals/shelf';
import { answeredBy, keepInformed, putToDesk, questionOf, type Answered, type Asked, type Caller } from './asking';
import { askByRequest, formOf, HandedOver, wayToAsk } from './elicitation';
import type { Judged } from './judging';
import { shelve } from './narrowing';
import type { Policy, Rooms } from './rooms';
import type { Round } from './rounds';
import { followRules } from './rulesInSight';

/** One question about a call, or the passage of one that needs none. Each has an id and entries of its own in the log. */
export type Turn = Readonly<{ judged: Judged; again?: AskedAgain; narrowed?: Narrowed; /** It was asked already, and the call came again for the answer. */ open?: OpenQuestion; /** How often it came again. */ calledAgain?: number; /** The round of the same call before this one. */ before?: Round }>;

/** How a question ended. `forbidden`: the rules that came meanwhile say no. `chosen`: a person left out some of the changes. */
export type Ended = Readonly<{ answered: Answered; forbidden?: Pick<Verdict, 'rule' | 'reason'>; chosen?: Chosen }>;

/** A question that was put to the desk, or to the client of the agent. It may outlive the request of the agent that began it: `withdraw` takes it back. */
export type OpenQuestion = Readonly<{
  turn: Turn;
  /** Milliseconds, monotonic. */
  askedAt: number;
  ended: Promise<Ended>;
  withdraw(): void;
  /** Resolves when the client must be asked with the answer to its call; never for other questions. */
  handedOver: Promise<HandedOver>;
}>;

/** Puts the question of a turn to the desk, and its files where windows can look at them; it is withdrawn when the rules say no meanwhile. */
export function openQuestion(rooms: Rooms, turn: Turn, { lasting, laidOut }: Pick<Asked, 'lasting' | 'laidOut'>): OpenQuestion {
  const { judged } = turn;
  const rules = followRules(rooms, judged);
  const place = shelve(rooms, judged);
  const withdrawn = new AbortController();
  const signal = AbortSignal.any([withdrawn.signal, rules.signal, place.signal]);
  const asked: Asked = { ...turn, ...judged, lasting, ...(laidOut === undefined ? {} : { laidOut }) };
  let handOver: (over: HandedOver) => void = () => undefined;
  const handedOver = new Promise<HandedOver>((resolve) => { handOver = resolve; });
  const ended = putToDesk(rooms.desk, asked, judged.policy.config.approvalTimeout, signal)
    .then((answered) => (answered.approval.decision === 'unavailable' ? lastResort(rooms, { asked, policy: judged.policy, nobody: answered }, signal, handOver) : answered))
    .finally(() => (rules.stop(), place.clear()))
    .then((answered): Ended => {
      const [forbidden, chosen] = [rules.forbidden(), place.chosen()];
      return { answered, ...(forbidden === undefined ? {} : { forbidden }), ...(chosen === undefined ? {} : { chosen }) };
    });
  return { turn, askedAt: rooms.now(), ended, withdraw: () => withdrawn.abort(), handedOver };
}

/** Asks through the agent's own client, where nobody else is there and the settings allow it. */
async function lastResort(rooms: Rooms, { asked, policy, nobody }: Readonly<{ asked: Asked; policy: Policy; nobody: Answered }>, signal: AbortSignal, handOver: (over: HandedOver) => void): Promise<Answered> {
  const { call } = asked;
  const way = wayToAsk(policy.config, call.line);
  const form = way === undefined ? undefined : formWithoutSecrets(rooms, questionOf(asked));
  if (way === undefined || form === undefined || call.line === undefined) return nobody;
  const limits = { timeoutMs: policy.config.approvalTimeout, signal, now: rooms.now };
  if (way === 'request') return answeredBy(asked, await askByRequest(call.line, form, call.actor, limits), limits.timeoutMs);
  const over = new HandedOver(form, call.actor, limits);
  handOver(over);
  return answeredBy(asked, await over.answer, limits.timeoutMs);
}

/** Here the agent's side reads along, so nothing that may be a secret is in it; an action that would have to be changed for that is not asked about. */
function formWithoutSecrets({ redactor }: Pick<Rooms, 'redactor'>, question: Question): ReturnType<typeof formOf> {
  const clean = redactor.value(question);
  return clean.raw === question.raw ? formOf(clean) : undefined;
}

/**
 * Waits for the end, keeping the agent informed; undefined when so many milliseconds were over first, and the question itself when it has to
 * be handed over. A caller who takes the call back withdraws the question.
 */
export async function waitFor({ ended, handedOver, withdraw }: OpenQuestion, caller: Caller, ms: number): Promise<Ended | HandedOver | undefined> {
  const stop = keepInformed(caller);
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    if (Number.isFinite(ms)) timer = setTimeout(() => resolve(undefined), Math.max(0, ms));
  });
  caller.signal.addEventListener('abort', withdraw);
  if (caller.signal.aborted) withdraw();
  try {
    return await Promise.race([ended, handedOver.then<Ended | HandedOver>((form) => (form.answered ? ended : form)), over]);
  } finally {
    clearTimeout(timer);
    caller.signal.removeEventListener('abort', withdraw);
    stop();
  }
}

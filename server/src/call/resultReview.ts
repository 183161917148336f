import { createHash } from 'node:crypto';
import type { Outcome, ToolCall } from '../../../protocol/src/call';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import { factsOfResult } from '../../../protocol/src/statement';
import { cancelsAnswered } from '../rules/patience';
import { digestOfFacts, type Fact } from '../tools/fact';
import type { Prepared } from '../tools/tool';
import { keepInformed, putToDesk, type Approval } from './asking';
import type { Inside, Waiter } from './clearing';
import type { Judged } from './judging';
import { createParking, parkingKey, type Parking } from './parking';
import { refusalOf } from './refusals';
import type { Rooms } from './rooms';

/**
 * Shows a person what a call brought before the agent gets it, where the settings want that. What nobody releases is withheld whole. A client
 * that cannot be kept waiting is told to call again: the same call then gets the result, or that it is withheld, and nothing runs a second time.
 */

/** A result that a person looks at, under the call that brought it. */
type Review = Readonly<{ judged: Judged; /** Id of the question about it. */ question: string; digest: string; /** Milliseconds, monotonic. */ askedAt: number; ended: Promise<Outcome>; /** Only tells that it is too late. */ over?: true; withdraw(): void }>;

/** Results whose agents were told to call again. */
export type Reviews = Parking<Review>;

/** Milliseconds for which an agent that comes too late is told so, once, instead of having the call run again. */
const lateMs = 600_000;

/** Makes the place where such results wait. What nobody comes for is withheld, and recorded. */
export function createReviews(rooms: Pick<Rooms, 'recorder'>): Reviews {
  const reviews: Reviews = createParking<Review, Outcome>(async (review, _outcome, why) => {
    if (review.over === true) return;
    // Whoever comes too late must not have it run again without knowing.
    if (why === 'late') reviews.put(parkingKey(review.judged.call), { ...review, ended: Promise.resolve(tooLate), over: true }, { withinMs: lateMs, signal: new AbortController().signal });
    await rooms.recorder.notFetched(review.judged.call, why).catch(() => undefined);
  }, () => true);
  return reviews;
}

/** Whether a person sees the result of a call before the agent does; what the tool says while it runs is a part of it. */
export function isReviewed({ call, policy }: Pick<Judged, 'call' | 'policy'>): boolean {
  return policy.config.reviewResults.includes(call.tool);
}

/** The outcome as the agent gets it: as it is, withheld, or "call again". The answer is in the log before the result is released. */
export async function reviewResult(rooms: Inside, waiter: Waiter, judged: Judged, outcome: Outcome): Promise<Outcome> {
  return outcome.kind === 'refused' || !isReviewed(judged) ? outcome : await waitFor(rooms, waiter, openReview(rooms, judged, outcome));
}

/** Goes on waiting for the result of a call that comes again for it; undefined for every other call. */
export function takeUpReview(rooms: Inside, waiter: () => Waiter, call: ToolCall): Promise<Outcome> | undefined {
  const review = rooms.reviews.take(() => parkingKey(call));
  return review === undefined ? undefined : waitFor(rooms, waiter(), review);
}

function openReview(rooms: Inside, judged: Judged, outcome: Exclude<Outcome, { kind: 'refused' }>): Review {
  const { call, policy } = judged;
  const question = { ...call, id: rooms.newId() };
  const text = textOf(outcome);
  const result = `sha256:${createHash('sha256').update(text).digest('hex')} ${Buffer.byteLength(text)} bytes`;
  const bound = boundResult(judged, outcome, text, result);
  const withdrawn = new AbortController();
  const ended = putToDesk(rooms.desk, { call: question, bound, lasting: {} }, policy.config.approvalTimeout, withdrawn.signal).then(async (answer): Promise<Outcome> => {
    const withheld = 'code' in answer ? withheldBecause(answer) : undefined;
    return (await recorded(rooms, judged, answer.approval, result)) ?? withheld ?? outcome;
  });
  return { judged, question: question.id, digest: bound.digest, askedAt: rooms.now(), ended, withdraw: () => withdrawn.abort() };
}

/** Waits as long as the client can; then the agent is told to call again. A caller who takes the call back withdraws the question. */
async function waitFor(rooms: Inside, waiter: Waiter, review: Review): Promise<Outcome> {
  const stop = keepInformed(waiter);
  const left = waiter.answerBy - rooms.now();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    if (Number.isFinite(left)) timer = setTimeout(() => resolve(undefined), Math.max(0, left));
  });
  waiter.signal.addEventListener('abort', review.withdraw);
  if (waiter.signal.aborted) review.withdraw();
  try {
    return (await Promise.race([review.ended, over])) ?? (await park(rooms, waiter, review));
  } finally {
    clearTimeout(timer);
    waiter.signal.removeEventListener('abort', review.withdraw);
    stop();
  }
}

/** Tells the agent to call again; what cannot be recorded is withheld. */
async function park(rooms: Inside, waiter: Waiter, review: Review): Promise<Outcome> {
  const { call, policy } = review.judged;
  const withinMs = policy.config.approvals.callAgainWithinSeconds * 1000;
  try {
    await rooms.recorder.parked(call, { digest: review.digest, waitedMs: Math.round(rooms.now() - review.askedAt), withinMs, about: 'result' });
  } catch {
    review.withdraw();
    return await review.ended;
  }
  const signal = cancelsAnswered(call.actor.client ?? '') ? (waiter.gone ?? waiter.signal) : waiter.signal;
  rooms.reviews.put(waiter.key(), review, { withinMs, signal });
  const reason = `The call has run, and the user is looking at its result before you may have it. Call again with exactly the same arguments within ${String(withinMs / 1000)} s to get it: it does not run a second time.`;
  return { ...refusalOf('APPROVAL_PENDING', 'result.pending', reason), callAgainWithinMs: withinMs };
}

/** What is asked about: the result, bound to its bytes and to the call that brought it. */
function boundResult({ bound, call }: Judged, outcome: Exclude<Outcome, { kind: 'refused' }>, text: string, result: string): Judged['bound'] {
  const { show } = bound.prepared;
  const facts = factsOfResult(result, call.id).map(([label, key, value]): Fact => ({ label, key, value }));
  const prepared: Prepared = {
    verdict: { verdict: 'approve', rule: 'result.review', reason: `Your settings let results of ${call.tool} reach the agent only after you have seen them.` },
    facts, readOnly: true, run: () => Promise.resolve(outcome),
    show: { title: 'Hand a result to the agent', raw: text, cwd: show.cwd, details: [['Effect', 'the call has run; this is only about what the agent reads of it'], ['What was asked', show.raw]] },
  };
  return { ...bound, prepared, facts, digest: digestOfFacts(facts) };
}

/** Everything that the agent would read. */
function textOf(outcome: Exclude<Outcome, { kind: 'refused' }>): string {
  const failure = outcome.kind === 'failure' ? [`${outcome.error.code}: ${outcome.error.message}`] : [];
  return [...failure, ...(outcome.text === undefined ? [] : [outcome.text]), ...(outcome.structured === undefined ? [] : [JSON.stringify(outcome.structured, null, 2)])].join('\n\n');
}

function withheldBecause({ code, reason }: Readonly<{ code: ConductorError['code']; reason: string }>): Outcome {
  return { kind: 'failure', error: new ConductorError(code, `The call ran, but its result is withheld. ${reason}`, { next: 'Do not run it again to see the result. Ask the user.' }) };
}

const tooLate = withheldBecause({ code: 'APPROVAL_TIMEOUT', reason: 'You were told to call again for it and did not in time.' });

/** Writes the answer down; what cannot be written releases nothing. */
async function recorded(rooms: Rooms, { call }: Judged, approval: Approval, result: string): Promise<Outcome | undefined> {
  try {
    await rooms.recorder.reviewed(call, approval, result);
    return undefined;
  } catch (thrown) {
    return { kind: 'failure', error: new ConductorError('AUDIT_UNAVAILABLE', `The tool ran, but the answer about its result could not be recorded, so the result is withheld: ${toConductorError(thrown).message}`, { cause: thrown }) };
  }
}

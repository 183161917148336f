import type { Change } from '../../../protocol/src/approvals';
import type { Outcome, ToolCall } from '../../../protocol/src/call';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import { inCompany } from '../tools/company';
import type { Prepared, Tool } from '../tools/tool';
import { createApprovedBefore } from './approvedBefore';
import type { Caller } from './asking';
import { changesBetween, namesOf } from './changes';
import { cleanOutcome, withCleanDesk, withCleanProgress } from './cleaning';
import { clear, firstTurn, leaveUnfetched, park, waiterOf, type Changed, type Cleared, type Inside, type Parked, type Reduced, type Refused, type Waiter } from './clearing';
import { createDeclined } from './declined';
import { judge, judgeAgain, type Held, type Judged } from './judging';
import { judgeNarrowed, narrowedRefusal } from './narrowing';
import type { Turn } from './openQuestion';
import { createParking, isForTheNextCall, type ParkedQuestion } from './parking';
import { circuitOpen, refusalOf } from './refusals';
import { besideIn, historyOf, recordRefusal, refuse, withTrouble } from './refusing';
import { createReviews, isReviewed, reviewResult, takeUpReview } from './resultReview';
import type { Rooms } from './rooms';
import { createRounds } from './rounds';

/** The one place where the order of a call stands: judge, ask, guard, record, do, record. Every door goes through it. */

/** Runs calls, and names the tools that exist. */
export type Pipeline = Readonly<{
  tools: ReadonlyMap<string, Tool>;
  run(call: ToolCall, caller: Caller): Promise<Outcome>;
  /** Whether the agent behind a question was told to call again: until it does, a yes does nothing. */
  isParked(question: string): boolean;
  /** Denies what agents were told to call again for; resolves when that is recorded. */
  close(): Promise<void>;
}>;

/** Builds the pipeline over its rooms. */
export function createPipeline(rooms: Rooms): Pipeline {
  const parking = createParking((question: ParkedQuestion, ended, why) => leaveUnfetched(inside, question, ended, why), isForTheNextCall);
  const reviews = createReviews(rooms);
  const inside: Inside = withCleanDesk({ ...rooms, parking, reviews, declined: createDeclined(rooms.now), rounds: createRounds(rooms.now), approvedBefore: createApprovedBefore(rooms) });
  return {
    tools: rooms.tools,
    run: (call, caller) => runCall(inside, call, withCleanProgress(inside, caller)),
    isParked: (id) => parking.holds(({ turn }) => turn.judged.call.id === id) || reviews.holds(({ question }) => question === id),
    close: async () => void await Promise.all([parking.close(), reviews.close()]),
  };
}

/** Questions about one call, at most: a call whose ground keeps moving is refused. */
export const mostQuestions = 3;

async function runCall(rooms: Inside, call: ToolCall, caller: Caller): Promise<Outcome> {
  const outcome = await judgeAskAndRun(rooms, call, caller);
  // What ran is clean already; the reason of a refusal may quote what an agent or a person wrote.
  return outcome.kind === 'refused' ? cleanOutcome(rooms, rooms.tools.get(call.tool)?.skips?.(outcome, call.project) ?? outcome) : outcome;
}

async function judgeAskAndRun(rooms: Inside, call: ToolCall, caller: Caller): Promise<Outcome> {
  const held: Held = [];
  const came = rooms.now();
  try {
    const review = takeUpReview(rooms, () => waiterOf({ call, policy: rooms.policy() }, caller, came), call);
    if (review !== undefined) return await review;
    const judged = await judge(rooms, call, caller.signal, held);
    if ('refusal' in judged) return await refuse(rooms, { call, policy: judged.policy }, judged.refusal);
    return await askAndRun(rooms, waiterOf(judged, caller, came), judged, held);
  } catch (thrown) {
    // Only an intent that cannot be recorded ends here: nothing has run.
    const error = toConductorError(thrown, 'AUDIT_UNAVAILABLE');
    return { kind: 'refused', code: error.code, rule: 'audit.unavailable', reason: error.message };
  } finally {
    for (const prepared of held) prepared.release?.();
  }
}

type Ended = Readonly<{ kind: 'ended'; outcome: Outcome }>;

/** Asks and runs; what changed after an approval is asked about again, as a question of its own. */
async function askAndRun(rooms: Inside, caller: Waiter, judged: Judged, held: Held): Promise<Outcome> {
  for (let turn: Turn | Ended = await firstTurn(rooms, caller, judged); ; ) {
    const asked = await clear(rooms, caller, turn, held);
    const step: Refused | Changed | Reduced | Parked | Ended = asked.kind === 'cleared' ? await guardAndPerform(rooms, caller, { ...turn, ...asked }, held) : asked;
    if (step.kind === 'ended') return step.outcome;
    if (step.kind === 'parked') return await park(rooms, caller, turn, step);
    if (step.kind === 'refused') return await refuse(rooms, { ...turn.judged, ...historyOf(turn) }, step.refusal, step.approval);
    const next: Turn | Ended = step.kind === 'narrowed' ? await turnSmaller(rooms, caller, turn, step, held) : await turnAgain(rooms, caller, turn, step);
    if ('outcome' in next) return next.outcome;
    turn = next;
  }
}

/** Records the approval that came to nothing, and turns to the next question, unless there were too many. */
async function turnAgain(rooms: Rooms, caller: Caller, turn: Turn, { approval, now, changes, outcome }: Changed): Promise<Turn | Ended> {
  const { call } = turn.judged;
  const round = turn.again?.round ?? 1;
  const last = round >= mostQuestions;
  const reason = last
    ? `What was approved changed ${String(round)} times before it could run (${namesOf(changes)}). Nothing was run. Let it be while the user decides.`
    : `What was approved changed before it ran (${namesOf(changes)}). Nothing was run, and the user is asked again.`;
  const refusal = refusalOf('APPROVAL_STALE', 'approval.stale', reason);
  const trouble = outcome === undefined ? await recordRefusal(rooms, { ...turn.judged, ...historyOf(turn) }, refusal, approval) : undefined;
  if (last || trouble !== undefined) return { kind: 'ended', outcome: outcome ?? withTrouble(refusal, trouble) };
  caller.progress(reason);
  return { judged: { ...now, call: { ...call, id: rooms.newId() } }, again: { round: round + 1, after: call.id, changes } };
}

/** Records the question that a person made smaller, and turns to what is left of it. */
async function turnSmaller(rooms: Rooms, caller: Caller, turn: Turn, { approval, chosen }: Reduced, held: Held): Promise<Turn | Ended> {
  const refusal = narrowedRefusal(chosen);
  const trouble = await recordRefusal(rooms, { ...turn.judged, ...historyOf(turn), reducedTo: { keep: chosen.keep, of: chosen.of } }, refusal, approval);
  if (trouble !== undefined) return { kind: 'ended', outcome: withTrouble(refusal, trouble) };
  caller.progress(refusal.reason);
  const smaller = await judgeNarrowed(rooms, turn.judged, chosen, caller.signal, held);
  if ('refusal' in smaller) return { kind: 'ended', outcome: await refuse(rooms, turn.judged, smaller.refusal) };
  return smaller;
}

async function guardAndPerform(rooms: Inside, caller: Waiter, cleared: Turn & Cleared, held: Held): Promise<Ended | Refused | Changed> {
  const { call, bound, policy } = cleared.judged;
  const approval = cleared.approval === undefined ? {} : { approval: cleared.approval };
  const useBy = cleared.approval?.useBy;
  if (useBy !== undefined && rooms.wallNow() > useBy) return { kind: 'refused', refusal: refusalOf('APPROVAL_STALE', 'approval.expired', 'The approval was given in time, but the call came to run too late for it.'), ...approval };
  const admission = rooms.admit(call.tool);
  if (admission.kind === 'open') return { kind: 'refused', refusal: circuitOpen(call.tool, admission.retryAfterMs), ...approval };
  const queued = bound.prepared.readOnly && policy.config.audit.readOnlyDurability === 'queued';
  try {
    if (caller.signal.aborted) throw new ConductorError('CANCELLED', 'The call was withdrawn before it ran.');
    await rooms.recorder.admitted(call, { verdict: bound.prepared.verdict, policyHash: policy.policyHash, digest: bound.digest, ...(bound.prepared.sandbox === undefined ? {} : { sandbox: bound.prepared.sandbox }), ...besideIn(bound), ...approval, ...historyOf(cleared) }, queued);
  } catch (thrown) {
    admission.settle('neutral');
    const error = toConductorError(thrown, 'AUDIT_UNAVAILABLE');
    if (error.code !== 'CANCELLED') throw error;
    return { kind: 'refused', refusal: refusalOf('CANCELLED', 'call.cancelled', error.message), ...approval };
  }
  const started = rooms.now();
  const ended = await attempt(bound.prepared, isReviewed(cleared.judged) ? { ...caller, progress: () => undefined } : caller);
  const outcome = cleanOutcome(rooms, cleared.judged.tell?.(ended) ?? ended);
  const failed = (cleared.judged.tool.countsAsFailure ?? countsAsFailure)(outcome);
  admission.settle(failed ? 'failure' : outcome.kind === 'success' ? 'success' : 'neutral', outcome.kind === 'failure' ? outcome.error.message : undefined);
  try {
    await rooms.recorder.finished(call, { outcome, durationMs: Math.round(rooms.now() - started) }, queued);
  } catch (thrown) {
    const message = `The tool ran, but its outcome could not be recorded, so the result is withheld: ${toConductorError(thrown).message}`;
    return { kind: 'ended', outcome: { kind: 'failure', error: new ConductorError('AUDIT_UNAVAILABLE', message, { cause: thrown }) } };
  }
  const { before } = cleared;
  rooms.rounds.ended(caller.key, outcome, { first: before?.first ?? call.id, digest: bound.digest, round: (before?.round ?? 0) + 1, ...(cleared.approval === undefined ? {} : { approval: cleared.approval.id }) });
  return await changedAtTheStart(rooms, caller, cleared, outcome, held) ?? { kind: 'ended', outcome: await reviewResult(rooms, caller, cleared.judged, outcome) };
}

/** A tool that refused as stale has done nothing, so that what a person approved can be asked about again; undefined for every other end. */
async function changedAtTheStart(rooms: Rooms, caller: Caller, { judged, approval }: Cleared, outcome: Outcome, held: Held): Promise<Changed | undefined> {
  if (outcome.kind !== 'refused' || outcome.code !== 'APPROVAL_STALE' || approval === undefined) return undefined;
  const now = await judgeAgain(rooms, judged, caller.signal, held);
  if ('refusal' in now) return undefined;
  const changes = changesBetween(judged.bound, now.bound);
  // What changed may have changed back since.
  const passing: Change = { label: 'At the start', key: '', before: 'as it was approved', after: outcome.reason };
  return { kind: 'changed', approval, now, changes: changes.length > 0 ? changes : [passing], outcome };
}

async function attempt(prepared: Prepared, caller: Caller): Promise<Outcome> {
  const work = (): Promise<Outcome> => prepared.run(caller.signal, (message, report) => caller.progress(message, report));
  try {
    return await (prepared.readOnly ? work() : inCompany(work));
  } catch (thrown) {
    return { kind: 'failure', error: toConductorError(thrown) };
  }
}

/** Execution failures and time-outs count for the breaker; refusals, invalid input and withdrawn calls do not. */
export function countsAsFailure(outcome: Outcome): boolean {
  return outcome.kind === 'failure' && (outcome.error.code === 'TOOL_FAILED' || outcome.error.code === 'TIMEOUT');
}

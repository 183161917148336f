import type { AskedAgain, Change } from '../../../protocol/src/approvals';
import type { Narrowed } from '../../../protocol/src/fileChanges';
import type { Outcome, ToolCall } from '../../../protocol/src/call';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { Prepared, Tool } from '../tools/tool';
import { askPerson, type Approval, type Caller } from './asking';
import { changesBetween, namesOf } from './changes';
import { createDeclined, type Declined } from './declined';
import { approvalByGrants, groundOf, keepAnswer, lastingPart } from './granting';
import { judge, judgeAgain, type Held, type Judged } from './judging';
import { judgeNarrowed, narrowedRefusal, shelve } from './narrowing';
import type { Chosen } from '../approvals/shelf';
import { circuitOpen, refusalOf, type Refusal } from './refusals';
import { isReviewed, reviewResult } from './resultReview';
import type { Rooms } from './rooms';
import { followRules } from './rulesInSight';
import { pinOf } from './toolPin';

/** The one place where the order of a call stands: judge, ask, guard, record, do, record. Every door goes through it. */

/** Runs calls, and names the tools that exist. */
export type Pipeline = Readonly<{ tools: ReadonlyMap<string, Tool>; run(call: ToolCall, caller: Caller): Promise<Outcome> }>;

/** The rooms, and what this pipeline remembers by itself. */
type Inside = Rooms & Readonly<{ declined: Declined }>;

/** Builds the pipeline over its rooms. */
export function createPipeline(rooms: Rooms): Pipeline {
  const inside: Inside = { ...rooms, declined: createDeclined(rooms.now) };
  return { tools: rooms.tools, run: (call, caller) => runCall(inside, call, caller) };
}

/** Questions about one call, at most: a call whose ground keeps moving is refused. */
export const mostQuestions = 3;

async function runCall(rooms: Inside, call: ToolCall, caller: Caller): Promise<Outcome> {
  const held: Held = [];
  try {
    const judged = await judge(rooms, call, caller.signal, held);
    if ('refusal' in judged) return await refuse(rooms, { call, policy: judged.policy }, judged.refusal);
    return await askAndRun(rooms, caller, judged, held);
  } catch (thrown) {
    // Only an intent that cannot be recorded ends here: nothing has run.
    const error = toConductorError(thrown, 'AUDIT_UNAVAILABLE');
    return { kind: 'refused', code: error.code, rule: 'audit.unavailable', reason: error.message };
  } finally {
    for (const prepared of held) prepared.release?.();
  }
}

/** One question about a call, or the passage of one that needs none. Each has an id and entries of its own in the log. */
type Turn = Readonly<{ judged: Judged; again?: AskedAgain; narrowed?: Narrowed }>;

type Cleared = Readonly<{ kind: 'cleared'; judged: Judged; approval?: Approval }>;
type Refused = Readonly<{ kind: 'refused'; refusal: Refusal; approval?: Approval }>;
/** What was approved is not what would run, and nothing has run. `outcome`: what the tool said at the start, recorded already. */
type Changed = Readonly<{ kind: 'changed'; approval: Approval; now: Judged; changes: Change[]; outcome?: Outcome }>;
/** A person left out some of the changes, so that this question ends and a smaller one begins. */
type Reduced = Readonly<{ kind: 'narrowed'; approval: Approval; chosen: Chosen }>;
type Ended = Readonly<{ kind: 'ended'; outcome: Outcome }>;

/** Asks and runs; what changed after an approval is asked about again, as a question of its own. */
async function askAndRun(rooms: Inside, caller: Caller, judged: Judged, held: Held): Promise<Outcome> {
  for (let turn: Turn | Ended = { judged }; ; ) {
    const asked = await ask(rooms, caller, turn, held);
    const step: Refused | Changed | Reduced | Ended = asked.kind === 'cleared' ? await guardAndPerform(rooms, caller, { ...turn, ...asked }, held) : asked;
    if (step.kind === 'ended') return step.outcome;
    if (step.kind === 'refused') return await refuse(rooms, { ...turn.judged, ...again(turn) }, step.refusal, step.approval);
    const next: Turn | Ended = step.kind === 'narrowed' ? await turnSmaller(rooms, caller, turn, step, held) : await turnAgain(rooms, caller, turn, step);
    if ('outcome' in next) return next.outcome;
    turn = next;
  }
}

async function ask(rooms: Inside, caller: Caller, turn: Turn, held: Held): Promise<Cleared | Refused | Changed | Reduced> {
  const { judged } = turn;
  if (turn.again === undefined && judged.bound.prepared.verdict.verdict === 'allow') return { kind: 'cleared', judged };
  const { config } = judged.policy;
  const ground = groundOf(judged.call, judged.bound.prepared, config, pinOf(judged.tool));
  // After everything else has judged, and never in place of a question whose ground has moved.
  const granted = turn.again === undefined && turn.narrowed === undefined ? rooms.grants.cover(judged.call.id, ground) : undefined;
  if (granted !== undefined) return { kind: 'cleared', judged, approval: approvalByGrants(granted) };
  const declined = rooms.declined.refusal(judged.bound.digest);
  if (declined !== undefined) return { kind: 'refused', refusal: declined };
  const rules = followRules(rooms, judged);
  const place = shelve(rooms, judged);
  const signal = AbortSignal.any([caller.signal, rules.signal, place.signal]);
  const answer = await askPerson(rooms.desk, { ...turn, ...judged, lasting: lastingPart(rooms.grants, judged.call.id, ground, config) }, config.approvalTimeout, { ...caller, signal }).finally(() => (rules.stop(), place.clear()));
  const { approval } = answer;
  const forbidden = rules.forbidden();
  if (forbidden !== undefined) return { kind: 'refused', refusal: refusalOf('DENIED', forbidden.rule, `The rules changed while this call waited. ${forbidden.reason}`), approval };
  const chosen = place.chosen();
  if (chosen !== undefined && approval.decision === 'withdrawn' && !caller.signal.aborted) return { kind: 'narrowed', approval: { ...approval, by: chosen.by }, chosen };
  rooms.declined.note(judged.bound.digest, approval);
  if (approval.decision === 'denied') await keepAnswer(rooms.grants, judged, approval);
  if ('code' in answer) return { kind: 'refused', refusal: refusalOf(answer.code, answer.rule, answer.reason), approval };
  // Time has passed: what runs is judged afresh and must be the same bytes.
  const now = await judgeAgain(rooms, judged, caller.signal, held);
  if ('refusal' in now) return { kind: 'refused', refusal: now.refusal, approval };
  if (now.bound.digest === judged.bound.digest) {
    await keepAnswer(rooms.grants, judged, approval);
    return { kind: 'cleared', judged: now, approval };
  }
  return { kind: 'changed', approval, now, changes: changesBetween(judged.bound, now.bound) };
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
  const trouble = outcome === undefined ? await recordRefusal(rooms, { ...turn.judged, ...again(turn) }, refusal, approval) : undefined;
  if (last || trouble !== undefined) return { kind: 'ended', outcome: outcome ?? withTrouble(refusal, trouble) };
  caller.progress(reason);
  return { judged: { ...now, call: { ...call, id: rooms.newId() } }, again: { round: round + 1, after: call.id, changes } };
}

/** Records the question that a person made smaller, and turns to what is left of it. */
async function turnSmaller(rooms: Rooms, caller: Caller, turn: Turn, { approval, chosen }: Reduced, held: Held): Promise<Turn | Ended> {
  const refusal = narrowedRefusal(chosen);
  const trouble = await recordRefusal(rooms, { ...turn.judged, ...again(turn) }, refusal, approval);
  if (trouble !== undefined) return { kind: 'ended', outcome: withTrouble(refusal, trouble) };
  caller.progress(refusal.reason);
  const smaller = await judgeNarrowed(rooms, turn.judged, chosen, caller.signal, held);
  if ('refusal' in smaller) return { kind: 'ended', outcome: await refuse(rooms, turn.judged, smaller.refusal) };
  return smaller;
}

async function guardAndPerform(rooms: Rooms, caller: Caller, cleared: Turn & Cleared, held: Held): Promise<Ended | Refused | Changed> {
  const { call, bound, policy } = cleared.judged;
  const approval = cleared.approval === undefined ? {} : { approval: cleared.approval };
  const useBy = cleared.approval?.useBy;
  if (useBy !== undefined && rooms.wallNow() > useBy) return { kind: 'refused', refusal: refusalOf('APPROVAL_STALE', 'approval.expired', 'The approval was given in time, but the call came to run too late for it.'), ...approval };
  const admission = rooms.admit(call.tool);
  if (admission.kind === 'open') return { kind: 'refused', refusal: circuitOpen(call.tool, admission.retryAfterMs), ...approval };
  const queued = bound.prepared.readOnly && policy.config.audit.readOnlyDurability === 'queued';
  try {
    if (caller.signal.aborted) throw new ConductorError('CANCELLED', 'The call was withdrawn before it ran.');
    await rooms.recorder.admitted(call, { verdict: bound.prepared.verdict, policyHash: policy.policyHash, digest: bound.digest, ...(bound.prepared.sandbox === undefined ? {} : { sandbox: bound.prepared.sandbox }), ...approval, ...again(cleared) }, queued);
  } catch (thrown) {
    admission.settle('neutral');
    const error = toConductorError(thrown, 'AUDIT_UNAVAILABLE');
    if (error.code !== 'CANCELLED') throw error;
    return { kind: 'refused', refusal: refusalOf('CANCELLED', 'call.cancelled', error.message), ...approval };
  }
  const started = rooms.now();
  const ended = await attempt(bound.prepared, isReviewed(cleared.judged) ? { ...caller, progress: () => undefined } : caller);
  const outcome = cleared.judged.tell?.(ended) ?? ended;
  const failed = (cleared.judged.tool.countsAsFailure ?? countsAsFailure)(outcome);
  admission.settle(failed ? 'failure' : outcome.kind === 'success' ? 'success' : 'neutral', outcome.kind === 'failure' ? outcome.error.message : undefined);
  try {
    await rooms.recorder.finished(call, { outcome, durationMs: Math.round(rooms.now() - started) }, queued);
  } catch (thrown) {
    const message = `The tool ran, but its outcome could not be recorded, so the result is withheld: ${toConductorError(thrown).message}`;
    return { kind: 'ended', outcome: { kind: 'failure', error: new ConductorError('AUDIT_UNAVAILABLE', message, { cause: thrown }) } };
  }
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
  try {
    return await prepared.run(caller.signal, (message) => caller.progress(message));
  } catch (thrown) {
    return { kind: 'failure', error: toConductorError(thrown) };
  }
}

type Recorded = Pick<Judged, 'call' | 'policy'> & Partial<Pick<Judged, 'bound'>> & Pick<Turn, 'again'>;

async function refuse(rooms: Rooms, recorded: Recorded, refusal: Refusal, approval?: Approval): Promise<Outcome> {
  return withTrouble(refusal, await recordRefusal(rooms, recorded, refusal, approval));
}

/** Records a refusal; the trouble, when the log cannot take it. */
async function recordRefusal(rooms: Rooms, recorded: Recorded, refusal: Refusal, approval?: Approval): Promise<string | undefined> {
  try {
    await rooms.recorder.refused(recorded.call, { refusal, policyHash: recorded.policy.policyHash, ...(approval === undefined ? {} : { approval, ...(recorded.bound === undefined ? {} : { digest: recorded.bound.digest }) }), ...again(recorded) });
    return undefined;
  } catch (thrown) {
    return toConductorError(thrown).message;
  }
}

/** A refusal stays one when the log cannot take it. */
function withTrouble(refusal: Refusal, trouble: string | undefined): Refusal {
  return trouble === undefined ? refusal : { ...refusal, reason: `${refusal.reason} (This refusal could not be recorded: ${trouble})` };
}

function again({ again }: Pick<Turn, 'again'>): Pick<Turn, 'again'> {
  return again === undefined ? {} : { again };
}

/** Execution failures and time-outs count for the breaker; refusals, invalid input and withdrawn calls do not. */
export function countsAsFailure(outcome: Outcome): boolean {
  return outcome.kind === 'failure' && (outcome.error.code === 'TOOL_FAILED' || outcome.error.code === 'TIMEOUT');
}

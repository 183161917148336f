import type { Change } from '../../../protocol/src/approvals';
import type { Outcome } from '../../../protocol/src/call';
import { toConductorError } from '../../../protocol/src/errors';
import type { Chosen } from '../approvals/shelf';
import { cancelsAnswered, patienceMs } from '../rules/patience';
import type { Approval, Caller } from './asking';
import { changesBetween } from './changes';
import type { Declined } from './declined';
import { HandedOver } from './elicitation';
import { layOut, type ApprovedBefore } from './approvedBefore';
import { approvalByGrants, groundOf, keepAnswer, lastingPart } from './granting';
import { judgeAgain, type Held, type Judged } from './judging';
import { openQuestion, waitFor, type Ended, type OpenQuestion, type Turn } from './openQuestion';
import { parkingKey, type Left, type ParkedQuestion, type Parking } from './parking';
import { refusalOf, type Refusal } from './refusals';
import { recordRefusal } from './refusing';
import type { Reviews } from './resultReview';
import type { Rooms } from './rooms';
import type { Rounds } from './rounds';
import { asksAboutSecrets } from './secretArguments';
import { pinOf } from './toolPin';

/** Clears a judged call to run: by its verdict, by what was granted, or by the answer of a person. */

/** The rooms, and what this pipeline remembers by itself. */
export type Inside = Rooms & Readonly<{ declined: Declined; parking: Parking; reviews: Reviews; rounds: Rounds; approvedBefore: ApprovedBefore }>;

/** A caller whose client gives up on a call some time: by when it must have an answer, in monotonic milliseconds, and by what the call is found again. */
export type Waiter = Caller & Readonly<{ answerBy: number; key(): string }>;

/** Nothing is in the way any more. */
export type Cleared = Readonly<{ kind: 'cleared'; judged: Judged; approval?: Approval }>;
/** The call ends here. */
export type Refused = Readonly<{ kind: 'refused'; refusal: Refusal; approval?: Approval }>;
/** What was approved is not what would run, and nothing has run. `outcome`: what the tool said at the start, recorded already. */
export type Changed = Readonly<{ kind: 'changed'; approval: Approval; now: Judged; changes: Change[]; outcome?: Outcome }>;
/** A person left out some of the changes, so that this question ends and a smaller one begins. */
export type Reduced = Readonly<{ kind: 'narrowed'; approval: Approval; chosen: Chosen }>;
/** The client cannot be kept waiting any longer, or is to answer itself, and the question stays open. */
export type Parked = Readonly<{ kind: 'parked'; open: OpenQuestion; /** The client gets the question with the answer to its call. */ over?: HandedOver }>;

/** Whoever waits for a call that came at a moment, and until when. */
export function waiterOf({ call, policy }: Pick<Judged, 'call' | 'policy'>, caller: Caller, came: number): Waiter {
  const patience = patienceMs(call.actor.client ?? '', caller.informed === true, policy.config.approvals.callAgainAfterSeconds);
  return { ...caller, answerBy: came + patience, key: () => parkingKey(call) };
}

/** The question that this call was asked before and comes for again, or its first one. What needs nobody any more waits for nobody. */
export async function firstTurn(rooms: Inside, { key }: Waiter, judged: Judged): Promise<Turn> {
  const before = rooms.rounds.before(key, judged.call);
  const fresh: Turn = { judged, ...(before === undefined || before.digest !== judged.bound.digest ? {} : { before }) };
  const rest = judged.call.line?.rest ?? {};
  const open = rooms.parking.take(key, ({ over }) => over?.isMeant(rest) === true);
  if (open === undefined) return fresh;
  open.over?.take(rest);
  if (fresh.before === undefined && judged.bound.prepared.verdict.verdict !== 'allow') return { ...open.turn, judged: withLineOf(open, judged), open, calledAgain: (open.turn.calledAgain ?? 0) + 1 };
  open.withdraw();
  await leaveUnfetched(rooms, open, await open.ended, 'withdrawn');
  return fresh;
}

/** The judged call of a question, on the line of the request that waits now. What came beside the arguments stays what it was when a person was asked. */
function withLineOf({ turn: { judged } }: ParkedQuestion, { call: { line } }: Judged): Judged {
  const first = judged.call.line;
  return line === undefined || first === undefined ? judged : { ...judged, call: { ...judged.call, line: { ...line, meta: first.meta, rest: first.rest } } };
}

/** Clears the call of this turn, asking a person where one is needed. */
export async function clear(rooms: Inside, waiter: Waiter, turn: Turn, held: Held): Promise<Cleared | Refused | Changed | Reduced | Parked> {
  const open = turn.open ?? await question(rooms, turn);
  if ('kind' in open) return open;
  const ended = await waitFor(open, waiter, waiter.answerBy - rooms.now());
  if (ended === undefined) return { kind: 'parked', open };
  return ended instanceof HandedOver ? { kind: 'parked', open, over: ended } : await settle(rooms, waiter, turn, ended, held);
}

/** Opens the question of a turn, unless it needs none or was answered a moment ago. */
async function question(rooms: Inside, turn: Turn): Promise<OpenQuestion | Cleared | Refused> {
  const { judged } = turn;
  if (turn.again === undefined && judged.bound.prepared.verdict.verdict === 'allow') return { kind: 'cleared', judged };
  // One yes holds for all rounds of a call, as long as it is the same.
  if (turn.before?.approval !== undefined && turn.again === undefined) return { kind: 'cleared', judged, approval: { id: turn.before.approval, decision: 'continued', by: { role: 'broker' }, waitedMs: 0 } };
  const { config } = judged.policy;
  const ground = groundOf(judged.call, judged.bound.prepared, config, pinOf(judged.tool));
  // After everything else has judged, and never in place of a question whose ground has moved.
  const once = asksAboutSecrets(judged.bound.prepared);
  const granted = turn.again === undefined && turn.narrowed === undefined && !once ? rooms.grants.cover(judged.call.id, ground) : undefined;
  if (granted !== undefined) return { kind: 'cleared', judged, approval: approvalByGrants(granted) };
  const declined = rooms.declined.refusal(judged);
  if (declined !== undefined) return { kind: 'refused', refusal: declined };
  const laidOut = await layOut(rooms.approvedBefore, judged);
  return openQuestion(rooms, turn, { lasting: once ? {} : lastingPart(rooms.grants, judged.call.id, ground, config), ...(laidOut === undefined ? {} : { laidOut }) });
}

/** Takes the end of a question. A yes counts for what is there now only if that is what was asked about. */
async function settle(rooms: Inside, { signal }: Waiter, { judged }: Turn, ended: Ended, held: Held): Promise<Cleared | Refused | Changed | Reduced> {
  const { approval } = ended.answered;
  if (ended.forbidden === undefined && ended.chosen !== undefined && approval.decision === 'withdrawn' && !signal.aborted) return { kind: 'narrowed', approval: { ...approval, by: ended.chosen.by }, chosen: ended.chosen };
  const refused = await noYes(rooms, judged, ended);
  if (refused !== undefined) return refused;
  // Time has passed: what runs is judged afresh and must be the same bytes.
  const now = await judgeAgain(rooms, judged, signal, held);
  if ('refusal' in now) return { kind: 'refused', refusal: now.refusal, approval };
  if (now.bound.digest === judged.bound.digest) {
    await keepAnswer(rooms.grants, judged, approval);
    rooms.approvedBefore.note(judged, approval);
    if (approval.level !== 'client') return { kind: 'cleared', judged: now, approval };
    rooms.heardFromClient(judged.call.id);
    return { kind: 'cleared', judged: { ...now, tell: (outcome) => sayWeaker(now.tell?.(outcome) ?? outcome) }, approval };
  }
  return { kind: 'changed', approval, now, changes: changesBetween(judged.bound, now.bound) };
}

/** Whoever reads the result learns how far its approval is vouched for. What an external server answered is left as it is. */
function sayWeaker(outcome: Outcome): Outcome {
  if (outcome.kind !== 'success' || outcome.wire !== undefined) return outcome;
  const note = "Approved through the agent's own client, the weaker level.";
  return { ...outcome, text: `${outcome.text}\n(${note})`, structured: { ...outcome.structured, approval: { level: 'client', note } } };
}

/** What ends a call without a yes; undefined for a yes. A no is remembered. */
async function noYes(rooms: Inside, judged: Judged, { answered, forbidden }: Ended): Promise<Refused | undefined> {
  const { approval } = answered;
  if (forbidden !== undefined) return { kind: 'refused', refusal: refusalOf('DENIED', forbidden.rule, `The rules changed while this call waited. ${forbidden.reason}`), approval };
  rooms.declined.note(judged, approval);
  if (approval.decision === 'denied') await keepAnswer(rooms.grants, judged, approval);
  return 'code' in answered ? { kind: 'refused', refusal: refusalOf(answered.code, answered.rule, answered.reason), approval } : undefined;
}

/** Tells the agent to call again, and keeps the question for when it does. What cannot be recorded does not go on. */
export async function park(rooms: Inside, waiter: Waiter, turn: Turn, { open, over }: Parked): Promise<Outcome> {
  const { call, bound, policy } = turn.judged;
  const withinMs = over === undefined ? policy.config.approvals.callAgainWithinSeconds * 1000 : policy.config.approvalTimeout;
  try {
    await rooms.recorder.parked(call, { digest: bound.digest, waitedMs: Math.round(rooms.now() - open.askedAt), withinMs, ...(over === undefined ? {} : { through: 'client' }) });
  } catch (thrown) {
    open.withdraw();
    await leaveUnfetched(rooms, open, await open.ended, 'withdrawn');
    return refusalOf('AUDIT_UNAVAILABLE', 'audit.unavailable', toConductorError(thrown).message);
  }
  // Some clients say of every call that has ended that it is cancelled; their connection still takes the question back when it ends.
  const signal = cancelsAnswered(call.actor.client ?? '') ? (waiter.gone ?? waiter.signal) : waiter.signal;
  rooms.parking.put(waiter.key(), { ...open, turn, ...(over === undefined ? {} : { over }) }, { withinMs, signal });
  if (over !== undefined) return { kind: 'success', text: '', truncated: false, wire: { kind: 'result', result: over.result } };
  return { ...refusalOf('APPROVAL_PENDING', 'approval.pending', `The user was asked and has not answered yet; nothing has run. The question stays open for ${String(withinMs / 1000)} s.`), callAgainWithinMs: withinMs };
}

/** Records the end of a question whose answer nobody came for. Nothing ran, whatever the answer was. */
export async function leaveUnfetched(rooms: Inside, { turn }: Pick<OpenQuestion, 'turn'>, ended: Ended, why: Left): Promise<void> {
  const refused = why === 'answered' ? await noYes(rooms, turn.judged, ended) : undefined;
  await recordRefusal(rooms, { ...turn.judged, ...turn }, refused?.refusal ?? unfetched(why), ended.answered.approval);
}

function unfetched(why: Left): Refusal {
  switch (why) {
    case 'late':
      return refusalOf('APPROVAL_TIMEOUT', 'approval.notFetched', 'The agent was told to call again and did not in time, so the call was denied. Nothing ran.');
    case 'closed':
      return refusalOf('APPROVAL_UNAVAILABLE', 'approval.closed', 'The broker ended before the agent called again. Nothing ran.');
    case 'withdrawn':
    case 'answered':
      return refusalOf('CANCELLED', 'call.cancelled', 'The call was withdrawn before the agent called again. Nothing ran.');
  }
}

import type { ApprovalLevel, AskedAgain, Pending } from '../../../protocol/src/approvals';
import { contentMark, type Narrowed } from '../../../protocol/src/fileChanges';
import type { ToolCall } from '../../../protocol/src/call';
import type { ErrorCode } from '../../../protocol/src/errors';
import type { RungName } from '../../../protocol/src/grants';
import type { Desk } from '../approvals/desk';
import type { Answer, Decider, Question } from '../approvals/question';
import type { Signed } from '../approvals/vouching';
import type { Progress } from '../tools/tool';
import { detailsOf, type Bound } from './bound';

/** What the caller of a pipeline brings: a way to withdraw, and a way to be told. */
export type Caller = Readonly<{
  signal: AbortSignal;
  progress: Progress;
  /** Whether its client hears what is told, which lets some wait longer. */
  informed?: boolean;
  /** Aborts when the whole connection of the agent ended, where that can be told apart from taking back one call. */
  gone?: AbortSignal;
}>;

/** What the log keeps of an approval: the answer, who gave it, and how long it took in milliseconds. */
export type Approval = Readonly<{ id: string; decision: Answer['kind'] | 'granted' | 'continued'; by: Decider; reason?: string; /** How far the answer reaches; absent: this call. */ rung?: RungName; waitedMs: number; level?: ApprovalLevel; signed?: Signed; useBy?: number }>;

/** Milliseconds between two signs of life to an agent whose call waits for a person. */
const signOfLife = 5000;

/** What a question is about, and why it is asked again, where it is. */
export type Asked = Readonly<{ call: ToolCall; bound: Bound; again?: AskedAgain; narrowed?: Narrowed; /** What may be chosen to last. */ lasting: Pick<Pending, 'ladder' | 'outgrown'>; /** For calls of external servers: their arguments, laid out. */ laidOut?: Pending['arguments'] }>;

/** A yes, or what ends the call without one. */
export type Answered = Readonly<{ approval: Approval }> | Readonly<{ code: ErrorCode; rule: string; reason: string; approval: Approval }>;

/** Puts a question to the desk; `signal` withdraws it. */
export async function putToDesk(desk: Pick<Desk, 'ask'>, asked: Asked, timeoutMs: number, signal: AbortSignal): Promise<Answered> {
  const { call } = asked;
  return answeredBy(asked, await desk.ask(questionOf(asked), { connection: call.actor.connection ?? 0, timeoutMs, signal, weight: JSON.stringify(call.input).length }), timeoutMs);
}

/** What an answer means for what was asked; without a yes the agent hears as well what the question was about, so that it can choose a way that asks nobody. */
export function answeredBy({ call, bound }: Pick<Asked, 'call' | 'bound'>, answer: Answer, timeoutMs: number): Answered {
  const approval = approvalOf(call.id, answer);
  if (answer.kind === 'approved') return { approval };
  const { rule, reason } = bound.prepared.verdict;
  const refusal = refusalFor(answer, timeoutMs);
  return { ...refusal, reason: `${refusal.reason} It was asked because of ${rule}: ${reason}`, approval };
}

/** Tells the agent that its call waits, now and again; gives what ends it. */
export function keepInformed(caller: Caller): () => void {
  let seconds = 0;
  caller.progress('Waiting for approval in Conductor');
  const timer = setInterval(() => {
    seconds += signOfLife / 1000;
    caller.progress(`Waiting for approval in Conductor (${String(seconds)} s)`);
  }, signOfLife);
  return () => clearInterval(timer);
}

/** A call as a question. */
export function questionOf({ call, bound, again, narrowed, lasting, laidOut }: Asked): Question {
  const { show, verdict, files = [] } = bound.prepared;
  return {
    id: call.id, tool: call.tool, digest: bound.digest, title: show.title, ...shownRaw(show.raw), cwd: show.cwd, project: call.project,
    binding: { policy: bound.policyHash, tool: bound.pin }, details: detailsOf(bound), rule: verdict.rule, reason: verdict.reason, client: call.actor.client ?? 'unnamed client',
    ...(again === undefined ? {} : { again }), ...(narrowed === undefined ? {} : { narrowed }), ...(laidOut === undefined ? {} : { arguments: laidOut }),
    ...(files.length === 0 ? {} : { files: files.map(({ path }) => path), contents: files.map(({ before, after }) => ({ before: contentMark(before), after: contentMark(after) })) }), ...(show.raw.length <= mostRaw ? lasting : onceOnly(lasting)),
  };
}

/** Characters of an action that a question carries: every window hears it with every change of the queue. */
export const mostRaw = 262_144;

/** Nobody says yes for longer than once to what they cannot read whole. */
export function onceOnly({ ladder, outgrown }: Asked['lasting']): Asked['lasting'] {
  return { ...(outgrown === undefined ? {} : { outgrown }), ...(ladder === undefined ? {} : { ladder: { ...ladder, allow: [], limit: 'What cannot be shown whole can be approved once only.' } }) };
}

/** What is too long to be shown whole says so; its hash is among the facts, and whoever approves it does so once only. */
function shownRaw(raw: string): Pick<Question, 'raw' | 'notWhole'> {
  const left = raw.length - mostRaw;
  return left <= 0 ? { raw } : { raw: `${raw.slice(0, mostRaw)}\n… (${left} more characters)`, notWhole: `The action has ${raw.length} characters, of which the first ${mostRaw} are shown here.` };
}

/** What the log keeps of an answer. */
export function approvalOf(id: string, answer: Answer): Approval {
  const by: Decider = 'by' in answer ? answer.by : { role: 'broker' };
  const reason = 'reason' in answer && answer.reason !== undefined ? { reason: answer.reason } : {};
  const rung = 'rung' in answer && answer.rung !== undefined ? { rung: answer.rung } : {};
  const level = 'level' in answer && answer.level !== undefined ? { level: answer.level } : {};
  const signed = 'signed' in answer && answer.signed !== undefined ? { signed: answer.signed } : {};
  const useBy = 'useBy' in answer && answer.useBy !== undefined ? { useBy: answer.useBy } : {};
  return { id, decision: answer.kind, by, waitedMs: 'waitedMs' in answer ? answer.waitedMs : 0, ...reason, ...rung, ...level, ...signed, ...useBy };
}

function refusalFor(answer: Answer, timeoutMs: number): Readonly<{ code: ErrorCode; rule: string; reason: string }> {
  switch (answer.kind) {
    case 'approved':
    case 'denied':
      if (answer.by.role === 'broker') return { code: 'APPROVAL_UNAVAILABLE', rule: 'approval.closed', reason: answer.reason ?? 'Nobody can answer any more.' };
      return { code: 'APPROVAL_DENIED', rule: 'approval.denied', reason: `The user declined this call${answer.reason === undefined ? '.' : `: ${answer.reason}${/[.!?…]$/.test(answer.reason) ? '' : '.'}`}` };
    case 'timeout':
      return { code: 'APPROVAL_TIMEOUT', rule: 'approval.timeout', reason: `Nobody answered within ${String(timeoutMs / 1000)} s, so the call was denied.` };
    case 'withdrawn':
      return { code: 'CANCELLED', rule: 'call.cancelled', reason: 'The call was withdrawn while it waited for approval.' };
    case 'unavailable':
      return { code: 'APPROVAL_UNAVAILABLE', rule: 'approval.unavailable', reason: 'This call needs approval, and no editor or terminal is there to ask.' };
    case 'full':
      return { code: 'APPROVAL_UNAVAILABLE', rule: 'approval.full', reason: answer.message };
  }
}

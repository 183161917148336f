import { sha256 } from '../../../protocol/src/audit/bytes';
import type { NewEntry, NewDone, NewDenied } from '../../../protocol/src/audit/entry';
import type { Removed } from '../../../protocol/src/audit/removed';
import { questionsToClient, type Outcome, type ToolCall, type Verdict } from '../../../protocol/src/call';
import type { AskedAgain } from '../../../protocol/src/approvals';
import type { Narrowed } from '../../../protocol/src/fileChanges';
import type { Approval } from './asking';
import type { Round } from './rounds';

/** What the log keeps of a decision to run. */
export type Admitted = Readonly<{ verdict: Verdict; policyHash: string; digest: string; sandbox?: string; /** What went out beside the arguments. */ beside?: Readonly<Record<string, unknown>>; approval?: Approval; again?: AskedAgain; calledAgain?: number; before?: Round; narrowed?: Narrowed }>;

/** What the log keeps of the end of a call that ran. */
export type Finished = Readonly<{ outcome: Outcome; durationMs: number }>;

/** What the log keeps of a call that did not run. */
export type Refused = Readonly<{ refusal: Extract<Outcome, { kind: 'refused' }>; policyHash: string; /** Of what was asked about. */ digest?: string; beside?: Readonly<Record<string, unknown>>; approval?: Approval; again?: AskedAgain; calledAgain?: number; before?: Round; narrowed?: Narrowed; /** Which changes a person kept of this call, and of how many. */ reducedTo?: Readonly<{ keep: readonly number[]; of: number }> }>;

/** What the log keeps of a question whose agent was told to call again. */
export type ParkedQuestion = Readonly<{ digest: string; waitedMs: number; withinMs: number; /** Set where the agent's own client is to answer. */ through?: 'client'; /** Set where the call has run, and a person looks at its result. */ about?: 'result' }>;

/** Writes calls into the log. Each resolves when its entry is durable, or at once when `queued`; rejects with AUDIT_UNAVAILABLE. */
export type Recorder = Readonly<{
  admitted(call: ToolCall, record: Admitted, queued: boolean): Promise<void>;
  finished(call: ToolCall, record: Finished, queued: boolean): Promise<void>;
  refused(call: ToolCall, record: Refused): Promise<void>;
  /** The agent was told to call again; the question stays open. */
  parked(call: ToolCall, record: ParkedQuestion): Promise<void>;
  /** Whether a person let the agent have the result of a call that ran; `result` is what the answer binds to, see `factsOfResult`. */
  reviewed(call: ToolCall, approval: Approval, result: string): Promise<void>;
  /** The agent was told to call again for a result, and did not come. */
  notFetched(call: ToolCall, why: string): Promise<void>;
}>;

/** The part of the audit writer that calls need. */
export type Log = Readonly<{ append(entry: NewEntry): Promise<unknown>; enqueue(entry: NewEntry): Promise<unknown> }>;

/** The part of redaction that calls need: what was released, without secrets. */
export type RedactOutput = (call: string, text: string) => Readonly<{ text: string; removed?: Removed }>;

/** Turns calls into entries of the audit log. */
export function createRecorder(log: Log, redact: RedactOutput = (_, text) => ({ text })): Recorder {
  const write = async (entry: NewEntry, queued: boolean): Promise<void> => {
    if (queued) await log.enqueue(entry);
    else await log.append(entry);
  };
  return {
    admitted: (call, record, queued) => write(intentOf(call, record), queued),
    finished: (call, record, queued) => write(doneOf(call, record, redact(call.id, releasedText(record.outcome))), queued),
    refused: (call, record) => write(deniedOf(call, record), false),
    parked: (call, record) => write(parkedOf(call, record), false),
    reviewed: (call, approval, result) => write(reviewedOf(call, approval, result), false),
    notFetched: ({ id, tool, actor, project }, why) => write({ phase: 'event', call: id, tool: 'result.notFetched', input: { tool, why }, result: 'denied', actor, project }, false),
  };
}

function intentOf(call: ToolCall, { verdict, policyHash, digest, sandbox, beside, approval, again, calledAgain, before, narrowed }: Admitted): NewEntry {
  return {
    phase: 'intent', id: call.id, result: 'admitted', tool: call.tool, input: call.input, actor: call.actor, project: call.project,
    verdict: { ...verdict, policyHash }, detail: { digest: `sha256:${digest}`, ...(sandbox === undefined ? {} : { sandbox }), ...(beside === undefined ? {} : { beside }), ...storedAgain(again), ...(calledAgain === undefined ? {} : { calledAgain }), ...storedBefore(before), ...(narrowed === undefined ? {} : { narrowed }) }, ...storedApproval(approval),
  };
}

/** What the agent gets to read. */
function releasedText(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.reason : (outcome.text ?? (outcome.kind === 'failure' ? outcome.error.message : ''));
}

function doneOf(call: ToolCall, { outcome, durationMs }: Finished, { text, removed }: ReturnType<RedactOutput>): NewDone {
  return {
    phase: 'done', call: call.id, result: resultOf(outcome), tool: call.tool, input: call.input, actor: call.actor, project: call.project, durationMs,
    output: { sha256: `sha256:${sha256(text)}`, bytes: Buffer.byteLength(text) }, ...(removed === undefined ? {} : { removed }), ...detailOf(outcome),
  };
}

/** Longest name of a tool in the log: an agent may ask for tools that do not exist, of any name. */
const mostToolName = 100;

function deniedOf(call: ToolCall, { refusal, policyHash, digest, beside, approval, again, calledAgain, before, narrowed, reducedTo }: Refused): NewDenied {
  return {
    phase: 'denied', id: call.id, result: refusal.code === 'CANCELLED' ? 'cancelled' : refusal.code === 'APPROVAL_TIMEOUT' ? 'timeout' : 'denied', tool: call.tool.slice(0, mostToolName), input: call.input,
    actor: call.actor, project: call.project, verdict: { verdict: 'deny', rule: refusal.rule, reason: refusal.reason, policyHash }, detail: { code: refusal.code, ...(digest === undefined ? {} : { digest: `sha256:${digest}` }), ...(beside === undefined ? {} : { beside }), ...storedAgain(again), ...(calledAgain === undefined ? {} : { calledAgain }), ...storedBefore(before), ...(narrowed === undefined ? {} : { narrowed }), ...(reducedTo === undefined ? {} : { reducedTo }) }, ...storedApproval(approval),
  };
}

function parkedOf({ id, tool, actor, project }: ToolCall, { digest, waitedMs, withinMs, through, about }: ParkedQuestion): NewEntry {
  return { phase: 'event', call: id, tool: 'approval.parked', input: { tool }, result: 'ok', actor, project, detail: { digest: `sha256:${digest}`, waitedMs, callAgainWithinMs: withinMs, ...(through === undefined ? {} : { through }), ...(about === undefined ? {} : { about }) } };
}

function reviewedOf({ id, tool, actor, project }: ToolCall, approval: Approval, result: string): NewEntry {
  const released = approval.decision === 'approved';
  // The signed statement holds a hash over it anyway; without a signature there is nothing to check by it.
  const detail = approval.signed === undefined ? {} : { detail: { result } };
  return { phase: 'event', call: id, tool: released ? 'result.released' : 'result.withheld', input: { tool }, result: released ? 'ok' : 'denied', actor, project, ...detail, ...storedApproval(approval) };
}

function resultOf(outcome: Outcome): NewDone['result'] {
  switch (outcome.kind) {
    case 'success':
      return 'success';
    case 'refused':
      return 'denied';
    case 'failure':
      return outcome.error.code === 'TIMEOUT' ? 'timeout' : outcome.error.code === 'CANCELLED' ? 'cancelled' : 'error';
  }
}

function detailOf(outcome: Outcome): { detail?: Readonly<Record<string, unknown>> } {
  switch (outcome.kind) {
    case 'success': {
      const detail = { ...(questionsToClient(outcome) === undefined ? {} : { inputRequired: true }), ...(outcome.truncated ? { truncated: true } : {}), ...hiddenIn(outcome) };
      return Object.keys(detail).length === 0 ? {} : { detail };
    }
    case 'refused':
      return { detail: { code: outcome.code, rule: outcome.rule, reason: outcome.reason } };
    case 'failure':
      return { detail: { code: outcome.error.code, message: shortened(outcome.error.message), ...hiddenIn(outcome) } };
  }
}

function hiddenIn({ hidden }: Exclude<Outcome, { kind: 'refused' }>): Readonly<Record<string, unknown>> {
  return hidden === undefined ? {} : { hiddenCharacters: hidden };
}

/** At most 500 characters, cut between words: half a secret is not recognised as one any more. */
function shortened(message: string): string {
  return message.length <= 500 ? message : `${message.slice(0, 500).replace(/\S*$/, '')}…`;
}

/** Which approval this question followed, and what had changed since: names always, values where the log may hold them. */
function storedAgain(again: AskedAgain | undefined): Readonly<Record<string, unknown>> {
  if (again === undefined) return {};
  const changed = again.changes.map((change) => ({ what: `${change.label} ${change.key}`.trim(), ...(change.unlogged === true ? {} : { before: change.before, after: change.after }) }));
  return { askedAgain: { round: again.round, after: again.after, changed } };
}

/** The call whose questions this one answers: the first of the chain, and the place of this one in it. */
function storedBefore(before: Round | undefined): Readonly<Record<string, unknown>> {
  return before === undefined ? {} : { continues: before.first, round: before.round + 1 };
}

/** An approval as entries carry it: who, how, how far it is vouched for, and the signed statement word for word. */
export function storedApproval(approval: Approval | undefined): Pick<NewEntry, 'approval'> {
  if (approval === undefined) return {};
  const { id, decision, by, waitedMs, reason, rung, level, signed } = approval;
  const who = { by: [by.role, by.client].filter((part) => part !== undefined).join(' '), ...(by.window === undefined ? {} : { window: by.window }), ...(by.user === undefined ? {} : { user: by.user }) };
  const how = { ...(rung === undefined ? {} : { rung }), ...(level === undefined ? {} : { level }), ...(signed === undefined ? {} : { signed }) };
  return { approval: { id, decision, ...who, waitedMs, ...(reason === undefined ? {} : { reason }), ...how } };
}

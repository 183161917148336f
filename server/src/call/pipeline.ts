import { createHash } from 'node:crypto';
import type { Outcome, ToolCall, Verdict } from '../../../protocol/src/call';
import type { Config } from '../../../protocol/src/config';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { Desk } from '../approvals/desk';
import type { Admission } from '../breaker/breaker';
import { bind, type Bound } from './bound';
import { askPerson, type Approval, type Caller } from './asking';
import type { Recorder } from './recorder';
import type { Prepared, Tool } from '../tools/tool';

/** The one place where the order of a call stands: judge, ask, guard, record, do, record. Every door goes through it. */

/** The configuration that holds at this moment, the hash that names it, and what is wrong with its file, where something is. */
export type Policy = Readonly<{ config: Config; policyHash: string; trouble?: string }>;

/** The rooms that a call passes through. */
export type Rooms = Readonly<{
  tools: ReadonlyMap<string, Tool>;
  configDir: string;
  policy(): Policy;
  /** Calls back after each change of the policy; gives the function that stops it. */
  onPolicyChange(listener: () => void): () => void;
  desk: Pick<Desk, 'ask'>;
  /** Asks the tool's breaker for admission, counting a probe when it is half open. */
  admit(tool: string): Admission;
  /** Milliseconds until the tool's breaker lets a probe through, when it is open; changes nothing. */
  openFor(tool: string): number | undefined;
  recorder: Recorder;
  /** Monotonic milliseconds. */
  now(): number;
}>;

/** Runs calls, and names the tools that exist. */
export type Pipeline = Readonly<{ tools: ReadonlyMap<string, Tool>; run(call: ToolCall, caller: Caller): Promise<Outcome> }>;

/** Builds the pipeline over its rooms. */
export function createPipeline(rooms: Rooms): Pipeline {
  return { tools: rooms.tools, run: (call, caller) => runCall(rooms, call, caller) };
}

type Refusal = Extract<Outcome, { kind: 'refused' }>;

async function runCall(rooms: Rooms, call: ToolCall, caller: Caller): Promise<Outcome> {
  const held: Prepared[] = [];
  try {
    const judged = await judge(rooms, call, caller, held);
    if ('refusal' in judged) return await refuse(rooms, call, judged.refusal, judged.policy);
    const asked = await ask(rooms, call, caller, judged, held);
    if ('refusal' in asked) return await refuse(rooms, call, asked.refusal, judged.policy, asked.approval);
    const admission = rooms.admit(call.tool);
    if (admission.kind === 'open') return await refuse(rooms, call, circuitOpen(call.tool, admission.retryAfterMs), judged.policy, asked.approval);
    return await perform(rooms, call, caller, asked, admission);
  } catch (thrown) {
    // Only an intent that cannot be recorded ends here: nothing has run.
    const error = toConductorError(thrown, 'AUDIT_UNAVAILABLE');
    return { kind: 'refused', code: error.code, rule: 'audit.unavailable', reason: error.message };
  } finally {
    for (const prepared of held) prepared.release?.();
  }
}

type Judged = Readonly<{ tool: Tool; input: Readonly<Record<string, unknown>>; prepared: Prepared; policy: Policy }>;

async function judge(rooms: Rooms, call: ToolCall, caller: Caller, held: Prepared[]): Promise<Judged | { refusal: Refusal; policy: Policy }> {
  const policy = rooms.policy();
  const tool = rooms.tools.get(call.tool);
  if (tool === undefined) return { policy, refusal: refusalOf('UNKNOWN_TOOL', 'tool.unknown', `There is no tool "${call.tool.slice(0, 100)}".`) };
  const input = tool.input.safeParse(call.input);
  if (!input.success) return { policy, refusal: refusalOf('INVALID_INPUT', 'input.invalid', describeIssues(input.error.issues)) };
  const prepared = await prepare(rooms, tool, input.data, call, caller.signal, policy, held);
  if (prepared instanceof ConductorError) return { policy, refusal: refusalOf(prepared.code, `prepare.${prepared.code}`, prepared.message) };
  if (prepared.verdict.verdict === 'deny') return { policy, refusal: refusalOf('DENIED', prepared.verdict.rule, [prepared.verdict.reason, policy.trouble].filter((part) => part !== undefined).join(' ')) };
  const openFor = rooms.openFor(call.tool);
  if (openFor !== undefined) return { policy, refusal: circuitOpen(call.tool, openFor) };
  return { tool, input: input.data, prepared, policy };
}

async function prepare(
  rooms: Rooms, tool: Tool, input: Readonly<Record<string, unknown>>, call: ToolCall, signal: AbortSignal, policy: Policy, held: Prepared[],
): Promise<Prepared | ConductorError> {
  try {
    const prepared = await tool.prepare(input, { project: call.project, configDir: rooms.configDir, config: policy.config, call: call.id, signal });
    held.push(prepared);
    return prepared;
  } catch (thrown) {
    return toConductorError(thrown);
  }
}

type Cleared = Readonly<{ tool: Tool; bound: Bound; policy: Policy; verdict: Verdict; approval?: Approval }>;

async function ask(
  rooms: Rooms, call: ToolCall, caller: Caller, judged: Judged, held: Prepared[],
): Promise<Cleared | { refusal: Refusal; approval?: Approval }> {
  const { tool, prepared, policy } = judged;
  const bound = bind(call, prepared, policy.policyHash);
  if (prepared.verdict.verdict === 'allow') return { tool, bound, policy, verdict: prepared.verdict };
  const rules = followRules(rooms, call, judged);
  const signal = AbortSignal.any([caller.signal, rules.signal]);
  const answer = await askPerson(rooms.desk, call, bound, policy.config.approvalTimeout, { ...caller, signal }).finally(rules.stop);
  const approval = answer.approval;
  const forbidden = rules.forbidden();
  if (forbidden !== undefined) return { refusal: refusalOf('DENIED', forbidden.rule, `The rules changed while this call waited. ${forbidden.reason}`), approval };
  if ('code' in answer) return { refusal: refusalOf(answer.code, answer.rule, answer.reason), approval };
  // Time has passed: the policy, the files or the binaries may be others now. What runs is judged afresh and must be the same bytes.
  const present = rooms.policy();
  const again = await prepare(rooms, tool, judged.input, call, caller.signal, present, held);
  if (again instanceof ConductorError) return { refusal: refusalOf('APPROVAL_STALE', 'approval.stale', again.message), approval };
  if (again.verdict.verdict === 'deny') return { refusal: refusalOf('DENIED', again.verdict.rule, again.verdict.reason), approval };
  const now = bind(call, again, present.policyHash);
  if (now.digest !== bound.digest) return { refusal: refusalOf('APPROVAL_STALE', 'approval.stale', 'What would run now differs from what was approved.'), approval };
  return { tool, bound: now, policy: present, verdict: prepared.verdict, approval };
}

type RulesInSight = Readonly<{ signal: AbortSignal; forbidden(): Verdict | undefined; stop(): void }>;

// A question that changed rules answer with no is withdrawn, so that nobody approves in vain.
function followRules(rooms: Rooms, call: ToolCall, { tool, input }: Judged): RulesInSight {
  const withdrawn = new AbortController();
  let forbidden: Verdict | undefined;
  const judgeAgain = async (): Promise<void> => {
    const held: Prepared[] = [];
    const again = await prepare(rooms, tool, input, call, withdrawn.signal, rooms.policy(), held);
    for (const prepared of held) prepared.release?.();
    if (again instanceof ConductorError || again.verdict.verdict !== 'deny') return;
    forbidden = again.verdict;
    withdrawn.abort();
  };
  const stop = rooms.onPolicyChange(() => void judgeAgain());
  return { signal: withdrawn.signal, forbidden: () => forbidden, stop };
}

async function perform(rooms: Rooms, call: ToolCall, caller: Caller, cleared: Cleared, admission: Extract<Admission, { kind: 'admitted' }>): Promise<Outcome> {
  const { tool, bound: { prepared, digest }, policy, verdict, approval } = cleared;
  const queued = prepared.readOnly && policy.config.audit.readOnlyDurability === 'queued';
  try {
    if (caller.signal.aborted) throw new ConductorError('CANCELLED', 'The call was withdrawn before it ran.');
    await rooms.recorder.admitted(call, { verdict, policyHash: policy.policyHash, digest, ...(approval === undefined ? {} : { approval }) }, queued);
  } catch (thrown) {
    admission.settle('neutral');
    const error = toConductorError(thrown, 'AUDIT_UNAVAILABLE');
    if (error.code !== 'CANCELLED') throw error;
    return await refuse(rooms, call, refusalOf('CANCELLED', 'call.cancelled', error.message), policy, approval);
  }
  const started = rooms.now();
  const outcome = await attempt(prepared, caller);
  const failed = (tool.countsAsFailure ?? countsAsFailure)(outcome);
  admission.settle(failed ? 'failure' : outcome.kind === 'success' ? 'success' : 'neutral', outcome.kind === 'failure' ? outcome.error.message : undefined);
  try {
    await rooms.recorder.finished(call, { outcome, durationMs: Math.round(rooms.now() - started), output: digestOf(outcome) }, queued);
    return outcome;
  } catch (thrown) {
    const message = `The tool ran, but its outcome could not be recorded, so the result is withheld: ${toConductorError(thrown).message}`;
    return { kind: 'failure', error: new ConductorError('AUDIT_UNAVAILABLE', message, { cause: thrown }) };
  }
}

async function attempt(prepared: Prepared, caller: Caller): Promise<Outcome> {
  try {
    return await prepared.run(caller.signal, (message) => caller.progress(message));
  } catch (thrown) {
    return { kind: 'failure', error: toConductorError(thrown) };
  }
}

async function refuse(rooms: Rooms, call: ToolCall, refusal: Refusal, policy: Policy, approval?: Approval): Promise<Outcome> {
  try {
    await rooms.recorder.refused(call, { refusal, policyHash: policy.policyHash, ...(approval === undefined ? {} : { approval }) });
    return refusal;
  } catch (thrown) {
    // A refusal stays one when the log cannot take it.
    return { ...refusal, reason: `${refusal.reason} (This refusal could not be recorded: ${toConductorError(thrown).message})` };
  }
}

/** Execution failures and time-outs count for the breaker; refusals, invalid input and withdrawn calls do not. */
export function countsAsFailure(outcome: Outcome): boolean {
  return outcome.kind === 'failure' && (outcome.error.code === 'TOOL_FAILED' || outcome.error.code === 'TIMEOUT');
}

function circuitOpen(tool: string, retryAfterMs: number): Refusal {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return { ...refusalOf('CIRCUIT_OPEN', 'breaker.open', `The breaker of ${tool} is open after repeated failures; it lets a probe through in ${String(seconds)} s.`), retryAfterMs };
}

function refusalOf(code: Refusal['code'], rule: string, reason: string): Refusal {
  return { kind: 'refused', code, rule, reason };
}

function describeIssues(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  return issues.slice(0, 5).map((issue) => `${issue.path.length === 0 ? 'arguments' : issue.path.map(String).join('.')}: ${issue.message}`).join('; ');
}

function digestOf(outcome: Outcome): { sha256: string; bytes: number } {
  const text = outcome.kind === 'refused' ? outcome.reason : outcome.text ?? (outcome.kind === 'failure' ? outcome.error.message : '');
  return { sha256: createHash('sha256').update(text).digest('hex'), bytes: Buffer.byteLength(text) };
}

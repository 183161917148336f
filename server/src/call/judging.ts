import type { Outcome, ToolCall } from '../../../protocol/src/call';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { Prepared, Tool } from '../tools/tool';
import { bind, type Bound } from './bound';
import { groundOf } from './granting';
import { circuitOpen, refusalOf, type Refusal } from './refusals';
import type { Policy, Rooms } from './rooms';
import { judgeSecrets } from './secretArguments';
import { pinOf } from './toolPin';

/** Prepares calls and judges what was prepared, before anybody is asked and again after the answer. */

/** Everything that one call holds open until it ends. */
export type Held = Prepared[];

/** A call as it was judged: all that an answer about it will bind to, and under which policy. */
export type Judged = Readonly<{ call: ToolCall; tool: Tool; input: Readonly<Record<string, unknown>>; bound: Bound; policy: Policy; /** Adds to what the agent reads of a call that a person made smaller. */ tell?(outcome: Outcome): Outcome }>;

/** Validates, prepares and judges a call under the policy of this moment. */
export async function judge(rooms: Rooms, call: ToolCall, signal: AbortSignal, held: Held): Promise<Judged | Readonly<{ refusal: Refusal; policy: Policy }>> {
  const policy = rooms.policy();
  const tool = rooms.tools.get(call.tool);
  if (tool === undefined) return { policy, refusal: rooms.absent?.(call.tool) ?? refusalOf('UNKNOWN_TOOL', 'tool.unknown', `There is no tool "${call.tool.slice(0, 100)}".`) };
  const input = tool.input.safeParse(call.input);
  if (!input.success) return { policy, refusal: refusalOf('INVALID_INPUT', 'input.invalid', describeIssues(input.error.issues)) };
  // What another server gets is what came, not a copy.
  const given = tool.origin === undefined ? input.data : call.input;
  const prepared = await prepare(rooms, { call, tool, input: given }, policy, signal, held);
  if (prepared instanceof ConductorError) return { policy, refusal: refusalOf(prepared.code, `prepare.${prepared.code}`, prepared.message) };
  if (prepared.verdict.verdict === 'deny') return { policy, refusal: refusalOf('DENIED', prepared.verdict.rule, [prepared.verdict.reason, policy.trouble].filter((part) => part !== undefined).join(' ')) };
  const forbidden = forbiddenBy(rooms, call, prepared, policy);
  if (forbidden !== undefined) return { policy, refusal: forbidden };
  const openFor = rooms.openFor(call.tool);
  if (openFor !== undefined) return { policy, refusal: circuitOpen(call.tool, openFor) };
  return { call, tool, input: given, bound: bind(call, tool, prepared, policy), policy };
}

/** Prepares a judged call afresh under the policy of this moment: time has passed, and policy, files and programs may be others now. */
export async function judgeAgain(rooms: Rooms, judged: Judged, signal: AbortSignal, held: Held): Promise<Judged | Readonly<{ refusal: Refusal }>> {
  const policy = rooms.policy();
  const present = rooms.tools.get(judged.call.tool);
  if (present === undefined) return { refusal: rooms.absent?.(judged.call.tool) ?? refusalOf('UNKNOWN_TOOL', 'tool.unknown', 'The tool is not there any more.') };
  // What wraps the tool for this one call stays around it, as long as the tool itself is the same.
  const tool = pinOf(present) === judged.bound.pin ? judged.tool : present;
  const prepared = await prepare(rooms, { ...judged, tool }, policy, signal, held);
  if (prepared instanceof ConductorError) return { refusal: refusalOf('APPROVAL_STALE', 'approval.stale', prepared.message) };
  if (prepared.verdict.verdict === 'deny') return { refusal: refusalOf('DENIED', prepared.verdict.rule, prepared.verdict.reason) };
  const forbidden = forbiddenBy(rooms, judged.call, prepared, policy);
  if (forbidden !== undefined) return { refusal: forbidden };
  return { ...judged, tool, bound: bind(judged.call, tool, prepared, policy), policy };
}

/** What a person forbade for good is refused, whatever the rules say of it. */
function forbiddenBy(rooms: Rooms, call: ToolCall, prepared: Prepared, policy: Policy): Refusal | undefined {
  const denial = rooms.grants.denies(call.project, () => groundOf(call, prepared, policy.config, ''));
  return denial === undefined ? undefined : refusalOf('DENIED', 'approval.forbidden', `The user forbade this for good (${denial.id}: ${denial.title}).`);
}

async function prepare(rooms: Rooms, { call, tool, input }: Pick<Judged, 'call' | 'tool' | 'input'>, policy: Policy, signal: AbortSignal, held: Held): Promise<Prepared | ConductorError> {
  try {
    const prepared = await tool.prepare(input, { project: call.project, configDir: rooms.configDir, config: policy.config, call: call.id, signal, ...(call.line === undefined ? {} : { line: call.line }) });
    held.push(prepared);
    return judgeSecrets(rooms, call, policy, prepared);
  } catch (thrown) {
    return toConductorError(thrown);
  }
}

function describeIssues(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  return issues.slice(0, 5).map((issue) => `${issue.path.length === 0 ? 'arguments' : issue.path.map(String).join('.')}: ${issue.message}`).join('; ');
}

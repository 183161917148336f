import { tmpdir } from 'node:os';
import { z } from 'zod';
import type { Outcome, Verdict } from '../../../../protocol/src/call';
import type { Bound } from './binding';
import { judgeHere, planCommand, type JudgeGround, type Machine, type Planned } from './plan';
import { readSearchPath } from './resolve';
import { ordinaryEnvironment, runPlan } from './run';
import { markOf } from './runMark';
import type { Prepared, PrepareContext, Shown, Tool } from '../tool';
import type { ShellInput } from './input';

/** The tool `shell.exec`: one command line or argument list, judged, perhaps approved, and run without a shell. */

const input: z.ZodType<ShellInput> = z.strictObject({
  command: z.string().min(1).max(64 * 1024).describe('One command line, for instance `git log --oneline -5 | head -3`. With `args`: the bare name of one program. There is no shell: no variables, globs, substitutions or background jobs.'),
  args: z.array(z.string().max(64 * 1024)).max(1024).optional().describe('Arguments, taken literally. When given, `command` is one program name.'),
  cwd: z.string().min(1).max(4096).optional().describe('Working folder inside the project. Default: the project folder.'),
  timeoutMs: z.number().int().min(1).max(600_000).optional().describe('Time limit in milliseconds, 1 to 600000. Default: the limit of the settings (120000).'),
});

/** Judges a line by what this machine is like now, as an agent's call would be judged in that folder; runs nothing but read-only questions to git. */
export async function judgeLine(line: string, ground: JudgeGround): Promise<Verdict> {
  return (await judgeHere({ line }, ground.project, ground, machineWith(process.env['PATH'] ?? ''))).verdict;
}

function machineWith(path: string): Machine {
  return { searchPath: readSearchPath(path), environment: (folders) => ordinaryEnvironment(folders, tmpdir()) };
}

/** Builds the tool over the search path of this process, captured now. */
export function createShellTool(path: string = process.env['PATH'] ?? ''): Tool<ShellInput> {
  const machine = machineWith(path);
  return {
    name: 'shell.exec',
    title: 'Run a command',
    description: 'Runs programs that the user has listed, inside the project, without a shell. Unlisted programs are refused; some forms wait for the user. A result with a non-zero exit code carries the output all the same.',
    input,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    prepare: (given, context) => prepare(given, context, machine),
    countsAsFailure: countsForBreaker,
  };
}

/** The tool of this process. */
export const shellTool: Tool<ShellInput> = createShellTool();

/**
 * Whether an outcome counts for the tool's breaker: what could not start, ran out of time, was ended by a signal, or ended with a
 * code other than 0, unless that code was an answer such as grep's "no match". Refusals, withdrawn calls and stale approvals never count.
 */
export function countsForBreaker(outcome: Outcome): boolean {
  if (outcome.kind !== 'failure' || outcome.error.data['answeredNo'] === true) return false;
  return outcome.error.code === 'TOOL_FAILED' || outcome.error.code === 'TIMEOUT';
}

async function prepare(given: ShellInput, context: PrepareContext, machine: Machine): Promise<Prepared> {
  const planned = await planCommand(given, context, machine);
  const { verdict, plan, digest } = planned;
  const refusal: Outcome = { kind: 'refused', code: 'DENIED', rule: verdict.rule, reason: verdict.reason };
  return {
    verdict,
    digest,
    show: show(planned),
    readOnly: planned.judgement.readOnly,
    run: (signal, progress) => (plan === undefined || verdict.verdict === 'deny' ? Promise.resolve(refusal) : runPlan(plan, { project: context.project, mark: markOf(context.configDir, context.call), signal, progress, again: planned.again })),
  };
}

function show(planned: Planned): Shown {
  const { plan, judgement, hashes, cwd, raw } = planned;
  const commands = plan?.steps.flatMap((step) => step.commands.map((command) => ({ joint: step.joint, command }))) ?? [];
  const reasons = judgement.parts.filter((part) => part.verdict !== 'allow').map((part) => [`Why (${part.rule})`, part.reason] as const);
  const argumentLists = commands.map(({ command }, index) => [`Arguments ${index + 1}`, JSON.stringify(command.argv)] as const);
  const redirections = commands.flatMap(({ command }) => command.redirections.map((redirection) => ['Redirection', JSON.stringify(redirection)] as const));
  const additions = commands.flatMap(({ command }) => (Object.keys(command.additions).length === 0 ? [] : [['Environment', Object.entries(command.additions).map(([name, value]) => `${name}=${value}`).join(' ')] as const]));
  const programs = hashes.map(([path, sha256]) => ['Program', `${path} sha256:${sha256}`] as const);
  const bound = plan?.bound.flatMap((each) => shownBound(each)) ?? [];
  const limit = plan === undefined ? [] : [['Time limit', `${plan.timeoutMs} ms`] as const];
  return { title: 'Run a command', raw, cwd, details: [...reasons, ...argumentLists, ...redirections, ...programs, ...bound, ...additions, ...limit] };
}

/** What an answer rests on, and what it cannot rest on. Names that lead nowhere yet are bound too, but are no news. */
function shownBound({ path, state, kind, uses }: Bound): readonly (readonly [string, string])[] {
  if (kind === 'missing') return [];
  const label = { file: 'File', folder: 'Folder', other: 'Special file' }[kind];
  const loose = uses.length > 1 ? [['Not bound', `${path}: an earlier command of the line may change it before a later one uses it`] as const] : [];
  const inside = kind === 'folder' ? ' (what lies in it is not bound)' : '';
  return [[label, `${path} ${state}${inside}`], ...loose];
}

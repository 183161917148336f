import { tmpdir } from 'node:os';
import { z } from 'zod';
import type { Outcome, Verdict } from '../../../../protocol/src/call';
import { changeableBy, type Bound } from './binding';
import { settled, takersOfUnnamed } from './meanings';
import { runsProgramText } from '../../rules/programText';
import { planCommand, type Machine, type Plan, type Planned, type Step } from './plan';
import { readSearchPath } from './resolve';
import { ordinaryEnvironment, runPlan } from './run';
import { markOf } from './runMark';
import { levelOf } from './sandbox/shown';
import type { SecretRoom } from './secrets';
import type { Prepared, PrepareContext, Shown, Tool } from '../tool';
import type { ShellInput } from './input';

/** The tool `shell.exec`: one command line or argument list, judged, perhaps approved, and run without a shell. */

const input: z.ZodType<ShellInput> = z.strictObject({
  command: z.string().min(1).max(64 * 1024).describe('One command line, for instance `git log --oneline -5 | head -3`. With `args`: the bare name of one program. There is no shell: no variables, substitutions, here-documents or background jobs; unquoted `*`, `?` and `**` stand for the names of existing files.'),
  args: z.array(z.string().max(64 * 1024)).max(1024).optional().describe('Arguments, taken literally. When given, `command` is one program name.'),
  cwd: z.string().min(1).max(4096).optional().describe('Working folder inside the project. Default: the project folder.'),
  timeoutMs: z.number().int().min(1).max(600_000).optional().describe('Time limit in milliseconds, 1 to 600000. Default: the limit of the settings (120000).'),
});

/** What an agent's call of a line would be answered here and now, sandbox and write scope included. Runs nothing but questions to git and a trial of the sandbox. */
export async function judgeLine(line: string, context: PrepareContext): Promise<Verdict> {
  return (await planCommand({ command: line }, context, machineWith(process.env['PATH'] ?? ''))).verdict;
}

/** What planning needs of this machine, over a search path in the form of PATH. */
export function machineWith(path: string): Machine {
  return { searchPath: readSearchPath(path), environment: (folders) => ordinaryEnvironment(folders, tmpdir()) };
}

/** Builds the tool over the search path of this process, captured now. */
export function createShellTool(path: string = process.env['PATH'] ?? '', secrets?: SecretRoom): Tool<ShellInput> {
  const machine: Machine = { ...machineWith(path), ...(secrets === undefined ? {} : { changedAt: (name) => secrets.changedAt(name) }) };
  return {
    name: 'shell.exec',
    title: 'Run a command',
    description: 'Runs programs that the user has listed, inside the project, without a shell. Unlisted programs are refused; some forms wait for the user. A result with a non-zero exit code carries the output all the same.',
    input,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    prepare: (given, context) => shell.prepare(given, context, machine, secrets),
    countsAsFailure: countsForBreaker,
  };
}

/** What every such tool does with a call; one object, so that a test can see what holds without it. */
export const shell = { prepare };

/**
 * Whether an outcome counts for the tool's breaker: what could not start, ran out of time, was ended by a signal, or ended with a
 * code other than 0, unless that code was an answer such as grep's "no match". Refusals, withdrawn calls and stale approvals never count.
 */
export function countsForBreaker(outcome: Outcome): boolean {
  if (outcome.kind !== 'failure' || outcome.error.data['answeredNo'] === true) return false;
  return outcome.error.code === 'TOOL_FAILED' || outcome.error.code === 'TIMEOUT';
}

async function prepare(given: ShellInput, context: PrepareContext, machine: Machine, secrets: SecretRoom | undefined): Promise<Prepared> {
  const planned = await planCommand(given, context, machine);
  const { verdict, plan, facts, reach } = planned;
  const refusal: Outcome = { kind: 'refused', code: 'DENIED', rule: verdict.rule, reason: verdict.reason };
  return {
    verdict,
    facts,
    show: show(planned, context.project),
    readOnly: planned.judgement.readOnly,
    ...(reach === undefined ? {} : { reach }),
    ...(plan === undefined ? {} : levelOf(plan)),
    run: (signal, progress) => (plan === undefined || verdict.verdict === 'deny' ? Promise.resolve(refusal) : runPlan(plan, { project: context.project, mark: markOf(context.configDir, context.call), signal, progress, again: planned.again, ...(secrets === undefined ? {} : { secrets }) })),
  };
}

function show({ plan, cwd, raw }: Planned, project: string): Shown {
  return { title: 'Run a command', raw, cwd, details: plan === undefined ? [] : looseIn(plan, project) };
}

/** What an earlier command of the line may change before a later one uses it. */
function looseIn({ bound, meanings, steps }: Plan, project: string): readonly (readonly [string, string])[] {
  const files = loose(bound, steps, project).map(({ path }) => [`Not bound`, `${path}: an earlier command of the line may change it before a later one uses it`] as const);
  const words = [...new Set(meanings.filter(({ step }) => step >= settled(steps)).map(({ word }) => word))];
  const unnamed = takersOfUnnamed({ steps, meanings }).map((line) => ['Not bound', `${line.slice(0, 80)}: it takes all changed files as they are when it runs`] as const);
  const texts = steps.flatMap(({ commands }) => commands.filter(({ argv }) => runsProgramText(argv)).map(({ argv }) => ['Not bound', `${argv.join(' ').slice(0, 80)}: what the program text loads besides the files that are named here`] as const));
  return [...files, ...unnamed, ...texts, ...words.map((word) => ['Not bound', `${word}: an earlier command of the line may change what it means`] as const)];
}

/** What a step uses after one that does more than read may have changed it; names at which nothing lies are no news. */
function loose(bound: readonly Bound[], steps: readonly Step[], project: string): readonly Bound[] {
  const changed = steps.flatMap(({ reads }, step) => (reads ? [] : changeableBy(step, bound, project).filter(({ kind, uses }) => kind !== 'missing' && uses.some((use) => use > step))));
  return [...new Set(changed)];
}

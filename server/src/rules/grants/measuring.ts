import type { Measured, RungName } from '../../../../protocol/src/grants';
import { parseArguments, parseCommandLine } from '../commandLine';
import type { Platform } from '../commandPlan';
import { fits, sameLists, sameWords } from './coverage';
import { formOf, ruleOfForm } from './forms';
import type { Ground, Scope } from './ground';
import { scopeOf } from './rungs';

/** Measures rungs by past calls: how many that a person was asked about they would have covered, and what they would newly allow. */

/** What the log remembers of a call: its input, whether it ran after somebody was asked, and whether it was refused. */
export type PastCall = Readonly<{ input: Readonly<Record<string, unknown>>; asked: boolean; denied: boolean }>;

/** What the rungs are held against: the raw action of the prompt, and past calls of the same tool and project, newest first. */
export type Measure = Readonly<{ raw: string; past: readonly PastCall[]; platform: Platform }>;

/** Every rung with its measure. */
export function measure(ground: Ground, rungs: readonly RungName[], { raw, past, platform }: Measure): readonly Measured[] {
  const asked = past.filter((call) => call.asked);
  return rungs.flatMap((rung) => {
    const scope = scopeOf(ground, 'allow', rung, platform);
    if (scope === undefined) return [];
    const fitting = asked.filter((call) => fitsScope(scope, call, ground, platform));
    return [{ rung, past: { covered: fitting.length, asked: asked.length }, ...exampleOf(scope, { ground, raw, past, platform }) }];
  });
}

type Example = Pick<Measured, 'example' | 'real'>;

function exampleOf(scope: Scope, { ground, raw, past, platform }: Measure & Readonly<{ ground: Ground }>): Example {
  if (scope.kind === 'file') return { example: `another edit of ${scope.path}`, real: false };
  if (scope.kind !== 'form') return { example: raw, real: past.some((call) => lineOf(call) === raw) };
  const other = past.find((call) => lineOf(call) !== raw && fitsScope(scope, call, ground, platform));
  return other === undefined ? { example: madeUp(scope), real: false } : { example: lineOf(other), real: true };
}

/** Another line that the form covers, from what the rule of the program takes. */
function madeUp({ program, subcommand, options }: Extract<Scope, { kind: 'form' }>): string {
  const rule = ruleOfForm({ program, ...(subcommand === undefined ? {} : { subcommand }) });
  const takesOperands = (rule?.operands ?? []).length > 0;
  const flag = options === undefined ? (rule?.flags ?? '').split(' ').find((name) => name.startsWith('--')) : undefined;
  const words = [program, ...(subcommand === undefined ? [] : [subcommand]), ...(options ?? []), ...(flag === undefined || flag === '' ? [] : [flag]), ...(takesOperands ? ['another'] : [])];
  return words.join(' ');
}

function lineOf({ input }: PastCall): string {
  const { command, args } = input;
  if (typeof command !== 'string') return '';
  return Array.isArray(args) ? JSON.stringify([command, ...(args as readonly unknown[])]) : command;
}

function fitsScope(scope: Scope, call: PastCall, ground: Ground, platform: Platform): boolean {
  if (scope.kind === 'file') return isAt(call, scope.path, ground.project);
  const argvs = argvsOf(call, platform);
  if (argvs === undefined) return false;
  switch (scope.kind) {
    case 'call':
      return argvs.length > 0 && sameLists(scope.argvs, argvs);
    case 'unit':
      return argvs.length === 1 && sameWords(scope.argv, argvs[0] ?? []);
    case 'form':
      return argvs.some((argv) => fits(scope, formOf(argv, platform))) && argvs.filter((argv) => argv[0] === scope.program).every((argv) => fits(scope, formOf(argv, platform)));
    case 'name':
    case 'any':
      return false;
  }
}

function isAt({ input }: PastCall, path: string, project: string): boolean {
  const given = input['path'];
  return typeof given === 'string' && (given === path || `${project}/${given.replace(/^\.\//, '')}` === path);
}

/** The argument lists of a past line; patterns stand as they were written. */
function argvsOf({ input }: PastCall, platform: Platform): readonly (readonly string[])[] | undefined {
  const { command, args } = input;
  if (typeof command !== 'string' || command.length > 10_000) return undefined;
  const words = Array.isArray(args) ? args.filter((word): word is string => typeof word === 'string') : undefined;
  const parsed = words === undefined ? parseCommandLine(command, platform) : parseArguments([command, ...words]);
  return parsed.ok ? parsed.plan.pipelines.flatMap(({ commands }) => commands.map(({ argv }) => argv)) : undefined;
}

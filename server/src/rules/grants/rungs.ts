import type { Ladder, Offer, RungName } from '../../../../protocol/src/grants';
import type { Platform } from '../commandPlan';
import { byName, callTies, exactTies, formOf, namesOf, runsAnything, type Form } from './forms';
import { runsProgramText } from '../programText';
import type { Ground, Reason, Scope, Unit } from './ground';

/** Says how far one answer may reach: which rungs a call offers, and what each of them means. A rung that is dangerous is not there. */

/** How long what is granted holds; 0 takes the rungs of that kind away. */
export type Terms = Readonly<{ /** Hours. */ sessionHours: number; /** Days. */ lastingDays: number }>;

/** Rungs that end with the agent's connection. */
export const sessionRungs: ReadonlySet<RungName> = new Set<RungName>(['session', 'file']);

/** Reasons after which nothing is granted beyond once. */
const onlyOnce: ReadonlySet<string> = new Set(['shell.long', 'shell.manyCommands', 'external.widens', 'external.toolChanged']);

/** Reasons that say that programs of the repository would run, which an exact grant of some weeks would not see change. */
const onlySession: ReadonlySet<string> = new Set(['shell.gitHooks', 'shell.gitPrograms', 'shell.gitUnknown']);

/** What one call offers. */
export function ladderOf(ground: Ground, terms: Terms, platform: Platform): Ladder {
  const allow = allowed(ground, platform).filter((rung) => (sessionRungs.has(rung) ? terms.sessionHours : terms.lastingDays) > 0);
  const deny = denied(ground);
  const limit = limitOf(ground, platform);
  const alike = alikeText(ground, platform);
  return {
    allow: allow.flatMap((rung) => offer(ground, rung, lastsFor(rung, terms), platform) ?? []),
    deny: deny.flatMap((rung) => denial(ground, rung, platform) ?? []),
    ...(limit === undefined ? {} : { limit }),
    ...(alike === undefined ? {} : { alike }),
  };
}

/** The scope of an answer of that rung; undefined when the call does not offer it. */
export function scopeOf(ground: Ground, effect: 'allow' | 'deny', rung: RungName, platform: Platform): Scope | undefined {
  const offered = effect === 'allow' ? allowed(ground, platform) : denied(ground);
  if (!offered.includes(rung)) return undefined;
  const unit = theOne(ground);
  const form = unit === undefined ? undefined : formOf(unit.argv, platform);
  switch (rung) {
    case 'once':
      return undefined;
    case 'session':
    case 'exact':
      return ground.units.length === 1 && unit?.plain === true ? { kind: 'unit', argv: unit.argv, ties: exactTies(unit, platform) } : { kind: 'call', argvs: ground.units.map(({ argv }) => argv), ties: callTies(ground, platform) };
    case 'flags':
      return unit === undefined || form === undefined ? undefined : { ...form, kind: 'form', ties: unit.standing };
    case 'subcommand':
      return effect === 'deny' ? nameScope(ground, platform, true) : unit === undefined || form?.subcommand === undefined ? undefined : { kind: 'form', program: form.program, subcommand: form.subcommand, ties: unit.standing };
    case 'file':
      return ground.file === undefined ? undefined : { kind: 'file', path: ground.file };
    case 'program':
      return ground.units.length === 0 ? { kind: 'any' } : nameScope(ground, platform, false);
  }
}

function allowed(ground: Ground, platform: Platform): readonly RungName[] {
  if (!ground.whole || ground.reasons.length === 0 || hasRule(ground.reasons, onlyOnce) || programText(ground) !== undefined) return [];
  if (ground.units.length === 0) return ground.file !== undefined && ground.reasons.every(({ rule }) => rule === 'filesystem.asks') ? ['file'] : ['session'];
  const asking = ground.units.filter(({ reasons }) => reasons.length > 0);
  const lasting = !hasRule(ground.reasons, onlySession) && ground.units.every(({ argv }) => runsAnything(argv, platform) === undefined);
  if (!lasting) return ['session'];
  const [unit, another] = asking;
  const wide = ground.around.length === 0 && another === undefined && unit?.plain === true && unit.reasons.every(({ rule }) => rule === byName);
  const form = wide ? formOf(unit.argv, platform) : undefined;
  if (form === undefined) return ['session', 'exact'];
  return form.subcommand === undefined ? ['session', 'exact', 'flags'] : ['session', 'exact', 'flags', 'subcommand'];
}

/** The name of a program of the line that runs a text of which nobody can say what it loads, so that a yes reaches no further than this once. */
function programText({ units }: Ground): string | undefined {
  return units.find(({ argv }) => runsProgramText(argv))?.argv[0];
}

/** Forbidding is always safe: the very line, and each name in it that says what it does; of a tool without command lines the file, or else the tool. */
function denied(ground: Ground): readonly RungName[] {
  if (ground.units.length > 0) return theOne(ground) === undefined ? ['exact'] : ['exact', 'subcommand', 'program'];
  if (ground.file !== undefined) return ['file'];
  return ground.tool.startsWith('shell.') ? [] : ['program'];
}

/** The only command of the line that asks. */
function theOne({ units }: Ground): Unit | undefined {
  const [unit, another] = units.filter(({ reasons }) => reasons.length > 0);
  return another === undefined ? unit : undefined;
}

function nameScope(ground: Ground, platform: Platform, withSubcommand: boolean): Scope | undefined {
  const unit = theOne(ground);
  const names = unit === undefined ? undefined : namesOf(unit.argv, platform).at(-1);
  if (names === undefined || (withSubcommand && names.subcommand === undefined)) return undefined;
  return { kind: 'name', program: names.program, ...(withSubcommand && names.subcommand !== undefined ? { subcommand: names.subcommand } : {}) };
}

function hasRule(reasons: readonly Reason[], rules: ReadonlySet<string>): boolean {
  return reasons.some(({ rule }) => rules.has(rule));
}

function limitOf(ground: Ground, platform: Platform): string | undefined {
  if (!ground.whole) return 'It is too long, or holds characters that cannot be seen, so it can only be approved once.';
  if (hasRule(ground.reasons, onlyOnce)) return ground.reasons.some(({ rule }) => rule.startsWith('external.')) ? 'It is about what agents may do, so it can only be approved once.' : 'It is too long to be approved for more than once.';
  if (ground.units.length === 0) return undefined;
  const evaluates = programText(ground);
  if (evaluates !== undefined) return `${evaluates} runs a program text that may load files which nobody has named, so it can only be approved once. A script in a file of its own can be approved for longer.`;
  const danger = ground.units.map(({ argv }) => runsAnything(argv, platform)).find((found) => found !== undefined);
  if (danger !== undefined) return `Nothing beyond this session is offered: ${danger}.`;
  return hasRule(ground.reasons, onlySession) ? 'Nothing beyond this session is offered, because programs of the repository would run.' : undefined;
}

function lastsFor(rung: RungName, { sessionHours, lastingDays }: Terms): string {
  return sessionRungs.has(rung) ? `at most ${counted(sessionHours, 'hour')}` : counted(lastingDays, 'day');
}

function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function offer(ground: Ground, rung: RungName, lasts: string, platform: Platform): Offer | undefined {
  const unit = theOne(ground);
  const form = unit === undefined ? undefined : formOf(unit.argv, platform);
  const loads = ground.units.some(({ argv }) => runsAnything(argv, platform) !== undefined) ? '; what these load themselves is not looked at' : '';
  const same = ground.units.length === 0 ? 'exactly this call, while nothing that it rests on changes' : `exactly this here, while its programs and the files that it names do not change${loads}`;
  switch (rung) {
    case 'session':
      return { rung, title: 'Approve for This Session', covers: `This agent, until it ends: ${same}.`, lasts };
    case 'exact':
      return { rung, title: 'Approve Exactly This in This Project', covers: `Agents of this name: ${same}.`, lasts };
    case 'flags':
      return form === undefined ? undefined : { rung, title: `Approve ${wordsOf(form)} with Other Operands`, covers: `Agents of this name: ${wordsOf(form)} here, on anything inside the project that is no control file.`, lasts };
    case 'subcommand':
      return form?.subcommand === undefined ? undefined : { rung, title: `Approve ${form.program} ${form.subcommand} in This Project`, covers: `Agents of this name: ${form.program} ${form.subcommand} here, in every form that is known to lose nothing and run nothing else.`, lasts };
    case 'file':
      return ground.file === undefined ? undefined : { rung, title: 'Approve Changes of This File for This Session', covers: `This agent, until it ends: writing and editing ${ground.file}, whatever the content.`, lasts };
    case 'once':
    case 'program':
      return undefined;
  }
}

function denial(ground: Ground, rung: RungName, platform: Platform): Offer | undefined {
  const lasts = 'until you undo it';
  const scope = scopeOf(ground, 'deny', rung, platform);
  if (scope === undefined) return undefined;
  if (scope.kind === 'name') {
    const words = [scope.program, ...(scope.subcommand === undefined ? [] : [scope.subcommand])].join(' ');
    return { rung, title: `Always Deny ${words} in This Project`, covers: `Every call that runs ${words} is refused without asking, whatever the settings say.`, lasts };
  }
  if (scope.kind === 'any') return { rung, title: `Always Deny ${ground.tool} in This Project`, covers: `Every call of ${ground.tool} here, by any agent and whatever its arguments, is refused without asking.`, lasts };
  if (rung === 'file') return { rung, title: 'Always Deny Changes of This File', covers: `Every write and edit of ${ground.file ?? ''} is refused without asking.`, lasts };
  return { rung, title: 'Always Deny Exactly This in This Project', covers: 'Every call with exactly this command is refused without asking.', lasts };
}

/** A form in words: `rm -f`. */
export function wordsOf({ program, subcommand, options }: Form): string {
  return [program, ...(subcommand === undefined ? [] : [subcommand]), ...options].join(' ');
}

/** Calls alike: the same agent and project, for the same reasons, with the same program and options; what has no form is like its equals only. */
function alikeText(ground: Ground, platform: Platform): string | undefined {
  if (!ground.whole) return undefined;
  const what = ground.units.length === 0 ? [ground.file === undefined ? JSON.stringify(ground.ties) : 'file'] : ground.units.map(({ argv }) => alikeCommand(argv, platform));
  return JSON.stringify([ground.tool, ground.project, ground.agent, ground.session, [...new Set(ground.reasons.map(({ rule }) => rule))].sort(), what]);
}

function alikeCommand(argv: readonly string[], platform: Platform): string {
  const form = runsAnything(argv, platform) === undefined ? formOf(argv, platform) : undefined;
  return form === undefined ? JSON.stringify(argv) : wordsOf(form);
}

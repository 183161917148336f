import type { Platform } from '../commandPlan';
import { ruleName } from '../commandLists';
import { readGit } from '../gitCommand';
import { gitReaders, gitWriters } from '../programs/git';
import { readers, textOnly } from '../programs/readers';
import { readArguments, type ArgumentRule } from '../programs/rule';
import { interpreters, packageManagers, versionOnly, withoutVersion } from '../programs/runtimes';
import { searchers } from '../programs/search';
import { argumentRules } from '../programs/table';
import { alwaysAsk, innerCommand, wrappers } from '../programs/wrappers';
import { dashedTar, writers } from '../programs/writers';
import type { Ground, Tie, Unit } from './ground';

/** Tells which commands are known so well that a grant may reach beyond their very words, and which may run anything. */

/** A command in a form of which the rules know every option. */
export type Form = Readonly<{ program: string; subcommand?: string; /** Sorted names of the options given, each once. */ options: readonly string[] }>;

const git: ReadonlyMap<string, ArgumentRule> = new Map([...gitReaders, ...gitWriters]);

/** Programs that do one thing to files and have no language of their own. Interpreters, `sed` and `awk`, compilers and fetchers are not among them. */
const wellKnown: ReadonlyMap<string, ArgumentRule> = new Map([...readers, ...searchers, ...writers]);

const interpreterNames: ReadonlySet<string> = new Set(interpreters.map(([name]) => name));

/** The form of a command, or undefined when it is none that a wider grant could name. */
export function formOf(argv: readonly string[], platform: Platform): Form | undefined {
  const [given = '', ...args] = argv;
  const program = baseName(given, platform);
  if (program === 'git') return gitForm(args);
  const rule = wellKnown.get(program);
  if (rule === undefined || rule.otherwise !== undefined) return undefined;
  const reading = readArguments(rule, program === 'tar' ? dashedTar(args) : args);
  return 'unknown' in reading ? undefined : { program, options: optionsOf(reading.seen.options) };
}

function gitForm(args: readonly string[]): Form | undefined {
  const call = readGit(args);
  // Another folder is another repository, and options before the subcommand change what it means.
  if ('unknown' in call || call.at !== 0) return undefined;
  const rule = git.get(call.subcommand);
  const reading = rule === undefined ? undefined : readArguments(rule, call.args);
  if (reading === undefined || 'unknown' in reading) return undefined;
  return { program: 'git', subcommand: call.subcommand, options: optionsOf(reading.seen.options) };
}

function optionsOf(options: readonly Readonly<{ name: string }>[]): readonly string[] {
  return [...new Set(options.map(({ name }) => name))].sort();
}

/** The rule by which a well-known form was read, to make up an example of it. */
export function ruleOfForm({ program, subcommand }: Pick<Form, 'program' | 'subcommand'>): ArgumentRule | undefined {
  return subcommand === undefined ? wellKnown.get(program) : git.get(subcommand);
}

/**
 * Why a command may run anything, and so is granted no further than for one session; undefined when it is not known to. What cannot be
 * read by the rule of its program counts: the options that make programs start others are among those that no rule knows.
 */
export function runsAnything(argv: readonly string[], platform: Platform): string | undefined {
  return look(argv, platform, 0);
}

function look(argv: readonly string[], platform: Platform, depth: number): string | undefined {
  const [given = '', ...args] = argv;
  const name = baseName(given, platform);
  if (depth > 8) return 'commands are wrapped in each other too often';
  if (interpreterNames.has(name)) return `${name} runs whatever program it is given`;
  if (alwaysAsk.has(name)) return `${name} runs other programs, or code that its arguments do not show`;
  if (packageManagers.has(name)) return `${name} runs scripts that files of the project name`;
  if (versionOnly.has(name)) return `${name} runs code of the project or of others`;
  const wrapper = wrappers.get(name);
  if (wrapper !== undefined) {
    const reading = readArguments(wrapper.rule, args);
    const inner = 'unknown' in reading ? reading.unknown : innerCommand(wrapper, reading.seen);
    if (typeof inner === 'string') return `${name} starts another program, and it cannot be seen which`;
    return wrapper.feeds === true ? `${name} adds arguments that nobody has seen` : inner.length === 0 ? undefined : look(inner, platform, depth + 1);
  }
  if (name === 'git') return gitForm(stripFolders(args)) === undefined ? 'git may run other programs in this form' : undefined;
  const rule = argumentRules.get(name);
  if (rule === undefined) return textOnly.has(name) ? undefined : `it is not known what ${name} does`;
  const reading = readArguments(rule, name === 'tar' ? dashedTar(args) : args);
  return 'unknown' in reading ? `it is not known what ${name} does in this form` : undefined;
}

/** `git -C sub status` is as well known as `git status`; the folder is part of the words that an exact grant names. */
function stripFolders(args: readonly string[]): readonly string[] {
  const call = readGit(args);
  return 'unknown' in call ? args : [call.subcommand, ...call.args];
}

/** The reason that says no more than that the settings name the program; under it alone a grant may reach beyond the very words. */
export const byName = 'shell.requireApproval';

/**
 * Whether what a file holds decides nothing about a command: its program has no language of its own, and nothing but its name makes it ask.
 * What is copied over a control file, for instance, decides a lot.
 */
export function isMaterial({ argv, reasons }: Pick<Unit, 'argv' | 'reasons'>, platform: Platform): boolean {
  return reasons.every(({ rule }) => rule === byName) && formOf(stripped(argv), platform) !== undefined;
}

/** What an exact grant of one command is tied to. */
export function exactTies(unit: Pick<Unit, 'argv' | 'reasons' | 'ties'>, platform: Platform): readonly Tie[] {
  // What it does to a branch is as little a reason to ask as what it does to a file.
  return isMaterial(unit, platform) ? withoutFiles(unit.ties).filter(({ label }) => label !== 'In the repository') : unit.ties;
}

/** What an exact grant of a whole call is tied to. */
export function callTies({ units, around, ties }: Pick<Ground, 'units' | 'around' | 'ties'>, platform: Platform): readonly Tie[] {
  return units.length > 0 && around.length === 0 && units.every((unit) => isMaterial(unit, platform)) ? withoutFiles(ties) : ties;
}

function withoutFiles(ties: readonly Tie[]): readonly Tie[] {
  return ties.filter(({ label }) => label !== 'File');
}

function stripped(argv: readonly string[]): readonly string[] {
  return argv[0] === 'git' ? ['git', ...stripFolders(argv.slice(1))] : argv;
}

/** The names of the program and, where it has one, of its subcommand; for a wrapper also those of what it starts, outermost first. */
export function namesOf(argv: readonly string[], platform: Platform): readonly Readonly<{ program: string; subcommand?: string }>[] {
  const [given = '', ...args] = argv;
  const program = baseName(given, platform);
  const own = { program, ...subcommandOf(program, args) };
  const wrapper = wrappers.get(program);
  const reading = wrapper === undefined ? undefined : readArguments(wrapper.rule, args);
  if (wrapper === undefined || reading === undefined || 'unknown' in reading) return [own];
  const inner = innerCommand(wrapper, reading.seen);
  return typeof inner === 'string' || inner.length === 0 ? [own] : [own, ...namesOf(inner, platform)];
}

/** The first word that is no option, for the programs whose first word says what they do. */
function subcommandOf(program: string, args: readonly string[]): Readonly<{ subcommand?: string }> {
  if (program === 'git') {
    const call = readGit(args);
    return 'unknown' in call ? {} : { subcommand: call.subcommand };
  }
  const [first] = args;
  return packageManagers.has(program) && first !== undefined && /^[a-z][a-z-]*$/.test(first) ? { subcommand: first } : {};
}

function baseName(given: string, platform: Platform): string {
  return withoutVersion(ruleName(given, platform));
}

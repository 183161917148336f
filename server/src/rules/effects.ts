import { ask } from './argumentKinds';
import type { Verdict } from '../../../protocol/src/call';
import type { ParsedCommand } from './commandPlan';
import { readGit } from './gitCommand';
import { treeWriters } from './gitWrites';
import { gitReaders, gitWriters } from './programs/git';
import { textOnly } from './programs/readers';
import { readArguments, type Kind } from './programs/rule';
import { interpreters, withoutVersion } from './programs/runtimes';
import { argumentRules } from './programs/table';
import { wrappers } from './programs/wrappers';
import { innermost } from './wrapped';

/**
 * What commands do to the ground that others were judged on. A name is judged by where it leads; a command that is running at the same
 * time and makes it lead elsewhere would make that judgement worthless (T27).
 */

/**
 * `names`: `changes` where names lead; `uses` names as long as it runs; `begins` with what it names, and then does its own work; or has
 * `nothing` to do with them. `history`: `changes` what references of a repository mean, `receives` from or sends to another one, or `nothing`.
 */
export type Effects = Readonly<{ names: 'changes' | 'uses' | 'begins' | 'nothing'; history: 'changes' | 'receives' | 'nothing' }>;

/** Programs that make a name lead elsewhere, or nowhere. A new folder does neither: a missing name is judged as if one stood there. */
const movers: ReadonlySet<string> = new Set(['ln', 'mv', 'cp', 'rm', 'rmdir', 'unlink']);

/** Programs that go through folders without being told which. */
const descends: ReadonlySet<string> = new Set(['find', 'fd', 'fdfind', 'grep', 'egrep', 'fgrep', 'rg', 'ag', 'tree', 'du', 'ls', 'dir', 'vdir', 'tar', 'diff']);

const transfers: ReadonlySet<string> = new Set(['fetch', 'push', 'ls-remote']);
const gitLookers: ReadonlySet<string> = new Set(gitReaders.map(([name]) => name));
const gitKnown: ReadonlySet<string> = new Set([...gitReaders, ...gitWriters].map(([name]) => name));
const running: ReadonlySet<string> = new Set(interpreters.map(([name]) => name));

/** Kinds of arguments that lead somewhere. */
const leading: ReadonlySet<Kind> = new Set<Kind>(['read', 'write', 'program', 'entry', 'file', 'fresh', 'tree', 'rev']);

/** What one command does, wrappers seen through. */
export function effectsOf(argv: readonly [string, ...string[]]): Effects {
  const [name, ...args] = innermost(argv);
  const base = withoutVersion(name);
  if (base === 'git') return effectsOfGit(args);
  if (feeds(argv)) return { names: movers.has(base) ? 'changes' : 'uses', history: 'nothing' };
  if (movers.has(base)) return { names: 'changes', history: 'nothing' };
  if (textOnly.has(base)) return { names: 'nothing', history: 'nothing' };
  if (!argumentRules.has(base) || running.has(base)) return { names: 'begins', history: 'nothing' };
  return { names: descends.has(base) || goesThroughFolders(base, args) ? 'uses' : 'nothing', history: 'nothing' };
}

/** Whether names that only another program finds are handed on. */
function feeds([name]: readonly [string, ...string[]]): boolean {
  return wrappers.get(name)?.feeds === true;
}

function effectsOfGit(args: readonly string[]): Effects {
  const call = readGit(args);
  if ('unknown' in call || !gitKnown.has(call.subcommand)) return { names: 'begins', history: 'changes' };
  const { subcommand } = call;
  const history = transfers.has(subcommand) ? 'receives' : gitLookers.has(subcommand) ? 'nothing' : 'changes';
  const through = !transfers.has(subcommand) && [...call.folders, ...call.args].some((word) => /[\\/]/.test(word));
  return { names: treeWriters.has(subcommand) ? 'changes' : through ? 'uses' : 'begins', history };
}

/** A name without a folder is not at risk: what could put a link in its place was judged itself. */
function goesThroughFolders(name: string, args: readonly string[]): boolean {
  return !textOnly.has(name) && pathsIn(name, args).some((text) => /[\\/]/.test(text));
}

/** The arguments that lead somewhere, as far as the program's rule tells; all that could when it does not. */
function pathsIn(name: string, args: readonly string[]): readonly string[] {
  const rule = argumentRules.get(name);
  const reading = rule === undefined ? undefined : readArguments(rule, args);
  if (rule === undefined || reading === undefined || 'unknown' in reading) return args.filter((word) => word !== '-');
  const derived = rule.derive?.(reading.seen) ?? [];
  return [...reading.typed, ...derived].filter(({ kind, text }) => leading.has(kind) && text !== '-').map(({ text }) => text);
}

/** The verdict on commands that a pipe starts together: none of them may change where the names of another lead, or what git finds. */
export function judgeTogether(commands: readonly ParsedCommand[]): Verdict | undefined {
  if (commands.length < 2) return undefined;
  const found = commands.find((command) => changes(command.argv) && commands.some((other) => other !== command && isAtRisk(other.argv)));
  if (found !== undefined) return ask('shell.together', `${found.argv[0]} can change where names lead or what git finds, and the other commands of the pipe start at the same time. With "&&" in place of the pipe it need not ask for this.`);
  const mover = commands.findIndex(({ argv }) => changes(argv));
  const waits = mover >= 0 && !(commands.slice(0, mover).every((before, at) => at === 0 && speaks.has(innermost(before.argv)[0])) && commands.slice(mover + 1).every(readsOn));
  return waits ? ask('shell.together', `${commands[mover]?.argv[0] ?? ''} changes where names lead, and nothing else may run in the project until the whole pipe has ended, which another command of it can put off. With "&&" in place of the pipe it need not ask for this.`) : undefined;
}

function changes(argv: ParsedCommand['argv']): boolean {
  const { names, history } = effectsOf(argv);
  return names === 'changes' || history === 'changes';
}

/** Programs that have said all at once, or end when nobody reads any more. Whatever reads between them and a mover may wait for more. */
const speaks: ReadonlySet<string> = new Set(['echo', 'printf', 'yes', 'true']);

/** Programs that do a bounded piece of work for each line that reaches them, and end with it. Those with a language of their own can loop. */
const ends: ReadonlySet<string> = new Set(['cat', 'tac', 'rev', 'nl', 'head', 'tail', 'wc', 'cut', 'tr', 'uniq', 'sort', 'grep', 'egrep', 'fgrep', 'tee', 'sed', 'gsed', 'fold', 'column', 'echo', 'printf', 'true', 'false']);

/** Whether a command ends soon after what it reads from the pipe has ended. One that reads files has their end to reach as well. */
function readsOn({ argv }: ParsedCommand): boolean {
  const [name, ...args] = innermost(argv);
  return ends.has(name) && (name === 'tee' || textOnly.has(name) || pathsIn(name, args).length === 0);
}

function isAtRisk(argv: ParsedCommand['argv']): boolean {
  const [name, ...args] = innermost(argv);
  return name === 'git' || feeds(argv) || changes(argv) || goesThroughFolders(withoutVersion(name), args);
}

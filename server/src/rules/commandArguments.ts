import type { Verdict } from '../../../protocol/src/call';
import type { ParsedCommand } from './commandPlan';
import { allowed, ask, judgePath, judgeTyped, unclear, type PathScope } from './argumentKinds';
import { judgeGitCommand, readGit } from './gitCommand';
import type { CommandFacts } from './places';
import { isFedSafely } from './fed';
import { adviceOn } from './programs/advice';
import { readArguments, type ArgumentRule, type Typed } from './programs/rule';
import { packageManagers, scriptArguments, versionOnly, withoutVersion, type PackageManager } from './programs/runtimes';
import { readers, textOnly } from './programs/readers';
import { searchers } from './programs/search';
import { argumentRules } from './programs/table';
import { alwaysAsk, innerCommand, unsettledBy, wrappers, type Wrapper } from './programs/wrappers';
import { dashedTar } from './programs/writers';

/** Judges the arguments of a listed program: silent only in forms that do the program's own work inside the project. */

/** What the judgement of one command may look at. */
export type Scope = Readonly<{
  facts: CommandFacts;
  /** The folder in which the command runs, as far as the line tells. */
  folder: string;
  /** True when a `cd` earlier in the line moved there. */
  moved: boolean;
  /** The command whose output this one reads, if any. */
  previous?: ParsedCommand | undefined;
  /** Judges the command inside a wrapper from the beginning: its name must be listed too. */
  judgeInner(argv: readonly [string, ...string[]]): readonly Verdict[];
}>;

/** The verdicts on a program's arguments (at least one) and whether it only reads. */
export type Argued = Readonly<{ verdicts: readonly Verdict[]; reads: boolean }>;

const onlyReads: ReadonlySet<string> = new Set([...readers, ...searchers].map(([name]) => name).concat([...textOnly], ['sed', 'gsed', 'awk', 'gawk', 'mawk', 'nawk', 'jq', 'curl', 'wget', 'ping', 'host', 'nslookup']));

/** Judges arguments by the program's rule; `name` is the name under which rules know it. */
export function judgeArguments(name: string, args: readonly string[], scope: Scope): Argued {
  const base = withoutVersion(name);
  if (alwaysAsk.has(base)) return one(ask('shell.alwaysAsks', `${name} runs other programs, or code that its arguments do not show, so each use asks.`));
  const wrapper = wrappers.get(base);
  if (wrapper !== undefined) return { verdicts: judgeWrapper(name, wrapper, args, scope), reads: false };
  if (base === 'git') return judgeGit(args, scope);
  const manager = packageManagers.get(base);
  if (manager !== undefined) return one(judgePackageManager(base, manager, args, scope));
  if (textOnly.has(base)) return { verdicts: [allowed(name)], reads: true };
  const rule = argumentRules.get(base);
  if (rule !== undefined) return { verdicts: judgeByRule(name, rule, args, scope), reads: onlyReads.has(base) };
  if (args.length === 1 && versionOnly.get(base)?.includes(args[0] ?? '') === true) return one(allowed(name));
  return one(ask('shell.noRule', `${name} is listed, but Conductor has no rule that says which of its forms are harmless, so it asks.`));
}

function one(verdict: Verdict): Argued {
  return { verdicts: [verdict], reads: false };
}

function judgeByRule(name: string, rule: ArgumentRule, given: readonly string[], within: Scope): readonly Verdict[] {
  const scope = { ...within, writesThrough: rule.changesNames !== true };
  const args = name === 'tar' ? dashedTar(given) : given;
  const reading = readArguments(ruleFor(rule, args), args);
  if ('unknown' in reading) return [unclear(name, reading.unknown, adviceOn(withoutVersion(name), args))];
  const named = judgeAll(name, reading.typed, scope);
  const derived = judgeAll(name, rule.derive?.(reading.seen) ?? [], scope);
  return [allowed(name), ...named, ...derived.filter((part) => !named.some((other) => other.rule === part.rule))];
}

function judgeAll(name: string, typed: readonly Typed[], scope: PathScope): readonly Verdict[] {
  const judged = new Map<Typed['kind'], Set<string>>();
  return typed.flatMap(({ kind, text }) => {
    const texts = judged.get(kind) ?? new Set();
    if (texts.has(text)) return [];
    judged.set(kind, texts.add(text));
    return judgeTyped(name, kind, text, scope) ?? [];
  });
}

/** The rule for the arguments as they begin. */
function ruleFor(rule: ArgumentRule, args: readonly string[]): ArgumentRule {
  const first = args.findIndex((word) => !word.startsWith('-'));
  const leading = first < 0 ? args : args.slice(0, first);
  return rule.otherwise !== undefined && leading.includes(rule.otherwise.when) ? rule.otherwise.rule : rule;
}

function judgeWrapper(name: string, wrapper: Wrapper, args: readonly string[], scope: Scope): readonly Verdict[] {
  const reading = readArguments(wrapper.rule, args);
  if ('unknown' in reading) return [unclear(name, reading.unknown, adviceOn(name, args))];
  const inner = innerCommand(wrapper, reading.seen);
  if (typeof inner === 'string') return [unclear(name, inner)];
  const unsettled = unsettledBy(wrapper, reading.seen);
  const own = [...judgeAll(name, reading.typed, scope), ...(unsettled === undefined ? [] : [unclear(name, unsettled)])];
  const [first, ...rest] = inner;
  if (first === undefined) return [allowed(name), ...own];
  const verdicts = [...scope.judgeInner(wrapper.feeds === true ? [first, ...rest, './fed'] : [first, ...rest]), ...own];
  if (wrapper.feeds !== true || isFedSafely(reading.seen, first, rest, scope.previous)) return verdicts;
  return [...verdicts, unclear(name, 'it adds arguments that nobody has seen; with "find . -type f … -print0 | xargs -0" and a program that only reads it need not ask')];
}

function judgeGit(args: readonly string[], scope: Scope): Argued {
  const call = readGit(args);
  if ('unknown' in call) return one(unclear('git', call.unknown, adviceOn('git', args)));
  const inside = call.folders.flatMap((text) => judgePath('git', 'read', text, scope) ?? []);
  const folder = call.folders.reduce(joined, scope.folder);
  const moved = scope.moved ? [ask('shell.gitAfterCd', 'git after "cd" asks, because the folder decides which programs git runs. Use the working folder of the call instead.')] : [];
  const git = judgeGitCommand(call, { facts: scope.facts, folder });
  return { verdicts: [...git.verdicts, ...inside, ...moved], reads: git.reads };
}

/** A path below a folder, without looking at either. */
export function joined(folder: string, path: string): string {
  return /^([\\/]|[A-Za-z]:[\\/])/.test(path) ? path : `${folder}/${path}`;
}

function judgePackageManager(name: string, manager: PackageManager, args: readonly string[], scope: Scope): Verdict {
  const reading = readArguments(manager.options, args);
  if ('unknown' in reading) return unclear(name, reading.unknown, adviceOn(name, args));
  const flaw = reading.typed.flatMap(({ kind, text }) => judgeTyped(name, kind, text, scope) ?? [])[0];
  if (flaw !== undefined) return flaw;
  const { operands, beforeDashes, options } = reading.seen;
  const [verb, second] = operands;
  const names = options.map((option) => option.name);
  if (verb === undefined) return names.some((option) => ['--version', '-v', '--help', '-h'].includes(option)) ? allowed(name) : unclear(name, 'it needs a subcommand that is known to be harmless');
  const own = manager.scripts.get(verb);
  const words = own === undefined && manager.run.has(verb) ? 2 : 1;
  const early = earlyFlaw(manager, args, words);
  if (early !== undefined) return unclear(name, `before the subcommand and the name of a script, ${early}`);
  if (beforeDashes < Math.min(words, operands.length)) return unclear(name, 'the subcommand stands after "--"');
  const several = names.some((option) => ['-w', '--workspace', '--workspaces', '-r', '--recursive', '--filter', '-F'].includes(option));
  const given = manager.passesAll ? wordsBehind(manager, args, words) : operands.slice(words);
  if (own !== undefined) return judgeScript(name, own, given, several, scope);
  if (manager.run.has(verb)) return second === undefined ? allowed(name) : judgeScript(name, second, given, several, scope);
  if (!manager.look.has(verb)) return unclear(name, `"${verb.slice(0, 60)}" is not among the subcommands known to be harmless`, adviceOn(name, args));
  if (verb === 'query') return operands.slice(1).some((text) => asksRegistry.test(text)) ? unclear(name, 'it asks the registry') : allowed(`${name} ${verb}`);
  const odd = operands.slice(1).find((text) => !packageName.test(text));
  return odd === undefined ? allowed(`${name} ${verb}`) : unclear(name, `"${odd.slice(0, 60)}" is not the plain name of a package`);
}

/** What stands before the words that say what is run, and some version may read in another way. */
function earlyFlaw(manager: PackageManager, args: readonly string[], words: number): string | undefined {
  const reading = readArguments({ ...manager.leading, stopAtOperand: true }, args);
  if ('unknown' in reading) return reading.unknown;
  return words > 1 ? earlyFlaw(manager, reading.seen.operands.slice(1), words - 1) : undefined;
}

/** All words behind those that name the script, options included, without the first `--`. */
function wordsBehind(manager: PackageManager, args: readonly string[], words: number): readonly string[] {
  const reading = readArguments({ ...manager.options, stopAtOperand: true }, args);
  // What cannot be read is given as it is, and asks as no argument of a script.
  const rest = 'unknown' in reading ? args : reading.seen.operands.slice(1);
  if (words > 1) return wordsBehind(manager, rest, words - 1);
  const dashes = rest.indexOf('--');
  return dashes < 0 ? rest : [...rest.slice(0, dashes), ...rest.slice(dashes + 1)];
}

/** Selectors of `npm query` that no installed package can answer. */
const asksRegistry = /:(vuln|outdated)/i;

/** The name of a package with its scope and a version, but no address and no path. */
const packageName = /^(@[A-Za-z0-9._-]+\/)?[A-Za-z0-9_-][A-Za-z0-9._-]*(@[A-Za-z0-9._^~<>=*+-]+)?$/;

/** Package managers hand arguments to a shell, and older ones put them between double quotes, where these still mean something. */
const readByShells = /[$`"\\%\n]/;

/** Scripts for which managers have something of their own when a package names none: they run its `server.js`. */
const implied: ReadonlySet<string> = new Set(['start', 'restart']);

function judgeScript(name: string, script: string, extra: readonly string[], several: boolean, scope: Scope): Verdict {
  // In other packages nobody looks; those without the script are left out, or it fails.
  const found = several ? (implied.has(script) ? 'unknown' : 'yes') : scope.facts.script(scope.folder, script);
  if (found !== 'yes') return ask('shell.script', `${found === 'no' ? 'The package has no script' : 'It is not known whether the package has a script'} "${script.slice(0, 60)}".`);
  if (extra.includes('--')) return unclear(name, 'the script would receive a second "--"');
  const odd = extra.find((text) => readByShells.test(text));
  if (odd !== undefined) return unclear(name, `the shell that runs the script may read "${odd.slice(0, 60)}" in its own way. Without $, backticks, backslashes, double quotes and % it need not ask`);
  const reading = readArguments(scriptArguments, extra);
  if ('unknown' in reading) return unclear(name, `for the script, ${reading.unknown}`);
  const flaw = reading.typed.flatMap(({ kind, text }) => judgeTyped(name, kind, text, scope) ?? [])[0];
  return flaw ?? allowed(`${name} ${script}`);
}

import type { Verdict } from '../../../protocol/src/call';
import { allowed, ask, judgeTyped } from './argumentKinds';
import type { CommandFacts } from './places';
import { gitReaders, gitWriters, hookedCommands } from './programs/git';
import { readArguments } from './programs/rule';

/** Judges git: which subcommand, in which repository, with which options. Repositories are other people's data and can name programs. */

/** A git command taken apart. */
export type GitCall = Readonly<{
  /** Folders given with `-C`, in order. */
  folders: readonly string[];
  /** `--version` when git is only asked for that. */
  subcommand: string;
  args: readonly string[];
  /** Index of the subcommand in the arguments. */
  at: number;
}>;

/** Reads what stands before the subcommand. Anything that redirects git to another configuration or another program is unknown. */
export function readGit(args: readonly string[]): GitCall | Readonly<{ unknown: string }> {
  const folders: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word === '-C') {
      at += 1;
      folders.push(args[at] ?? '');
    } else if ((word === '--version' || word === '-v') && args.length === at + 1) return { folders, subcommand: 'version', args: [], at };
    else if (!word.startsWith('-')) return { folders, subcommand: word, args: args.slice(at + 1), at };
    else if (word !== '--no-pager' && word !== '--no-optional-locks' && word !== '--literal-pathspecs') return { unknown: `"${word.slice(0, 60)}" before the subcommand can change which programs git runs` };
  }
  return { unknown: 'without a subcommand there is nothing to judge' };
}

const readers = new Map(gitReaders);
const writers = new Map(gitWriters);

/** Subcommands that run nothing whatever the repository's configuration says. */
const independent: ReadonlySet<string> = new Set(['config', 'version', 'check-ref-format']);

/** The verdicts on one git command (at least one), and whether it only reads. */
export function judgeGitCommand(call: GitCall, scope: Readonly<{ facts: CommandFacts; folder: string }>): Readonly<{ verdicts: readonly Verdict[]; reads: boolean }> {
  const { subcommand } = call;
  const rule = readers.get(subcommand) ?? writers.get(subcommand);
  const reads = readers.has(subcommand);
  if (rule === undefined) return { verdicts: [ask('shell.arguments', `git asks for "${subcommand.slice(0, 60)}": it is not among the subcommands known to be harmless.`)], reads: false };
  const reading = readArguments(rule, call.args);
  if ('unknown' in reading) return { verdicts: [ask('shell.arguments', `git ${subcommand} asks in this form: ${reading.unknown}.`)], reads: false };
  const facts = independent.has(subcommand) ? { programs: [], hooks: false } : scope.facts.git(scope.folder);
  if (facts === 'unknown') return { verdicts: [ask('shell.gitUnknown', 'The configuration of the repository could not be read, so git asks.')], reads: false };
  const typed = reading.typed.flatMap(({ kind, text }) => judgeTyped(`git ${subcommand}`, kind, text, scope, facts) ?? []);
  return { verdicts: [allowed(`git ${subcommand}`), ...typed, ...repository(subcommand, facts)], reads };
}

function repository(subcommand: string, facts: Readonly<{ programs: readonly string[]; hooks: boolean }>): readonly Verdict[] {
  const found: Verdict[] = [];
  if (facts.programs.length > 0) found.push(ask('shell.gitPrograms', `The repository's own configuration names programs that git could run (${facts.programs.slice(0, 5).join(', ')}).`));
  if (facts.hooks && hookedCommands.has(subcommand)) found.push(ask('shell.gitHooks', `The repository has hooks, and git ${subcommand} would run them.`));
  return found;
}

/** Subcommands that would run the repository's own diff and text conversion programs, with the options that stop them. */
const quieting: ReadonlyMap<string, readonly string[]> = new Map([
  ['diff', ['--no-ext-diff', '--no-textconv']],
  ['log', ['--no-ext-diff', '--no-textconv']],
  ['show', ['--no-ext-diff', '--no-textconv']],
  ['whatchanged', ['--no-ext-diff', '--no-textconv']],
  ['reflog', ['--no-ext-diff', '--no-textconv']],
  ['range-diff', ['--no-ext-diff', '--no-textconv']],
  ['format-patch', ['--no-ext-diff', '--no-textconv']],
  ['blame', ['--no-textconv']],
  ['grep', ['--no-textconv']],
]);

/** The arguments of git with the options that keep it from the repository's programs, unless the caller asked for those by name. */
export function neutralArguments(args: readonly string[]): readonly string[] {
  const call = readGit(args);
  if ('unknown' in call) return args;
  const first = call.args[0] ?? '';
  const isListing = call.subcommand === 'reflog' && !first.startsWith('-') && first !== '' && first !== 'show';
  const wanted = isListing ? [] : (quieting.get(call.subcommand) ?? []).filter((option) => !call.args.includes(option.replace('--no-', '--')) && !call.args.includes(option));
  const after = call.subcommand === 'reflog' && first === 'show' ? call.at + 2 : call.at + 1;
  return [...args.slice(0, after), ...wanted, ...args.slice(after)];
}

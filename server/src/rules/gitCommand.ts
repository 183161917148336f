import type { Verdict } from '../../../protocol/src/call';
import { allowed, ask, judgePath, judgeTyped } from './argumentKinds';
import { judgeRemotes } from './gitRemotes';
import { judgeWrites, writeQueries } from './gitWrites';
import type { CommandFacts, GitFacts, GitWriteQuery } from './places';
import { adviceOn } from './programs/advice';
import { gitReaders, gitWriters, hookedCommands, remoteCommands } from './programs/git';
import { hasOption, readArguments, type Seen } from './programs/rule';

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
  /** True with `--literal-pathspecs`. */
  literal: boolean;
}>;

/** Reads what stands before the subcommand. Anything that redirects git to another configuration or another program is unknown. */
export function readGit(args: readonly string[]): GitCall | Readonly<{ unknown: string }> {
  const folders: string[] = [];
  const literal = args.includes('--literal-pathspecs');
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word === '-C') {
      at += 1;
      folders.push(args[at] ?? '');
    } else if ((word === '--version' || word === '-v') && args.length === at + 1) return { folders, subcommand: 'version', args: [], at, literal };
    else if (!word.startsWith('-')) return { folders, subcommand: word, args: args.slice(at + 1), at, literal };
    else if (word !== '--no-pager' && word !== '--no-optional-locks' && word !== '--literal-pathspecs') return { unknown: `"${word.slice(0, 60)}" before the subcommand can change which programs git runs` };
  }
  return { unknown: 'without a subcommand there is nothing to judge' };
}

const readers = new Map(gitReaders);
const writers = new Map(gitWriters);

/** Subcommands that run nothing whatever the repository's configuration says. */
const independent: ReadonlySet<string> = new Set(['config', 'version', 'check-ref-format']);

type GitScope = Readonly<{ facts: CommandFacts; folder: string }>;

/** The verdicts on one git command (at least one), and whether it only reads. */
export function judgeGitCommand(call: GitCall, scope: GitScope): Readonly<{ verdicts: readonly Verdict[]; reads: boolean }> {
  const { subcommand } = call;
  const rule = readers.get(subcommand) ?? writers.get(subcommand);
  const reads = readers.has(subcommand);
  if (rule === undefined) return asks('shell.arguments', `git asks for "${subcommand.slice(0, 60)}": it is not among the subcommands known to be harmless.${adviceOn('git', [subcommand])}`);
  const reading = readArguments(rule, call.args);
  if ('unknown' in reading) return asks('shell.arguments', `git ${subcommand} asks in this form: ${reading.unknown}.${adviceOn('git', [subcommand, ...call.args])}`);
  // A table that knows one option of them too few or too many would take an option that writes for a harmless word.
  const dashed = dashedWord(subcommand, call.args, reading.seen);
  if (dashed !== undefined) return asks('shell.arguments', `git ${subcommand} asks in this form: "${dashed.slice(0, 60)}" may be an option itself. Joined to its option, or behind "./", it need not ask.`);
  const facts = independent.has(subcommand) ? { programs: [], hooks: false } : scope.facts.git(scope.folder);
  if (facts === 'unknown') return asks('shell.gitUnknown', 'The configuration of the repository could not be read, so git asks.');
  if ('unknown' in facts) return asks('shell.gitUnknown', `The repository could not be examined, so git asks: ${facts.unknown}.`);
  const { seen } = reading;
  const typed = reading.typed.flatMap(({ kind, text }) => (kind === 'rev' ? judgeRevision(subcommand, text, seen, scope, facts) : judgeTyped(`git ${subcommand}`, kind, text, scope, facts)) ?? []);
  const queries = call.literal ? literalQueries(subcommand, seen) : writeQueries(subcommand, seen);
  return { verdicts: [allowed(`git ${subcommand}`), ...typed, ...repository(subcommand, facts), ...wholeRepository(subcommand, seen, facts), ...elsewhere(subcommand, seen, facts), ...judgeWrites(subcommand, queries, scope)], reads };
}

/** Subcommands of which every version takes the word behind `-m` for a message, which may begin with a dash. */
const withMessage: ReadonlySet<string> = new Set(['commit', 'tag', 'merge']);

/** The first word with a dash that stands where a value or an operand does, apart from numbers; behind `--` too, which some subcommands take away before they hand the rest on. */
function dashedWord(subcommand: string, args: readonly string[], { options, operands }: Seen): string | undefined {
  const apart = options.flatMap(({ name, value }) => (value !== undefined && args.includes(value) && !(withMessage.has(subcommand) && (name === '-m' || name === '--message')) ? [value] : []));
  return [...operands, ...apart].find((word) => /^-(?![0-9]+$)./.test(word));
}

function asks(rule: string, reason: string): Readonly<{ verdicts: readonly Verdict[]; reads: boolean }> {
  return { verdicts: [ask(rule, reason)], reads: false };
}

/** Paths mean something else then than in the questions that Conductor asks of the repository. */
function literalQueries(subcommand: string, seen: Seen): readonly GitWriteQuery[] {
  return writeQueries(subcommand, seen).length === 0 ? [] : [{ kind: 'unseen', why: 'paths are taken literally' }];
}

/**
 * Judges an operand that git may take for a revision, for `revision:path`, or for a file. It must be harmless as each of them, since
 * git alone decides which it is: with `--no-index` or outside a repository a colon is a letter like any other.
 */
function judgeRevision(subcommand: string, text: string, seen: Seen, scope: GitScope, facts: GitFacts): Verdict | undefined {
  if (facts.above === true && fromTheTop.test(text)) return ask('shell.outside', `git ${subcommand} would look at "${text.slice(0, 120)}" from the top of the repository, which lies above the project.`);
  const asFile = judgePath(`git ${subcommand}`, 'read', text, scope);
  const colon = text.indexOf(':');
  if (colon < 0 || (asFile?.verdict === 'deny' && asFile.rule !== 'shell.forbiddenPath')) return asFile;
  // Magic before a path, such as `:(top)` and `:!`, stands in nobody's way.
  const behind = text.slice(colon + 1).replace(/^(\([^)]*\)|[!^/])+/, '');
  if (behind.split(/[\\/]/).includes('..')) return ask('shell.outside', `git ${subcommand} would look at "${text.slice(0, 120)}", and ".." behind the colon can lead out of the project.`);
  // Windows takes a colon in a name for a device or a stream, but in history it stands between revision and path.
  const history = facts.repository !== false && !hasOption(seen, '--no-index') && /^[A-Za-z0-9_@^~][^\\/:]+:(?![\\/])/.test(text) && !text.includes('\\');
  return history && asFile?.rule === 'shell.forbiddenPath' ? undefined : asFile;
}

/** Paths that count from the top of the work tree, as `:/src`, `:!/src` and `:(top,icase)src` do. */
const fromTheTop = /^:([!^]*\/|\([^)]*\btop\b)/;

/** Without a path these take everything that the repository has. */
function wholeRepository(subcommand: string, seen: Seen, facts: GitFacts): readonly Verdict[] {
  const whole = subcommand === 'add' && seen.operands.length === 0 && facts.above === true;
  return whole ? [ask('shell.outside', 'git add would take in files from the whole repository, which begins above the project. With "." it takes those of the folder.')] : [];
}

function repository(subcommand: string, facts: GitFacts): readonly Verdict[] {
  const found: Verdict[] = [];
  if (facts.programs.length > 0) found.push(ask('shell.gitPrograms', `The repository's own configuration names programs that git could run (${facts.programs.slice(0, 5).join(', ')}).`));
  const concerned = hookedCommands.get(subcommand) ?? [];
  const run = facts.hookNames === undefined ? concerned : facts.hookNames.filter((name) => concerned.includes(name));
  if (facts.hooks && run.length > 0) found.push(ask('shell.gitHooks', `The repository has hooks, and git ${subcommand} would run them.`));
  return found;
}

function elsewhere(subcommand: string, seen: Seen, facts: GitFacts): readonly Verdict[] {
  if (!remoteCommands.has(subcommand)) return [];
  const [verb, ...rest] = seen.operands;
  if (subcommand === 'remote') return verb === 'show' && rest.length > 0 ? judgeRemotes(subcommand, rest, facts) : [];
  return judgeRemotes(subcommand, hasOption(seen, '--all') ? ['all'] : seen.operands, facts);
}

/** Subcommands that would run the repository's own programs, or git in repositories inside it, with the options that stop that. */
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
  ['fetch', ['--no-recurse-submodules']],
  ['pull', ['--no-recurse-submodules']],
]);

/** The arguments of git with the options that keep it from the repository's programs, unless the caller asked for those by name. */
export function neutralArguments(args: readonly string[]): readonly string[] {
  const call = readGit(args);
  if ('unknown' in call) return args;
  const first = call.args[0] ?? '';
  const isListing = call.subcommand === 'reflog' && !first.startsWith('-') && first !== '' && first !== 'show';
  // Behind "--" stand files, whatever they are called; an option that stands there twice does no harm.
  const options = call.args.includes('--') ? call.args.slice(0, call.args.indexOf('--')) : call.args;
  const wanted = isListing ? [] : (quieting.get(call.subcommand) ?? []).filter((option) => !options.includes(option.replace('--no-', '--')));
  const after = call.subcommand === 'reflog' && first === 'show' ? call.at + 2 : call.at + 1;
  return [...args.slice(0, after), ...wanted, ...args.slice(after)];
}

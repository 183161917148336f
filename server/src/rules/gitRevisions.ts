import { readGit } from './gitCommand';
import { gitReaders, gitWriters } from './programs/git';
import { hasOption, readArguments, type Seen } from './programs/rule';

/**
 * Which words of a git command stand for something that its repository can give another meaning: a branch, `HEAD~1`, a stash. Whoever
 * approves the command approves what they mean at that moment (T16).
 */
export type Meanings = Readonly<{
  /** Words to be looked up, the last commit first; without those that can only be files. */
  words: readonly string[];
  /** True when it takes what is staged. */
  staged: boolean;
  /** True when it takes every reference. */
  references: boolean;
  /** True when it may take any stash, which are numbered anew with each that is made or dropped. */
  stashes: boolean;
  /** Whether it takes files of the work tree that it does not name, as they are then: all that are `changed`, or also those that are `new`. */
  unnamed: 'none' | 'changed' | 'new';
}>;

const rules = new Map([...gitReaders, ...gitWriters]);

/** Subcommands whose words are files, or that bring what they name from elsewhere. */
const nameless: ReadonlySet<string> = new Set(['add', 'rm', 'mv', 'apply', 'clean', 'config', 'version', 'fetch', 'ls-remote', 'remote', 'ls-files', 'check-ignore', 'check-attr', 'check-ref-format']);

/** Subcommands whose operands are files, while their options name revisions. */
const ofFiles: ReadonlySet<string> = new Set(['commit', 'restore']);

/** Subcommands that commit what is staged, or bring it into files, or rest on it. */
const stagers: ReadonlySet<string> = new Set(['commit', 'checkout', 'restore', 'switch', 'stash', 'merge', 'rebase', 'cherry-pick', 'revert', 'reset', 'rm', 'mv']);

/** What a git command rests on, by the arguments behind `git`. A form that is not understood may rest on any of its words. */
export function meaningsIn(args: readonly string[]): Meanings {
  const call = readGit(args);
  if ('unknown' in call) return { words: withHead(args.flatMap(anyWord)), staged: true, references: true, stashes: args.includes('stash'), unnamed: 'none' };
  const { subcommand } = call;
  const staged = stagers.has(subcommand);
  const rule = rules.get(subcommand);
  const reading = rule === undefined ? undefined : readArguments(rule, call.args);
  const operandsOf = reading === undefined || 'unknown' in reading ? [] : reading.seen.operands;
  const unnamed = takesUnnamed(subcommand, call.args, operandsOf);
  // What `fetch` takes from a repository on this disk is named, too, and `clean` keeps what is staged.
  if (nameless.has(subcommand)) return { words: [], staged: staged || subcommand === 'clean', references: subcommand === 'fetch' && call.args.some((word) => word.includes(':')), stashes: false, unnamed };
  // What is not understood may be anything: a stash that is not named, all branches at once, one that is joined to its option.
  const stashes = subcommand === 'stash';
  if (reading === undefined || 'unknown' in reading) return { words: withHead(stashes ? ['stash@{0}', ...call.args.slice(1).flatMap(anyWord).map(stashNamed)] : call.args.flatMap(anyWord)), staged: true, references: true, stashes, unnamed };
  const { seen, typed } = reading;
  const operands = ofFiles.has(subcommand) ? [] : seen.operands.slice(0, seen.beforeDashes);
  const own = new Set(seen.operands);
  const named = typed.flatMap(({ kind, text }) => (kind === 'rev' && !own.has(text) ? [text] : []));
  const references = (subcommand === 'pull' && seen.operands.length > 1) || (subcommand === 'push' && (seen.operands.length < 2 || ['--tags', '--follow-tags'].some((name) => hasOption(seen, name)) || seen.operands.some((word) => word.includes('*'))));
  return { words: withHead([...named, ...special(subcommand, seen, operands)]), staged, references, stashes: false, unnamed };
}

/** `commit -a` and `add -A` take every file that was changed. */
function takesUnnamed(subcommand: string, args: readonly string[], operands: readonly string[]): Meanings['unnamed'] {
  const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  const has = (pattern: RegExp): boolean => options.some((word) => pattern.test(word));
  // Git has patterns of its own.
  if ((subcommand === 'add' || subcommand === 'commit') && operands.some((word) => /[*?[]|^:/.test(word))) return subcommand === 'add' ? 'new' : 'changed';
  if (subcommand === 'add' && has(/^-[A-Za-z]*A|^--(?:all|no-ignore-removal)$/)) return 'new';
  return (subcommand === 'commit' && has(/^-[A-Za-z]*a|^--all$/)) || (subcommand === 'add' && has(/^-[A-Za-z]*u|^--update$/)) ? 'changed' : 'none';
}

/** What the operands of some subcommands mean besides themselves, or where there are none. */
function special(subcommand: string, seen: Seen, operands: readonly string[]): readonly string[] {
  const [first = '', second] = operands;
  if (subcommand === 'stash') return ['pop', 'apply', 'show'].includes(first) ? [stashNamed(second ?? '0')] : [];
  if (subcommand === 'push') return operands.slice(1).map((text) => text.replace(/^\+/, '').split(':', 1)[0] ?? '');
  const follows = operands.length === 0 && ['merge', 'rebase'].includes(subcommand) && !['--abort', '--quit'].some((name) => hasOption(seen, name));
  return follows ? ['@{upstream}'] : operands;
}

/** `git stash` takes a number for the stash in that place. */
function stashNamed(word: string): string {
  return /^[0-9]+$/.test(word) ? `stash@{${word}}` : word;
}

function anyWord(word: string): readonly string[] {
  if (!word.startsWith('-') || word === '-') return [word];
  return word.includes('=') ? [word.slice(word.indexOf('=') + 1)] : [];
}

/** Without the signs around them: `^a`, `a..b` and `a^!` name `a` and `b`, and `-` is where one was before. */
function withHead(words: readonly string[]): readonly string[] {
  const single = words.flatMap((word) => (word === '-' ? ['@{-1}'] : word.replace(/^\^/, '').split(/\.{2,3}/)));
  return [...new Set(['HEAD', ...single.map((word) => word.replace(/\^[!@-][0-9]*$/, ''))])].filter((word) => word !== '' && !word.startsWith('-') && !word.startsWith(':('));
}

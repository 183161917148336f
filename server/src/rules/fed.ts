import type { ParsedCommand } from './commandPlan';
import { readArguments, hasOption, type Seen } from './programs/rule';
import { textFed } from './programs/readers';
import { argumentRules } from './programs/table';

/** Judges what xargs adds to a command: names that another command found. */

/** Whether what reaches a command through xargs can do no harm there: plain files inside the project, and a program that only reads them. */
export function isFedSafely(xargs: Seen, name: string, args: readonly string[], previous: ParsedCommand | undefined): boolean {
  if (textFed.has(name)) return true;
  const divided = ['-0', '--null'].some((option) => hasOption(xargs, option)) && !['-d', '--delimiter'].some((option) => hasOption(xargs, option));
  return divided && previous !== undefined && findsPlainFiles(previous) && onlyReadsMore(name, args);
}

/** Whether any number of further operands would only be read, since everything else already stands in the line. */
function onlyReadsMore(name: string, args: readonly string[]): boolean {
  const rule = argumentRules.get(name);
  if (rule?.fed === undefined) return false;
  const reading = readArguments({ ...rule, least: 0 }, args);
  if ('unknown' in reading) return false;
  const brought = (rule.replaceFirst ?? '').split(' ').some((option) => hasOption(reading.seen, option));
  return brought || reading.seen.operands.length >= rule.fed;
}

/**
 * Whether find prints nothing but regular files below the working folder, with a NUL after each. Their names begin with one of its starting
 * folders, which are judged as paths, so that none of them is an option, means something else (`@file`) or lies outside; a link could lead
 * anywhere, and is no regular file.
 */
function findsPlainFiles(command: ParsedCommand): boolean {
  // Messages that were sent the same way would join with the names.
  if (command.redirections.some((redirection) => redirection.kind === 'merge')) return false;
  const [name, ...words] = command.argv;
  if (name !== 'find' || !startsOf(words).every((start) => /^[A-Za-z0-9_.]/.test(start))) return false;
  const plain = withoutGroups(words);
  if (plain === undefined || plain.at(-1) !== '-print0' || words.filter((word) => word === '-print0').length !== 1) return false;
  if (words.some((word) => /^(-(print|printf|ls|L|D|-|follow)|,)$/.test(word))) return false;
  const last = plain.slice(Math.max(plain.lastIndexOf('-o'), plain.lastIndexOf('-or')) + 1);
  return last.some((word, at) => word === '-type' && last[at + 1] === 'f' && !['!', '-not'].includes(last[at - 1] ?? ''));
}

/** The starting folders of find: what stands before its first test, behind the options that come before everything. Without one it begins at `.`, or refuses. */
function startsOf(words: readonly string[]): readonly string[] {
  const behind = words.slice(Math.max(0, words.findIndex((word) => !/^-([HP]|O[0-3])$/.test(word))));
  const end = behind.findIndex((word) => /^[-(!,)]/.test(word));
  return end < 0 ? behind : behind.slice(0, end);
}

/** The words outside of parentheses; undefined where those do not match. */
function withoutGroups(words: readonly string[]): readonly string[] | undefined {
  const outer: string[] = [];
  let depth = 0;
  for (const word of words) {
    if (word === '(') depth += 1;
    else if (word === ')') depth -= 1;
    else if (depth === 0) outer.push(word);
    if (depth < 0) return undefined;
  }
  return depth === 0 ? outer : undefined;
}

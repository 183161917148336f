import type { Verdict } from '../../../protocol/src/call';
import { ask, deny } from './argumentKinds';
import type { ParsedCommand } from './commandPlan';
import type { CommandFacts } from './places';
import { textOnly } from './programs/readers';

/** Looks through the words of a command for what its rule could not tell, or got wrong: where they lead. */

/** Rules of verdicts that were reached without reading every argument. */
const unread: ReadonlySet<string> = new Set(['shell.arguments', 'shell.alwaysAsks', 'shell.noRule']);

/** Most different texts in one command that are looked at. */
const maxParts = 1024;

/** Most texts in one command that are taken apart, repeated ones counted: far more than 16 KiB of prose hold. */
const maxPieces = 4096;

/** Most places named in one question. */
const maxNamed = 3;

/**
 * No word may lead into Conductor's own folder: before a person is asked, in whatever option it hides, and before a command runs
 * silently, whatever its rule took the word for. Words that lead outside or to a control file are named where no rule has judged them.
 */
export function sweepWords(command: ParsedCommand, verdicts: readonly Verdict[], scope: Readonly<{ facts: CommandFacts; folder: string }>): readonly Verdict[] {
  if (textOnly.has(command.argv[0]) || verdicts.some((part) => part.verdict === 'deny')) return [];
  const asks = verdicts.some((part) => part.verdict === 'approve');
  const words = [...new Set(command.argv.slice(1))];
  const paths = differentParts(words, asks ? pathsIn : placesIn);
  if (paths === undefined) return [deny('shell.tooMany', `The arguments hold more than ${maxParts} parts that could be paths, too many to look at. Write long text to a file with filesystem.write and name the file, or use several calls.`)];
  const leads = [...paths].some((text) => scope.facts.place(scope.folder, text) === 'own');
  if (leads) return [deny('shell.ownFolder', "An argument leads into Conductor's own folder. No command may look into it or change it.")];
  return verdicts.some((part) => unread.has(part.rule)) ? namedPlaces(words, verdicts, scope) : [];
}

/** The different texts that `partsOf` finds in the words; undefined when they are too many. */
function differentParts(words: readonly string[], partsOf: (word: string) => readonly string[]): ReadonlySet<string> | undefined {
  const found = new Set<string>();
  let pieces = 0;
  for (const word of words) {
    const parts = partsOf(word);
    pieces += parts.length;
    for (const part of parts) found.add(part);
    if (pieces > maxPieces || found.size > maxParts) return undefined;
  }
  return found;
}

function namedPlaces(words: readonly string[], verdicts: readonly Verdict[], scope: Readonly<{ facts: CommandFacts; folder: string }>): readonly Verdict[] {
  const found: Verdict[] = [];
  for (const text of new Set(words.flatMap(wholePaths))) {
    const named = nameIt(text, scope);
    if (named !== undefined && !verdicts.some((other) => other.reason === named.reason)) found.push(named);
    if (found.length >= maxNamed) break;
  }
  return found;
}

function nameIt(text: string, scope: Readonly<{ facts: CommandFacts; folder: string }>): Verdict | undefined {
  const place = scope.facts.place(scope.folder, text);
  if (place === 'outside') return ask('shell.outside', `"${text.slice(0, 120)}" is outside the project.`);
  return place === 'control' ? ask('shell.controlFile', `"${text.slice(0, 120)}" decides which programs run or what agents may do.`) : undefined;
}

/** The texts in a word that a program may take for a path: the word, what follows `=`, `:`, `@` or a short option, and each part of a longer text. */
function pathsIn(word: string): readonly string[] {
  const pieces = word.split(/[\s=:,;'"()|<>&@]+/, maxPieces + 1);
  const shortValue = /^-[A-Za-z](.+)$/.exec(word)?.[1];
  return [word, ...pieces, ...(shortValue === undefined ? [] : [shortValue])].filter(isPathLong);
}

/** The word, and what follows its first `=`, where it may be one path as a whole. */
function wholePaths(word: string): readonly string[] {
  const value = word.includes('=') ? word.slice(word.indexOf('=') + 1) : '';
  const texts = [word.startsWith('-') ? '' : word, value];
  // Some programs read the file behind an `@` or `<`.
  const read = texts.flatMap((text) => (text.startsWith('@') || text.startsWith('<') ? [text.slice(1).split(';', 1)[0] ?? ''] : []));
  return [...texts, ...read].filter((text) => isPathLong(text) && !/[\n;(){}|]/.test(text));
}

/** Of these, what names a place beyond the folder. */
function placesIn(word: string): readonly string[] {
  return /[\\/]/.test(word) ? wholePaths(word).filter((text) => /[\\/]/.test(text)) : [];
}

function isPathLong(text: string): boolean {
  return text !== '' && text.length <= 4096;
}

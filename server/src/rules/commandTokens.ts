import type { Platform, Redirection } from './commandPlan';

/**
 * Splits a command line into words and operators. Decodes quotes, marks where an unquoted `*` or `?` stands, and refuses every other
 * construct that a shell would expand. Each character is looked at once, whatever the text is.
 */

/**
 * One word after decoding. `assigns` is the index of the `=` when the word has the bare form `NAME=…`, otherwise 0; `active` are the
 * indexes in `text` of characters that stood outside quotes and can stand for names of files.
 */
export type Word = Readonly<{ kind: 'word'; text: string; assigns: number; active: readonly number[] }>;

/** One token of a line. */
export type Token = Word | Readonly<{ kind: 'redirect'; redirection: Redirection }> | Readonly<{ kind: 'joint'; joint: '&&' | '||' | ';' }> | Readonly<{ kind: 'pipe' }>;

/** Most words and redirections in one line. */
export const maxWords = 512;

/** Why nothing was read; `tooMany` when the line is well formed as far as it was read, but too long to be checked. */
export type Refused = Readonly<{ refused: string; tooMany?: true; /** Index of what is refused, as far as it is one place. */ at?: number }>;

/** Most words with unquoted wildcards in one line. */
const maxPatterns = 32;

/** Most quotes, escapes and other characters with a meaning in one line. Honest text of that kind stands in one pair of single quotes. */
const maxPieces = 2000;

type Cursor = { readonly text: string; at: number; readonly platform: Platform; pieces: number };

/** The tokens of a line, or a sentence that says what is refused. */
export function readTokens(text: string, platform: Platform): Readonly<{ tokens: readonly Token[] }> | Refused {
  if (platform === 'win32' && text.includes('%')) return { refused: '"%" is refused on Windows, where it can name a variable.' };
  const cursor: Cursor = { text, at: 0, platform, pieces: 0 };
  let patterns = 0;
  const tokens: Token[] = [];
  for (let words = 0; ; ) {
    while (text[cursor.at] === ' ') cursor.at += 1;
    if (cursor.at >= text.length || isComment(cursor, tokens.length)) return { tokens };
    const token = readToken(cursor, tokens.at(-1));
    if ('refused' in token) return { ...token, at: cursor.at };
    tokens.push(token);
    if (token.kind === 'word' || token.kind === 'redirect') words += 1;
    if (token.kind === 'word' && token.active.length > 0) patterns += 1;
    if (patterns > maxPatterns) return { refused: `The line holds more than ${maxPatterns} file patterns. Name a folder, or use filesystem.search.`, tooMany: true };
    // Operators count for themselves: no line that may run has more of them than words.
    if (words > maxWords || tokens.length > 2 * maxWords) return { refused: `The line holds more than ${maxWords} words, more than a person can check. Use several calls, or name a folder in place of its files.`, tooMany: true };
  }
}

/** Behind a command, ` # …` to the end of the line says nothing to any POSIX shell. */
function isComment(cursor: Cursor, before: number): boolean {
  const { text, at, platform } = cursor;
  return platform === 'posix' && text[at] === '#' && before > 0 && text[at - 1] === ' ' && !text.includes('\n', at);
}

function readToken(cursor: Cursor, before: Token | undefined): Token | Refused {
  const operator = readOperator(cursor);
  if (operator !== undefined) return operator;
  const redirect = /^([0-9]*)(&>>|&>|>>|>\||>&|<|>)/.exec(cursor.text.slice(cursor.at, cursor.at + 8));
  if (redirect !== null) return readRedirect(cursor, redirect[1] ?? '', redirect[2] ?? '');
  return readWord(cursor, before === undefined || before.kind === 'joint' || before.kind === 'pipe');
}

function readOperator(cursor: Cursor): Token | Refused | undefined {
  const two = cursor.text.slice(cursor.at, cursor.at + 2);
  const one = two.slice(0, 1);
  if (two === '&&' || two === '||') return take(cursor, 2, { kind: 'joint', joint: two });
  if (two === '|&') return { refused: '"|&" is refused; write "2>&1 |".' };
  if (two === ';;' || two === ';&') return { refused: `"${two}" belongs to the shell's "case".` };
  if (one === ';') return take(cursor, 1, { kind: 'joint', joint: ';' });
  if (one === '|') return take(cursor, 1, { kind: 'pipe' });
  if (one === '&' && two !== '&>') return { refused: 'Running in the background with "&" is refused: a command ends before its result is released.' };
  return undefined;
}

function take(cursor: Cursor, length: number, token: Token): Token {
  cursor.at += length;
  return token;
}

function readRedirect(cursor: Cursor, digits: string, operator: string): Token | Refused {
  const after = cursor.text.slice(cursor.at + digits.length + operator.length);
  if (operator === '<' && /^[<>&(]/.test(after)) return { refused: 'Here-documents, "<<<", "<>", "<&" and process substitution are refused. Write the text to a file with filesystem.write and read it with "<", or give the text as an argument in single quotes.' };
  if (operator.endsWith('>') && /^[(&>|]/.test(after)) return { refused: 'Process substitution and mixed redirections are refused; use plain ">", ">>", "2>" or "&>" with one file.' };
  if (operator.startsWith('&') && digits !== '') return { refused: 'A digit before "&>" can be read in two ways; put a blank between them, or leave it out.' };
  const descriptor = descriptorOf(digits, operator);
  if (descriptor === undefined) return { refused: 'Only standard input, output and errors (0, 1 and 2) can be redirected.' };
  cursor.at += digits.length + operator.length;
  if (operator === '>&') return readMerge(cursor, descriptor);
  while (cursor.text[cursor.at] === ' ') cursor.at += 1;
  const target = readWord(cursor, false);
  if ('refused' in target) return target;
  if (target.text === '') return { refused: 'A redirection needs a file.' };
  if (target.active.length > 0) return { refused: `A redirection needs the name of one file, not the pattern "${target.text.slice(0, 60)}".` };
  if (operator === '<') return { kind: 'redirect', redirection: { kind: 'read', target: target.text } };
  const kind = operator.endsWith('>>') ? 'append' : 'write';
  return { kind: 'redirect', redirection: { kind, descriptor: descriptor === 0 ? 1 : descriptor, target: target.text } };
}

function descriptorOf(digits: string, operator: string): 0 | 1 | 2 | 'both' | undefined {
  if (operator.startsWith('&')) return 'both';
  if (operator === '<') return digits === '' || digits === '0' ? 0 : undefined;
  if (digits === '' || digits === '1') return 1;
  return digits === '2' ? 2 : undefined;
}

function readMerge(cursor: Cursor, descriptor: 0 | 1 | 2 | 'both'): Token | Refused {
  const into = /^([12])(?![^ ;|&<>])/.exec(cursor.text.slice(cursor.at, cursor.at + 2));
  if (into === null || (descriptor !== 1 && descriptor !== 2)) return { refused: 'After ">&" only 1 or 2 may follow.' };
  cursor.at += 1;
  return { kind: 'redirect', redirection: { kind: 'merge', descriptor, into: into[1] === '1' ? 1 : 2 } };
}

const ends = new Set([' ', ';', '&', '|', '<', '>']);

/** Characters with a meaning to some shell outside quotes, with what to do instead. */
const expanded = new Map([
  ['$', 'Variables and substitutions ("$") are refused: nothing is expanded here. Write the value itself, or run the inner command first and use what it prints. For a literal "$" use single quotes.'],
  ['`', 'Command substitution (backtick) is refused. Run the inner command first, and write what it prints.'],
  ['(', 'Parentheses are refused outside quotes: there are no subshells. Join commands with "&&", or put the text in single quotes.'],
  [')', 'Parentheses are refused outside quotes: there are no subshells. Join commands with "&&", or put the text in single quotes.'],
  ['{', 'Braces are refused outside quotes: write each name out, or put the text in single quotes.'],
  ['}', 'Braces are refused outside quotes: write each name out, or put the text in single quotes.'],
  ['[', 'Brackets are refused outside quotes. For a condition use "test"; for a name that contains them, or a pattern of the program itself, use single quotes.'],
  [']', 'Brackets are refused outside quotes. For a name that contains them, or a pattern of the program itself, use single quotes.'],
  ['\n', 'Several lines are refused: join commands with "&&" or ";", or send one call each. Text over several lines goes into quotes.'],
  ['\t', 'A tab outside quotes is refused; use blanks.'],
]);

const tooManyPieces: Refused = { refused: `The line holds more than ${maxPieces} quotes, escapes and special characters. Put long text into one pair of single quotes, or into a file with filesystem.write.`, tooMany: true };

const patternsOnWindows = 'File patterns are refused outside quotes on Windows; name the files, or quote the pattern for a program that reads it itself.';

type Draft = { text: string; assigns: number; bare: boolean; equals: boolean; active: number[] };

/** Most unquoted `*` and `?` in one word. */
const maxWildcards = 32;

/** A run of characters that mean themselves wherever they stand. */
const plainRun = /[A-Za-z0-9_.,/@%+:^-]+/y;

const bareName = /^[A-Za-z_][A-Za-z0-9_]*\+?$/;

function readWord(cursor: Cursor, isCommand: boolean): Word | Refused {
  const start = cursor.at;
  const word: Draft = { text: '', assigns: 0, bare: true, equals: false, active: [] };
  while (cursor.at < cursor.text.length && !ends.has(cursor.text[cursor.at] ?? '')) {
    const flaw = readRun(cursor, word) ?? readPart(cursor, word, start, isCommand);
    if (flaw !== undefined && 'refused' in flaw) return flaw;
  }
  const next = cursor.text[cursor.at];
  if (word.bare && (next === '<' || next === '>') && /^[0-9]+$/.test(word.text)) return { refused: 'Only one digit may stand before a redirection.' };
  return { kind: 'word', text: word.text, assigns: word.assigns, active: word.active };
}

/** Takes as many plain characters as there are; undefined when there is none. */
function readRun(cursor: Cursor, word: Draft): Readonly<{ taken: true }> | undefined {
  plainRun.lastIndex = cursor.at;
  const run = plainRun.exec(cursor.text)?.[0];
  if (run === undefined) return undefined;
  append(cursor, word, run, run.length);
  return { taken: true };
}

function readPart(cursor: Cursor, word: Draft, start: number, isCommand: boolean): Refused | undefined {
  if ((cursor.pieces += 1) > maxPieces) return tooManyPieces;
  const character = cursor.text[cursor.at] ?? '';
  if (character === "'") return readSingle(cursor, word);
  if (character === '"') return readDouble(cursor, word);
  if (character === '\\' && cursor.platform === 'posix') return readEscape(cursor, word);
  if (character === '*' || character === '?') return readPattern(cursor, word, character, isCommand);
  const literal = character === '{' ? literalBraces(cursor, start) : undefined;
  if (literal !== undefined) return append(cursor, word, literal, literal.length);
  const flaw = expanded.get(character) ?? positionFlaw(cursor, start, isCommand);
  if (flaw !== undefined) return { refused: flaw };
  if (character === '=' && !word.equals && word.bare && bareName.test(word.text)) word.assigns = word.text.length;
  word.equals ||= character === '=';
  return append(cursor, word, character, 1);
}

function readPattern(cursor: Cursor, word: Draft, character: string, isCommand: boolean): Refused | undefined {
  if (cursor.platform === 'win32') return { refused: patternsOnWindows };
  if (isCommand) return { refused: 'A file pattern cannot stand for the name of a program.' };
  if (word.active.length >= maxWildcards) return { refused: `A word holds more than ${maxWildcards} wildcards; name the files, or quote the pattern for a program that reads it itself.` };
  word.active.push(word.text.length);
  return append(cursor, word, character, 1);
}

function append(cursor: Cursor, word: Draft, text: string, length: number): undefined {
  word.text += text;
  cursor.at += length;
}

const emptyBraces = /\{\}(?![^ ;|&<>])/y;
const historyBraces = /\{-?[A-Za-z0-9]{1,36}\}/y;

/** `{}` alone is what find replaces, and `@{1}` is how git names history; both are plain text to every shell that matters. */
function literalBraces(cursor: Cursor, start: number): string | undefined {
  const before = cursor.at > start && cursor.text[cursor.at - 1] === '@';
  const literal = cursor.at === start ? emptyBraces : before ? historyBraces : undefined;
  if (literal === undefined) return undefined;
  literal.lastIndex = cursor.at;
  return literal.exec(cursor.text)?.[0];
}

function positionFlaw(cursor: Cursor, start: number, isCommand: boolean): string | undefined {
  const character = cursor.text[cursor.at];
  const first = cursor.at === start;
  const previous = first ? '' : cursor.text[cursor.at - 1];
  if (character === '~' && (first || previous === '=' || previous === ':')) return '"~" is not expanded; write the path itself, inside the project.';
  if (character === '#' && first) return 'A comment may only stand behind a command, after a blank, on one line. For a word that begins with "#" use quotes.';
  const lone = ends.has(cursor.text[cursor.at + 1] ?? ' ');
  if (character === '!' && first && (isCommand || !lone)) return '"!" at the start of a word is refused: there is no negation and no history. For the character itself use single quotes.';
  return undefined;
}

function readSingle(cursor: Cursor, word: Draft): Refused | undefined {
  const end = cursor.text.indexOf("'", cursor.at + 1);
  if (end < 0) return { refused: 'A quote is not closed.' };
  word.text += cursor.text.slice(cursor.at + 1, end);
  word.bare = false;
  cursor.at = end + 1;
  return undefined;
}

function readEscape(cursor: Cursor, word: Draft): Refused | undefined {
  const next = cursor.text.codePointAt(cursor.at + 1);
  if (next === undefined || next === 10) return { refused: 'A backslash at the end of a line is refused.' };
  const escaped = String.fromCodePoint(next);
  word.bare = false;
  return append(cursor, word, escaped, 1 + escaped.length);
}

/** What double quotes take as it is. */
const quotedRun = /[^"\\$`]+/y;

function readDouble(cursor: Cursor, word: Draft): Refused | undefined {
  word.bare = false;
  cursor.at += 1;
  while (cursor.at < cursor.text.length) {
    quotedRun.lastIndex = cursor.at;
    const run = quotedRun.exec(cursor.text)?.[0];
    if (run !== undefined) append(cursor, word, run, run.length);
    if (cursor.at >= cursor.text.length) break;
    const character = cursor.text[cursor.at] ?? '';
    const next = cursor.text[cursor.at + 1] ?? '';
    if (character === '"') {
      cursor.at += 1;
      return undefined;
    }
    if ((cursor.pieces += 1) > maxPieces) return tooManyPieces;
    if (character !== '\\') return { refused: `"${character}" inside double quotes is refused, because a shell would expand it; use single quotes for literal text.` };
    if (cursor.platform === 'win32') {
      if (next === '"') return { refused: 'A backslash before a double quote is read in several ways on Windows.' };
      append(cursor, word, character, 1);
    } else if (next === '\n') return { refused: 'A backslash at the end of a line is refused.' };
    else if ('"\\$`'.includes(next) && next !== '') append(cursor, word, next, 2);
    else append(cursor, word, character, 1);
  }
  return { refused: 'A quote is not closed.' };
}

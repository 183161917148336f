import type { Platform, Redirection } from './commandPlan';

/** Splits a command line into words and operators. Refuses every construct that a shell would expand; decodes quotes and nothing else. */

/** One word after decoding. `assigns` is the index of the `=` when the word has the bare form `NAME=…`, otherwise 0. */
export type Word = Readonly<{ kind: 'word'; text: string; assigns: number }>;

/** One token of a line. */
export type Token = Word | Readonly<{ kind: 'redirect'; redirection: Redirection }> | Readonly<{ kind: 'joint'; joint: '&&' | '||' | ';' }> | Readonly<{ kind: 'pipe' }>;

type Refused = Readonly<{ refused: string }>;
type Cursor = { readonly text: string; at: number; readonly platform: Platform };

/** The tokens of a line, or a sentence that says what is refused. */
export function readTokens(text: string, platform: Platform): Readonly<{ tokens: readonly Token[] }> | Refused {
  if (platform === 'win32' && text.includes('%')) return { refused: '"%" is refused on Windows, where it can name a variable.' };
  const cursor: Cursor = { text, at: 0, platform };
  const tokens: Token[] = [];
  for (;;) {
    while (cursor.text[cursor.at] === ' ') cursor.at += 1;
    if (cursor.at >= text.length) return { tokens };
    const token = readToken(cursor, tokens.at(-1));
    if ('refused' in token) return token;
    tokens.push(token);
  }
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
  if (operator === '<' && /^[<>&(]/.test(after)) return { refused: 'Here-documents, "<>", "<&" and process substitution are refused.' };
  if (operator.endsWith('>') && /^[(&>|]/.test(after)) return { refused: 'Process substitution and mixed redirections are refused.' };
  if (operator.startsWith('&') && digits !== '') return { refused: 'A digit before "&>" can be read in two ways.' };
  const descriptor = descriptorOf(digits, operator);
  if (descriptor === undefined) return { refused: 'Only standard input, output and errors (0, 1 and 2) can be redirected.' };
  cursor.at += digits.length + operator.length;
  if (operator === '>&') return readMerge(cursor, descriptor);
  while (cursor.text[cursor.at] === ' ') cursor.at += 1;
  const target = readWord(cursor, false);
  if ('refused' in target) return target;
  if (target.text === '') return { refused: 'A redirection needs a file.' };
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
  ['$', 'Variables and substitutions ("$") are refused; write the value itself.'],
  ['`', 'Command substitution (backtick) is refused.'],
  ['(', 'Parentheses are refused outside quotes.'],
  [')', 'Parentheses are refused outside quotes.'],
  ['{', 'Braces are refused outside quotes.'],
  ['}', 'Braces are refused outside quotes.'],
  ['[', 'File patterns are refused outside quotes; nothing is expanded.'],
  [']', 'File patterns are refused outside quotes; nothing is expanded.'],
  ['*', 'File patterns are refused outside quotes; name the files, or quote the pattern.'],
  ['?', 'File patterns are refused outside quotes; name the files, or quote the pattern.'],
  ['\n', 'Several lines are refused; join commands with "&&" or ";".'],
  ['\t', 'A tab outside quotes is refused; use blanks.'],
]);

type Draft = { text: string; assigns: number; bare: boolean };

function readWord(cursor: Cursor, isCommand: boolean): Word | Refused {
  const start = cursor.at;
  const word: Draft = { text: '', assigns: 0, bare: true };
  while (cursor.at < cursor.text.length && !ends.has(cursor.text[cursor.at] ?? '')) {
    const flaw = readPart(cursor, word, start, isCommand);
    if (flaw !== undefined) return flaw;
  }
  const next = cursor.text[cursor.at];
  if (word.bare && /^[0-9]+$/.test(word.text) && (next === '<' || next === '>')) return { refused: 'Only one digit may stand before a redirection.' };
  return { kind: 'word', text: word.text, assigns: word.assigns };
}

function readPart(cursor: Cursor, word: Draft, start: number, isCommand: boolean): Refused | undefined {
  const character = cursor.text[cursor.at] ?? '';
  if (character === "'") return readSingle(cursor, word);
  if (character === '"') return readDouble(cursor, word);
  if (character === '\\' && cursor.platform === 'posix') return readEscape(cursor, word);
  const literal = literalBraces(cursor, start);
  if (literal !== undefined) return append(cursor, word, literal, literal.length);
  const flaw = expanded.get(character) ?? positionFlaw(cursor, start, isCommand);
  if (flaw !== undefined) return { refused: flaw };
  if (character === '=' && word.assigns === 0 && word.bare && /^[A-Za-z_][A-Za-z0-9_]*\+?$/.test(word.text)) word.assigns = word.text.length;
  return append(cursor, word, character, 1);
}

function append(cursor: Cursor, word: Draft, text: string, length: number): undefined {
  word.text += text;
  cursor.at += length;
}

/** `{}` alone is what find replaces, and `@{1}` is how git names history; both are plain text to every shell that matters. */
function literalBraces(cursor: Cursor, start: number): string | undefined {
  const rest = cursor.text.slice(cursor.at, cursor.at + 40);
  if (cursor.at === start && /^\{\}(?![^ ;|&<>])/.test(rest)) return '{}';
  return cursor.text[cursor.at - 1] === '@' && cursor.at > start ? /^\{-?[A-Za-z0-9]+\}/.exec(rest)?.[0] : undefined;
}

function positionFlaw(cursor: Cursor, start: number, isCommand: boolean): string | undefined {
  const character = cursor.text[cursor.at];
  const first = cursor.at === start;
  const previous = first ? '' : cursor.text[cursor.at - 1];
  if (character === '~' && (first || previous === '=' || previous === ':')) return '"~" is not expanded; write the path itself, inside the project.';
  if (character === '#' && first) return 'Comments are refused.';
  const lone = ends.has(cursor.text[cursor.at + 1] ?? ' ');
  if (character === '!' && first && (isCommand || !lone)) return '"!" at the start of a word is refused.';
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

function readDouble(cursor: Cursor, word: Draft): Refused | undefined {
  word.bare = false;
  cursor.at += 1;
  while (cursor.at < cursor.text.length) {
    const character = cursor.text[cursor.at] ?? '';
    const next = cursor.text[cursor.at + 1] ?? '';
    if (character === '"') {
      cursor.at += 1;
      return undefined;
    }
    if (character === '$' || character === '`') return { refused: `"${character}" inside double quotes is refused; use single quotes for text.` };
    if (character !== '\\') append(cursor, word, character, 1);
    else if (cursor.platform === 'win32') {
      if (next === '"') return { refused: 'A backslash before a double quote is read in several ways on Windows.' };
      append(cursor, word, character, 1);
    } else if (next === '\n') return { refused: 'A backslash at the end of a line is refused.' };
    else if ('"\\$`'.includes(next) && next !== '') append(cursor, word, next, 2);
    else append(cursor, word, character, 1);
  }
  return { refused: 'A quote is not closed.' };
}

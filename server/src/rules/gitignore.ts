import { matchWith } from './glob';

/** The rules of `.gitignore` files (gitignore(5)), matched in linear time: whoever writes them writes the project's files, an agent too (T19). */

/** One character of a name, or what stands for some. */
type Token = Readonly<{ kind: 'star' } | { kind: 'any' } | { kind: 'is'; character: string } | { kind: 'class'; negated: boolean; ranges: readonly (readonly [string, string])[] }>;

/** One name of a path, or any number of folders. */
type Part = Readonly<{ kind: 'folders' } | { kind: 'name'; tokens: readonly Token[] }>;

/** One line of such a file. */
export type IgnoreRule = Readonly<{ negated: boolean; folderOnly: boolean; parts: readonly Part[] }>;

/** Lines that count, at most; further ones are left out. */
const maxRules = 5000;

/** Longest line that counts, in UTF-16 units. */
const maxLength = 1000;

/** Reads a file. A line that means nothing (unclosed class, too long) matches nothing. */
export function readIgnoreRules(text: string): readonly IgnoreRule[] {
  return text.replace(/^\ufeff/, '').split('\n').flatMap((line) => readRule(line.replace(/\r$/, '')) ?? []).slice(0, maxRules);
}

/** What the rules of a folder say of a path below it; undefined when they say nothing. The last rule that fits counts. */
export function judgeIgnored(rules: readonly IgnoreRule[], segments: readonly string[], isFolder: boolean): 'ignored' | 'kept' | undefined {
  const rule = rules.findLast((each) => (isFolder || !each.folderOnly) && matchParts(each.parts, segments));
  return rule === undefined ? undefined : rule.negated ? 'kept' : 'ignored';
}

function readRule(line: string): IgnoreRule | undefined {
  if (line.length > maxLength || line.startsWith('#')) return undefined;
  const bare = withoutTrailingBlanks(line);
  const negated = bare.startsWith('!');
  const pattern = negated ? bare.slice(1) : bare;
  const folderOnly = pattern.endsWith('/');
  const body = folderOnly ? pattern.slice(0, -1) : pattern;
  if (body === '') return undefined;
  const names = body.replace(/^\//, '').split('/');
  const parts = names.map(readPart);
  if (parts.some((part) => part === undefined)) return undefined;
  const known = parts.filter((part) => part !== undefined);
  // "a/**" means what lies in a, not a itself.
  const closed: readonly Part[] = names.length > 1 && names.at(-1) === '**' ? [...known, { kind: 'name', tokens: [{ kind: 'star' }] }] : known;
  return { negated, folderOnly, parts: body.includes('/') ? closed : [{ kind: 'folders' }, ...closed] };
}

/** A blank at the end counts only behind a backslash. */
function withoutTrailingBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ' && !isEscaped(line, end - 1)) end -= 1;
  return line.slice(0, end);
}

function isEscaped(line: string, at: number): boolean {
  let slashes = 0;
  while (line[at - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 1;
}

function readPart(name: string): Part | undefined {
  if (name === '**') return { kind: 'folders' };
  const tokens: Token[] = [];
  const characters = [...name];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '[') {
      const found = readClass(characters, at);
      if (found === undefined) return undefined;
      tokens.push(found.token);
      at = found.end;
    } else if (character === '\\') {
      at += 1;
      if (at >= characters.length) return undefined;
      tokens.push({ kind: 'is', character: characters[at] ?? '' });
    } else if (character !== '*') tokens.push(character === '?' ? { kind: 'any' } : { kind: 'is', character });
    else if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
  }
  return { kind: 'name', tokens };
}

function readClass(characters: readonly string[], start: number): Readonly<{ token: Token; end: number }> | undefined {
  let at = start + 1;
  const negated = characters[at] === '!' || characters[at] === '^';
  if (negated) at += 1;
  const ranges: (readonly [string, string])[] = [];
  for (let first = true; first || characters[at] !== ']'; first = false) {
    if (characters[at] === '[' && characters[at + 1] === ':') return undefined;
    const from = readMember(characters, at);
    if (from === undefined) return undefined;
    const isRange = characters[from.next] === '-' && characters[from.next + 1] !== ']';
    const to = isRange ? readMember(characters, from.next + 1) : from;
    if (to === undefined) return undefined;
    ranges.push([from.character, to.character]);
    at = to.next;
  }
  return { token: { kind: 'class', negated, ranges }, end: at };
}

function readMember(characters: readonly string[], at: number): Readonly<{ character: string; next: number }> | undefined {
  const escaped = characters[at] === '\\';
  const character = characters[escaped ? at + 1 : at];
  return character === undefined ? undefined : { character, next: at + (escaped ? 2 : 1) };
}

function matchParts(parts: readonly Part[], segments: readonly string[]): boolean {
  return matchWith(parts, segments, (part) => part.kind === 'folders', (part, name) => part.kind === 'name' && matchWith(part.tokens, [...name], (token) => token.kind === 'star', fits));
}

function fits(token: Token, character: string): boolean {
  switch (token.kind) {
    case 'star':
    case 'any':
      return true;
    case 'is':
      return token.character === character;
    case 'class':
      return token.negated !== token.ranges.some(([from, to]) => isBetween(character, from, to));
  }
}

function isBetween(character: string, from: string, to: string): boolean {
  const [value = 0, low = 0, high = 0] = [character, from, to].map((each) => each.codePointAt(0));
  return value >= low && value <= high;
}

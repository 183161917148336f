import { fits, type Wildcard } from './glob';

/** A word with unquoted `*` or `?`, taken apart into the names that it may stand for. Whoever looks at the disk does the rest. */

/** One name of a pattern: given as it is, any number of folders (`**`), or whatever matches. */
export type PatternPart = Readonly<{ kind: 'name'; name: string }> | Readonly<{ kind: 'folders' }> | Readonly<{ kind: 'match'; matches(name: string): boolean }>;

/** The names of a pattern in order, or a sentence why nobody should look. */
export type FilePattern = Readonly<{ parts: readonly PatternPart[]; /** A slash at the end asks for folders alone. */ onlyFolders: boolean }> | Readonly<{ refused: string }>;

/** Most names in one pattern. */
const maxParts = 32;

/**
 * Reads a pattern. `active` are the indexes of the characters that stood outside quotes; every other character means itself.
 * As in shells, names that begin with a dot have to be named with it, and `**` alone between slashes stands for folders at any depth.
 */
export function readFilePattern(text: string, active: readonly number[]): FilePattern {
  if (text.startsWith('/')) return { refused: 'an absolute pattern is not looked up; write it relative to the working folder' };
  const isActive = new Set(active);
  const parts: PatternPart[] = [];
  for (let from = 0; from <= text.length; ) {
    const slash = text.indexOf('/', from);
    const end = slash < 0 ? text.length : slash;
    if (end > from && text.slice(from, end) !== '.') parts.push(partOf(text, from, end, isActive));
    from = end + 1;
  }
  return parts.length > maxParts ? { refused: `it has more than ${maxParts} names` } : { parts, onlyFolders: text.endsWith('/') };
}

function partOf(text: string, from: number, end: number, active: ReadonlySet<number>): PatternPart {
  const items: (string | Wildcard)[] = [];
  for (let at = from; at < end; at += 1) {
    const character = text.charAt(at);
    if (!active.has(at)) items.push(character);
    else if (character === '?') items.push({ wildcard: '?' });
    // Several stars in a row match what one does.
    else if (typeof items.at(-1) !== 'object' || text.charAt(at - 1) !== '*') items.push({ wildcard: '*' });
  }
  if (items.every((item) => typeof item === 'string')) return { kind: 'name', name: text.slice(from, end) };
  if (text.slice(from, end) === '**' && active.has(from) && active.has(from + 1)) return { kind: 'folders' };
  const hidden = items[0] === '.';
  return { kind: 'match', matches: (name) => (hidden || !name.startsWith('.')) && fits(items, name) };
}

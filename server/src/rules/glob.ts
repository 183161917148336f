/** Path patterns in linear time: no pattern and no name can make a match take long (T19). */

/** A pattern that was read, or why it was not. */
export type Glob = Readonly<{ kind: 'glob'; matches(segments: readonly string[]): boolean }> | Readonly<{ kind: 'flawed'; reason: string }>;

/** Alternatives that braces may unfold to. */
const maxAlternatives = 64;

/** Longest pattern in UTF-16 units. */
const maxLength = 500;

/**
 * Reads a pattern: `*` and `?` within a name, `**` for any number of folders, `{a,b}` for alternatives (not nested).
 * A pattern without `/` matches the last name at any depth. Case counts.
 */
export function readGlob(pattern: string): Glob {
  if (pattern === '' || pattern.length > maxLength) return flawed(`A glob has 1 to ${maxLength} characters.`);
  if (/[[\]\\!]/.test(pattern)) return flawed('A glob here knows * ? ** and {a,b}; it knows no brackets, backslashes or exclamation marks.');
  const alternatives = unfold(pattern);
  if (alternatives === undefined) return flawed(`Braces cannot be nested, must be closed, and may unfold to at most ${maxAlternatives} patterns.`);
  const routes = alternatives.map((alternative) => (alternative.includes('/') ? alternative : `**/${alternative}`).split('/').filter((part) => part !== '' && part !== '.'));
  if (routes.some((route) => route.includes('..'))) return flawed('A glob cannot contain "..".');
  return { kind: 'glob', matches: (segments) => routes.some((route) => matchRoute(route, segments)) };
}

function flawed(reason: string): Glob {
  return { kind: 'flawed', reason };
}

function unfold(pattern: string): readonly string[] | undefined {
  let results = [''];
  for (const part of pattern.split(/(\{[^{}]*\})/)) {
    const braced = /^\{[^{}]*\}$/.test(part);
    if (!braced && /[{}]/.test(part)) return undefined;
    const choices = braced ? part.slice(1, -1).split(',') : [part];
    results = results.flatMap((start) => choices.map((choice) => start + choice));
    if (results.length > maxAlternatives) return undefined;
  }
  return results;
}

/** `**` stands for any number of names, as `*` does for characters: the same walk with one step back serves both. */
function matchRoute(route: readonly string[], segments: readonly string[]): boolean {
  return matchWith(route, segments, (part) => part === '**', matchName);
}

/** A character that stands for others: any number of them, or exactly one. */
export type Wildcard = Readonly<{ wildcard: '*' | '?' }>;

/** Whether a name fits a pattern whose other characters mean themselves; characters are UTF-16 units. */
export function fits(pattern: readonly (string | Wildcard)[], name: string): boolean {
  const isStar = (part: string | Wildcard): boolean => typeof part === 'object' && part.wildcard === '*';
  return matchWith(pattern, name.split(''), isStar, (part, character) => typeof part === 'object' || part === character);
}

function matchName(pattern: string, name: string): boolean {
  return matchWith([...pattern], [...name], (part) => part === '*', (part, character) => part === '?' || part === character);
}

/** Greedy matching that only ever returns to the latest star: at most pattern length times text length steps. */
export function matchWith<Part>(pattern: readonly Part[], text: readonly string[], isStar: (part: Part) => boolean, fitsItem: (part: Part, item: string) => boolean): boolean {
  let at = 0;
  let star: { pattern: number; text: number } | undefined;
  let position = 0;
  while (position < text.length) {
    const part = pattern[at];
    const item = text[position];
    if (part !== undefined && isStar(part)) {
      star = { pattern: at, text: position };
      at += 1;
    } else if (part !== undefined && item !== undefined && fitsItem(part, item)) {
      at += 1;
      position += 1;
    } else if (star !== undefined) {
      star = { pattern: star.pattern, text: star.text + 1 };
      at = star.pattern + 1;
      position = star.text;
    } else return false;
  }
  return pattern.slice(at).every(isStar);
}

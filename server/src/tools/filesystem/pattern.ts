import type { ConductorError } from '../../../../protocol/src/errors';
import { wrongInput } from './answers';

/** Regular expressions that both ways of searching understand alike, and that say what they mean in one line. */

/** What a caller looks for. */
export type Pattern = Readonly<{ source: string; regex: boolean; ignoreCase: boolean }>;

/**
 * Checks a pattern. A regular expression is held to what has the same meaning in ripgrep and in JavaScript: no look-around, no
 * references, no named groups, no inline flags, no nested classes.
 */
export function readPattern(source: string, regex: boolean, ignoreCase: boolean): Pattern | ConductorError {
  if (/[\r\n]/.test(source)) return wrongInput('The pattern spans several lines; search looks at one line at a time.');
  if (/\p{Surrogate}/u.test(source) || source.includes('\0')) return wrongInput('The pattern contains NUL or half of a surrogate pair, which no text file contains.');
  const pattern = { source, regex, ignoreCase };
  if (!regex) return pattern;
  const odd = oddPart(source);
  if (odd !== undefined) return wrongInput(`The regular expression uses ${odd}. Use plain groups (?:…), alternatives, classes and repetitions; ignoreCase is an argument of its own.`);
  try {
    new RegExp(source, 'u');
    return pattern;
  } catch (error) {
    return wrongInput(`The regular expression cannot be read: ${error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : String(error)}.`);
  }
}

function oddPart(source: string): string | undefined {
  let inClass = false;
  for (let at = 0; at < source.length; at += 1) {
    const rest = source.slice(at, at + 4);
    if (rest.startsWith('\\')) {
      if (/^\\[1-9k]/.test(rest) && !inClass) return 'a reference to a group';
      at += 1;
    } else if (inClass) {
      if (rest.startsWith('[') || /^(&&|--|~~)/.test(rest)) return `"${rest.slice(0, 2)}" inside a class, which must be escaped`;
      inClass = !rest.startsWith(']');
    } else if (rest.startsWith('[')) {
      inClass = true;
      at += source.startsWith('[^', at) ? 1 : 0;
    } else if (rest.startsWith('(?') && !rest.startsWith('(?:')) return 'a look-around, a named group or an inline flag';
  }
  return undefined;
}

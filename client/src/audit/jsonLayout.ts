import { reveal } from '../../../protocol/src/display';

/**
 * Lays out one line of JSON for reading without parsing it: tokens stay as they stand in the log, in their order, where a
 * parser would reorder number-like keys, drop duplicates and round numbers. Characters that cannot be seen are escaped.
 */
export function layOut(line: string): string {
  let out = '';
  let depth = 0;
  for (const [token] of line.matchAll(/"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/gs)) {
    if (token === '{' || token === '[') {
      depth += 1;
      out += token + newLine(depth);
    } else if (token === '}' || token === ']') {
      depth = Math.max(0, depth - 1);
      out = closed(out, token, depth);
    } else if (token === ',') out += token + newLine(depth);
    else if (token === ':') out += ': ';
    else out += escaped(token);
  }
  return `${out}\n`;
}

function newLine(depth: number): string {
  return `\n${'  '.repeat(depth)}`;
}

/** Closes an object or array; an empty one stays on its line. */
function closed(out: string, token: string, depth: number): string {
  const trimmed = out.trimEnd();
  const empty = trimmed.endsWith('{') || trimmed.endsWith('[');
  return empty ? trimmed + token : trimmed + newLine(depth) + token;
}

/** JSON's own escapes for what cannot be seen, so that the document stays JSON. */
function escaped(token: string): string {
  if (reveal(token).count === 0) return token;
  return [...token].map((point) => (reveal(point).count === 0 ? point : units(point))).join('');
}

function units(point: string): string {
  return Array.from({ length: point.length }, (_, index) => `\\u${point.charCodeAt(index).toString(16).padStart(4, '0')}`).join('');
}

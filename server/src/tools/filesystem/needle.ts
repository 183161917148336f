/** Finds a literal text in the lines of a file, in linear time. */

/** What to look for. */
export type Needle = Readonly<{ kind: 'exact'; bytes: Buffer } | { kind: 'anyCase'; text: string }>;

/** A line that contains the needle: its number from 1, and its text, cut around the needle when it is long. */
export type Match = Readonly<{ line: number; text: string }>;

/** Characters of a line that are shown. */
const maxShown = 300;

/** Prepares a text for looking. */
export function readNeedle(text: string, ignoreCase: boolean): Needle {
  return ignoreCase ? { kind: 'anyCase', text: text.toLowerCase() } : { kind: 'exact', bytes: Buffer.from(text) };
}

/** Yields matching lines in order, each once. */
export function* matchesIn(content: Buffer, needle: Needle): Generator<Match, void, undefined> {
  if (needle.kind === 'exact') yield* exactMatches(content, needle.bytes);
  else yield* anyCaseMatches(content, needle.text);
}

const newline = 0x0a;

function* exactMatches(content: Buffer, needle: Buffer): Generator<Match, void, undefined> {
  let line = 1;
  let counted = 0;
  for (let at = content.indexOf(needle); at >= 0; ) {
    const start = at === 0 ? 0 : content.lastIndexOf(newline, at - 1) + 1;
    const found = content.indexOf(newline, at);
    const end = found < 0 ? content.length : found;
    line += countNewlines(content, counted, start);
    counted = start;
    yield { line, text: lineAround(content, start, end, at) };
    at = end >= content.length ? -1 : content.indexOf(needle, end + 1);
  }
}

function countNewlines(content: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = content.indexOf(newline, from); at >= 0 && at < to; at = content.indexOf(newline, at + 1)) count += 1;
  return count;
}

/** The text of a line, cut around a position when it is long; all in bytes. */
export function lineAround(content: Buffer, start: number, end: number, at: number): string {
  if (end - start <= maxShown) return content.toString('utf8', start, end).replace(/\r$/, '');
  const from = Math.max(start, at - maxShown / 3);
  const to = Math.min(end, from + maxShown);
  return `${from > start ? '…' : ''}${content.toString('utf8', from, to)}${to < end ? '…' : ''}`;
}

function* anyCaseMatches(content: Buffer, needle: string): Generator<Match, void, undefined> {
  const text = content.toString('utf8');
  if (!text.toLowerCase().includes(needle)) return;
  for (const [index, line] of text.split('\n').entries()) {
    const at = line.toLowerCase().indexOf(needle);
    if (at < 0) continue;
    const from = line.length <= maxShown ? 0 : Math.max(0, at - maxShown / 3);
    const shown = line.slice(from, from + maxShown);
    yield { line: index + 1, text: `${from > 0 ? '…' : ''}${shown.replace(/\r$/, '')}${from + shown.length < line.length ? '…' : ''}` };
  }
}

import { matchesIn, lineAround, readNeedle, type Match } from './needle';
import type { Pattern } from './pattern';
import { createRegexWorker } from './regexWorker';

/** Finds a pattern in the content of a file, without any other program. */
export type Finder = Readonly<{
  /** The first matching lines, at most `most`; `tooLong` when looking took too long. */
  find(content: Buffer, most: number): Promise<readonly Match[] | 'tooLong'>;
  close(): Promise<void>;
}>;

/** A finder for one search. */
export function createFinder(pattern: Pattern): Finder {
  if (!pattern.regex) {
    const needle = readNeedle(pattern.source, pattern.ignoreCase);
    return { find: (content, most) => Promise.resolve(first(matchesIn(content, needle), most)), close: () => Promise.resolve() };
  }
  const worker = createRegexWorker(pattern);
  return {
    find: async (content, most) => {
      const hits = await worker.hits(content, most);
      if (hits === 'tooLong') return hits;
      const lines = linesOf(content, hits.map(({ line }) => line));
      return hits.flatMap(({ line, at }) => lines.get(line)?.shown(at) ?? []);
    },
    close: worker.close,
  };
}

/** One line of a file: its bytes without the line feed, and how it is shown when something was found at a position in it. */
export type Line = Readonly<{ bytes: Buffer; shown(at: number): Match }>;

/** Lines by their numbers from 1, which are given in order; those that the file does not have are missing. */
export function linesOf(content: Buffer, numbers: readonly number[]): ReadonlyMap<number, Line> {
  const lines = new Map<number, Line>();
  let number = 1;
  let start = 0;
  for (const wanted of numbers) {
    for (; number < wanted && start <= content.length; number += 1) {
      const end = content.indexOf(newline, start);
      start = end < 0 ? content.length + 1 : end + 1;
    }
    if (start >= content.length) break;
    const from = start;
    const found = content.indexOf(newline, from);
    const end = found < 0 ? content.length : found;
    lines.set(wanted, { bytes: content.subarray(from, end), shown: (at) => ({ line: wanted, text: lineAround(content, from, end, from + at) }) });
  }
  return lines;
}

const newline = 0x0a;

function first<T>(items: Iterable<T>, most: number): readonly T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= most) break;
    taken.push(item);
  }
  return taken;
}

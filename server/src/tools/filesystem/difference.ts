import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff';

/** What a change does to a text, in the form that people know. */

/** Milliseconds that a comparison may take; very different texts take longer than anybody would read. */
const patienceMs = 300;

/** A unified difference, and how many lines it adds and removes; undefined when the texts differ too much to compare in time. */
export type Difference = Readonly<{ text: string; added: number; removed: number }>;

/** Compares two texts line by line. The path stands in the head of the result. */
export function differenceOf(path: string, before: string, after: string): Difference | undefined {
  const patch = structuredPatch(path, path, before, after, undefined, undefined, { context: 3, timeout: patienceMs });
  if (patch === undefined) return undefined;
  const lines = patch.hunks.flatMap((hunk) => hunk.lines);
  const count = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length;
  return { text: formatPatch(patch, FILE_HEADERS_ONLY), added: count('+'), removed: count('-') };
}

import { diffArrays } from 'diff';
import type { Hunk } from '../../../protocol/src/fileChanges';

/** Two texts as a row of parts that are the same in both and parts that differ, so that some of the differences can be taken and others left. */

/** A part that is the same, or one that is replaced; each is a list of lines with their endings. */
export type Part = Readonly<{ kind: 'same'; lines: readonly string[] }> | Readonly<{ kind: 'change'; removed: readonly string[]; added: readonly string[] }>;

/** Milliseconds that a comparison may take. */
const patienceMs = 300;
/** Same lines between two changes up to which they count as one: people decide about places, not about lines. */
const joinedBy = 2;

/** Compares line by line; undefined when that takes too long. Together the parts are exactly one text or the other. */
export function partsOf(before: string, after: string): readonly Part[] | undefined {
  const found = diffArrays(linesOf(before), linesOf(after), { timeout: patienceMs });
  if (found === undefined) return undefined;
  const parts: Part[] = [];
  for (const { value, added, removed } of found) {
    if (!added && !removed) parts.push({ kind: 'same', lines: value });
    else addChange(parts, added ? { removed: [], added: value } : { removed: value, added: [] });
  }
  return parts;
}

type Replaced = Readonly<{ removed: readonly string[]; added: readonly string[] }>;

/** Joins a change to the one before it when few or no same lines stand between them. */
function addChange(parts: Part[], { removed, added }: Replaced): void {
  const last = parts.at(-1);
  const before = last?.kind === 'same' ? parts.at(-2) : last;
  const between = last?.kind === 'same' ? last.lines : [];
  if (before?.kind !== 'change' || between.length > joinedBy) return void parts.push({ kind: 'change', removed, added });
  parts.splice(last === before ? -1 : -2, 2, { kind: 'change', removed: [...before.removed, ...between, ...removed], added: [...before.added, ...between, ...added] });
}

/** The text in which only the named changes are made; they are counted from 0. */
export function textWith(parts: readonly Part[], keep: ReadonlySet<number>): string {
  let change = -1;
  return parts.flatMap((part) => (part.kind === 'same' ? part.lines : keep.has((change += 1)) ? part.added : part.removed)).join('');
}

/** The changes as a person chooses among them. */
export function hunksOf(parts: readonly Part[]): Hunk[] {
  const hunks: Hunk[] = [];
  let line = 1;
  for (const part of parts) {
    if (part.kind === 'change') hunks.push({ line, removed: part.removed.length, added: part.added.length, begins: firstDifferent(part).slice(0, 200) });
    line += part.kind === 'same' ? part.lines.length : part.added.length;
  }
  return hunks;
}

/** What some of the changes would do, as lines with signs; at most `limit` characters. */
export function describe(parts: readonly Part[], chosen: ReadonlySet<number>, limit: number): string {
  const changes = parts.filter((part) => part.kind === 'change');
  const hunks = hunksOf(parts);
  const told = changes.flatMap((part, index) => (chosen.has(index) ? [`@@ line ${hunks[index]?.line ?? 0} @@\n`, ...signed('-', part.removed), ...signed('+', part.added)] : []));
  const text = told.join('');
  return text.length <= limit ? text : `${text.slice(0, limit)}\n… (${text.length - limit} more characters)\n`;
}

function signed(sign: string, lines: readonly string[]): string[] {
  return lines.map((line) => `${sign}${line}${line.endsWith('\n') ? '' : '\n'}`);
}

function firstDifferent({ removed, added }: Replaced): string {
  const at = added.findIndex((line, index) => line !== removed[index]);
  return (at < 0 ? removed[added.length] : added[at]) ?? '';
}

/** Lines with their endings, so that nothing is lost. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

import type { Change, Pending } from '../../../protocol/src/approvals';
import { reveal } from '../../../protocol/src/display';
import { counted, fold } from '../labels';

/** The words about a call that is asked again: what was approved, and what is another since. */

/** The heading of the difference. */
export function againHeading(call: Pending): string | undefined {
  if (call.again === undefined) return call.outgrown === undefined ? undefined : 'GRANTED BEFORE, AND CHANGED SINCE. What was granted does not cover it any more.';
  return `CHANGED SINCE YOU APPROVED IT. Nothing was run. This is question ${call.again.round} about this call.`;
}

/** What differs from what was approved or granted before. */
export function changesOf({ again, outgrown }: Pending): readonly Change[] {
  return again?.changes ?? outgrown?.changes ?? [];
}

/** What one change is about: `File /project/s.sh`. */
export function changeName({ label, key }: Change): string {
  return key === '' ? label : `${label} ${key}`;
}

/** The parts of a change with their labels: the lines that differ when they are known, else both values. */
export function changeParts(change: Change): readonly (readonly [label: string, value: string])[] {
  return [
    ['Before', change.before ?? '(none)'],
    ['Now', change.after ?? '(none)'],
    ...(change.diff === undefined ? [] : [['Lines that differ', change.diff] as const]),
  ];
}

/** The difference as lines of at most `columns` columns for a list, and how many of at most `limit` rows were left out. */
export function changeRows(call: Pending, columns: number, limit: number): Readonly<{ rows: readonly string[]; left: number }> {
  const all = changesOf(call).flatMap((change) => [`Changed: ${changeName(change)}`, ...shortParts(change)]).flatMap((line) => fold(reveal(line).text.replace(/\t/g, '\\t'), columns));
  return { rows: all.slice(0, limit), left: Math.max(0, all.length - limit) };
}

/** Where lines are known, the hashes say nothing more to a person who reads a list. */
function shortParts({ before, after, diff }: Change): readonly string[] {
  if (diff !== undefined) return diff.split('\n').filter((line) => !line.startsWith('@@'));
  return [`before: ${before ?? '(none)'}`, `now: ${after ?? '(none)'}`];
}

/** The message when something that was approved at this window is asked again. */
export function againText(calls: readonly Pending[]): string {
  const names = [...new Set(calls.flatMap((call) => call.again?.changes.map(({ label }) => label) ?? []))];
  const what = names.length === 0 ? '' : ` (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`;
  return `What you approved changed before it ran${what}, so nothing was run. ${calls.length === 1 ? 'You are asked again.' : `${counted(calls.length, 'call')} are asked again.`}`;
}

import type { Pending } from '../../../protocol/src/approvals';
import { revealLine } from '../../../protocol/src/display';
import { clockText, columnsOf, counted, hiddenCount, mayGoUndrawn } from '../labels';

/**
 * Widest raw action, in columns, that a row shows whole in a side bar of the usual width while the row's buttons are on it; a wider one is
 * approved only where all of it can be read.
 */
export const rowColumns = 24;

// Letters that take nearly two columns in the side bar's font, where letters differ in width.
const broad = /[MWmw@%&]/g;

/** The words of a row. */
export type Row = Readonly<{ label: string; description: string; spoken: string }>;

/** The row of a call in the tree. */
export function rowOf(call: Pending): Row {
  // A change of a file is named by its first line: the text is for the difference.
  const raw = revealLine(call.files === undefined ? call.raw : (call.raw.split('\n', 1)[0] ?? ''), 120);
  const where = revealLine(call.cwd, 200);
  return {
    label: raw,
    description: `${call.again === undefined ? '' : 'asked again, '}${revealLine(call.tool, 60)} in ${revealLine(lastPart(call.cwd), 60)}`,
    spoken: `${revealLine(call.title, 100)}: ${raw}, in ${where}, ${call.again === undefined ? 'waits for your decision' : 'changed after you approved it and waits for your decision again'}`,
  };
}

/** Whether a row says all of the action: one short line without hidden characters, and nothing that changed since it was approved. */
export function fitsRow({ raw, again, notWhole }: Pending): boolean {
  if (again !== undefined || notWhole !== undefined) return false;
  const columns = columnsOf(raw) + (raw.match(broad)?.length ?? 0);
  return columns <= rowColumns && !/[\n\t]/.test(raw) && hiddenCount(raw) === 0 && !mayGoUndrawn(raw);
}

/** When a call is denied for want of an answer: how long from now, and the local time, which stays true. */
export function expiryText(call: Pending, wallClockMs: number): string {
  const left = Math.max(0, Math.round((Date.parse(call.expiresAt) - wallClockMs) / 1000));
  const span = left < 120 ? `${left} s` : `${Math.round(left / 60)} min`;
  return `Denied in ${span} without an answer, at ${clockText(Date.parse(call.expiresAt))}.`;
}

/** The message of a badge, a status item and a notification. */
export function waitingText(count: number): string {
  return `${counted(count, 'tool call')} ${count === 1 ? 'waits' : 'wait'} for your decision`;
}

/** The name of a folder without what is above it; the row has no room for more, and the tooltip says all. */
function lastPart(path: string): string {
  return path.split(/[\\/]/).filter((part) => part !== '').at(-1) ?? path;
}

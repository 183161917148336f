import type { Pending } from '../../../protocol/src/approvals';
import { revealLine } from '../../../protocol/src/display';
import { counted, hiddenCount } from '../labels';

/** Longest raw action that a row shows whole; longer ones are approved only where all of it can be read. */
export const rowLimit = 60;

/** The words of a row. */
export type Row = Readonly<{ label: string; description: string; spoken: string }>;

/** The row of a call in the tree. */
export function rowOf(call: Pending): Row {
  const raw = revealLine(call.raw, 120);
  const where = revealLine(call.cwd, 200);
  return {
    label: raw,
    description: `${revealLine(call.tool, 60)} in ${revealLine(lastPart(call.cwd), 60)}`,
    spoken: `${revealLine(call.title, 100)}: ${raw}, in ${where}, waits for your decision`,
  };
}

/** Whether a row says everything: one short line without hidden characters. */
export function fitsRow(call: Pending): boolean {
  return [...call.raw].length <= rowLimit && !/[\n\t]/.test(call.raw) && hiddenCount(call.raw) === 0;
}

/** The message of a badge, a status item and a notification. */
export function waitingText(count: number): string {
  return `${counted(count, 'tool call')} ${count === 1 ? 'waits' : 'wait'} for your decision`;
}

/** Whole seconds until a call is denied for want of an answer; never below zero. */
export function secondsLeft(call: Pending, wallClockMs: number): number {
  return Math.max(0, Math.round((Date.parse(call.expiresAt) - wallClockMs) / 1000));
}

/** The name of a folder without what is above it; the row has no room for more, and the tooltip says all. */
function lastPart(path: string): string {
  return path.split(/[\\/]/).filter((part) => part !== '').at(-1) ?? path;
}

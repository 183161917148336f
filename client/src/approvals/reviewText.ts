import type { Pending } from '../../../protocol/src/approvals';
import { reveal, revealLine } from '../../../protocol/src/display';
import { counted, hiddenCount } from '../labels';

/** What became of a call that no longer waits, as far as this window knows. */
export type Fate = 'approved here' | 'denied here' | 'no longer waiting';

/** The review document: the raw action first and whole, then facts, the agent's own words last and labelled. */
export function reviewText(call: Pending): string {
  return [
    reveal(call.title).text,
    hiddenNote(call),
    '',
    ...indent(reveal(call.raw).text),
    '',
    ...facts(call),
    '',
    'The agent says of itself (not checked):',
    `  ${revealLine(call.client, 256) || '(nothing)'}`,
    '',
  ].join('\n');
}

/** The document of a call that cannot be decided any more. */
export function closedText(id: string, fate: Fate): string {
  const words: Record<Fate, string> = {
    'approved here': 'You approved this call once.',
    'denied here': 'You denied this call.',
    'no longer waiting': 'This call no longer waits: it was answered elsewhere, withdrawn, ran out of time, or the broker ended. The audit log says which.',
  };
  return `${words[fate]}\n\nCall ${revealLine(id, 64)}\n`;
}

function facts(call: Pending): string[] {
  const pairs: (readonly [string, string])[] = [
    ['Tool', call.tool],
    ['Working folder', call.cwd],
    ...(call.project === call.cwd ? [] : [['Project', call.project] as const]),
    ...call.details,
    ['Rule', `${call.rule}: ${call.reason}`],
    ['Asked', call.askedAt],
    ['Denied without an answer at', call.expiresAt],
    ['Call', call.id],
    ['SHA-256 of what would run', call.digest],
  ];
  const width = Math.min(28, Math.max(...pairs.map(([label]) => label.length)));
  return pairs.flatMap(([label, value]) => fact(reveal(label).text, reveal(value).text, width));
}

/** A short value stands beside its label; one of several lines below it, indented, so that it cannot pass for another fact. */
function fact(label: string, value: string, width: number): string[] {
  if (!value.includes('\n')) return [`${label.padEnd(width)}  ${value}`];
  return [`${label}:`, ...indent(value)];
}

function hiddenNote(call: Pending): string {
  // Details repeat parts of the action; they count only when the action itself has nothing hidden.
  const count = hiddenIn([call.raw, call.cwd]) || hiddenIn(call.details.flat());
  if (count === 0) return 'No hidden characters.';
  return `${counted(count, 'HIDDEN CHARACTER', 'HIDDEN CHARACTERS')}, written here as \\u{...}. What runs contains the characters themselves.`;
}

function hiddenIn(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + hiddenCount(text), 0);
}

function indent(text: string): string[] {
  return text.split('\n').map((line) => `    ${line}`);
}

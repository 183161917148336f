import type { Pending } from '../../../protocol/src/approvals';
import { argumentsHeading, argumentWords, leftWords, sinceApproved } from '../../../protocol/src/callArguments';
import { oddWords, reveal, revealLine } from '../../../protocol/src/display';
import { clockText, columnsOf, counted, foldLine, foldWords } from '../labels';
import { againHeading, changeName, changeParts, changesOf } from './changes';
import { arrange, type Detail } from './reviewOrder';

/** What became of a call that no longer waits, as far as this window knows. */
export type Fate = 'approved here' | 'denied here' | 'no longer waiting';

/** Widest value that stands beside its label; columns of one line of a value that stands below it. */
export const reviewColumns = { beside: 59, below: 76 } as const;

// Everything that an agent had a say in stands behind four columns that it cannot write into: blank where a line begins, dots where a
// line goes on that was too long. So nothing of it looks like a fact of ours, and no line is long enough for the editor to wrap it.
const begins = '    ';
const goesOn = '  … ';

/**
 * The review document: the raw action first and whole, then what changed since it was approved, what decides, the agent's own words, and
 * at the end all that an approval binds to and that is the same for most calls.
 */
export function reviewText(call: Pending): string {
  const { first, last } = arrange(call.details);
  const action = block(call.raw);
  const lines = [
    ...difference(call),
    ...laidOut(call),
    ...list([['Asks because', `${call.reason} (${call.rule})`], ['Working folder', call.cwd], ...(call.project === call.cwd ? [] : [['Project', call.project] as const]), ...first.filter((detail) => !repeatsTheRule(call, detail)), ['Denied without an answer at', `${clockText(Date.parse(call.expiresAt))} (${call.expiresAt})`]]),
    '', 'The agent says of itself (not checked):', ...block(revealLine(call.client, 256) || '(nothing)'),
    '', 'An approval also binds to all of this:',
    ...list([...last, ['Tool', call.tool], ['Asked', call.askedAt], ['Call', call.id], ['SHA-256 of what would run', call.digest]]),
  ];
  const folded = [...action, ...lines].some((line) => line.startsWith(goesOn));
  return [revealLine(call.title, 100), hiddenNote(call), ...partly(call), ...lengthNote(action), ...(folded ? ['Lines that begin with … continue the line above.'] : []), '', ...action, '', ...lines, ''].join('\n');
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

/** What a person has not read yet stands above what they may have read before. */
function difference(call: Pending): string[] {
  const heading = againHeading(call);
  if (heading === undefined) return [];
  const width = 'Changed'.length;
  const changes = changesOf(call).flatMap((change) => [['Changed', changeName(change)] as const, ...changeParts(change)].flatMap(([label, value]) => fact(label, value, width)).concat(''));
  return [heading, ...changes];
}

/** Names of arguments are the agent's words, too: nothing of the rows begins a line. */
function laidOut({ arguments: all }: Pending): string[] {
  if (all === undefined) return [];
  const left = leftWords(all);
  const rows = [...all.rows.map((row) => oneLine(argumentWords(row))), ...(left === undefined ? [] : [left])];
  const heading = argumentsHeading(all);
  return [`The ${heading}`, ...(rows.length === 0 ? block('(none)') : rows.flatMap(block)), '', ...since(all)];
}

function since({ lastApproved: last }: NonNullable<Pending['arguments']>): string[] {
  if (last === undefined) return [];
  const words = sinceApproved(last);
  if (last.changes.length === 0) return [`These are ${words}.`, ''];
  return [`Something is ${words}`, ...last.changes.flatMap((change) => [['Changed', changeName(change)] as const, ...changeParts(change)].flatMap(([label, value]) => fact(label, value, 'Changed'.length)).concat(''))];
}

function oneLine(text: string): string {
  return text.replaceAll('\n', '\\n');
}

/** What a person cannot read here. */
function partly({ notWhole, narrowed }: Pending): string[] {
  return [
    ...(notWhole === undefined ? [] : [`NOT SHOWN WHOLE. ${revealLine(notWhole, 200)} An approval is for this once.`]),
    ...(narrowed === undefined ? [] : [`You kept ${narrowed.kept} of ${narrowed.of} changes; this is what is left of the call.`]),
  ];
}

function repeatsTheRule({ rule, reason }: Pending, [label, value]: Detail): boolean {
  return label === `Why (${rule})` && value === reason;
}

function list(pairs: readonly Detail[]): string[] {
  const width = Math.min(28, Math.max(...pairs.map(([label]) => label.length)));
  return pairs.flatMap(([label, value]) => fact(revealLine(label, 60), value, width));
}

/** A short value stands beside its label; a long one, or one of several lines, below it. */
function fact(label: string, value: string, width: number): string[] {
  const shown = reveal(value).text;
  const short = !shown.includes('\n') && columnsOf(shown) <= reviewColumns.beside;
  return short ? [`${label.padEnd(width)}  ${shown}`] : [`${label}:`, ...(reasons.test(label) ? indent(foldWords(squeezeBlanks(shown).replaceAll('\n', ' '), reviewColumns.below)) : block(value))];
}

// Sentences of ours, which break between words; what an agent wrote breaks where the line is full, so that no blank is in doubt.
const reasons = /^(?:Asks because$|Why \()/;


function block(text: string): string[] {
  return squeezeBlanks(reveal(text).text)
    .split('\n')
    .flatMap((line) => indent(foldLine(line, reviewColumns.below)));
}

function indent(pieces: readonly string[]): string[] {
  return pieces.map((piece, index) => (index === 0 ? begins : goesOn) + piece);
}

// More blanks than any layout needs push what follows out of sight.
const manyBlanks = / {41,}|\t{11,}/g;
const manyEmptyLines = /\n{21,}/g;

/** Writes long runs of blanks, tabs and empty lines as a count, so that what stands behind them is seen. */
export function squeezeBlanks(text: string): string {
  return text.replace(manyBlanks, (run) => `\\u{${run.startsWith(' ') ? '20' : '9'}}×${run.length}`).replace(manyEmptyLines, (run) => `\n\\u{a}×${run.length - 2}\n`);
}

/** Where an action is so long that nothing else is on the screen, its beginning says where the rest is. */
function lengthNote(action: readonly string[]): string[] {
  return action.length <= 25 ? [] : [`The action takes ${counted(action.length, 'line')} here. What decides stands below it.`];
}

function hiddenNote(call: Pending): string {
  // Details repeat parts of the action; they count only when the action itself has nothing hidden.
  const odd = oddWords([call.raw, call.cwd]) ?? oddWords([...call.details.flat(), ...changesOf(call).flatMap((change) => [changeName(change), ...changeParts(change).map(([, value]) => value)])]);
  if (odd === undefined) return 'No hidden characters.';
  return `${odd.toUpperCase()}, written here as \\u{...}. What runs contains the characters themselves.`;
}

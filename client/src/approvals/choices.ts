import type { Pending } from '../../../protocol/src/approvals';
import { oddWords, reveal, revealLine } from '../../../protocol/src/display';
import { counted, escapeIcons, fold, foldWords, isSpokenShort, mayGoUndrawn, plainLabel, rowIndent } from '../labels';
import { changeRows } from './changes';
import { identity } from './reviewOrder';

/** What a row of the decision list does when chosen. Rows that only inform lead to the review, never to a decision. */
export type Deed = 'review' | 'deny' | 'denyWithReason' | 'approve' | 'approveForLonger';

/** One row of the decision list. */
export type Choice = Readonly<{ deed: Deed; label: string; detail?: string }>;

/** Columns of one row of the list. */
export const pickColumns = 72;
/** Rows above Deny with which a list shows all of its answers in a window of usual height. */
export const rowsAbove = 7;

/** Most rows that the raw action, the working folder, what changed since it was approved, why it asks, and the programs behind its names, may take. */
export const pickRows = { raw: 6, folder: 2, changes: 8, why: 3, runs: 2 } as const;

/** The decision list of one call: the raw action, what changed since it was approved, its folder, the programs that run, why it asks, who asks, Deny, and the rest. Approving is offered only when all of it is on show. */
export function choicesFor(call: Pending): Choice[] {
  const raw = shownRows('$(chevron-right) ', call.raw, pickRows.raw);
  const folder = shownRows('$(folder) in ', call.cwd, pickRows.folder);
  const changed = shownChanges(call);
  const missing = missingIn(call, raw, folder, changed);
  return [
    ...raw.rows,
    ...changed.rows,
    ...folder.rows,
    ...aboutRows(call, rowsAbove - raw.rows.length - changed.rows.length - folder.rows.length),
    { deed: 'deny', label: '$(circle-slash) Deny', detail: 'Nothing runs. Esc leaves the call waiting.' },
    { deed: 'denyWithReason', label: '$(comment) Deny with Reason…', detail: 'Nothing runs, and the agent reads what you write.' },
    missing === undefined ? approval(call) : { deed: 'review', label: '$(eye) Review Before Approving…', detail: missing },
    ...((call.ladder?.allow.length ?? 0) > 0 && missing === undefined ? [{ deed: 'approveForLonger', label: '$(check-all) Approve for Longer…', detail: 'Choose how far your answer reaches.' } as const] : []),
  ];
}

/** Rows of the list, whether they are all, and whether a screen reader is given all of them. */
type Shown = Readonly<{ rows: readonly Choice[]; whole: boolean; spoken: boolean }>;

/** What keeps this list from being enough to approve by; undefined when nothing does. */
function missingIn({ notWhole, raw: action, cwd, again, outgrown }: Pending, raw: Shown, folder: Shown, changed: Shown): string | undefined {
  if (!raw.whole || !folder.whole) return 'The action is too long for this list.';
  if (!changed.whole) return 'What changed is too long for this list.';
  if (notWhole !== undefined) return plainLabel(notWhole, 200);
  if ([action, cwd, ...(again ?? outgrown)?.changes.flatMap(({ key, before, after, diff }) => [key, before ?? '', after ?? '', diff ?? '']) ?? []].some((text) => mayGoUndrawn(reveal(text).text))) return 'It holds letters that a list may not draw.';
  return [raw, folder, changed].every(({ spoken }) => spoken) ? undefined : 'It holds signs that a list does not read out to a screen reader.';
}

/** The files behind the names of programs, why it asks, by which rule, and who asks, as far as there is room; the review says all of it. */
function aboutRows(call: Pending, room: number): Choice[] {
  const programs = programRows(call, Math.min(room, pickRows.runs));
  const client = room - programs.length < 1 ? [] : [{ deed: 'review', label: `$(account) the agent calls itself ${plainLabel(call.client, pickColumns - 24) || '(nothing)'}` } as const];
  return [...programs, ...whyRows(call, Math.min(room - programs.length - client.length, pickRows.why)), ...client];
}

function programRows({ details }: Pending, room: number): Choice[] {
  const files = details.filter(([label]) => label === 'Program').map(([, value]) => value.replace(identity, '').replace(/^\S+ (?=\S)/, ''));
  return files.length === 0 ? [] : clipped('$(terminal) ', `runs ${[...new Set(files)].join(', ')}`, room);
}

function whyRows({ reason, rule }: Pending, room: number): Choice[] {
  return clipped('$(question) ', `asks because: ${reason} (${rule})`, room);
}

function clipped(head: string, text: string, rows: number): Choice[] {
  if (rows < 1) return [];
  const lines = foldWords(revealLine(text, pickColumns * rows), pickColumns);
  const shown = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `${lines[rows - 1] ?? ''} …`];
  return shown.map((line, index) => ({ deed: 'review', label: (index === 0 ? head : rowIndent) + escapeIcons(line) }));
}

function shownRows(head: string, text: string, limit: number): Shown {
  const lines = fold(reveal(text).text.replace(/\t/g, '\\t'), pickColumns);
  const rows = lines.slice(0, limit).map((line, index): Choice => ({ deed: 'review', label: (index === 0 ? head : rowIndent) + escapeIcons(line) }));
  const spoken = !lines.some(isSpokenShort);
  if (lines.length <= limit) return { rows, whole: true, spoken };
  return { rows: [...rows, { deed: 'review', label: `${rowIndent}… and ${counted(lines.length - limit, 'more line')}` }], whole: false, spoken };
}

function shownChanges(call: Pending): Shown {
  if (call.again === undefined && call.outgrown === undefined) return { rows: [], whole: true, spoken: true };
  const { rows, left } = changeRows(call, pickColumns, pickRows.changes);
  const heading: Choice = { deed: 'review', label: `$(warning) ${call.again === undefined ? 'It was granted before, and this changed since' : 'Asked again: it changed after you approved it; nothing was run'}` };
  const lines = rows.map((line): Choice => ({ deed: 'review', label: `${rowIndent}${escapeIcons(line)}` }));
  return { rows: [heading, ...lines, ...(left === 0 ? [] : [{ deed: 'review', label: `${rowIndent}… and ${counted(left, 'more line')}` } as const])], whole: left === 0, spoken: !rows.some(isSpokenShort) };
}

function approval(call: Pending): Choice {
  const odd = oddWords([call.raw, call.cwd, ...(call.again?.changes ?? []).map(({ key, before, after, diff }) => [key, before, after, diff].join('\n'))]);
  const warning = odd === undefined ? '' : ` Careful: ${odd}, shown as \\u{…}.`;
  return { deed: 'approve', label: '$(check) Approve Once', detail: `Exactly this, ${call.again === undefined ? '' : 'as it is now, '}one time.${warning}` };
}

import type { Pending } from '../../../protocol/src/approvals';
import { reveal, revealLine } from '../../../protocol/src/display';
import { counted, escapeIcons, fold, foldWords, hiddenCount, isSpokenShort, mayGoUndrawn, plainLabel, rowIndent } from '../labels';
import { changeRows } from './changes';

/** What a row of the decision list does when chosen. Rows that only inform lead to the review, never to a decision. */
export type Deed = 'review' | 'deny' | 'denyWithReason' | 'approve' | 'approveForLonger';

/** One row of the decision list. */
export type Choice = Readonly<{ deed: Deed; label: string; detail?: string }>;

/** Columns of one row of the list. */
export const pickColumns = 72;
/** Most rows that the raw action, the working folder, what changed since it was approved, and why it asks, may take. */
export const pickRows = { raw: 6, folder: 2, changes: 8, why: 3 } as const;

/** The decision list of one call: the raw action, what changed since it was approved, its folder, why it asks, Deny, and the rest. Approving is offered only when all of it is on show. */
export function choicesFor(call: Pending): Choice[] {
  const raw = shownRows('$(chevron-right) ', call.raw, pickRows.raw);
  const folder = shownRows('$(folder) in ', call.cwd, pickRows.folder);
  const changed = shownChanges(call);
  const missing = missingIn(call, raw, folder, changed);
  return [
    ...raw.rows,
    ...changed.rows,
    ...folder.rows,
    ...whyRows(call),
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

/** Why it asks, by which rule; the review says all of it where it is long. */
function whyRows({ reason, rule }: Pending): Choice[] {
  const lines = foldWords(revealLine(`asks because: ${reason} (${rule})`, pickColumns * pickRows.why), pickColumns);
  const shown = lines.length <= pickRows.why ? lines : [...lines.slice(0, pickRows.why - 1), `${lines[pickRows.why - 1] ?? ''} …`];
  return shown.map((line, index) => ({ deed: 'review', label: (index === 0 ? '$(question) ' : rowIndent) + escapeIcons(line) }));
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
  const hidden = hiddenCount(call.raw) + hiddenCount(call.cwd) + (call.again?.changes ?? []).reduce((sum, { key, before, after, diff }) => sum + hiddenCount([key, before, after, diff].join('')), 0);
  const warning = hidden === 0 ? '' : ` Careful: ${counted(hidden, 'hidden character')}, shown as \\u{…}.`;
  return { deed: 'approve', label: '$(check) Approve Once', detail: `Exactly this, ${call.again === undefined ? '' : 'as it is now, '}one time.${warning}` };
}

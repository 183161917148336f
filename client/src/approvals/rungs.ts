import type { Pending } from '../../../protocol/src/approvals';
import { reveal, revealLine } from '../../../protocol/src/display';
import type { Ladder, Measured, Offer, RungName } from '../../../protocol/src/grants';
import { commands, type CommandId } from '../ids';
import { counted, escapeIcons, fold, foldWords, rowIndent } from '../labels';
import { choicesFor, pickColumns } from './choices';

/** The words of lists in which an answer for more than one call is chosen. */

/** What a row does: leads to the review, answers this call alone, or answers for longer. */
export type RungDeed = Readonly<{ kind: 'review' | 'deny' }> | Readonly<{ kind: 'answer'; decision: 'approve' | 'deny'; rung: RungName }>;

/** One row of such a list. */
export type RungChoice = Readonly<{ deed: RungDeed; label: string; detail?: string }>;

/** Whether the decision list shows all of a call, so that it may be approved there. */
export function isShownWhole(call: Pending): boolean {
  return choicesFor(call).some(({ deed }) => deed === 'approve');
}

/** The rows of "Approve for Longer": the action, Deny, this call alone, and each rung with what it would have covered and would newly allow. */
export function approveChoices(call: Pending, measured: readonly Measured[]): RungChoice[] {
  const { allow, limit } = ladderOf(call);
  return [
    ...action(call),
    { deed: { kind: 'deny' }, label: '$(circle-slash) Deny', detail: 'Nothing runs. Esc leaves the call waiting.' },
    { deed: { kind: 'answer', decision: 'approve', rung: 'once' }, label: '$(check) Approve Once', detail: 'Exactly this, one time.' },
    ...allow.flatMap((offer) => rung(offer, 'approve', measured.find((one) => one.rung === offer.rung))),
    ...(limit === undefined ? [] : [{ deed: { kind: 'review' }, label: `$(info) ${escapeIcons(revealLine(limit, 160))}` } as const]),
  ];
}

/** The rows of "Deny for Good". */
export function denyChoices(call: Pending): RungChoice[] {
  return [
    ...action(call),
    { deed: { kind: 'deny' }, label: '$(circle-slash) Deny Once', detail: 'Nothing runs. Esc leaves the call waiting.' },
    ...ladderOf(call).deny.flatMap((offer) => rung(offer, 'deny', undefined)),
  ];
}

/** What a call offers beyond itself. */
export function ladderOf({ ladder }: Pending): Ladder {
  return ladder ?? { allow: [], deny: [] };
}

/** The lenses of a review that begin an answer for longer. */
export function lastingLenses(call: Pending): readonly (readonly [title: string, command: CommandId])[] {
  const { allow, deny } = ladderOf(call);
  return [...(allow.length === 0 ? [] : [['Approve for Longer…', commands.approveForLonger] as const]), ...(deny.length === 0 ? [] : [['Deny for Good…', commands.denyForGood] as const])];
}

function action(call: Pending): RungChoice[] {
  const lines = fold(reveal(call.raw).text.replace(/\t/g, '\\t'), pickColumns);
  const shown = lines.slice(0, 4).map((line, index): RungChoice => ({ deed: { kind: 'review' }, label: `${index === 0 ? '$(chevron-right) ' : rowIndent}${escapeIcons(line)}` }));
  const left = lines.length - shown.length;
  return left <= 0 ? shown : [...shown, { deed: { kind: 'review' }, label: `${rowIndent}… and ${counted(left, 'more line')}` }];
}

/** A row that answers, and below it what it covers: a list cuts what is wider than it. */
function rung({ rung: name, title, covers, lasts }: Offer, decision: 'approve' | 'deny', measured: Measured | undefined): RungChoice[] {
  const label = `${decision === 'approve' ? '$(check-all)' : '$(error)'} ${escapeIcons(revealLine(`${title} (${lasts})`, 90))}`;
  const told = foldWords(revealLine(covers, 400), pickColumns).map((line): RungChoice => ({ deed: { kind: 'review' }, label: `${rowIndent}${escapeIcons(line)}` }));
  return [{ deed: { kind: 'answer', decision, rung: name }, label, ...(measured === undefined ? {} : { detail: escapeIcons(measureText(measured)) }) }, ...told];
}

/** What a rung would have done and would do. */
export function measureText({ past, example, real }: Measured): string {
  const covered = past.asked === 0 ? 'Nothing was asked here before' : `Would have covered ${String(past.covered)} of ${counted(past.asked, 'past prompt')}`;
  return `${covered}. Newly allows ${real ? '(seen before)' : 'for instance'}: ${revealLine(example, 60)}`;
}

/** Most rows of actions in a list that answers several calls. */
export const mostAlikeRows = 16;

/** Groups of at least two calls that are alike, in the order of their first. */
export function alikeGroups(calls: readonly Pending[]): readonly (readonly Pending[])[] {
  const groups = new Map<string, Pending[]>();
  for (const call of calls) {
    const key = call.ladder?.alike;
    if (key !== undefined && isShownWhole(call) && call.again === undefined && call.outgrown === undefined) groups.set(key, [...(groups.get(key) ?? []), call]);
  }
  return [...groups.values()].filter(({ length }) => length > 1);
}

/** What is answered together: as many of a group as can be shown whole, and the rows that show them. */
export type Batch = Readonly<{ calls: readonly Pending[]; left: number; rows: readonly Readonly<{ call: Pending; label: string }>[] }>;

/** The preview of a group: every action whole, and its folder. */
export function batchOf(group: readonly Pending[]): Batch {
  const rows: { call: Pending; label: string }[] = [];
  const calls: Pending[] = [];
  for (const call of group) {
    const lines = fold(`${reveal(call.raw).text.replace(/\t/g, '\\t')}   in ${reveal(call.cwd).text}`, pickColumns);
    if (rows.length + lines.length > mostAlikeRows) break;
    rows.push(...lines.map((line, index) => ({ call, label: `${index === 0 ? '$(chevron-right) ' : rowIndent}${escapeIcons(line)}` })));
    calls.push(call);
  }
  return { calls, rows, left: group.length - calls.length };
}

import { Uri, window, type QuickPickItem } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import type { GrantView, Measured } from '../../../protocol/src/grants';
import { messageOf, type Broker } from '../broker';
import { commands, type CommandId } from '../ids';
import { counted, plainLabel } from '../labels';
import type { Lifetime } from '../lifetime';
import type { Decisions } from './decisions';
import { grantIn, grantRow } from './grants';
import { GrantLenses } from './grantsLenses';
import { GrantsSection } from './grantsTree';
import type { Picker } from './picker';
import type { Queue } from './queue';
import { callAt, type Reviews } from './review';
import { alikeGroups, approveChoices, batchOf, denyChoices, isShownWhole, ladderOf, type RungChoice, type RungDeed } from './rungs';

/** The commands of this file. */
export type GrantCommand = Extract<CommandId, `conductor.grants.${string}`>;

/** What they use of the approvals of this window. */
export type Around = Readonly<{ queue: Queue; decisions: Decisions; reviews: Reviews; picker: Picker }>;

/** Answers that last, as the approvals use them. */
export type GrantFeature = Readonly<{
  section: GrantsSection;
  approveForLonger(call: Pending): Promise<void>;
  handlers: Readonly<Record<GrantCommand, (...args: unknown[]) => unknown>>;
}>;

/** Milliseconds that the measures of the rungs may take before the list is shown without them. */
const weighingMs = 1500;

/** Lets a person answer for more than one call, see what lasts, and take it back. */
export function registerGrants(broker: Broker, around: Around, life: Lifetime): GrantFeature {
  const section = life.add(new GrantsSection(broker));
  life.add(new GrantLenses((id) => section.all.some((grant) => grant.id === id)));
  const approve = (call: Pending): Promise<void> => approveForLonger(broker, around, call);
  const deny = (call: Pending): Promise<void> => denyForGood(around, call);
  return {
    section,
    approveForLonger: approve,
    handlers: {
      [commands.approveForLonger]: (about) => withCall(around, about, approve),
      [commands.denyForGood]: (about) => withCall(around, about, deny),
      [commands.approveAlike]: () => approveAlike(around),
      [commands.undoGrant]: (about) => undo(broker, section, about),
    },
  };
}

async function approveForLonger(broker: Broker, around: Around, call: Pending): Promise<void> {
  // What a list cannot show whole was read in the review that is in front, or is opened there first.
  if (!isShownWhole(call) && around.reviews.inFront()?.id !== call.id) return readFirst(around, call);
  if (ladderOf(call).allow.length === 0) return void window.setStatusBarMessage(`Conductor: ${plainLabel(ladderOf(call).limit ?? 'this call can only be approved once.', 120)}`, 8000);
  await choose(around, call, approveChoices(call, await weighed(broker, call)));
}

async function denyForGood(around: Around, call: Pending): Promise<void> {
  await choose(around, call, denyChoices(call));
}

async function weighed(broker: Broker, { id, digest }: Pending): Promise<readonly Measured[]> {
  const late = new Promise<readonly Measured[]>((resolve) => setTimeout(() => resolve([]), weighingMs));
  return Promise.race([broker.request('approvals/weigh', { id, digest }).then(({ rungs }) => rungs, () => []), late]);
}

async function choose(around: Around, call: Pending, choices: readonly RungChoice[]): Promise<void> {
  const deed = await around.picker.pick<RungDeed>(call, choices, ({ kind }) => kind === 'deny');
  if (deed === undefined) return;
  switch (deed.kind) {
    case 'review':
      return around.reviews.open(call);
    case 'deny':
      return send(around, call, 'deny');
    case 'answer':
      return send(around, call, deed.decision, deed.rung);
  }
}

async function send(around: Around, call: Pending, decision: 'approve' | 'deny', rung?: Parameters<Decisions['send']>[3]): Promise<void> {
  if (await around.decisions.send(call, decision, undefined, rung)) await around.reviews.close(call);
}

async function readFirst({ reviews }: Around, call: Pending): Promise<void> {
  await reviews.open(call);
  window.setStatusBarMessage('Conductor: this call is too long for a list. Read it here, then approve it for longer from here.', 8000);
}

/** From a document, a row or the palette; whatever is no waiting call is answered with nothing. */
async function withCall({ queue, reviews }: Around, about: unknown, what: (call: Pending) => Promise<void>): Promise<void> {
  if (!queue.settled) return void window.setStatusBarMessage('Conductor: the list changed just now. Look again, then choose.', 4000);
  const call = about instanceof Uri ? callAt(about, queue) : about === undefined ? reviews.inFront() : rowCall(queue, about);
  if (call === undefined) return void window.setStatusBarMessage('Conductor: open the review of a call that waits first.', 4000);
  await what(call);
}

function rowCall(queue: Queue, row: unknown): Pending | undefined {
  if (typeof row !== 'object' || row === null || !('id' in row && 'digest' in row)) return undefined;
  return typeof row.id === 'string' && typeof row.digest === 'string' ? queue.find(row.id, row.digest) : undefined;
}

/** Several calls that are alike: each is shown whole, and each gets an answer of its own, bound to its own bytes. */
async function approveAlike(around: Around): Promise<void> {
  const groups = alikeGroups(around.queue.all);
  const group = groups.length <= 1 ? groups[0] : await chooseGroup(groups);
  if (group === undefined) return void (groups.length === 0 && window.setStatusBarMessage('Conductor: no two calls that wait are alike.', 4000));
  const [first] = group;
  const { calls, rows, left } = batchOf(group);
  if (first === undefined || calls.length === 0) return;
  const more = left === 0 ? '' : ` ${counted(left, 'more')} that do not fit this list go on waiting.`;
  const choices: readonly Readonly<{ deed: 'deny' | 'approve' | Pending; label: string; detail?: string }>[] = [
    ...rows.map(({ call, label }) => ({ deed: call, label })),
    { deed: 'deny', label: `$(circle-slash) Deny All ${String(calls.length)}`, detail: `Nothing of these runs. Esc leaves them waiting.${more}` },
    { deed: 'approve', label: `$(check) Approve All ${String(calls.length)} Once`, detail: `Exactly these, one time each.${more}` },
  ];
  const deed = await around.picker.pick<'deny' | 'approve' | Pending>(first, choices, (one) => one === 'deny');
  if (deed === undefined) return;
  if (typeof deed === 'object') return around.reviews.open(deed);
  for (const call of calls) if (around.queue.find(call.id, call.digest) !== undefined) await send(around, call, deed);
}

async function chooseGroup(groups: readonly (readonly Pending[])[]): Promise<readonly Pending[] | undefined> {
  const items = groups.flatMap((group): (QuickPickItem & { group: readonly Pending[] })[] => (group[0] === undefined ? [] : [{ label: plainLabel(group[0].raw, 90), detail: `and ${counted(group.length - 1, 'call')} like it`, group }]));
  return (await window.showQuickPick(items, { title: 'Conductor: calls that are alike', placeHolder: 'Choose which to look at' }))?.group;
}

/** A row, the id of a grant, an entry of the log, or nothing, which asks which one. */
async function undo(broker: Broker, section: GrantsSection, about: unknown): Promise<void> {
  const id = idOf(about) ?? (about === undefined ? await chooseGrant(section.all) : await grantOfEntry(broker, about));
  if (id === undefined) return;
  try {
    const { undone } = await broker.request('grants/undo', { id });
    window.setStatusBarMessage(undone ? 'Conductor: taken back. Calls like these ask again.' : 'Conductor: this no longer holds.', 4000);
  } catch (error) {
    void window.showErrorMessage(`Conductor: it could not be taken back. ${messageOf(error)}`);
  }
}

function idOf(about: unknown): string | undefined {
  if (typeof about === 'string') return about;
  const grant = typeof about === 'object' && about !== null && 'grant' in about ? about.grant : undefined;
  return typeof grant === 'object' && grant !== null && 'id' in grant && typeof grant.id === 'string' ? grant.id : undefined;
}

/** A row of the audit log. */
async function grantOfEntry(broker: Broker, about: unknown): Promise<string | undefined> {
  const row = typeof about === 'object' && about !== null && 'row' in about ? about.row : undefined;
  const seq = typeof row === 'object' && row !== null && 'seq' in row && typeof row.seq === 'number' ? row.seq : undefined;
  const id = seq === undefined ? undefined : grantIn((await broker.request('audit/entry', { seq })).line);
  if (id === undefined) window.setStatusBarMessage('Conductor: nobody granted anything in this entry.', 4000);
  return id;
}

async function chooseGrant(grants: readonly GrantView[]): Promise<string | undefined> {
  if (grants.length === 0) return void window.setStatusBarMessage('Conductor: nothing is granted or forbidden for more than one call.', 4000);
  const items = grants.map((grant) => ({ ...itemOf(grant), id: grant.id }));
  return (await window.showQuickPick(items, { title: 'Conductor: take back an answer that lasts', placeHolder: 'Choose what to take back' }))?.id;
}

function itemOf(grant: GrantView): QuickPickItem {
  const { label, description } = grantRow(grant, Date.now());
  return { label: plainLabel(label, 90), detail: plainLabel(description, 160) };
}

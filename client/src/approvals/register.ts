import { Uri, commands as editorCommands, window, workspace } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import { takeTold } from '../../../protocol/src/queue';
import { messageOf, type Broker } from '../broker';
import type { Secrets } from '../credentials/logKeys';
import { commands, contextKeys, settings, type CommandId } from '../ids';
import type { Lifetime } from '../lifetime';
import { Attention } from './attention';
import { notifySetting } from './bursts';
import { againText } from './changes';
import { Decisions } from './decisions';
import { FileDiffs } from './fileDiffs';
import { HunkPicker } from './hunkPicker';
import { Notice } from './notice';
import { registerGrants, type GrantCommand, type GrantFeature } from './grantsCommands';
import { Picker } from './picker';
import { Queue } from './queue';
import { Reviews, callAt, uriInFront } from './review';
import { fitsRow, waitingText } from './rows';
import { AnswerSigner, type SigningStand } from './signing';
import { ApprovalsTree } from './tree';

/** The commands of this folder. */
export type ApprovalCommand = Extract<CommandId, `conductor.approvals.${string}`> | GrantCommand;

/** The feature "approvals" as the rest of the extension sees it. */
export type Approvals = Readonly<{
  queue: Queue;
  tree: ApprovalsTree;
  /** Whether answers given at this window are signed. */
  signing(): SigningStand;
  onChange: (listener: () => void) => void;
  handlers: Readonly<Record<ApprovalCommand, (...args: unknown[]) => unknown>>;
}>;

/** Shows what waits and sends answers. */
export function registerApprovals(broker: Broker, { secrets }: Readonly<{ secrets: Secrets }>, life: Lifetime): Approvals {
  const queue = new Queue(() => performance.now());
  const signer = new AnswerSigner(broker, () => import('./approver').then(({ openApprover }) => openApprover(secrets)), { note: (text, ms) => void window.setStatusBarMessage(text, ms), warn: (text) => void window.showWarningMessage(text) }, life);
  const decisions = new Decisions(broker, signer);
  const tree = life.add(new ApprovalsTree(queue));
  const diffs = life.add(new FileDiffs(broker, queue, decisions));
  const reviews = life.add(new Reviews(queue, decisions, diffs));
  const hunks = new HunkPicker(broker);
  const picker = new Picker(queue);
  const notice = life.add(new Notice());
  const attention = life.add(
    new Attention({
      setting: () => notifySetting(workspace.getConfiguration().get(settings.notify)),
      remindMs: () => remindMs(workspace.getConfiguration().get(settings.remind)),
      folders: () => (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
      seen: () => ({ focused: window.state.focused, visible: tree.visible || picker.isOpen || reviews.inFront() !== undefined }),
      waits: ({ id, digest }) => queue.find(id, digest) !== undefined,
      show: (kind) => notice.show(queue.all, noticeText(queue.size, kind)),
    }),
  );
  const listeners: (() => void)[] = [];

  const take = (pending: readonly Pending[]): void => {
    const { arrived, gone } = queue.replace(pending);
    if (arrived.length + gone.length === 0) return;
    tree.refresh();
    attention.gone(gone);
    notice.gone(gone);
    picker.withdraw(gone.filter((call) => decisions.fateOf(call.id) === 'no longer waiting'));
    reviews.withdraw(gone);
    // A person who has just approved looks elsewhere by now: what became of it is told apart from the bursts.
    const returned = arrived.filter(({ again }) => again !== undefined && decisions.approvedHere(again.after));
    if (returned.length > 0) tellAgain(notice, returned);
    else if (arrived.length > 0) attention.arrived(arrived);
    // Who left out some changes waits to see what is left.
    const left = arrived.find((call) => hunks.isAnswerTo(call));
    if (left !== undefined) void reviews.open(left);
    for (const listener of listeners) listener();
  };
  attend(broker, life, () => queue.all, take);

  const grants = registerGrants(broker, { queue, decisions, reviews, picker }, life);
  tree.putBelow(grants.section);
  const desk: Desk = { queue, decisions, reviews, picker, diffs, hunks, grants };
  return { queue, tree, signing: () => signer.stand, onChange: (listener) => void listeners.push(listener), handlers: handlersOf(desk) };
}

/** Tells the broker that a person can answer here, and keeps up with what waits. Without a connection nothing waits: it was denied. */
function attend(broker: Broker, life: Lifetime, known: () => readonly Pending[], take: (pending: readonly Pending[]) => void): void {
  life.add(
    broker.on('approvals/changed', ({ pending }) => {
      const all = takeTold(known(), pending);
      if (all !== undefined) take(all);
      else void broker.request('approvals/list', {}).then((list) => take(list.pending), () => undefined);
    }),
  );
  life.add(
    broker.onLink((link) => {
      void editorCommands.executeCommand('setContext', contextKeys.connected, link.kind === 'connected');
      if (link.kind !== 'connected') return take([]);
      broker.request('approvals/attend', { attending: true }).then(
        ({ pending }) => take(pending),
        (error: unknown) => void window.showErrorMessage(`Conductor: this window cannot answer approvals. ${messageOf(error)}`),
      );
    }),
  );
}

type Desk = Readonly<{ queue: Queue; decisions: Decisions; reviews: Reviews; picker: Picker; diffs: FileDiffs; hunks: HunkPicker; grants: GrantFeature }>;

function handlersOf(desk: Desk): Approvals['handlers'] {
  return {
    ...desk.grants.handlers,
    [commands.reviewNext]: () => reviewNext(desk),
    [commands.decide]: () => decideByList(desk),
    [commands.review]: (row) => act(desk, callOfRow(desk.queue, row), (call) => desk.reviews.open(call)),
    [commands.reviewChanges]: () => reviewChanges(desk),
    [commands.showDetails]: (uri) => withDocument(desk, uri, (call) => desk.reviews.openDocument(call)),
    [commands.showDifference]: (uri) => withDocument(desk, uri, (call) => desk.reviews.open(call)),
    [commands.approveSome]: (uri) => withDocument(desk, uri, async (call) => desk.hunks.choose(call, (await desk.diffs.changesOf(call))[0])),
    [commands.approve]: (uri) => withDocument(desk, uri, (call) => approveShown(desk, call)),
    [commands.deny]: (uri) => withDocument(desk, uri, (call) => answer(desk, call, 'deny')),
    [commands.denyWithReason]: (uri) => withDocument(desk, uri, (call) => denyWithReason(desk, call)),
    [commands.approveRow]: (row) => withRow(desk, row, (call) => approveRow(desk, call)),
    [commands.denyRow]: (row) => withRow(desk, row, (call) => answer(desk, call, 'deny')),
    [commands.denyRowWithReason]: (row) => withRow(desk, row, (call) => denyWithReason(desk, call)),
  };
}

async function reviewNext(desk: Desk): Promise<void> {
  const call = desk.queue.next(desk.reviews.inFront());
  if (call === undefined) nothingWaits();
  else await desk.reviews.open(call);
}

/** All changes of files in one editor, each with its own answers. */
async function reviewChanges({ queue, reviews }: Desk): Promise<void> {
  const calls = queue.all.filter(({ files }) => files !== undefined);
  if (calls.length === 0) window.setStatusBarMessage('Conductor: no change of a file waits for you.', 4000);
  else await reviews.openAll(calls);
}

/** Several calls: first which, then what. */
async function decideByList(desk: Desk): Promise<void> {
  const { queue, picker } = desk;
  if (queue.size === 0) return nothingWaits();
  const call = queue.size === 1 ? queue.next() : await picker.chooseCall();
  if (call === undefined) return;
  if (queue.find(call.id, call.digest) === undefined) return void window.setStatusBarMessage('Conductor: that call no longer waits.', 4000);
  await decide(desk, call);
}

async function decide(desk: Desk, call: Pending): Promise<void> {
  const choosing = await desk.picker.choose(call);
  if (typeof choosing === 'string') return;
  switch (choosing.deed) {
    case 'review':
      return desk.reviews.open(call);
    case 'deny':
      return answer(desk, call, 'deny');
    case 'denyWithReason':
      return denyWithReason(desk, call);
    case 'approve':
      return answer(desk, call, 'approve');
    case 'approveForLonger':
      return desk.grants.approveForLonger(call);
  }
}

/** From a row only what the row shows whole is approved; anything longer is opened to be read first. */
async function approveRow(desk: Desk, call: Pending): Promise<void> {
  if (fitsRow(call)) return answer(desk, call, 'approve');
  await desk.reviews.open(call);
  window.setStatusBarMessage('Conductor: this call does not fit a row. Read it here, then approve or deny it.', 8000);
}

/** A key that was on its way to what stood there before is no approval. */
async function approveShown(desk: Desk, call: Pending): Promise<void> {
  if (!desk.reviews.settled(call)) return tooSoon();
  await answer(desk, call, 'approve');
}

async function denyWithReason(desk: Desk, call: Pending): Promise<void> {
  const reason = await desk.picker.askReason(call);
  if (reason !== undefined) await answer(desk, call, 'deny', reason === '' ? undefined : reason);
}

async function answer(desk: Desk, call: Pending, decision: 'approve' | 'deny', reason?: string): Promise<void> {
  if (await desk.decisions.send(call, decision, reason)) await desk.reviews.close(call);
}

/** A decision on a row counts only when the rows stood still: otherwise the click was meant for what was there before. */
async function withRow(desk: Desk, row: unknown, what: (call: Pending) => Promise<void>): Promise<void> {
  if (!desk.queue.settled) return tooSoon();
  return act(desk, callOfRow(desk.queue, row), what);
}

/** A decision from a document is about the document that it was started on, or else the one in front. */
async function withDocument(desk: Desk, uri: unknown, what: (call: Pending) => Promise<void>): Promise<void> {
  const target = uri === undefined ? uriInFront() : uri;
  return act(desk, target instanceof Uri ? callAt(target, desk.queue) : undefined, what);
}

/** Anybody may start a command with anything: without a waiting call it never guesses, it opens the list instead. */
async function act(desk: Desk, call: Pending | undefined, what: (call: Pending) => Promise<void>): Promise<void> {
  if (call === undefined) await decideByList(desk);
  else await what(call);
}

function callOfRow(queue: Queue, row: unknown): Pending | undefined {
  if (typeof row !== 'object' || row === null || !('id' in row && 'digest' in row)) return undefined;
  return typeof row.id === 'string' && typeof row.digest === 'string' ? queue.find(row.id, row.digest) : undefined;
}

function nothingWaits(): void {
  window.setStatusBarMessage('Conductor: nothing waits for you.', 4000);
}

function tooSoon(): void {
  window.setStatusBarMessage('Conductor: what is shown changed just now. Look again, then answer.', 4000);
}

/** Says that what was approved here is asked again; opens nothing by itself. */
function tellAgain(notice: Notice, calls: readonly Pending[]): void {
  const text = againText(calls);
  if (notifySetting(workspace.getConfiguration().get(settings.notify)) === 'never') return void window.setStatusBarMessage(`Conductor: ${text}`, 8000);
  notice.show(calls, text, calls[0]);
}

/** One sentence for all that waits. */
function noticeText(count: number, kind: 'arrived' | 'reminder'): string {
  return kind === 'arrived' ? `${waitingText(count)}.` : `${waitingText(count)} still.`;
}

/** Reads the setting in milliseconds; anything but a number of seconds counts as the default. */
function remindMs(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.min(value, 86_400) * 1000 : 60_000;
}

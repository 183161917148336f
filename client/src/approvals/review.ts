import { CodeLens, EventEmitter, Range, TabInputText, TabInputTextDiff, Uri, ViewColumn, commands as editorCommands, languages, window, workspace, type CodeLensProvider, type Tab, type TextDocument, type TextDocumentContentProvider } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import { commands, contextKeys, schemes } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';
import { callPath, parseCallPath } from './callUri';
import { parseSideAddress } from './changeUri';
import type { Decisions } from './decisions';
import type { FileDiffs } from './fileDiffs';
import { settleMs, type Queue } from './queue';
import { closedText, reviewText } from './reviewText';
import { lastingLenses } from './rungs';
import { Standing } from './standing';

/** The address of the review document of a call. */
export function reviewUri(call: Pending): Uri {
  return Uri.from({ scheme: schemes.call, path: callPath(call) });
}

/** The waiting call that an address is about, with exactly the bytes that were shown under it. */
export function callAt(uri: Uri | undefined, queue: Queue): Pending | undefined {
  const ref = uri?.scheme === schemes.call ? parseCallPath(uri.path) : uri?.scheme === schemes.change ? parseSideAddress(uri) : undefined;
  return ref === undefined ? undefined : queue.find(ref.id, ref.digest);
}

/** What shows one call whole, with the means to answer it: the difference of the file that it would change, or a read-only document. */
export class Reviews implements TextDocumentContentProvider, CodeLensProvider, Disposable {
  private readonly life = new Lifetime();
  private readonly texts = this.life.add(new EventEmitter<Uri>());
  private readonly lenses = this.life.add(new EventEmitter<void>());
  readonly onDidChange = this.texts.event;
  readonly onDidChangeCodeLenses = this.lenses.event;
  private opened: Readonly<{ ids: readonly string[]; at: number }> | undefined;
  private readonly standing = new Standing(() => performance.now());
  private undecided = '';

  constructor(private readonly queue: Queue, private readonly decisions: Decisions, private readonly diffs: FileDiffs) {
    this.life.add(workspace.registerTextDocumentContentProvider(schemes.call, this));
    this.life.add(languages.registerCodeLensProvider({ scheme: schemes.call }, this));
    const look = (): void => void this.look();
    this.life.add(window.tabGroups.onDidChangeTabs(look));
    this.life.add(window.tabGroups.onDidChangeTabGroups(look));
    look();
  }

  provideTextDocumentContent(uri: Uri): string {
    const call = callAt(uri, this.queue);
    return call === undefined ? closedText(parseCallPath(uri.path)?.id ?? '', this.decisions.fateOf(parseCallPath(uri.path)?.id ?? '')) : reviewText(call);
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const call = callAt(document.uri, this.queue);
    if (call === undefined) return [];
    const lens = (title: string, command: string): CodeLens => new CodeLens(new Range(0, 0, 0, 0), { title, command, arguments: [document.uri] });
    const difference = call.files === undefined ? [] : [lens('Show the Difference', commands.showDifference)];
    return [lens('Deny', commands.deny), lens('Deny with Reason…', commands.denyWithReason), lens('Approve Once', commands.approve), ...lastingLenses(call).map(([title, command]) => lens(title, command)), ...difference];
  }

  /** Opens the difference of the file that a call would change, or else its document. */
  async open(call: Pending): Promise<void> {
    this.opened = { ids: [call.id], at: Number.POSITIVE_INFINITY };
    if (!(await this.diffs.open(call))) return this.openDocument(call);
    this.opened = { ids: [call.id], at: performance.now() };
  }

  /** Opens the differences of several calls in one editor. */
  async openAll(calls: readonly Pending[]): Promise<void> {
    this.opened = { ids: calls.map(({ id }) => id), at: Number.POSITIVE_INFINITY };
    await this.diffs.openAll(calls);
    this.opened = { ids: calls.map(({ id }) => id), at: performance.now() };
  }

  /** Opens the document of a call in front. */
  async openDocument(call: Pending): Promise<void> {
    const document = await workspace.openTextDocument(reviewUri(call));
    await window.showTextDocument(document, { preview: true, viewColumn: ViewColumn.Active });
    this.opened = { ids: [call.id], at: performance.now() };
  }

  /** Whether the review of a call stands long enough to be what an answer is meant for. */
  settled(call: Pending): boolean {
    const own = this.look().filter((tab) => callAt(uriOf(tab), this.queue)?.id === call.id);
    const opened = this.opened?.ids.includes(call.id) === true ? this.opened.at : undefined;
    // An editor of several differences tells nothing of itself; it counts from when it was opened.
    const stands = own.map((tab) => this.standing.settled(keyOf(tab), opened === undefined ? unaskedMs : settleMs));
    return stands.every((stood) => stood) && (opened === undefined || performance.now() - opened >= settleMs);
  }

  /** The waiting call whose review is in front in this window. */
  inFront(): Pending | undefined {
    return callAt(uriInFront(), this.queue);
  }

  /** Closes what shows a call that was answered here; what shows others beside it says so. */
  async close(call: Pending): Promise<void> {
    const path = callPath(call);
    const tabs = window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => tab.input instanceof TabInputText && tab.input.uri.scheme === schemes.call && tab.input.uri.path === path);
    this.diffs.withdraw([call]);
    const all = [...tabs, ...this.diffs.tabsOf(call)];
    if (all.length > 0) await window.tabGroups.close(all, true);
  }

  /** Draws anew the documents of calls that no longer wait. */
  withdraw(gone: readonly Pending[]): void {
    this.diffs.withdraw(gone);
    for (const call of gone) this.texts.fire(reviewUri(call));
    this.lenses.fire();
    this.look();
  }

  dispose(): void {
    this.life.dispose();
  }

  /** Notes what stands in sight. What was opened and left is no longer what a person asked for when it comes back. */
  private look(): readonly Tab[] {
    const tabs = tabsInSight();
    this.standing.see(tabs.map(keyOf));
    this.tellUndecided();
    const { ids, at } = this.opened ?? { ids: [], at: Number.POSITIVE_INFINITY };
    if (Number.isFinite(at) && !tabs.some((tab) => uriOf(tab) === undefined || ids.includes(callAt(uriOf(tab), this.queue)?.id ?? ''))) this.opened = undefined;
    return tabs;
  }

  /** The titles of reviews have actions only while their calls wait. */
  private tellUndecided(): void {
    const open = window.tabGroups.all.flatMap(({ tabs }) => tabs).flatMap((tab) => uriOf(tab) ?? []);
    const undecided = [...new Set(open.filter((uri) => callAt(uri, this.queue) !== undefined).map((uri) => uri.toString()))];
    if (undecided.join('\n') === this.undecided) return;
    this.undecided = undecided.join('\n');
    void editorCommands.executeCommand('setContext', contextKeys.undecided, undecided);
  }
}

/** Milliseconds after which a review counts as read that came in front by itself, as when the one before it closed: a key can be held down that long. */
const unaskedMs = 1000;

/** The tab in front of each group. */
function tabsInSight(): Tab[] {
  return window.tabGroups.all.flatMap(({ activeTab }) => activeTab ?? []);
}

function keyOf(tab: Tab): string {
  return uriOf(tab)?.toString() ?? `${String(tab.group.viewColumn)} ${tab.label}`;
}

/** What a tab shows; of a difference, what would be there afterwards. */
function uriOf({ input }: Tab): Uri | undefined {
  return input instanceof TabInputText ? input.uri : input instanceof TabInputTextDiff ? input.modified : undefined;
}

/** What the tab in front shows. */
export function uriInFront(): Uri | undefined {
  const { activeTab } = window.tabGroups.activeTabGroup;
  const shown = activeTab === undefined ? undefined : uriOf(activeTab);
  if (shown !== undefined) return shown;
  // An editor of several differences tells nothing of itself: the one with the cursor counts.
  const within = window.activeTextEditor?.document.uri;
  return within?.scheme === schemes.change ? within : undefined;
}

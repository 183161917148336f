import { CodeLens, EventEmitter, Range, TabInputText, Uri, ViewColumn, languages, window, workspace, type CodeLensProvider, type TextDocument, type TextDocumentContentProvider } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import { commands, schemes } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';
import { callPath, parseCallPath } from './callUri';
import type { Decisions } from './decisions';
import { settleMs, type Queue } from './queue';
import { closedText, reviewText } from './reviewText';

/** The address of the review document of a call. */
export function reviewUri(call: Pending): Uri {
  return Uri.from({ scheme: schemes.call, path: callPath(call) });
}

/** The waiting call that an address is about, with exactly the bytes that were shown under it. */
export function callAt(uri: Uri | undefined, queue: Queue): Pending | undefined {
  if (uri?.scheme !== schemes.call) return undefined;
  const ref = parseCallPath(uri.path);
  return ref === undefined ? undefined : queue.find(ref.id, ref.digest);
}

/** Read-only documents that show one call whole, with lenses to answer it. */
export class Reviews implements TextDocumentContentProvider, CodeLensProvider, Disposable {
  private readonly life = new Lifetime();
  private readonly texts = this.life.add(new EventEmitter<Uri>());
  private readonly lenses = this.life.add(new EventEmitter<void>());
  readonly onDidChange = this.texts.event;
  readonly onDidChangeCodeLenses = this.lenses.event;
  private opened: Readonly<{ id: string; at: number }> | undefined;

  constructor(private readonly queue: Queue, private readonly decisions: Decisions) {
    this.life.add(workspace.registerTextDocumentContentProvider(schemes.call, this));
    this.life.add(languages.registerCodeLensProvider({ scheme: schemes.call }, this));
  }

  provideTextDocumentContent(uri: Uri): string {
    const call = callAt(uri, this.queue);
    return call === undefined ? closedText(parseCallPath(uri.path)?.id ?? '', this.decisions.fateOf(parseCallPath(uri.path)?.id ?? '')) : reviewText(call);
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const call = callAt(document.uri, this.queue);
    if (call === undefined) return [];
    const lens = (title: string, command: string): CodeLens => new CodeLens(new Range(0, 0, 0, 0), { title, command, arguments: [document.uri] });
    return [lens('Deny', commands.deny), lens('Deny with Reason…', commands.denyWithReason), lens('Approve Once', commands.approve)];
  }

  /** Opens the document of a call in front. */
  async open(call: Pending): Promise<void> {
    const document = await workspace.openTextDocument(reviewUri(call));
    await window.showTextDocument(document, { preview: true, viewColumn: ViewColumn.Active });
    this.opened = { id: call.id, at: performance.now() };
  }

  /** Whether the review of a call stands long enough to be what an answer is meant for. */
  settled(call: Pending): boolean {
    return this.opened?.id !== call.id || performance.now() - this.opened.at >= settleMs;
  }

  /** The waiting call whose review is in front in this window. */
  inFront(): Pending | undefined {
    const input = window.tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof TabInputText ? callAt(input.uri, this.queue) : undefined;
  }

  /** Closes the document of a call wherever it is open. */
  async close(call: Pending): Promise<void> {
    const path = callPath(call);
    const tabs = window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => tab.input instanceof TabInputText && tab.input.uri.scheme === schemes.call && tab.input.uri.path === path);
    if (tabs.length > 0) await window.tabGroups.close(tabs, true);
  }

  /** Draws anew the documents of calls that no longer wait. */
  withdraw(gone: readonly Pending[]): void {
    for (const call of gone) this.texts.fire(reviewUri(call));
    this.lenses.fire();
  }

  dispose(): void {
    this.life.dispose();
  }
}

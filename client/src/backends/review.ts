import { randomBytes } from 'node:crypto';
import { TabInputText, TabInputTextDiff, Uri, commands as editorCommands, window, workspace, type TextDocumentContentProvider } from 'vscode';
import type { BackendDifference } from '../../../protocol/src/externalServers';
import type { Broker } from '../broker';
import { schemes } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';

/** What one document showed: only this can be approved from it. */
type Shown = Readonly<{ backend: string; difference: BackendDifference; atMs: number }>;

/** Milliseconds in which a fresh document takes no answer. */
const guardMs = 300;

/** What was approved of a server beside what is there now, and the way to approve just what was shown. */
export class ServerReviews implements TextDocumentContentProvider, Disposable {
  private readonly life = new Lifetime();
  private readonly shown = new Map<string, Shown>();
  private readonly texts = new Map<string, string>();

  constructor(private readonly broker: Broker) {
    this.life.add(workspace.registerTextDocumentContentProvider(schemes.server, this));
    this.life.add(workspace.onDidCloseTextDocument(({ uri }) => this.forget(uri)));
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.texts.get(uri.toString()) ?? 'This review is closed. Open it again from the view Servers.\n';
  }

  /** Opens the comparison; each opening is a document of its own, since what it shows is what can be approved. */
  async open(backend: string): Promise<BackendDifference> {
    const difference = await this.broker.request('backends/difference', { backend });
    const nonce = randomBytes(4).toString('hex');
    const [before, after] = ['approved', 'now'].map((side) => Uri.from({ scheme: schemes.server, path: `/conductor-change/${backend}.${side}`, query: nonce })) as [Uri, Uri];
    this.texts.set(before.toString(), difference.before);
    this.texts.set(after.toString(), difference.after);
    this.shown.set(after.toString(), { backend, difference, atMs: performance.now() });
    await editorCommands.executeCommand('vscode.diff', before, after, `${backend}: approved ↔ now`, { preview: false });
    return difference;
  }

  /** Shows lines that can only be read. */
  async show(name: string, lines: readonly string[]): Promise<void> {
    const uri = Uri.from({ scheme: schemes.server, path: `/conductor-change/${name}`, query: randomBytes(4).toString('hex') });
    this.texts.set(uri.toString(), lines.join('\n'));
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
  }

  /** What the document showed that an address names, or that is in front; undefined when that is no such document, or too fresh for an answer. */
  at(given: unknown): Shown | undefined {
    const shown = this.shown.get(String(given instanceof Uri ? given : uriInFront()));
    return shown === undefined || performance.now() - shown.atMs < guardMs ? undefined : shown;
  }

  /** Closes the documents about a server. */
  async close(backend: string): Promise<void> {
    const tabs = window.tabGroups.all.flatMap(({ tabs: all }) => all).filter(({ input }) => input instanceof TabInputTextDiff && this.shown.get(input.modified.toString())?.backend === backend);
    await window.tabGroups.close(tabs);
  }

  dispose(): void {
    this.life.dispose();
  }

  private forget(uri: Uri): void {
    this.texts.delete(uri.toString());
    this.shown.delete(uri.toString());
  }
}

function uriInFront(): Uri | undefined {
  const input = window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof TabInputTextDiff ? input.modified : input instanceof TabInputText ? input.uri : undefined;
}

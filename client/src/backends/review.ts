import { randomBytes } from 'node:crypto';
import { TabInputText, TabInputTextDiff, Uri, commands as editorCommands, window, workspace, type TextDocumentContentProvider } from 'vscode';
import { reveal } from '../../../protocol/src/display';
import type { BackendDifference, ImportPlan } from '../../../protocol/src/externalServers';
import type { Broker } from '../broker';
import { schemes } from '../ids';
import { counted } from '../labels';
import { Lifetime, type Disposable } from '../lifetime';
import { importLines } from './rows';

/** What one document is about: only this can be approved from it. */
type About = Readonly<{ kind: 'server'; backend: string; difference: BackendDifference }> | Readonly<{ kind: 'import'; plan: ImportPlan }>;

/** The same, with the moment from which it stood there. */
type Shown = About & Readonly<{ atMs: number }>;

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
    await this.compare([`${backend}.approved`, difference.before], [`${backend}.now`, difference.after], `${backend}: approved ↔ now`, { kind: 'server', backend, difference });
    return difference;
  }

  /** Opens what taking over servers would make of the file, below words about where each comes from. */
  async openImport(plan: ImportPlan): Promise<void> {
    await this.compare(['mcp_backends.json now', reveal(plan.before).text], ['mcp_backends.json afterwards', [...importLines(plan), '', reveal(plan.after).text].join('\n')], `Import ${counted(plan.servers.length, 'server')}: now ↔ afterwards`, { kind: 'import', plan });
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
    await this.closeAll((shown) => shown.kind === 'server' && shown.backend === backend);
  }

  /** Closes the documents about an import. */
  async closeImport(): Promise<void> {
    await this.closeAll(({ kind }) => kind === 'import');
  }

  dispose(): void {
    this.life.dispose();
  }

  private async compare([leftName, left]: readonly [string, string], [rightName, right]: readonly [string, string], title: string, what: About): Promise<void> {
    const nonce = randomBytes(4).toString('hex');
    const [before, after] = [leftName, rightName].map((name) => Uri.from({ scheme: schemes.server, path: `/conductor-change/${name}`, query: nonce })) as [Uri, Uri];
    this.texts.set(before.toString(), left);
    this.texts.set(after.toString(), right);
    this.shown.set(after.toString(), { ...what, atMs: performance.now() });
    await editorCommands.executeCommand('vscode.diff', before, after, title, { preview: false });
  }

  private async closeAll(about: (shown: Shown) => boolean): Promise<void> {
    const tabs = window.tabGroups.all.flatMap(({ tabs: all }) => all).filter(({ input }) => {
      const shown = input instanceof TabInputTextDiff ? this.shown.get(input.modified.toString()) : undefined;
      return shown !== undefined && about(shown);
    });
    await window.tabGroups.close(tabs);
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

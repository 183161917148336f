import { Uri, window, workspace, type TextDocumentContentProvider } from 'vscode';
import { messageOf, type Broker } from '../broker';
import { schemes } from '../ids';
import type { Disposable } from '../lifetime';
import { layOut } from './jsonLayout';

/** Read-only documents that show one entry of the log, token for token as it stands there. */
export class EntryDocuments implements TextDocumentContentProvider, Disposable {
  private readonly registration: Disposable;

  constructor(private readonly broker: Broker) {
    this.registration = workspace.registerTextDocumentContentProvider(schemes.entry, this);
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const seq = Number(/(\d+)\.json$/.exec(uri.path)?.[1]);
    if (!Number.isSafeInteger(seq)) return 'This is no entry of the audit log.\n';
    try {
      return layOut((await this.broker.request('audit/entry', { seq })).line);
    } catch (error) {
      return `This entry cannot be shown: ${messageOf(error)}\n`;
    }
  }

  /** Opens the entry with this number. */
  async open(seq: number): Promise<void> {
    const document = await workspace.openTextDocument(Uri.from({ scheme: schemes.entry, path: `/Audit Entry ${seq}.json` }));
    await window.showTextDocument(document, { preview: true });
  }

  dispose(): void {
    this.registration.dispose();
  }
}

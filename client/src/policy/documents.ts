import { EventEmitter, Uri, workspace, type TextDocumentContentProvider } from 'vscode';
import { messageOf, type Broker } from '../broker';
import { schemes } from '../ids';
import type { Disposable } from '../lifetime';
import { vectorText } from './words';

/** Where a vector can be read. */
export function vectorUri(id: string): Uri {
  return Uri.from({ scheme: schemes.vector, path: `/${id}.jsonc` });
}

/** Read-only documents that show one vector, with what the rules say of it at the moment. */
export class VectorDocuments implements TextDocumentContentProvider, Disposable {
  private readonly changes = new EventEmitter<Uri>();
  readonly onDidChange = this.changes.event;
  private readonly parts: Disposable[];

  constructor(private readonly broker: Broker) {
    this.parts = [workspace.registerTextDocumentContentProvider(schemes.vector, this), broker.on('config/changed', () => this.renew()), this.changes];
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const id = /^\/(.+)\.jsonc$/.exec(uri.path)?.[1] ?? '';
    try {
      const [{ vector }, { proofs }] = await Promise.all([this.broker.request('policy/vector', { id }), this.broker.request('policy/prove', { ids: [id] })]);
      return vectorText(vector, proofs[0]);
    } catch (error) {
      return `// This vector cannot be shown: ${messageOf(error)}\n`;
    }
  }

  dispose(): void {
    for (const part of this.parts) part.dispose();
  }

  /** What an open document says of the rules was true of the rules before. */
  private renew(): void {
    for (const { uri } of workspace.textDocuments) if (uri.scheme === schemes.vector) this.changes.fire(uri);
  }
}

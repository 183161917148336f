import { CodeLens, EventEmitter, Range, Uri, languages as editorLanguages, window, workspace, type CodeLensProvider, type TextDocument, type TextDocumentContentProvider } from 'vscode';
import { reveal } from '../../../protocol/src/display';
import { messageOf, type Broker } from '../broker';
import { commands, schemes } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';
import { entryText, placeOfRule, type EntryLinks } from './entryText';
import { layOut } from './jsonLayout';
import type { Marks } from './marks';

/** Read-only documents: an entry to read, the same token for token as it stands in the log, and what an entry names by hash. */
export class EntryDocuments implements TextDocumentContentProvider, CodeLensProvider, Disposable {
  private readonly life = new Lifetime();
  private readonly lensesChanged = this.life.add(new EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.lensesChanged.event;
  /** What the lenses of an open document lead to, by its path. */
  private readonly links = new Map<string, EntryLinks>();

  constructor(
    private readonly broker: Broker,
    private readonly marks: Marks,
  ) {
    this.life.add(workspace.registerTextDocumentContentProvider(schemes.entry, this));
    this.life.add(editorLanguages.registerCodeLensProvider({ scheme: schemes.entry }, this));
    this.life.add(workspace.onDidCloseTextDocument(({ uri }) => this.links.delete(uri.path)));
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    try {
      const seq = seqOf(uri);
      if (seq === undefined) return await this.snapshot(uri);
      const { line } = await this.broker.request('audit/entry', { seq });
      if (uri.path.endsWith('.json')) return layOut(line);
      const { text, links } = entryText(line, this.marks.at(seq));
      this.links.set(uri.path, links);
      this.lensesChanged.fire();
      return text;
    } catch (error) {
      return `This entry cannot be shown: ${messageOf(error)}\n`;
    }
  }

  provideCodeLenses({ uri }: TextDocument): CodeLens[] {
    const links = this.links.get(uri.path);
    const seq = seqOf(uri);
    if (links === undefined || seq === undefined) return [];
    const lens = (title: string, command: string, ...args: readonly unknown[]): CodeLens => new CodeLens(new Range(0, 0, 0, 0), { title, command, arguments: [...args] });
    const { rule, policyHash, metricsHash, questionHash, call } = links;
    const place = rule === undefined ? undefined : placeOfRule(rule);
    return [
      ...(place === undefined ? [] : [lens('Open Rule in Configuration', commands.openConfig, place)]),
      ...(policyHash === undefined ? [] : [lens('Policy at That Time', commands.openSnapshot, policyHash)]),
      ...(metricsHash === undefined ? [] : [lens('Counts at That Time', commands.openSnapshot, metricsHash)]),
      ...(questionHash === undefined ? [] : [lens('What Was Shown', commands.openSnapshot, questionHash)]),
      ...(call === undefined ? [] : [lens('All Entries of This Call', commands.showCall, call)]),
      lens('Show in Audit Log', commands.revealEntry, seq),
      lens('As JSON', commands.openEntry, seq, 'json'),
    ];
  }

  /** Opens the entry with this number: to read, or as JSON. */
  async open(seq: number, form: 'txt' | 'json' = 'txt'): Promise<void> {
    await show(Uri.from({ scheme: schemes.entry, path: `/Audit Entry ${seq}.${form}` }));
  }

  /** Opens what an entry names by hash: a policy, counts, or what a person was shown. */
  async openSnapshot(hash: string): Promise<void> {
    await show(Uri.from({ scheme: schemes.entry, path: `/Kept ${hash.slice(0, 8)}.json`, query: hash }));
  }

  dispose(): void {
    this.life.dispose();
  }

  private async snapshot(uri: Uri): Promise<string> {
    if (!/^[0-9a-f]{64}$/.test(uri.query)) return 'This is no entry of the audit log.\n';
    // A question holds what an agent wrote.
    return reveal((await this.broker.request('audit/snapshot', { hash: uri.query })).text).text;
  }
}

function seqOf(uri: Uri): number | undefined {
  const seq = Number(/^\/Audit Entry (\d+)\.(?:txt|json)$/.exec(uri.path)?.[1]);
  return Number.isSafeInteger(seq) ? seq : undefined;
}

async function show(uri: Uri): Promise<void> {
  await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
}

import { CodeLens, EventEmitter, Range, TabInputTextDiff, Uri, commands as editorCommands, languages, window, workspace, type CodeLensProvider, type Tab, type TextDocument, type TextDocumentContentProvider } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import { fitMarks, type FileChange } from '../../../protocol/src/fileChanges';
import type { Broker } from '../broker';
import { commands, schemes } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';
import { changeTitle, lookOf, sideText } from './changeText';
import { parseSideAddress, sideAddress, type Look } from './changeUri';
import type { Decisions } from './decisions';
import type { Queue } from './queue';
import { closedText } from './reviewText';

/** Differences of files that calls would change, in the editor's own diff view. Their texts come from the broker, which read them itself. */
export class FileDiffs implements TextDocumentContentProvider, CodeLensProvider, Disposable {
  private readonly life = new Lifetime();
  private readonly texts = this.life.add(new EventEmitter<Uri>());
  private readonly lenses = this.life.add(new EventEmitter<void>());
  readonly onDidChange = this.texts.event;
  readonly onDidChangeCodeLenses = this.lenses.event;
  /** What the broker said of calls that still wait. */
  private readonly known = new Map<string, Promise<readonly FileChange[]>>();

  constructor(private readonly broker: Broker, private readonly queue: Queue, private readonly decisions: Decisions) {
    this.life.add(workspace.registerTextDocumentContentProvider(schemes.change, this));
    this.life.add(languages.registerCodeLensProvider({ scheme: schemes.change }, this));
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const ref = parseSideAddress(uri);
    const call = ref === undefined ? undefined : this.queue.find(ref.id, ref.digest);
    if (ref === undefined || call === undefined) return closedText(ref?.id ?? '', this.decisions.fateOf(ref?.id ?? ''));
    const change = (await this.changesOf(call))[ref.file];
    return change === undefined ? '' : sideText(change[ref.side]);
  }

  /** Lenses are drawn in our own language only: elsewhere the settings of diff views hide them, and the title has the same actions. */
  provideCodeLenses(document: TextDocument): CodeLens[] {
    const ref = parseSideAddress(document.uri);
    if (ref?.side !== 'after' || this.queue.find(ref.id, ref.digest) === undefined) return [];
    const lens = (title: string, command: string): CodeLens => new CodeLens(new Range(0, 0, 0, 0), { title, command, arguments: [document.uri] });
    return [lens('Deny', commands.deny), lens('Deny with Reason…', commands.denyWithReason), lens('Approve Once', commands.approve)];
  }

  /** What the call would make of files; kept while it waits. Rejects when the broker does not say. */
  changesOf(call: Pending): Promise<readonly FileChange[]> {
    const known = this.known.get(keyOf(call));
    if (known !== undefined) return known;
    const asked = this.broker.request('approvals/content', { id: call.id, digest: call.digest }).then(({ files }) => {
      // A signature is under the question: other texts than it names must not be shown for it.
      if (!fitMarks(files, call.contents ?? [])) throw new Error('What the broker sent is not what this call is about. Do not approve it, and report this.');
      return files;
    });
    this.known.set(keyOf(call), asked);
    asked.catch(() => this.known.delete(keyOf(call)));
    return asked;
  }

  /** Opens the difference of a call in front; false when there is none that could be shown. */
  async open(call: Pending): Promise<boolean> {
    if (call.files === undefined) return false;
    const changes = await this.changesOf(call).catch(() => []);
    const [change] = changes;
    if (changes.length > 1) {
      await openChanges(changeTitle(call, changes[0] as FileChange), changes.map((each, index) => ({ call, change: each, index })));
      return true;
    }
    if (change === undefined || change.after.kind !== 'text') return false;
    const look = lookOf(change);
    await editorCommands.executeCommand('vscode.diff', uriOf(call, change, 0, 'before', look), uriOf(call, change, 0, 'after', look), changeTitle(call, change), { preview: true });
    return true;
  }

  /** Opens the differences of several calls in one editor. */
  async openAll(calls: readonly Pending[]): Promise<void> {
    const found = await Promise.all(calls.map(async (call) => (await this.changesOf(call).catch(() => [])).map((change, index) => ({ call, change, index }))));
    const shown = found.flat().filter(({ change }) => change.after.kind === 'text');
    await openChanges(`${shown.length} file changes wait for your decision`, shown);
  }

  /** The tabs that show the difference of a call alone. */
  tabsOf(call: Pending): Tab[] {
    return window.tabGroups.all.flatMap((group) => group.tabs).filter(({ input }) => input instanceof TabInputTextDiff && input.modified.scheme === schemes.change && parseSideAddress(input.modified)?.id === call.id);
  }

  /** Draws anew what shows calls that no longer wait. */
  withdraw(gone: readonly Pending[]): void {
    for (const call of gone) this.known.delete(keyOf(call));
    for (const { uri } of workspace.textDocuments) {
      const ref = uri.scheme === schemes.change ? parseSideAddress(uri) : undefined;
      if (gone.some(({ id }) => id === ref?.id)) this.texts.fire(uri);
    }
    this.lenses.fire();
  }

  dispose(): void {
    this.life.dispose();
  }
}

type Shown = Readonly<{ call: Pending; change: FileChange; index: number }>;

/** Always in our own language: only there each file has its lenses, since the toolbar of a file in such an editor is not open to extensions. */
async function openChanges(title: string, all: readonly Shown[]): Promise<void> {
  const resources = all.map(({ call, change, index }) => [Uri.file(change.path), uriOf(call, change, index, 'before', 'plain'), uriOf(call, change, index, 'after', 'plain')]);
  await editorCommands.executeCommand('vscode.changes', title, resources);
}

function uriOf(call: Pending, change: FileChange, index: number, side: 'before' | 'after', look: Look): Uri {
  return Uri.from({ scheme: schemes.change, ...sideAddress(call, index, side, change, look) });
}

function keyOf({ id, digest }: Pending): string {
  return `${id} ${digest}`;
}

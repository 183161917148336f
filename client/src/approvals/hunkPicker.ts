import { window, type QuickPickItem } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import type { FileChange } from '../../../protocol/src/fileChanges';
import { messageOf, type Broker } from '../broker';
import { counted, plainLabel } from '../labels';
import { hunkRow } from './changeText';

/** Lets a person leave out some changes of a call. Nothing is approved by it: what is left comes back as a question of its own. */
export class HunkPicker {
  private readonly sent = new Set<string>();

  constructor(private readonly broker: Broker) {}

  /** Whether a question is what this window left of another. */
  isAnswerTo({ narrowed }: Pending): boolean {
    return narrowed !== undefined && this.sent.has(narrowed.after);
  }

  /** Asks which changes to keep, and sends the choice. */
  async choose(call: Pending, change: FileChange | undefined): Promise<void> {
    if (change?.divisible !== true) return void window.setStatusBarMessage('Conductor: this call has one change only, or none that can be left out.', 6000);
    const items = change.hunks.map((hunk, index): QuickPickItem & { index: number } => ({ ...hunkRow(hunk), picked: true, index }));
    const title = `Conductor: which of ${counted(items.length, 'change')} of ${plainLabel(change.path, 60)} to keep`;
    const kept = await window.showQuickPick(items, { title, placeHolder: 'Untick what to leave out. Then you see what is left, and approve or deny it.', canPickMany: true, ignoreFocusOut: true, matchOnDetail: true });
    if (kept === undefined) return;
    if (kept.length === 0 || kept.length === items.length) return void window.setStatusBarMessage(`Conductor: ${kept.length === 0 ? 'nothing was kept; deny the call instead' : 'nothing was left out; approve the call instead'}.`, 6000);
    await this.send(call, kept.map(({ index }) => index));
  }

  private async send({ id, digest }: Pending, keep: number[]): Promise<void> {
    this.sent.add(id);
    try {
      const { outcome, message } = await this.broker.request('approvals/narrow', { id, digest, keep });
      if (outcome === 'accepted') return;
      void window.showWarningMessage(`Conductor: nothing was left out. ${message}`);
    } catch (error) {
      void window.showErrorMessage(`Conductor: nothing was left out. ${messageOf(error)}`);
    }
    this.sent.delete(id);
  }
}

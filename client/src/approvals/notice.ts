import { ProgressLocation, window } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import { commands } from '../ids';
import { after, Lifetime, type Disposable } from '../lifetime';

/** Milliseconds for which a notification stands, about as long as the editor's own; after it badge and status bar still tell. */
export const standsMs = 12_000;

/** Characters of a sentence behind which the link still stands on the one line that a notification shows at first. */
const fitsBefore = 50;

/**
 * One notification about calls that wait, which goes with the last of them: the editor lets no other kind of notification be taken back, and
 * one whose calls were answered or withdrawn would ask for nothing. It has a link to the review and nothing that decides.
 */
export class Notice implements Disposable {
  private shown: Readonly<{ ids: Set<string>; life: Lifetime }> | undefined;

  /** Shows a sentence of ours about these calls in the place of the one before; its link opens the one of them that is given, or else the next. */
  show(calls: readonly Pending[], sentence: string, first?: Pending): void {
    this.dispose();
    const life = new Lifetime();
    this.shown = { ids: new Set(calls.map(({ id }) => id)), life };
    life.add(after(standsMs, () => life.dispose()));
    const link = `[Review](command:${first === undefined ? commands.reviewNext : `${commands.review}?${encodeURIComponent(JSON.stringify([{ id: first.id, digest: first.digest }]))}`})`;
    const title = `Conductor: ${sentence.length <= fitsBefore ? `${sentence} ${link}` : `${link} · ${sentence}`}`;
    void window.withProgress({ location: ProgressLocation.Notification, title }, () => new Promise<void>((done) => life.onEnd(done)));
  }

  /** These calls wait no longer. */
  gone(calls: readonly Pending[]): void {
    for (const { id } of calls) this.shown?.ids.delete(id);
    if (this.shown?.ids.size === 0) this.dispose();
  }

  dispose(): void {
    this.shown?.life.dispose();
    this.shown = undefined;
  }
}

import { CodeLens, Range, languages, type CodeLensProvider, type TextDocument } from 'vscode';
import { commands, schemes } from '../ids';
import type { Disposable } from '../lifetime';
import { grantIn } from './grants';
import type { Queue } from './queue';
import { callAt } from './review';
import { ladderOf } from './rungs';

/** Lenses about answers that last: on the review of a call that offers one, and on an entry of the log that names one. */
export class GrantLenses implements CodeLensProvider, Disposable {
  private readonly registration: Disposable;

  constructor(private readonly queue: Queue, private readonly held: (id: string) => boolean) {
    this.registration = languages.registerCodeLensProvider([{ scheme: schemes.call }, { scheme: schemes.entry }], this);
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const lens = (title: string, command: string, about: unknown): CodeLens => new CodeLens(new Range(0, 0, 0, 0), { title, command, arguments: [about] });
    if (document.uri.scheme === schemes.entry) {
      const id = grantIn(document.getText());
      return id === undefined || !this.held(id) ? [] : [lens('Undo What Was Granted Here', commands.undoGrant, id)];
    }
    const call = callAt(document.uri, this.queue);
    if (call === undefined) return [];
    const { allow, deny } = ladderOf(call);
    return [...(allow.length === 0 ? [] : [lens('Approve for Longer…', commands.approveForLonger, document.uri)]), ...(deny.length === 0 ? [] : [lens('Deny for Good…', commands.denyForGood, document.uri)])];
  }

  dispose(): void {
    this.registration.dispose();
  }
}

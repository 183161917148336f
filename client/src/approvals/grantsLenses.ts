import { CodeLens, Range, languages, type CodeLensProvider, type TextDocument } from 'vscode';
import { lineIn } from '../audit/entryText';
import { commands, schemes } from '../ids';
import type { Disposable } from '../lifetime';
import { grantIn } from './grants';

/** A lens on an entry of the log that names an answer that still lasts: takes it back. */
export class GrantLenses implements CodeLensProvider, Disposable {
  private readonly registration: Disposable;

  /** `held`: whether an answer of this id still lasts. */
  constructor(private readonly held: (id: string) => boolean) {
    this.registration = languages.registerCodeLensProvider({ scheme: schemes.entry }, this);
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const id = grantIn(lineIn(document.getText()));
    return id === undefined || !this.held(id) ? [] : [new CodeLens(new Range(0, 0, 0, 0), { title: 'Undo What Was Granted Here', command: commands.undoGrant, arguments: [id] })];
  }

  dispose(): void {
    this.registration.dispose();
  }
}

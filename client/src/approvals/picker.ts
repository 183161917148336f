import { QuickInputButtons, window, type QuickInput, type QuickPickItem } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import { revealLine } from '../../../protocol/src/display';
import { plainLabel } from '../labels';
import { choicesFor, type Deed } from './choices';
import { settleMs, type Queue } from './queue';
import { waitingText } from './rows';

/** What a person chose in the decision list. */
export type Choosing = Readonly<{ deed: Deed }> | 'left' | 'withdrawn';

/** Quick picks about waiting calls; one that is open for a call that vanished closes itself. */
export class Picker {
  private readonly openFor = new Map<string, QuickInput>();

  constructor(private readonly queue: Queue) {}

  /** Whether a person is answering in a list at this moment. */
  get isOpen(): boolean {
    return this.openFor.size > 0;
  }

  /** Lets the person choose one of the waiting calls; undefined when they leave. The list never changes while it is open. */
  async chooseCall(): Promise<Pending | undefined> {
    const items = this.queue.all.map((call) => ({ ...listItem(call), call }));
    const chosen = await window.showQuickPick(items, { title: `Conductor: ${waitingText(items.length)}`, placeHolder: 'Choose a call to decide', ignoreFocusOut: true });
    return chosen?.call;
  }

  /** Shows the raw action and asks. Deny is preselected; Esc leaves the call waiting. */
  async choose(call: Pending): Promise<Choosing> {
    const deed = await this.pick<Deed>(call, choicesFor(call), (one) => one === 'deny');
    return deed === undefined ? 'left' : { deed };
  }

  /** Shows rows about a call, of which one is preselected, and gives what the chosen one does; undefined when the person leaves or the call vanishes. */
  async pick<D>(call: Pending, choices: readonly Readonly<{ deed: D; label: string; detail?: string }>[], first: (deed: D) => boolean): Promise<D | undefined> {
    const pick = window.createQuickPick<QuickPickItem & { deed: D }>();
    pick.title = `Conductor: ${call.title}`;
    pick.placeholder = 'Decide with the arrow keys and Enter; Esc leaves the call waiting';
    pick.ignoreFocusOut = true;
    // Typing must not hide what would run, so that every row stays whatever is typed.
    pick.items = choices.map((choice) => ({ ...choice, alwaysShow: true }));
    pick.activeItems = pick.items.filter((item) => first(item.deed));
    const shownAt = performance.now();
    return this.settle<D | undefined>(call, pick, undefined, (done) => {
      pick.onDidAccept(() => {
        const [item] = pick.selectedItems;
        if (item !== undefined && performance.now() - shownAt >= settleMs) done(item.deed);
      });
    });
  }

  /** Asks why; undefined when the person leaves, which leaves the call waiting. */
  async askReason(call: Pending): Promise<string | undefined> {
    const box = window.createInputBox();
    box.title = `Conductor: deny ${revealLine(call.raw, 60)}`;
    box.prompt = 'The agent reads this. Cancelling leaves the call waiting.';
    box.ignoreFocusOut = true;
    box.buttons = [QuickInputButtons.Back];
    return this.settle<string | undefined>(call, box, undefined, (done) => {
      box.onDidChangeValue((value) => (box.validationMessage = value.length > 2000 ? 'At most 2000 characters.' : undefined));
      box.onDidTriggerButton(() => done(undefined));
      box.onDidAccept(() => box.value.length <= 2000 && done(box.value.trim()));
    });
  }

  /** Closes what is open for calls that no longer wait, and says so. */
  withdraw(gone: readonly Pending[]): void {
    for (const call of gone) {
      const open = this.openFor.get(call.id);
      if (open === undefined) continue;
      open.hide();
      void window.showInformationMessage('Conductor: the call you were looking at no longer waits. It was answered elsewhere, withdrawn or ran out of time.');
    }
  }

  /** Shows an input until it is answered or hidden; `left` is what hiding means. */
  private async settle<T>(call: Pending, input: QuickInput, left: T, listen: (done: (value: T) => void) => void): Promise<T> {
    this.openFor.set(call.id, input);
    try {
      return await new Promise<T>((resolve) => {
        listen(resolve);
        input.onDidHide(() => resolve(left));
        input.show();
      });
    } finally {
      if (this.openFor.get(call.id) === input) this.openFor.delete(call.id);
      input.dispose();
    }
  }
}

function listItem(call: Pending): QuickPickItem {
  return { label: plainLabel(call.raw, 90), detail: plainLabel(`${call.tool} in ${call.cwd}`, 200), alwaysShow: true };
}

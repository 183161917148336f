import { InputBoxValidationSeverity, QuickInputButtons, window, type QuickInput, type QuickPickItem } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import { revealLine } from '../../../protocol/src/display';
import { plainLabel } from '../labels';
import { quickRow } from '../quickRow';
import { choicesFor, type Deed } from './choices';
import { settleMs, type Queue } from './queue';
import { waitingText } from './rows';

/** What a person chose in the decision list. */
export type Choosing = Readonly<{ deed: Deed }> | 'left';

/** What an input says whose call vanished. */
const ended = { title: 'Conductor: this call no longer waits', text: 'This call no longer waits', detail: 'It was answered elsewhere, withdrawn or ran out of time. Enter or Esc closes this.' } as const;

/**
 * Quick inputs about waiting calls. One whose call vanishes says so and stays: keys that were meant for it must not fall on what lies behind
 * it, where Enter might run a line in a terminal. They do nothing then but close it.
 */
export class Picker {
  private readonly openFor = new Map<string, () => void>();

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
    pick.items = choices.map((choice) => quickRow({ ...choice, alwaysShow: true }));
    pick.activeItems = pick.items.filter((item) => first(item.deed));
    const shownAt = performance.now();
    const vanish = (): void => {
      Object.assign(pick, { title: ended.title, placeholder: ended.detail, items: [{ label: ended.text, detail: ended.detail, alwaysShow: true }] });
    };
    return this.settle<D>(call, pick, vanish, (done) => {
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
    let vanished = false;
    const vanish = (): void => {
      vanished = true;
      Object.assign(box, { title: ended.title, prompt: ended.detail, validationMessage: { message: `${ended.text}. What you typed is not sent.`, severity: InputBoxValidationSeverity.Warning } });
    };
    return this.settle<string>(call, box, vanish, (done) => {
      box.onDidChangeValue((value) => !vanished && (box.validationMessage = value.length > 2000 ? 'At most 2000 characters.' : undefined));
      box.onDidTriggerButton(() => done(undefined));
      box.onDidAccept(() => (vanished ? done(undefined) : box.value.length <= 2000 && done(box.value.trim())));
    });
  }

  /** Says in what is open for calls that no longer wait that they do not. */
  withdraw(gone: readonly Pending[]): void {
    for (const { id } of gone) {
      this.openFor.get(id)?.();
      this.openFor.delete(id);
    }
  }

  /** Shows an input until it is answered or hidden, which gives undefined; `vanish` is done when its call no longer waits. */
  private async settle<T>(call: Pending, input: QuickInput, vanish: () => void, listen: (done: (value: T | undefined) => void) => void): Promise<T | undefined> {
    this.openFor.set(call.id, vanish);
    if (this.queue.find(call.id, call.digest) === undefined) this.withdraw([call]);
    try {
      return await new Promise<T | undefined>((resolve) => {
        listen(resolve);
        input.onDidHide(() => resolve(undefined));
        input.show();
      });
    } finally {
      if (this.openFor.get(call.id) === vanish) this.openFor.delete(call.id);
      input.dispose();
    }
  }
}

function listItem(call: Pending): QuickPickItem {
  // As in the view, a change of a file is named by its first line.
  return { label: plainLabel(call.files === undefined ? call.raw : (call.raw.split('\n', 1)[0] ?? ''), 90), detail: plainLabel(`${call.tool} in ${call.cwd}`, 200), alwaysShow: true };
}

import { InputBoxValidationSeverity, QuickInputButtons, window, type InputBox, type QuickInput, type QuickInputButton, type QuickPickItem } from 'vscode';
import { quickRow } from './quickRow';

/** Inputs that follow one another, with a way back, in the editor's own quick input. */

/** What a person did instead of answering: went back, or left. */
export type NotAnswered = 'back' | 'left';

/** Where an input stands among others. */
export type Place = Readonly<{ title: string; /** From 1; absent when it stands alone. */ step?: number; of?: number; back: boolean }>;

/** What is wrong with a text: an error keeps it from being accepted, a warning and a remark do not. */
export type Finding = Readonly<{ kind: 'error' | 'warning' | 'remark'; text: string }>;

/** A text that is asked for. */
export type TextQuestion = Place &
  Readonly<{
    prompt: string;
    placeholder?: string;
    value?: string;
    /** Shows dots instead of letters. */
    hidden?: boolean;
    check(text: string): Finding | undefined;
    /** Told before anything is typed. */
    beginning?: Finding;
    /** A button that answers with a text from elsewhere; undefined when there is none. */
    elsewhere?: Readonly<{ button: QuickInputButton; text(): Promise<string | undefined> }>;
  }>;

/** An answer of a list. */
export type Choice<Value> = Readonly<{ label: string; description?: string; detail?: string; value: Value }>;

const severities = { error: InputBoxValidationSeverity.Error, warning: InputBoxValidationSeverity.Warning, remark: InputBoxValidationSeverity.Info } as const;

/** Asks for a text. It stays open when another window is looked at, since what is asked for often is there. */
export async function askText(question: TextQuestion): Promise<Readonly<{ text: string }> | NotAnswered> {
  const box = window.createInputBox();
  const { prompt, placeholder, value = '', hidden = false, elsewhere } = question;
  Object.assign(box, { prompt, placeholder, value, password: hidden, buttons: [...(question.back ? [QuickInputButtons.Back] : []), ...(elsewhere === undefined ? [] : [elsewhere.button])] });
  show(box, question.beginning);
  return shownInput<Readonly<{ text: string }>>(box, question, (answer) => {
    const accept = (text: string): void => {
      const finding = question.check(text);
      if (finding?.kind !== 'error') return answer({ text });
      show(box, finding);
    };
    box.onDidChangeValue((text) => show(box, text === '' ? undefined : question.check(text)));
    box.onDidAccept(() => accept(box.value));
    box.onDidTriggerButton(async (button) => {
      if (button === QuickInputButtons.Back) return answer('back');
      const text = await elsewhere?.text();
      if (text !== undefined) accept(text);
    });
  });
}

function show(box: InputBox, finding: Finding | undefined): void {
  box.validationMessage = finding === undefined ? undefined : { message: finding.text, severity: severities[finding.kind] };
}

/** Asks for one of several; the first is preselected, so it must be the harmless one. */
export async function askChoice<Value>(place: Place & Readonly<{ placeholder: string }>, choices: readonly Choice<Value>[]): Promise<Readonly<{ value: Value }> | NotAnswered> {
  const pick = window.createQuickPick<QuickPickItem & { value: Value }>();
  pick.placeholder = place.placeholder;
  pick.matchOnDescription = true;
  pick.buttons = place.back ? [QuickInputButtons.Back] : [];
  pick.items = choices.map(({ label, description, detail, value }) => quickRow({ label, value, ...(description === undefined ? {} : { description }), ...(detail === undefined ? {} : { detail }) }));
  return shownInput<Readonly<{ value: Value }>>(pick, place, (answer) => {
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      if (item !== undefined) answer({ value: item.value });
    });
    pick.onDidTriggerButton(() => answer('back'));
  });
}

async function shownInput<Answer>(input: QuickInput, { title, step, of }: Place, listen: (answer: (given: Answer | NotAnswered) => void) => void): Promise<Answer | NotAnswered> {
  input.title = `Conductor: ${title}`;
  input.step = step;
  input.totalSteps = of;
  input.ignoreFocusOut = true;
  try {
    return await new Promise<Answer | NotAnswered>((resolve) => {
      listen(resolve);
      input.onDidHide(() => resolve('left'));
      input.show();
    });
  } finally {
    input.dispose();
  }
}

/** One step of several: asks at its place, keeps the answer for itself, and says how to go on. */
export type Step = (place: Readonly<{ step: number; of: number; back: boolean }>) => Promise<'next' | NotAnswered>;

/** Goes through steps, back and forth; whether the last one was answered. */
export async function walk(steps: readonly Step[]): Promise<boolean> {
  let at = 0;
  for (let step = steps[at]; step !== undefined; step = steps[at]) {
    const done = await step({ step: at + 1, of: steps.length, back: at > 0 });
    if (done === 'left') return false;
    at = done === 'back' ? Math.max(0, at - 1) : at + 1;
  }
  return true;
}

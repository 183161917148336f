import { env, ThemeIcon } from 'vscode';
import { askChoice, askText, type NotAnswered, type Place } from '../steps';
import { checkPassphrase, checkValue } from './checks';
import { slotMeaning } from './rows';

/** Asks for values, passphrases and the kinds of key slots. What is typed is shown as dots, and kept by nobody here. */

const clipboard = {
  button: { iconPath: new ThemeIcon('clippy'), tooltip: 'Take the clipboard as it is, with its line breaks' },
  text: async (): Promise<string | undefined> => (await env.clipboard.readText()) || undefined,
} as const;

/** Asks for the value of a credential; `later` lets it be left empty. */
export function askValue(place: Place, name: string, more: Readonly<{ hint?: string; later?: boolean }> = {}): ReturnType<typeof askText> {
  const { hint, later = false } = more;
  const check = later ? (text: string) => (text === '' ? undefined : checkValue(text)) : checkValue;
  return askText({ ...place, prompt: `Value of ${name}; it is not shown. The button takes text of several lines from the clipboard.`, hidden: true, check, elsewhere: clipboard, ...(hint === undefined ? {} : { placeholder: hint }) });
}

/** Asks for a passphrase that is to open the store from now on, twice. */
export async function askNewPassphrase(place: Place): Promise<Readonly<{ text: string }> | NotAnswered> {
  const first = await askText({ ...place, prompt: 'New passphrase for the credentials. Nobody can recover it.', hidden: true, check: checkPassphrase });
  if (typeof first === 'string') return first;
  const again = await askText({ ...place, back: true, prompt: 'The same passphrase once more', hidden: true, check: (text) => (text === first.text ? undefined : { kind: 'error', text: 'The two are not the same.' }) });
  return again === 'back' ? askNewPassphrase(place) : again;
}

/** Asks for the passphrase of a store that is locked. `wrong` says why an earlier one was not taken. */
export async function askPassphrase(place: Place, wrong?: string): Promise<Readonly<{ text: string }> | NotAnswered> {
  return askText({ ...place, prompt: 'Passphrase of the credentials', ...(wrong === undefined ? {} : { beginning: { kind: 'error', text: wrong } as const }), hidden: true, check: (text) => (text === '' ? { kind: 'error', text: 'Type the passphrase, or leave with Esc.' } : undefined) });
}

/** What opens a store that does not exist yet. */
export type Opener = 'machine' | 'editor' | 'passphrase';

/** Asks what opens the store, when the first credential makes it. What works everywhere comes first. */
export function askOpener(place: Place): Promise<Readonly<{ value: Opener }> | NotAnswered> {
  return askChoice<Opener>({ ...place, placeholder: 'These are the first credentials. What opens them from now on? You can add others later.' }, [
    { label: '$(vm) This Machine', detail: slotMeaning('machine'), value: 'machine' },
    { label: '$(window) This Editor Only', detail: 'Opens while a window of this editor is open. The key lies in its secret storage alone.', value: 'editor' },
    { label: '$(key) A Passphrase', detail: 'You type it each time that the broker was started.', value: 'passphrase' },
  ]);
}

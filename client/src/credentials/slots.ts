import { commands as editorCommands, window } from 'vscode';
import type { CredentialState, NewSlot, SlotView } from '../../../protocol/src/credentials';
import { messageOf, type Broker } from '../broker';
import { commands } from '../ids';
import { dateText } from '../labels';
import { askChoice } from '../steps';
import { askNewPassphrase, askOpener, askPassphrase, type Opener } from './asking';
import type { EditorKey } from './editorKey';
import type { CredentialModel } from './model';
import { shutText, slotMeaning, slotName } from './rows';

/** What the commands about credentials use. */
export type Room = Readonly<{ broker: Broker; model: CredentialModel; key: EditorKey }>;

/** Adds what opens the store from now on. On an empty place that makes a store which only this opens. */
export async function addSlot(room: Room): Promise<void> {
  const place = { title: 'Add Key Slot', back: false } as const;
  const kind = await askKind(room.model.state);
  const slot = kind === undefined ? undefined : await newSlot(room, place, kind);
  if (slot === undefined) return;
  await room.broker.request('credentials/addSlot', slot);
  window.setStatusBarMessage(`Conductor: ${slotName(slot.kind)} opens the credentials from now on`, 5000);
  const machine = room.model.state?.slots.find((one) => one.kind === 'machine');
  if (slot.kind === 'machine' || machine === undefined) return;
  const remove = 'Remove This Machine…';
  void window.showInformationMessage('Conductor: the credentials also open on this machine without asking, as before. Remove that slot if only the new one should open them; agents that run while they are locked do without.', remove).then((chosen) => chosen === remove && editorCommands.executeCommand(commands.removeSlot, { kind: 'slot', slot: machine }));
}

async function askKind(state: CredentialState | undefined): Promise<Opener | undefined> {
  const has = new Set(state?.slots.map(({ kind }) => kind));
  const choices = [
    { label: '$(window) Keep a Key in This Editor', detail: slotMeaning('editor'), value: 'editor' as const },
    { label: '$(key) A Passphrase', detail: slotMeaning('passphrase'), value: 'passphrase' as const },
    ...(has.has('machine') ? [] : [{ label: '$(vm) This Machine', detail: slotMeaning('machine'), value: 'machine' as const }]),
  ];
  const chosen = await askChoice<Opener>({ title: 'Add Key Slot', back: false, placeholder: 'What else opens the credentials?' }, choices);
  return typeof chosen === 'string' ? undefined : chosen.value;
}

/** What a choice asks the broker for; undefined when the person leaves. */
async function newSlot({ key }: Room, place: Readonly<{ title: string; back: boolean }>, kind: Opener): Promise<NewSlot | undefined> {
  switch (kind) {
    case 'machine':
      return { kind };
    case 'editor':
      return { kind, key: await key.made() };
    case 'passphrase': {
      const answer = await askNewPassphrase(place);
      return typeof answer === 'string' ? undefined : { kind, passphrase: answer.text };
    }
  }
}

/** Where there is no store yet, asks what is to open it and makes it; whether one may set credentials now. */
export async function ensureStore(room: Room, title: string): Promise<boolean> {
  if ((await room.broker.request('credentials/list', {})).state !== 'empty') return true;
  const place = { title, back: false } as const;
  const opener = await askOpener(place);
  if (typeof opener === 'string') return false;
  const slot = await newSlot(room, place, opener.value);
  if (slot === undefined) return false;
  await room.broker.request('credentials/addSlot', slot);
  return true;
}

/** Takes away what opens the store; everything is sealed anew. */
export async function removeSlot({ broker, model }: Room, given: unknown): Promise<void> {
  const { slots } = await broker.request('credentials/list', {});
  const slot = slots.find(({ id }) => id === slotIdOf(given)) ?? (await chooseSlot(slots));
  if (slot === undefined) return void (slots.length === 0 && window.setStatusBarMessage('Conductor: there is no key slot yet.', 4000));
  const left = slots.filter((one) => one !== slot).map(({ kind }) => slotName(kind));
  const sure = await askChoice<boolean>({ title: `Remove Key Slot: ${slotName(slot.kind)}`, back: false, placeholder: left.length === 0 ? 'It is the only one.' : `Afterwards these open the credentials: ${left.join(', ')}.` }, [
    { label: '$(close) Keep It', value: false },
    { label: `$(trash) Remove ${slotName(slot.kind)}`, detail: 'Everything is sealed with a new key, so that what this slot opened is of no use any more.', value: true },
  ]);
  if (typeof sure === 'string' || !sure.value) return;
  await broker.request('credentials/removeSlot', { id: slot.id });
  window.setStatusBarMessage(`Conductor: ${slotName(slot.kind)} does not open the credentials any more`, 5000);
  model.provider.begin();
}

async function chooseSlot(slots: readonly SlotView[]): Promise<SlotView | undefined> {
  if (slots.length === 0) return undefined;
  const choices = slots.map((slot) => ({ label: slotName(slot.kind), description: `since ${dateText(slot.createdAt, Date.now())}`, detail: slotMeaning(slot.kind), value: slot }));
  const chosen = await askChoice({ title: 'Remove Key Slot', back: false, placeholder: 'What must not open the credentials any more?' }, choices);
  return typeof chosen === 'string' ? undefined : chosen.value;
}

/** Does the one thing that opens a locked store: offers the key of this editor again, asks for the passphrase, or says what else does. */
export async function unlock({ broker, model }: Room): Promise<void> {
  model.take(await broker.request('credentials/list', {}));
  if (model.state?.state !== 'locked') return tellShut(model);
  if (model.state.slots.some(({ kind }) => kind === 'editor')) await model.provider.offer();
  model.take(await broker.request('credentials/list', {}));
  if (model.state.state === 'locked' && model.state.slots.some(({ kind }) => kind === 'passphrase') && !(await unlockByPassphrase(broker))) return;
  model.take(await broker.request('credentials/list', {}));
  return tellShut(model);
}

/** Asks until it fits or the person leaves; whether it fitted. */
async function unlockByPassphrase(broker: Broker): Promise<boolean> {
  let wrong: string | undefined;
  for (;;) {
    const answer = await askPassphrase({ title: 'Unlock Credentials', back: false }, wrong);
    if (typeof answer === 'string') return false;
    try {
      await broker.request('credentials/offerKey', { passphrase: answer.text });
      return true;
    } catch (error) {
      wrong = `${messageOf(error)} Type the passphrase again, or leave with Esc; nobody can recover it.`;
    }
  }
}

async function tellShut({ state, key }: CredentialModel): Promise<void> {
  const shut = shutText(state, key);
  if (shut === undefined) return void window.setStatusBarMessage(state?.state === 'empty' ? 'Conductor: there are no credentials yet.' : 'Conductor: the credentials are open.', 4000);
  const accept = 'Use the Store as It Is…';
  const more = state?.state === 'refused' ? [accept] : [];
  const chosen = await window.showWarningMessage(`Conductor: ${shut.reason} ${shut.next}`, ...more);
  if (chosen === accept) await editorCommands.executeCommand(commands.acceptCredentials);
}

function slotIdOf(given: unknown): string | undefined {
  const slot = typeof given === 'object' && given !== null && 'slot' in given ? given.slot : undefined;
  return typeof slot === 'object' && slot !== null && 'id' in slot && typeof slot.id === 'string' ? slot.id : undefined;
}

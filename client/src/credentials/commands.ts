import { env, window } from 'vscode';
import type { CredentialState } from '../../../protocol/src/credentials';
import { counted, plainLabel } from '../labels';
import { askChoice, askText, walk, type Step } from '../steps';
import { askValue } from './asking';
import { checkName } from './checks';
import { credentialRow, referenceTo } from './rows';
import { ensureStore, type Room } from './slots';

/** Asks for a name, unless one is given, and a value, and keeps it. */
export async function setCredential(room: Room, given?: string): Promise<void> {
  const isThere = given !== undefined && room.model.state?.credentials.some(({ name }) => name === given) === true;
  const title = given === undefined ? 'Set Credential' : isThere ? `Replace Value of ${given}` : `Set Credential ${given}`;
  if (!(await ensureStore(room, title))) return;
  const taken = new Set((await openStore(room)).credentials.map(({ name }) => name));
  let name = given;
  let value = '';
  const askName: Step = async (place) => {
    const answer = await askText({ ...place, title, prompt: 'Name of the credential: service.key', placeholder: 'github.token', value: name ?? '', check: (text) => checkName(text, taken) });
    if (typeof answer === 'string') return answer;
    name = answer.text;
    return 'next';
  };
  const askIt: Step = async (place) => {
    const answer = await askValue({ ...place, title }, name ?? '');
    if (typeof answer === 'string') return answer;
    value = answer.text;
    return 'next';
  };
  if (!(await walk(given === undefined ? [askName, askIt] : [askIt])) || name === undefined) return;
  const { done } = await room.broker.request('credentials/set', { name, value });
  window.setStatusBarMessage(`Conductor: ${name} is ${done === 'created' ? 'set' : 'changed'}. Write ${referenceTo(name)} where configuration needs it`, 8000);
}

/** Gives a credential another value. */
export async function replaceCredential(room: Room, row: unknown): Promise<void> {
  const name = await nameFor(room, row, 'Replace Value', 'Which credential gets another value?');
  if (name !== undefined) await setCredential(room, name);
}

/** Deletes a credential, after a question that says who used it. */
export async function deleteCredential(room: Room, row: unknown): Promise<void> {
  const name = await nameFor(room, row, 'Delete Credential', 'Which credential is to be deleted?');
  if (name === undefined) return;
  const users = room.model.state?.credentials.find((one) => one.name === name)?.usableBy ?? [];
  const sure = await askChoice<boolean>({ title: `Delete ${name}`, back: false, placeholder: users.length === 0 ? 'Nothing that is configured uses it.' : `What uses it fails afterwards: ${users.map((user) => plainLabel(user, 60)).join(', ')}.` }, [
    { label: '$(close) Keep It', value: false },
    { label: `$(trash) Delete ${name}`, detail: 'Its value cannot be brought back.', value: true },
  ]);
  if (typeof sure === 'string' || !sure.value) return;
  const { deleted } = await room.broker.request('credentials/delete', { name });
  window.setStatusBarMessage(deleted ? `Conductor: ${name} is deleted` : `Conductor: there is no credential ${name}`, 5000);
}

/** Copies how configuration refers to a credential. */
export async function copyReference(room: Room, row: unknown): Promise<void> {
  const name = await nameFor(room, row, 'Copy Reference', 'Which credential is referred to?');
  if (name === undefined) return;
  await env.clipboard.writeText(referenceTo(name));
  window.setStatusBarMessage(`Conductor: ${referenceTo(name)} is in the clipboard; the value is not`, 5000);
}

/** Seals everything with a new key. */
export async function rotateCredentials({ broker }: Room): Promise<void> {
  const { credentials } = await broker.request('credentials/rotate', {});
  window.setStatusBarMessage(`Conductor: ${counted(credentials, 'credential')} sealed with a new key; the values are the same`, 8000);
}

/** Takes over files of the older format, and says what became of them. */
export async function importCredentials({ broker }: Room): Promise<void> {
  const { imported, kept, problems, movedTo } = await broker.request('credentials/import', {});
  const words = [
    imported.length === 0 ? 'No credential was imported.' : `Imported: ${imported.join(', ')}.`,
    ...(kept.length === 0 ? [] : [`Set already and left as they are: ${kept.join(', ')}.`]),
    ...problems.map((problem) => plainLabel(problem, 300)),
    movedTo === null ? 'The old files stay where they are.' : `The old files are in ${plainLabel(movedTo, 200)}. Whoever can read them and the id of this machine can open them: delete them when everything works.`,
  ];
  await (problems.length === 0 ? window.showInformationMessage(`Conductor: ${words.join(' ')}`) : window.showWarningMessage(`Conductor: ${words.join(' ')}`));
}

/** Says that a person put the store there, or took it away, on purpose. */
export async function acceptCredentials({ broker, model }: Room): Promise<void> {
  const reason = await askText({
    title: 'Use Restored Credential Store', back: false,
    prompt: 'Only if you put it there, or took it away, yourself: why? The audit log keeps your answer.',
    check: (text) => (text.trim() === '' || text.length > 500 ? { kind: 'error', text: 'Write 1 to 500 characters.' } : undefined),
  });
  if (typeof reason === 'string') return;
  await broker.request('credentials/accept', { reason: reason.text.trim() });
  const state = await broker.request('credentials/list', {});
  model.take(state);
  window.setStatusBarMessage(state.state === 'empty' ? 'Conductor: there are no credentials any more; the next one begins a new store' : 'Conductor: the credentials are used as they are', 5000);
}

/** The open store; throws what keeps it shut. */
export async function openStore({ broker }: Pick<Room, 'broker'>): Promise<CredentialState> {
  const state = await broker.request('credentials/list', {});
  if (state.state === 'locked' || state.state === 'refused') throw new Error(state.message);
  return state;
}

/** The name that a row carries, or one that is chosen. */
async function nameFor(room: Room, row: unknown, title: string, placeholder: string): Promise<string | undefined> {
  const given = nameOf(row);
  if (given !== undefined) return given;
  const { credentials } = await openStore(room);
  if (credentials.length === 0) return void window.setStatusBarMessage('Conductor: there are no credentials.', 4000);
  const chosen = await askChoice({ title, back: false, placeholder }, credentials.map((credential) => ({ label: credential.name, description: credentialRow(credential, Date.now()).description, value: credential.name })));
  return typeof chosen === 'string' ? undefined : chosen.value;
}

function nameOf(row: unknown): string | undefined {
  const credential = typeof row === 'object' && row !== null && 'credential' in row ? row.credential : undefined;
  return typeof credential === 'object' && credential !== null && 'name' in credential && typeof credential.name === 'string' ? credential.name : undefined;
}

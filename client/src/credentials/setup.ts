import { commands as editorCommands, window } from 'vscode';
import { answerFlaw } from '../../../protocol/src/backendFields';
import type { BackendNeeds } from '../../../protocol/src/externalServers';
import { commands } from '../ids';
import { counted, plainLabel } from '../labels';
import { askChoice, askText, walk, type Finding, type NotAnswered, type Place, type Step } from '../steps';
import { askValue } from './asking';
import { ensureStore, unlock, type Room } from './slots';

/** A credential that the configuration names, with who needs it and where, and what the `configSchema` of a server says of it. */
type Wanted = Readonly<{ name: string; needs: readonly string[]; says: string }>;
/** A setting that the `configSchema` of a server names. */
type Setting = BackendNeeds['settings'][number];

const title = 'Set Up Credentials';

/** Goes through every credential that the configuration names, step by step: asks for the missing ones first, and whether to keep the others. What was typed is kept at once, so that leaving loses nothing. */
export async function setUpCredentials(room: Room): Promise<void> {
  const needs = await room.broker.request('backends/needs', {});
  const wanted = gather(needs);
  if (wanted.length === 0 && needs.settings.length === 0) return tellNothing(needs);
  if (wanted.length > 0 && (!(await ensureStore(room, title)) || !(await isOpen(room)))) return;
  const { credentials } = await room.broker.request('credentials/list', {});
  const present = new Set(credentials.map(({ name }) => name));
  const answers = new Map<Setting, string>();
  const inOrder = [...wanted.filter(({ name }) => !present.has(name)), ...wanted.filter(({ name }) => present.has(name))];
  let changed = 0;
  const keep = async (name: string, value: string): Promise<void> => {
    await room.broker.request('credentials/set', { name, value });
    present.add(name);
    changed += 1;
  };
  const done = await walk([...inOrder.map((one) => stepOf(one, present, keep)), ...needs.settings.map((setting) => settingStep(setting, answers))]);
  // They stand in one file, which changes once, and not at all when somebody leaves.
  if (done) await configure(room, answers);
  const missing = wanted.filter(({ name }) => !present.has(name)).map(({ name }) => name);
  window.setStatusBarMessage(`Conductor: ${counted(changed, 'credential')} set${missing.length === 0 ? ', none missing' : `, still missing: ${missing.join(', ')}`}`, 8000);
  if (done) tellVariables(needs);
}

function gather({ credentials }: BackendNeeds): readonly Wanted[] {
  const names = [...new Set(credentials.map(({ name }) => name))];
  const saysOf = (name: string): string => [...new Set(credentials.filter((one) => one.name === name).flatMap(({ title: called, description }) => [called, description].flatMap((text) => (text === undefined ? [] : [plainLabel(text, 200)]))))].join('. ');
  return names.map((name) => ({ name, says: saysOf(name), needs: credentials.filter((one) => one.name === name).map(({ backend, place }) => (backend === null ? plainLabel(place, 120) : `${plainLabel(place, 80)} of server ${plainLabel(backend, 40)}`)) }));
}

function stepOf({ name, needs, says }: Wanted, present: ReadonlySet<string>, keep: (name: string, value: string) => Promise<void>): Step {
  return async (where) => {
    const place: Place = { ...where, title };
    if (present.has(name)) {
      const chosen = await askChoice<'keep' | 'replace'>({ ...place, placeholder: `${name} is set already. It is ${needs.join(' and ')}.` }, [
        { label: '$(check) Keep It', value: 'keep' },
        { label: '$(edit) Replace Its Value…', value: 'replace' },
      ]);
      if (typeof chosen === 'string') return chosen;
      if (chosen.value === 'keep') return 'next';
    }
    return askAndKeep(place, { name, needs, says }, keep);
  };
}

async function askAndKeep(place: Place, { name, needs, says }: Wanted, keep: (name: string, value: string) => Promise<void>): Promise<'next' | NotAnswered> {
  const answer = await askValue(place, name, { hint: `${says === '' ? '' : `${says}. `}For ${needs.join(' and ')}. Leave it empty to set it later.`, later: true });
  if (typeof answer === 'string') return answer;
  if (answer.text !== '') await keep(name, answer.text);
  return 'next';
}

/** Asks for a setting in the way of its type. What is there already is shown, and stays when it is only accepted. */
function settingStep(setting: Setting, answers: Map<Setting, string>): Step {
  const { backend, name, field, required, value } = setting;
  return async (where) => {
    const place: Place = { ...where, title: 'Set Up Server' };
    const now = answers.get(setting) ?? value ?? '';
    const what = [`${plainLabel(name, 80)} of server ${plainLabel(backend, 40)}`, ...[field.title, field.description].flatMap((text) => (text === undefined ? [] : [plainLabel(text, 200)]))].join('. ');
    const choices = field.secret === true ? undefined : (field.enum ?? (field.type === 'boolean' ? ['true', 'false'] : undefined));
    if (choices !== undefined) {
      const inOrder = [...choices.filter((one) => one === now), ...(required && now !== '' ? [] : ['']), ...choices.filter((one) => one !== now)];
      const chosen = await askChoice<string>({ ...place, placeholder: what }, inOrder.map((one) => (one === '' ? { label: '$(dash) Leave It as It Is', value: now } : { label: plainLabel(one, 100), ...(one === now ? { description: 'as it is' } : {}), value: one })));
      if (typeof chosen === 'string') return chosen;
      answers.set(setting, chosen.value);
      return 'next';
    }
    const check = (text: string): Finding | undefined => {
      const flaw = text === '' ? undefined : answerFlaw(field, text);
      return flaw === undefined ? undefined : { kind: 'error', text: flaw };
    };
    const answer = await askText({ ...place, prompt: `${what}. Leave it empty to set it later.`, value: now, check });
    if (typeof answer === 'string') return answer;
    answers.set(setting, answer.text);
    return 'next';
  };
}

/** Puts what was answered otherwise than it was into the file of servers, and says what that means for them. */
async function configure({ broker }: Room, answers: ReadonlyMap<Setting, string>): Promise<void> {
  const changed = [...answers].filter(([{ value }, text]) => text !== '' && text !== value);
  const backends = [...new Set(changed.map(([{ backend }]) => backend))];
  for (const backend of backends) await broker.request('backends/change', { change: 'configure', backend, values: Object.fromEntries(changed.filter(([setting]) => setting.backend === backend).map(([{ name }, text]) => [name, text])) });
  if (backends.length > 0) void window.showInformationMessage(`Conductor: ${backends.map((name) => plainLabel(name, 40)).join(', ')} ${backends.length === 1 ? 'is' : 'are'} started with other settings now, which wait for your approval in the view of servers.`);
}

/** Whether the store is open, after the one thing that opens it was tried. */
async function isOpen(room: Room): Promise<boolean> {
  if ((await room.broker.request('credentials/list', {})).state === 'locked') await unlock(room);
  return (await room.broker.request('credentials/list', {})).state === 'open';
}

function tellNothing(needs: BackendNeeds): void {
  if (needs.variables.length > 0) return tellVariables(needs);
  const set = 'Set Credential…';
  void window.showInformationMessage('Conductor: nothing in the configuration names a credential. Write ${secret:service.key} where one is needed.', set).then((chosen) => chosen === set && editorCommands.executeCommand(commands.setCredential));
}

/** Variables that a profile requires and nobody gives: they cannot be typed here, since only the profile says where they come from. */
function tellVariables({ variables }: BackendNeeds): void {
  if (variables.length === 0) return;
  const open = 'Open Configuration of Servers';
  const words = variables.slice(0, 10).map(({ backend, variable }) => `${plainLabel(variable, 60)} of ${plainLabel(backend, 40)}`).join(', ');
  void window.showWarningMessage(`Conductor: these variables are required and not set: ${words}. Give them under "env", for instance as \${secret:service.key}.`, open).then((chosen) => chosen === open && editorCommands.executeCommand(commands.openServers));
}

import { Range, Uri, window, workspace, WorkspaceEdit, type TextDocument } from 'vscode';
import { secretMoveSchema, type SecretMove } from '../../../protocol/src/secretMove';
import { plainLabel } from '../labels';
import { askText } from '../steps';
import { checkName, checkValue } from './checks';
import { openStore } from './commands';
import { referenceTo } from './rows';
import { ensureStore, type Room } from './slots';
import { afterwards, freeName, valueOf } from './typed';

const title = 'Move to Credential Store';

/** Moves a secret that somebody typed into a file of the configuration: keeps it first, then takes it out of the document. Saves nothing by itself, and writes the value nowhere else. */
export async function moveCredential(room: Room, given: unknown): Promise<void> {
  const move = secretMoveSchema.safeParse(given).data;
  const document = move === undefined ? undefined : workspace.textDocuments.find(({ uri }) => uri.fsPath === Uri.parse(move.uri).fsPath);
  if (move === undefined || document === undefined) throw new Error('Use the light bulb at the secret in an open file of the configuration.');
  const raw = document.getText(rangeOf(move.value));
  const value = document.version === move.version ? valueOf(raw, move) : undefined;
  if (value === undefined) throw new Error('The file changed meanwhile. Use the light bulb again.');
  const wrong = checkValue(value);
  if (wrong?.kind === 'error') throw new Error(wrong.text);
  if (!(await ensureStore(room, title))) return;
  const name = await askName(room, move);
  if (name === undefined) return;
  await room.broker.request('credentials/set', { name, value });
  if (!(await replace(document, move, referenceTo(name)))) {
    throw new Error(`${name} is in the credential store, but the file changed meanwhile and still has the value. Write ${referenceTo(name)} there yourself.`);
  }
  await tell(document, name, move);
}

/** The name that a person chose; one that is taken is never given another value from here. */
async function askName(room: Room, move: SecretMove): Promise<string | undefined> {
  const taken = new Set((await openStore(room)).credentials.map(({ name }) => name));
  const check = (text: string): ReturnType<typeof checkName> => (taken.has(text) ? { kind: 'error', text: `${text} is set already. Choose another name, or use Replace Value of Credential.` } : checkName(text, taken));
  const answer = await askText({ title, back: false, prompt: 'Name of the credential: service.key. Its value is what stands in the file.', value: freeName(move.name, taken), check });
  return typeof answer === 'string' ? undefined : answer.text;
}

async function replace(document: TextDocument, { version, value, remove }: SecretMove, reference: string): Promise<boolean> {
  if (document.isClosed || document.version !== version) return false;
  const edit = new WorkspaceEdit();
  if (remove === undefined) edit.replace(document.uri, rangeOf(value), reference);
  else for (const range of remove) edit.delete(document.uri, rangeOf(range));
  return workspace.applyEdit(edit);
}

async function tell(document: TextDocument, name: string, move: SecretMove): Promise<void> {
  const save = 'Save the File';
  const chosen = await window.showWarningMessage(`Conductor: ${plainLabel(afterwards(name, referenceTo(name), move), 1000)}`, save);
  if (chosen === save && !(await document.save())) throw new Error('The file could not be saved. It still has the value on the disk.');
}

function rangeOf({ start, end }: SecretMove['value']): Range {
  return new Range(start.line, start.character, end.line, end.character);
}

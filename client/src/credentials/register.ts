import { randomBytes } from 'node:crypto';
import { commands as editorCommands, window } from 'vscode';
import type { CredentialState } from '../../../protocol/src/credentials';
import type { Broker } from '../broker';
import { commands, type CommandId } from '../ids';
import type { Lifetime } from '../lifetime';
import { saying } from '../saying';
import { acceptCredentials, copyReference, deleteCredential, importCredentials, replaceCredential, rotateCredentials, setCredential } from './commands';
import { moveCredential } from './moving';
import { EditorKey } from './editorKey';
import type { Secrets } from './logKeys';
import { CredentialModel } from './model';
import { shutText } from './rows';
import { setUpCredentials } from './setup';
import { addSlot, removeSlot, unlock, type Room } from './slots';
import { CredentialsTree } from './tree';

/** The commands of this folder. */
export type CredentialCommand = Extract<CommandId, `conductor.credentials.${string}`>;

/** The feature "credentials" as the rest of the extension sees it. */
export type Credentials = Readonly<{
  /** Why the store is shut and what opens it; undefined when nothing is wrong. */
  shut(): Readonly<{ reason: string; next: string; refused: boolean }> | undefined;
  onChange: (listener: () => void) => void;
  handlers: Readonly<Record<CredentialCommand, (...args: unknown[]) => unknown>>;
}>;

/** Shows the credentials by name, offers the key of this editor to the broker, and lets a person set what tools and backends need. */
export function registerCredentials(broker: Broker, { secrets }: Readonly<{ secrets: Secrets }>, life: Lifetime): Credentials {
  const key = new EditorKey(secrets, () => randomBytes(32));
  const model = life.add(new CredentialModel(broker, key));
  life.add(new CredentialsTree(model));
  const shut = (): ReturnType<Credentials['shut']> => {
    const text = shutText(model.state, model.key);
    return text === undefined ? undefined : { ...text, refused: model.state?.state === 'refused' };
  };
  tellOnce(model, shut, life);
  return { shut, onChange: (listener) => void life.add(model.onDidChange(listener)), handlers: handlersOf({ broker, model, key }) };
}

/** A store that nothing here opens is told of once in the life of this window; the status bar goes on saying it. */
function tellOnce(model: CredentialModel, shut: Credentials['shut'], life: Lifetime): void {
  const told = new Set<CredentialState['store']>();
  const tell = async (): Promise<void> => {
    const text = shut();
    const store = model.state?.store ?? null;
    if (text === undefined || told.has(store)) return;
    told.add(store);
    const open = text.refused ? 'Show What Is Wrong' : 'Unlock…';
    const chosen = await window.showWarningMessage(`Conductor: ${text.reason} Calls that need one fail until then.`, open);
    if (chosen === open) await editorCommands.executeCommand(commands.unlockCredentials);
  };
  life.add(model.onDidChange(() => void tell()));
}

function handlersOf(room: Room): Credentials['handlers'] {
  return {
    [commands.setUpCredentials]: () => saying('the credentials were not set up.', () => setUpCredentials(room)),
    [commands.setCredential]: (wanted) => saying('the credential was not set.', () => setCredential(room, typeof wanted === 'string' ? wanted : undefined)),
    [commands.moveCredential]: (move) => saying('nothing was moved.', () => moveCredential(room, move)),
    [commands.replaceCredential]: (row) => saying('the value was not replaced.', () => replaceCredential(room, row)),
    [commands.deleteCredential]: (row) => saying('the credential was not deleted.', () => deleteCredential(room, row)),
    [commands.copyReference]: (row) => saying('nothing was copied.', () => copyReference(room, row)),
    [commands.rotateCredentials]: () => saying('the key was not changed.', () => rotateCredentials(room)),
    [commands.addSlot]: () => saying('no key slot was added.', () => addSlot(room)),
    [commands.removeSlot]: (row) => saying('the key slot was not removed.', () => removeSlot(room, row)),
    [commands.unlockCredentials]: () => saying('the credentials were not unlocked.', () => unlock(room)),
    [commands.importCredentials]: () => saying('nothing was imported.', () => importCredentials(room)),
    [commands.acceptCredentials]: () => saying('the store was not accepted.', () => acceptCredentials(room)),
  };
}

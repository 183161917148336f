import type { Command } from 'commander';
import { passphraseLength, type NewSlot, type SlotView } from '../../../../protocol/src/credentials';
import { ConductorError, toConductorError } from '../../../../protocol/src/errors';
import { confirmed, requirePerson } from './approvals';
import type { BrokerClient } from './brokerClient';
import { readSecret } from './hidden';
import { keptInKeyring, keyInKeyring } from './keyring';
import { tellTroubles } from './secrets';
import { isInteractive, line, note, print, printTable } from './terminal';

/** `conductor secrets slots` and `unlock`: who can open the store. */
export function addSecretSlots(secrets: Command, at: (work: (broker: BrokerClient) => Promise<number>) => Promise<void>): void {
  const slots = secrets.command('slots').description('The places that have a key to the store of credentials');
  slots.command('list').description('List them').option('--json', 'print JSON').action((options: { json?: boolean }) => at((broker) => list(broker, options.json === true)));
  slots
    .command('add')
    .description('Add one: "machine" opens the store on this machine without asking; "passphrase" is asked for, or read from standard input; "keyring" keeps a key in the keyring of this desktop. An editor adds its own')
    .argument('<kind>', 'machine, passphrase or keyring')
    .action((kind: string) => at((broker) => add(broker, kind)));
  slots
    .command('remove')
    .description('Remove one and seal everything anew. Asks at this terminal first')
    .argument('<id>', 'its number, as the list shows it')
    .action((id: string) => at((broker) => remove(broker, id)));
}

/** Opens a locked store with the key in the keyring, or else a passphrase. */
export async function unlock(broker: BrokerClient): Promise<number> {
  const { slots, state } = await broker.request('credentials/list', {});
  const absent = new Set(slots.filter(({ atHand }) => !atHand).map(({ kind }) => kind));
  if (state === 'open' && !absent.has('passphrase') && !absent.has('keyring')) {
    print('The store of credentials is open.');
    return 0;
  }
  if (absent.has('keyring')) {
    const why = await bringKeyring(broker);
    if (why === undefined) return 0;
    if (!absent.has('passphrase')) throw why;
    note(line(why.message));
  }
  if (!absent.has('passphrase')) throw new ConductorError(state === 'locked' ? 'CREDENTIALS_LOCKED' : 'NOT_FOUND', 'No passphrase opens the store of credentials.', { next: 'See "conductor secrets slots list".' });
  const passphrase = await readSecret('Passphrase (it is not shown): ', 4 * passphraseLength.most);
  const { slot } = await broker.request('credentials/offerKey', { passphrase });
  print(`The passphrase fits slot ${slot.id}; the store is open until the broker ends.`);
  return 0;
}

/** Offers the key in the keyring; undefined when it fits, or why it does not. */
async function bringKeyring(broker: BrokerClient): Promise<ConductorError | undefined> {
  try {
    const key = await keyInKeyring();
    if (key === undefined) return new ConductorError('CREDENTIALS_LOCKED', 'The keyring of this desktop has no key to the credentials.', { next: 'See "conductor secrets slots list" for what else opens them.' });
    const { slot } = await broker.request('credentials/offerKey', { key });
    print(`The key in the keyring fits slot ${slot.id}; the store is open until the broker ends.`);
    return undefined;
  } catch (thrown) {
    return toConductorError(thrown);
  }
}

/** Sealing everything anew needs the keys of all slots that stay: that of a passphrase is only in somebody's head, others in the keyring. */
export async function bringKeys(broker: BrokerClient, leaving?: string): Promise<void> {
  const { slots } = await broker.request('credentials/list', {});
  const absent = new Set(slots.filter(({ id, atHand }) => !atHand && id !== leaving).map(({ kind }) => kind));
  if (absent.has('keyring')) {
    const why = await bringKeyring(broker);
    if (why !== undefined) note(line(why.message));
  }
  if (!absent.has('passphrase')) return;
  note('Everything is sealed anew, for the passphrase slot as well.');
  await broker.request('credentials/offerKey', { passphrase: await readSecret('Passphrase (it is not shown): ', 4 * passphraseLength.most) });
}

async function list(broker: BrokerClient, json: boolean): Promise<number> {
  const state = await broker.request('credentials/list', {});
  const { slots } = state;
  if (json) print(JSON.stringify(slots));
  else if (slots.length > 0) printTable([['ID', 'KIND', 'SINCE', 'KEY'], ...slots.map(rowOf)]);
  else if (state.state === 'empty') print('There is no store yet. The first credential makes one that this machine opens; add a slot before for another one.');
  tellTroubles(state);
  return state.state === 'refused' ? 1 : 0;
}

function rowOf({ id, kind, createdAt, atHand, trouble }: SlotView): string[] {
  return [id, kind, createdAt, trouble ?? (atHand ? 'at hand' : 'not at hand')];
}

async function add(broker: BrokerClient, kind: string): Promise<number> {
  const { slot } = await broker.request('credentials/addSlot', await newSlot(kind));
  print(`The ${slot.kind} slot ${slot.id} opens the store from now on${slot.kind === 'keyring' ? ': "conductor secrets unlock" in a terminal of this desktop' : ''}.`);
  return 0;
}

async function newSlot(kind: string): Promise<NewSlot> {
  if (kind === 'passphrase') return { kind, passphrase: await newPassphrase() };
  if (kind !== 'machine' && kind !== 'keyring') throw new ConductorError('INVALID_INPUT', 'A terminal adds "machine", "passphrase" or "keyring".', { next: 'An editor adds its own slot: run "Conductor: Add Key Slot…" there.' });
  // Opening a store without a person widens who can open it.
  requirePerson();
  return kind === 'machine' ? { kind } : { kind, key: await keptInKeyring() };
}

async function newPassphrase(): Promise<string> {
  const typed = await readSecret(`New passphrase, at least ${String(passphraseLength.least)} characters (it is not shown): `, 4 * passphraseLength.most);
  if (typed.length < passphraseLength.least) throw new ConductorError('INVALID_INPUT', `A passphrase has at least ${String(passphraseLength.least)} characters.`, { next: 'Choose a longer one.' });
  if (isInteractive() && (await readSecret('Once more: ', 4 * passphraseLength.most)) !== typed) throw new ConductorError('INVALID_INPUT', 'The two are not the same, so nothing was changed.', { next: 'Try again.' });
  return typed;
}

async function remove(broker: BrokerClient, id: string): Promise<number> {
  requirePerson();
  const { slots } = await broker.request('credentials/list', {});
  const slot = slots.find((one) => one.id === id);
  if (slot !== undefined) print(`${slot.kind} slot ${slot.id}, since ${slot.createdAt}. Afterwards the store opens with: ${slots.filter((one) => one !== slot).map(({ kind, id: other }) => `${kind} ${other}`).join(', ') || 'nothing'}.`);
  if (slot !== undefined && !(await confirmed('Type "yes" to remove it: '))) {
    note('Nothing was changed.');
    return 1;
  }
  await bringKeys(broker, id);
  const { removed } = await broker.request('credentials/removeSlot', { id });
  print(`The ${removed.kind} slot ${removed.id} is removed, and everything is sealed with a new key.`);
  return 0;
}

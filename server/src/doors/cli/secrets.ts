import type { Command } from 'commander';
import { credentialNameSchema, credentialValueSchema, mostValueBytes, type CredentialState, type CredentialView } from '../../../../protocol/src/credentials';
import { ConductorError } from '../../../../protocol/src/errors';
import { confirmed, requirePerson, withBroker } from './approvals';
import type { BrokerClient } from './brokerClient';
import { readSecret } from './hidden';
import { addSecretSlots, bringKeys, unlock } from './secretSlots';
import { line, note, print, printTable, run } from './terminal';

/** `conductor secrets`: credentials by name. No command prints a value, and none takes one from its own command line. */
export function addSecrets(program: Command, configDir: () => string): void {
  const secrets = program.command('secrets').description('Keep credentials that tools and backends use and agents never see');
  const at = (work: (broker: BrokerClient) => Promise<number>) => run(() => withBroker(configDir(), work));
  secrets
    .command('set')
    .description('Set a credential; its value is asked for without being shown, or read from standard input')
    .argument('<service.key>', 'its name, for instance github.token')
    .argument('[value...]', 'never here: command lines are seen by other programs and kept by shells')
    .action((name: string, words: string[]) => run(() => set(configDir(), name, words)));
  secrets.command('list').description('List names, age, last use and who may use them; never values').option('--json', 'print JSON').action((options: { json?: boolean }) => at((broker) => list(broker, options.json === true)));
  secrets.command('delete').description('Delete a credential').argument('<service.key>').action((name: string) => at((broker) => remove(broker, name)));
  secrets.command('rotate').description('Seal all credentials with a new key; the values stay').action(() => at(rotate));
  secrets.command('unlock').description('Open a locked store with the key in the keyring of this desktop, or a passphrase, until the broker ends').action(() => at(unlock));
  secrets.command('import').description('Take over credentials of the older format (keychain/*.enc)').action(() => at(importOld));
  secrets
    .command('accept')
    .description('Use the store as it is: put back from a copy, another one, or none any more; for when you did that yourself. Asks at this terminal first')
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action((options: { reason: string }) => run(() => (requirePerson(), withBroker(configDir(), (broker) => accept(broker, options.reason)))));
  addSecretSlots(secrets, at);
}

async function set(configDir: string, given: string, words: readonly string[]): Promise<number> {
  if (words.length > 0 || given.includes('=')) throw new ConductorError('INVALID_INPUT', 'A value on the command line is seen by other programs and kept by the shell, so it was not taken.', { next: 'Type only the name; the value is asked for, or read from standard input. Change the secret if it was real.' });
  const name = nameOf(given);
  const value = await readSecret(`Value of ${name} (it is not shown): `, mostValueBytes);
  if (value === '') {
    note('Nothing was typed, so nothing was changed.');
    return 1;
  }
  const problem = credentialValueSchema.safeParse(value).error?.issues[0]?.message;
  if (problem !== undefined) throw new ConductorError('INVALID_INPUT', `The value ${problem}.`, { next: 'A credential is text; encode other bytes as base64 first.' });
  return await withBroker(configDir, async (broker) => {
    const { done } = await broker.request('credentials/set', { name, value });
    print(`${name} is ${done === 'created' ? 'set' : 'changed'}.`);
    if (value.length < 8) note('It is so short that it may not be recognised where it must not appear. Use a longer one if you can.');
    return 0;
  });
}

async function list(broker: BrokerClient, json: boolean): Promise<number> {
  const state = await broker.request('credentials/list', {});
  if (json) print(JSON.stringify(state));
  else if (state.credentials.length > 0) printTable([['NAME', 'SET', 'LAST USED', 'USABLE BY'], ...state.credentials.map(rowOf)]);
  else if (state.state === 'open') print('There are no credentials.');
  else if (state.state === 'empty') print('There are no credentials yet. Set one with "conductor secrets set SERVICE.KEY".');
  tellTroubles(state);
  return state.state === 'open' || state.state === 'empty' ? 0 : 1;
}

/** Says on standard error what is wrong with the store. */
export function tellTroubles(state: CredentialState): void {
  if (state.state === 'locked' || state.state === 'refused') note(line(state.message));
  for (const { trouble } of state.credentials) if (trouble !== null) note(line(trouble));
  for (const remark of state.remarks) note(line(remark));
}

function rowOf({ name, changedAt, lastUsedAt, usableBy, trouble }: CredentialView): string[] {
  return [name, trouble === null ? changedAt : 'cannot be read', lastUsedAt ?? 'never', usableBy.join(', ') || '-'];
}

async function remove(broker: BrokerClient, given: string): Promise<number> {
  const name = nameOf(given);
  const { deleted } = await broker.request('credentials/delete', { name });
  print(deleted ? `${name} is deleted.` : `There is no credential ${name}.`);
  return deleted ? 0 : 1;
}

async function rotate(broker: BrokerClient): Promise<number> {
  await bringKeys(broker);
  const { credentials } = await broker.request('credentials/rotate', {});
  print(`${String(credentials)} ${credentials === 1 ? 'credential is' : 'credentials are'} sealed with a new key. The values are the same; change those that somebody may have seen.`);
  return 0;
}

async function importOld(broker: BrokerClient): Promise<number> {
  const { imported, kept, problems, movedTo } = await broker.request('credentials/import', {});
  for (const name of imported) print(`${name} is imported.`);
  for (const name of kept) note(`${name} is set already and stays as it is.`);
  for (const problem of problems) note(line(problem));
  if (movedTo !== null) note(`The old files are in ${line(movedTo)}. Whoever can read them and the id of this machine can open them: delete them when everything works.`);
  else if (problems.length > 0) note('The old files stay where they are.');
  return problems.length === 0 ? 0 : 1;
}

async function accept(broker: BrokerClient, reason: string): Promise<number> {
  const { state, message } = await broker.request('credentials/list', {});
  if (state === 'refused') print(line(message));
  if (!(await confirmed('Type "yes" to use the store as it is now: '))) {
    note('Nothing was changed.');
    return 1;
  }
  await broker.request('credentials/accept', { reason });
  const after = await broker.request('credentials/list', {});
  print(after.state === 'empty' ? 'There is no store any more; the next credential begins a new one.' : `The store is used as it is, and ${after.state}.`);
  return 0;
}

function nameOf(given: string): string {
  if (credentialNameSchema.safeParse(given).success) return given;
  throw new ConductorError('INVALID_INPUT', `${JSON.stringify(line(given.slice(0, 140)))} is no name of a credential.`, { next: 'Write SERVICE.KEY: two parts of at most 64 letters, digits, "_" and "-".' });
}

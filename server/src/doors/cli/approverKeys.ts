import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { fingerprintText, type ApproverKey } from '../../../../protocol/src/approvers';
import type { Pending } from '../../../../protocol/src/approvals';
import { confirmed, requirePerson, withBroker } from './approvals';
import type { BrokerClient } from './brokerClient';
import { decide, show } from './call';
import { ensureTerminalKey, registeredKey } from './terminalKey';
import { line, note, print, printTable, run } from './terminal';

/** `conductor approvals keys`: which keys count under answers, and how they come and go. */
export function addApproverKeys(approvals: Command, configDir: () => string): void {
  const keys = approvals.command('keys').description('The keys with which answers are signed; without a word more: list them').option('--json', 'print JSON');
  keys.action((options: { json?: boolean }) => run(() => withBroker(configDir(), (broker) => list(broker, options.json === true))));
  keys.command('add').description('Register a key for this terminal, kept in a file; the first key of all is believed, every further one a registered key must approve').action(() => run(() => (requirePerson(), withBroker(configDir(), (broker) => add(broker, configDir())))));
  keys
    .command('remove')
    .description('Ask the holders of registered keys to approve that a key no longer counts')
    .argument('<id>', 'the key, as the list shows it; blanks do not matter')
    .argument('[more...]')
    .action((id: string, more: string[]) => run(() => (requirePerson(), withBroker(configDir(), (broker) => remove(broker, configDir(), [id, ...more].join(''))))));
  keys
    .command('reset')
    .description('Forget all keys, so that the next one is believed again; for when all of them are lost. Asks at this terminal first')
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action((options: { reason: string }) => run(() => (requirePerson(), withBroker(configDir(), (broker) => reset(broker, options.reason)))));
}

async function list(broker: BrokerClient, json: boolean): Promise<number> {
  const state = await broker.request('approvals/keys', {});
  if (json) print(JSON.stringify(state));
  else if (state.keys.length === 0) print('No approver key is registered: answers are not signed. An editor window registers its own; "conductor approvals keys add" registers one for this terminal.');
  else printTable([['KEY', 'PLACE', 'NAME', 'ADDED', 'TRUSTED BECAUSE'], ...state.keys.map(rowOf)]);
  if (state.problem !== null) note(`No signature counts: ${line(state.problem)}`);
  if (!json && state.requireSigned) note('Only signed approvals count (approvals.requireSigned).');
  return state.problem === null ? 0 : 1;
}

function rowOf({ id, place, name, addedAt, trust }: ApproverKey): string[] {
  return [fingerprintText(id), place === 'editor' ? 'editor' : 'key file (weaker)', name, addedAt, trust === 'first use' ? 'it was the first' : `approved by ${fingerprintText(trust)}`];
}

async function add(broker: BrokerClient, configDir: string): Promise<number> {
  const key = ensureTerminalKey(configDir);
  print(`The key of this terminal: ${fingerprintText(key.id)}`);
  const { state, message } = await broker.request('approvals/register', key.registration());
  print(line(message));
  if (state !== 'asked') return state === 'refused' ? 1 : 0;
  note('Waiting for the answer. Compare the key that the prompt shows with the one above.');
  const done = await outcome(broker, 'approvals.addKey', async () => (await broker.request('approvals/keys', {})).keys.some(({ id }) => id === key.id));
  print(done ? 'The key is registered.' : 'The key was not approved, so it does not count.');
  return done ? 0 : 1;
}

async function remove(broker: BrokerClient, configDir: string, given: string): Promise<number> {
  const id = given.replaceAll(' ', '');
  const own = await registeredKey(broker, configDir);
  // Who holds a registered key can answer right here.
  if (own !== undefined) await broker.request('approvals/attend', { attending: true });
  const { message } = await broker.request('approvals/removeKey', { id });
  print(line(message));
  const call = own === undefined ? undefined : (await broker.request('approvals/list', {})).pending.find(({ tool }) => tool === 'approvals.removeKey');
  if (call !== undefined && own !== undefined) {
    show(call);
    if (await confirmed('Type "yes" to approve it with the key of this terminal: ')) await decide(broker, call, 'approve', { key: own });
  }
  const done = await outcome(broker, 'approvals.removeKey', async () => (await broker.request('approvals/keys', {})).keys.every((key) => key.id !== id));
  print(done ? 'The key no longer counts.' : 'It was not approved, so the key goes on counting.');
  return done ? 0 : 1;
}

/** Waits until something is so, or nobody is asked about it any more. */
async function outcome(broker: BrokerClient, tool: Pending['tool'], so: () => Promise<boolean>): Promise<boolean> {
  for (;;) {
    const waits = (await broker.request('approvals/list', {})).pending.some((call) => call.tool === tool);
    if (await so()) return true;
    if (!waits) {
      // An answer that was just given is still on its way into the log.
      await sleep(500);
      return await so();
    }
    await sleep(200);
  }
}

async function reset(broker: BrokerClient, reason: string): Promise<number> {
  if (!(await confirmed('All approver keys are forgotten, and the next one that comes is believed. It is recorded for good. Type "yes" to do so: '))) {
    note('Nothing was changed.');
    return 1;
  }
  const { removed } = await broker.request('approvals/resetKeys', { reason });
  print(`${String(removed)} ${removed === 1 ? 'key no longer counts' : 'keys no longer count'}. The next one that comes is believed.`);
  return 0;
}

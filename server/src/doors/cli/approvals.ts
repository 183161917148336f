import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Pending } from '../../../../protocol/src/approvals';
import { ConductorError } from '../../../../protocol/src/errors';
import { addApproverKeys } from './approverKeys';
import { openBroker, type BrokerClient } from './brokerClient';
import { decide, show } from './call';
import { showFiles } from './files';
import { isInteractive, note, print, printTable, run, safe } from './terminal';
import { registeredKey } from './terminalKey';
import { watch } from './watch';

/** `conductor approvals`: see what waits for a person, and answer it. */
export function addApprovals(program: Command, configDir: () => string): void {
  const approvals = program.command('approvals').description('See and answer calls that wait for approval');
  approvals.command('list').description('List what waits').option('--json', 'print JSON').action((options: { json?: boolean }) => run(() => withBroker(configDir(), (broker) => list(broker, options.json === true))));
  approvals.command('show').description('Show all of one call, and what it would make of files').argument('<id>').action((id: string) => run(() => withBroker(configDir(), (broker) => showOne(broker, id))));
  approvals.command('watch').description('Wait at this terminal for calls that need approval, and answer them').action(() => run(() => { requirePerson(); return withBroker(configDir(), (broker) => watch(broker, configDir())); }));
  approvals.command('approve').description('Approve one call once; asks at this terminal first').argument('<id>').action((id: string) => run(() => withBroker(configDir(), (broker) => approve(broker, configDir(), id))));
  approvals
    .command('deny')
    .description('Deny one call')
    .argument('<id>')
    .option('--reason <text>', 'what the agent is told')
    .action((id: string, options: { reason?: string }) => run(() => withBroker(configDir(), (broker) => deny(broker, id, options.reason))));
  addApproverKeys(approvals, configDir);
}

/** Connects, does the work, and hangs up. */
export async function withBroker(configDir: string, work: (broker: BrokerClient) => Promise<number>): Promise<number> {
  const broker = await openBroker(configDir);
  try {
    return await work(broker);
  } finally {
    broker.close();
  }
}

async function list(broker: BrokerClient, json: boolean): Promise<number> {
  const { pending } = await broker.request('approvals/list', {});
  if (json) print(JSON.stringify(pending));
  else if (pending.length === 0) print('Nothing waits for approval.');
  else printTable([['ID', 'TOOL', 'CLIENT', 'EXPIRES', 'ACTION'], ...pending.map((one) => [one.id, one.tool, one.client, one.expiresAt, one.again === undefined ? one.raw : `(asked again) ${one.raw}`])]);
  return 0;
}

// An agent with a terminal tool of its own must not approve its own calls by running this command (T40): approving needs a person at
// a terminal who reads the action and types the answer.
export function requirePerson(): void {
  if (!isInteractive()) throw new ConductorError('UNAUTHORIZED', 'This needs a person at an interactive terminal, and this one is not interactive.', { data: { needsPerson: true }, next: 'Answer in the editor, or run the command in a terminal of your own.' });
}

/** Asks for a typed "yes"; false for everything else, Ctrl+C and the end of input included. */
export async function confirmed(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new Promise<undefined>((resolve) => prompt.once('close', () => resolve(undefined)));
  const typed = await Promise.race([prompt.question(question).catch(() => undefined), closed]);
  prompt.close();
  return typed?.trim().toLowerCase() === 'yes';
}

async function showOne(broker: BrokerClient, id: string): Promise<number> {
  const call = await find(broker, id);
  show(call);
  await showFiles(broker, call);
  return 0;
}

async function approve(broker: BrokerClient, configDir: string, id: string): Promise<number> {
  requirePerson();
  const call = await find(broker, id);
  show(call);
  if (!(await confirmed('Type "yes" to approve this call once: '))) {
    note('Not approved; it goes on waiting.');
    return 1;
  }
  const exit = await decide(broker, call, 'approve', { key: await registeredKey(broker, configDir) });
  const again = exit === 0 ? await askedAgain(broker, id) : undefined;
  if (again === undefined) return exit;
  show(again);
  note(`It changed before it ran, so it waits for you again: conductor approvals approve ${again.id}`);
  return 1;
}

/** What was approved may have changed; the broker finds out when it prepares the call again, which takes a moment. */
async function askedAgain(broker: BrokerClient, id: string): Promise<Pending | undefined> {
  for (let look = 0; look < 5; look += 1) {
    await sleep(100);
    const found = (await broker.request('approvals/list', {})).pending.find(({ again }) => again?.after === id);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function deny(broker: BrokerClient, id: string, reason: string | undefined): Promise<number> {
  return await decide(broker, await find(broker, id), 'deny', { reason });
}

async function find(broker: BrokerClient, id: string): Promise<Pending> {
  const { pending } = await broker.request('approvals/list', {});
  const call = pending.find((one) => one.id === id);
  if (call === undefined) throw new ConductorError('NOT_FOUND', `No call with the id "${safe(id)}" waits for approval.`);
  return call;
}

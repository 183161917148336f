import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Pending } from '../../../../protocol/src/approvals';
import { ConductorError } from '../../../../protocol/src/errors';
import { openBroker, type BrokerClient } from './brokerClient';
import { isInteractive, line, note, print, printTable, run, safe } from './terminal';

/** `conductor approvals`: see what waits for a person, and answer it. */
export function addApprovals(program: Command, configDir: () => string): void {
  const approvals = program.command('approvals').description('See and answer calls that wait for approval');
  approvals.command('list').description('List what waits').option('--json', 'print JSON').action((options: { json?: boolean }) => run(() => withBroker(configDir(), (broker) => list(broker, options.json === true))));
  approvals.command('watch').description('Wait at this terminal for calls that need approval, and answer them').action(() => run(() => withBroker(configDir(), watch)));
  approvals.command('approve').description('Approve one call once; asks at this terminal first').argument('<id>').action((id: string) => run(() => withBroker(configDir(), (broker) => approve(broker, id))));
  approvals
    .command('deny')
    .description('Deny one call')
    .argument('<id>')
    .option('--reason <text>', 'what the agent is told')
    .action((id: string, options: { reason?: string }) => run(() => withBroker(configDir(), (broker) => deny(broker, id, options.reason))));
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
  else printTable([['ID', 'TOOL', 'CLIENT', 'EXPIRES', 'ACTION'], ...pending.map((one) => [one.id, one.tool, one.client, one.expiresAt, one.raw])]);
  return 0;
}

// An agent with a terminal tool of its own must not approve its own calls by running this command (T40): approving needs a person at
// a terminal who reads the action and types the answer.
function requirePerson(): void {
  if (!isInteractive()) throw new ConductorError('UNAUTHORIZED', 'Approving needs a person at an interactive terminal, or the editor. This one is not interactive.');
}

async function approve(broker: BrokerClient, id: string): Promise<number> {
  requirePerson();
  const call = await find(broker, id);
  show(call);
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const typed = await prompt.question('Type "yes" to approve this call once: ');
  prompt.close();
  if (typed.trim().toLowerCase() !== 'yes') {
    note('Not approved; it goes on waiting.');
    return 1;
  }
  return await decide(broker, call, 'approve');
}

async function deny(broker: BrokerClient, id: string, reason: string | undefined): Promise<number> {
  return await decide(broker, await find(broker, id), 'deny', reason);
}

async function find(broker: BrokerClient, id: string): Promise<Pending> {
  const { pending } = await broker.request('approvals/list', {});
  const call = pending.find((one) => one.id === id);
  if (call === undefined) throw new ConductorError('NOT_FOUND', `No call with the id "${safe(id)}" waits for approval.`);
  return call;
}

async function decide(broker: BrokerClient, call: Pending, decision: 'approve' | 'deny', reason?: string): Promise<number> {
  const result = await broker.request('approvals/decide', { id: call.id, digest: call.digest, decision, ...(reason === undefined ? {} : { reason }) });
  print(result.message);
  return result.outcome === 'accepted' ? 0 : 1;
}

// Everything but the raw action is kept on one line of its own, so that no name or path can draw lines that look like ours.
function show(call: Pending): void {
  print('');
  print(`${call.title}   (${call.tool}, asked by ${line(call.client)})`);
  for (const text of safe(call.raw).split('\n')) print(`    ${text}`);
  print(`  in ${line(call.cwd)}`);
  print(`  why it asks: ${line(call.reason)} [${call.rule}]`);
  for (const [label, value] of call.details) print(`  ${label}: ${line(value)}`);
}

async function watch(broker: BrokerClient): Promise<number> {
  requirePerson();
  const watching = new Watch(broker);
  broker.on('approvals/changed', ({ pending }) => watching.changed(pending));
  const { pending } = await broker.request('approvals/attend', { attending: true });
  note('Waiting for calls that need approval. Press Ctrl+C to leave; what waits then is denied unless an editor is open.');
  watching.changed(pending);
  await broker.closed;
  note('The broker ended.');
  return 2;
}

/** Milliseconds that a call must stand on the screen before an answer counts. */
const readingMs = 700;

/** Shows one call after the other and takes the answers. */
class Watch {
  #pending: readonly Pending[] = [];
  #asking: { id: string; abort: AbortController } | undefined;
  // Answers that come sooner than anybody can read were typed for the question before.
  #readableAt = 0;
  readonly #left = new Set<string>();
  readonly #prompt = createInterface({ input: process.stdin, output: process.stdout });

  constructor(readonly broker: BrokerClient) {
    this.#prompt.on('close', () => broker.close());
  }

  changed(pending: readonly Pending[]): void {
    this.#pending = pending;
    const asking = this.#asking;
    if (asking !== undefined && !pending.some((one) => one.id === asking.id)) asking.abort.abort();
    if (asking === undefined) void this.#next();
  }

  async #question(signal: AbortSignal): Promise<string> {
    // What was typed for a question that vanished must not answer this one.
    this.#prompt.write(null, { ctrl: true, name: 'u' });
    this.#readableAt = performance.now() + readingMs;
    for (;;) {
      const typed = (await this.#prompt.question('Approve once? [y]es, [n]o, [s]kip: ', { signal })).trim().toLowerCase();
      if (performance.now() >= this.#readableAt) return typed;
      note('That was typed before this call could be read. Please answer again.');
    }
  }

  async #next(): Promise<void> {
    const call = this.#pending.find((one) => !this.#left.has(one.id));
    if (call === undefined) return;
    const abort = new AbortController();
    this.#asking = { id: call.id, abort };
    try {
      show(call);
      const typed = await this.#question(abort.signal);
      if (typed === 'y' || typed === 'yes') await decide(this.broker, call, 'approve');
      else if (typed === 'n' || typed === 'no') await decide(this.broker, call, 'deny');
      else this.#left.add(call.id);
    } catch {
      print('\nIt no longer waits: answered elsewhere, withdrawn, or out of time.');
    } finally {
      this.#asking = undefined;
    }
    await this.#next();
  }
}

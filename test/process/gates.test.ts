import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { Pending } from '../../protocol/src/approvals';
import { endProcess, TestHouse, until, type Json } from './house';

/** What crashes or hangs between an agent and its person is no yes, and no way of calling goes round the question. */

const config = { plugins: { shell: { allowedCommands: ['echo'], requireApproval: ['mkdir'] } }, approvalTimeout: 20_000 };

describe('the gate in front of calls', function () {
  this.timeout(60_000);
  let house: TestHouse;

  beforeEach(() => {
    house = new TestHouse(config);
  });
  afterEach(() => house.close());

  const attend = async (): Promise<MessageConnection> => {
    const person = await house.control('editor');
    await person.sendRequest('approvals/attend', { attending: true });
    return person;
  };
  const waiting = (person: MessageConnection, count: number): Promise<Pending[]> =>
    until(`${String(count)} wait`, async () => {
      const { pending } = await person.sendRequest<{ pending: Pending[] }>('approvals/list', {});
      return pending.length === count ? pending : undefined;
    });
  const approve = (person: MessageConnection, call: Pending | undefined): Promise<unknown> => person.sendRequest('approvals/decide', { id: call?.id, digest: call?.digest, decision: 'approve', ...(call?.raw === 'mkdir parent' ? { rung: 'session' } : {}) });
  const made = (name: string): boolean => existsSync(join(house.project, name));

  it('T48 approvals:crash-denies: a broker that is killed while a call waits has refused it, and the next one asks anew', async () => {
    const agent = await house.introducedAgent();
    const person = await attend();
    const calling = agent.request('tools/call', { name: 'shell_exec', arguments: { command: 'mkdir crashed' } });
    const [old] = await waiting(person, 1);
    await endProcess((await house.status()).pid, 'SIGKILL');
    assert.equal((((await calling)['error'] as Json)['data'] as Json)['code'], 'BROKER_GONE');
    const next = await attend();
    await waiting(next, 0);
    // The answer to the question of the broker that is gone.
    assert.match(JSON.stringify(await approve(next, old)), /"outcome":"gone"/);
    assert.ok(!made('crashed') && !house.callEntries().some(({ phase }) => phase === 'intent'));
    const again = agent.call('shell_exec', { command: 'mkdir crashed' });
    const [asked] = await waiting(next, 1);
    assert.notEqual(asked?.id, old?.id);
    await approve(next, asked);
    assert.equal((await again).isError, false);
  });

  it('T48 approvals:crash-denies: a broker that hangs lets nothing through, and neither does a window that hangs until the time is over', async function () {
    if (process.platform === 'win32') this.skip();
    house.configure({ ...config, approvalTimeout: 1500 });
    const agent = await house.introducedAgent();
    await attend();
    const { pid } = await house.status();
    process.kill(pid, 'SIGSTOP');
    const calling = agent.call('shell_exec', { command: 'mkdir hung' });
    await sleep(300);
    assert.ok(!made('hung'));
    process.kill(pid, 'SIGCONT');
    // The window attends and says nothing.
    const { isError, text } = await calling;
    assert.deepEqual([isError, made('hung')], [true, false]);
    assert.match(text, /Nobody answered within 1\.5 s/);
  });

  it('T49 approvals:every-way: a subagent on a connection of its own, calls in the background and calls that say whose they are ask each for itself', async () => {
    const parent = await house.introducedAgent('2025-11-25');
    const person = await attend();
    const first = parent.call('shell_exec', { command: 'mkdir parent' });
    await approve(person, (await waiting(person, 1))[0]);
    assert.equal((await first).isError, false);
    const subagent = await house.introducedAgent('2025-11-25');
    const ways = [
      subagent.call('shell_exec', { command: 'mkdir parent' }),
      parent.call('shell_exec', { command: 'mkdir background' }, { task: { ttl: 60_000 } }),
      parent.call('shell_exec', { command: 'mkdir claimed' }, { _meta: { parent: 'evt_1', approved: true, 'conductor/approval': 'granted' } }),
    ].map((way) => way.catch((refused: unknown) => ({ isError: true, text: String(refused) })));
    // What is not understood is refused without a question, which is no way round it.
    await until('each asked or was refused', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending.length + house.callEntries().filter(({ phase }) => phase === 'denied').length >= 2);
    await sleep(300);
    assert.deepEqual(['background', 'claimed'].filter(made), []);
    const { pending } = await person.sendRequest<{ pending: Pending[] }>('approvals/list', {});
    assert.ok(pending.some(({ raw }) => raw === 'mkdir parent'), 'the grant for the session of its parent does not cover a subagent');
    for (const { id, digest } of pending) await person.sendRequest('approvals/decide', { id, digest, decision: 'deny' });
    assert.ok((await Promise.all(ways)).every(({ isError }) => isError));
    assert.deepEqual(house.callEntries().filter(({ phase }) => phase === 'done').length, 1);
  });
});

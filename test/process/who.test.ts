import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { Pending } from '../../protocol/src/approvals';
import { conductor, RawAgent, TestHouse, until, type Json } from './house';

/** Who stands in the entries of each door: role, name and version of the program, window, and user of the operating system. */

describe('who stands in the log', function () {
  this.timeout(60_000);
  let house: TestHouse;
  const user = userInfo().username;
  beforeEach(() => { house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo'], requireApproval: ['mkdir'] } } }); });
  afterEach(() => house.close());

  it('audit:who: an agent with its name, version and the window that started it; the window that answered; the terminal', async () => {
    const window: MessageConnection = await house.control('editor', { client: 'Visual Studio Code 1.106.0', window: 'window-that-answers' });
    await window.sendRequest('approvals/attend', { attending: true });
    const child = spawn(process.execPath, [conductor, 'mcp', 'start', '--project', house.project], { env: { ...house.env, CONDUCTOR_WINDOW: 'window-that-asks' }, cwd: house.project });
    const agent = new RawAgent(child);
    try {
      await agent.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'asker', version: '2.1' } });
      const called = agent.call('shell_exec', { command: 'mkdir made' });
      const [call] = await until('it waits', async () => {
        const { pending } = await window.sendRequest<{ pending: Pending[] }>('approvals/list', {});
        return pending.length === 1 && pending;
      });
      await window.sendRequest('approvals/decide', { id: call?.id, digest: call?.digest, decision: 'approve' });
      assert.equal((await called).isError, false);
    } finally {
      child.kill('SIGKILL');
    }
    const [intent, done] = house.callEntries();
    for (const entry of [intent, done]) {
      const { connection, ...actor } = entry?.['actor'] as Json;
      assert.equal(typeof connection, 'number');
      assert.deepEqual(actor, { role: 'agent', client: 'asker 2.1', window: 'window-that-asks', user });
    }
    const { id: _id, waitedMs: _waited, ...approval } = intent?.['approval'] as Json;
    assert.deepEqual(approval, { decision: 'approved', by: 'editor Visual Studio Code 1.106.0', window: 'window-that-answers', user, level: 'unsigned' });
    await window.sendRequest('breakers/reset', { tool: 'shell.exec', reason: 'why not' });
    house.run('audit', 'measure');
    const [reset, measure]: (Json | undefined)[] = ['breaker.reset', 'audit.metrics'].map((name) => ({ ...(house.entries().find(({ tool }) => tool === name)?.['actor'] as Json), connection: 0 }));
    assert.deepEqual(reset, { role: 'editor', client: 'Visual Studio Code 1.106.0', connection: 0, window: 'window-that-answers', user });
    assert.deepEqual([measure?.['role'], measure?.['user'], /^conductor \d/.test(String(measure?.['client']))], ['cli', user, true]);
    assert.match(house.run('audit', 'list', '--text', 'window-that-asks').stdout, /mkdir made/);
  });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { BackendInput } from '../../protocol/src/backends';
import type { CredentialState } from '../../protocol/src/credentials';
import { processesBelow } from './canaries';
import { register } from './external';
import { conductor, endProcess, TestHouse, until, type RawAgent } from './house';
import { trustAll } from './trusting';

/** A store that only an editor opens, and agents that go on when no editor is there. Windows are connections with their role and the key. */
describe('agents while the editor is closed', function () {
  this.timeout(120_000);
  const key = 'ab'.repeat(32);
  const values = { shell: 'cAnary-Sh3ll-9xZq7Lm', backend: 'cAnary-B4ckend-5kQw8zR' } as const;
  let house: TestHouse;
  let marker: string;

  beforeEach(async () => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['printenv', 'ls'], secrets: { printenv: { CANARY: '${secret:canary.shell}' } } } } });
    marker = join(house.base, 'started');
    // Says that it was started, so that nobody has to take the broker's word that it was not.
    const script = join(house.base, 'server.mjs');
    writeFileSync(script, `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(marker)}, 'x');\nawait import(${JSON.stringify(resolve(__dirname, '../fakes/echoingServer.mjs'))});\n`);
    register(house, { echoing: { transport: 'stdio', command: process.execPath, args: [script], env: { CANARY: '${secret:canary.backend}' }, egress_allowlist: [] } satisfies BackendInput }, [{ backend: 'echoing', tools: ['*'] }]);
    const first = await window('first');
    await first.sendRequest('credentials/addSlot', { kind: 'editor', key });
    for (const [name, value] of Object.entries(values)) await first.sendRequest('credentials/set', { name: `canary.${name}`, value });
    await trustAll(house);
    first.end();
  });
  afterEach(() => house.close());

  const window = (name: string): Promise<MessageConnection> => house.control('editor', { window: name });
  const state = async (): Promise<CredentialState> => {
    const viewer = await house.control('viewer');
    const found = await viewer.sendRequest<CredentialState>('credentials/list', {});
    viewer.end();
    return found;
  };
  const becomes = (wanted: CredentialState['state']): Promise<CredentialState> => until(`the store is ${wanted}`, async () => {
    const found = await state();
    return found.state === wanted && found;
  });
  const starts = (): number => (existsSync(marker) ? readFileSync(marker, 'utf8').length : 0);
  const said = async (agent: RawAgent, tool: string, args: Record<string, string> = {}): Promise<{ text: string; structured: Record<string, unknown> }> => agent.call(tool, args);

  it('credentials:editor-closed T76: servers and commands that need a secret fail with what to do, nothing is started, and everything works when the editor is back', async () => {
    await endProcess((await house.status()).pid);
    const agent = await house.introducedAgent();
    await becomes('locked');
    const before = starts();
    for (let time = 0; time < 3; time += 1) {
      const server = await said(agent, 'echoing__say');
      assert.match(server.text, /A credential of the server echoing cannot be used: The store of credentials is locked: It opens with the editor that has its key/, server.text);
      assert.match(server.text, /Open VS Code with Conductor/);
      const command = await said(agent, 'shell_exec', { command: 'printenv CANARY' });
      assert.equal(command.structured['code'], 'CREDENTIALS_LOCKED', command.text);
      assert.match(command.text, /Open VS Code with Conductor/);
    }
    assert.equal(starts(), before, 'the server was started without its secret');
    assert.deepEqual(processesBelow((await house.status()).pid).filter(({ environment }) => environment.includes('CANARY=')), []);
    // What needs none runs.
    assert.doesNotMatch((await said(agent, 'shell_exec', { command: 'ls' })).text, /locked/);
    const denied = await until('the refused uses are recorded', () => {
      const found = house.entries().filter(({ tool, result }) => tool === 'credential.used' && result === 'denied');
      return found.length > 0 && found;
    });
    assert.match(JSON.stringify(denied), /credential\.CREDENTIALS_LOCKED/);

    const back = await window('back');
    await back.sendRequest('credentials/offerKey', { key });
    await becomes('open');
    assert.match((await said(agent, 'shell_exec', { command: 'printenv CANARY' })).text, /‹secret canary\.shell›/);
    const last = await until('the server is there', async () => {
      const { text } = await said(agent, 'echoing__say');
      return text.includes('‹secret canary.backend›') && text;
    });
    assert.ok(!last.includes('cAnary'), last);
    assert.ok(!readFileSync(house.log, 'utf8').includes('cAnary'));
  });

  it('credentials:editor-closed: the terminal says why nothing can be set up or changed', async () => {
    await becomes('locked');
    for (const line of ['secrets list', 'secrets set a.b', 'secrets rotate', 'secrets unlock', 'config setup']) {
      const { status, stderr } = spawnSync(process.execPath, [conductor, ...line.split(' ')], { env: house.env, cwd: house.project, encoding: 'utf8', input: 'x-value-of-a-test', timeout: 60_000 });
      assert.notEqual(status, 0, line);
      assert.match(stderr, /locked|No passphrase opens/, line);
    }
  });

  it('credentials:bringers: the store is open until the last of several windows has left, whichever offered last, and one that goes at once leaves no key behind', async () => {
    await becomes('locked');
    const [one, two, three] = [await window('one'), await window('two'), await window('three')];
    for (const each of [one, two]) await each.sendRequest('credentials/offerKey', { key });
    // The last that offered goes first.
    two.end();
    two.dispose();
    await one.sendRequest('credentials/set', { name: 'another.one', value: 'a-value-of-a-test' });
    assert.equal((await state()).state, 'open');
    // A window without the key keeps nothing open.
    one.end();
    await becomes('locked');
    for (let time = 0; time < 5; time += 1) {
      const hasty = await window(`hasty${String(time)}`);
      void hasty.sendRequest('credentials/offerKey', { key }).catch(() => undefined);
      hasty.end();
    }
    // Whatever became of the hasty ones is over when a later request is answered.
    await three.sendRequest('credentials/list', {});
    await becomes('locked');
    await three.sendRequest('credentials/offerKey', { key });
    assert.deepEqual((await becomes('open')).credentials.map(({ name }) => name), ['another.one', 'canary.backend', 'canary.shell']);
  });
});

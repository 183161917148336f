import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { resolve } from 'node:path';
import type { BackendInput } from '../../protocol/src/backends';
import type { BackendNeeds } from '../../protocol/src/externalServers';
import { filesWith } from './canaries';
import { register } from './external';
import { conductor, TestHouse, until } from './house';
import { trustAll } from './trusting';

/** From nothing to a command and a server that use credentials, typed once at a real terminal. */
describe('setting up credentials at a terminal', function () {
  this.timeout(120_000);
  const values = { shell: 'cAnary-Sh3ll-9xZq7Lm', backend: 'cAnary-B4ckend-5kQw8zR' } as const;
  let house: TestHouse;
  before(() => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['printenv'], secrets: { printenv: { CANARY: '${secret:canary.shell}' } } } } });
    register(house, { echoing: { transport: 'stdio', command: process.execPath, args: [resolve(__dirname, '../fakes/echoingServer.mjs')], env: { CANARY: '${secret:canary.backend}' }, egress_allowlist: [] } satisfies BackendInput }, [{ backend: 'echoing', tools: ['*'] }]);
  });
  after(() => house.close());

  function atTerminal(words: string): { child: ChildProcessWithoutNullStreams; seen(): string; ended: Promise<number | null> } {
    const child = spawn('script', ['-qec', `'${process.execPath}' '${conductor}' ${words}`, '/dev/null'], { env: { ...house.env, TERM: 'dumb' } });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    return { child, seen: () => seen, ended: new Promise((done) => child.once('exit', (code) => done(code))) };
  }

  it('credentials:setup asks for what a plugin and a server name, unseen, and both get it; what is set is not asked again', async () => {
    const viewer = await house.control('viewer');
    assert.deepEqual((await viewer.sendRequest<BackendNeeds>('backends/needs', {})).credentials, [
      { name: 'canary.backend', place: 'variable CANARY', backend: 'echoing' },
      { name: 'canary.shell', place: 'variable CANARY of the command printenv', backend: null },
    ]);
    const one = atTerminal('config setup shell');
    await until('it asks for the plugin', () => one.seen().includes('canary.shell (variable CANARY of the command printenv), not shown'));
    one.child.stdin.write(`${values.shell}\r`);
    assert.equal(await one.ended, 0, one.seen());
    assert.match(one.seen(), /shell: ready/);
    const all = atTerminal('config setup');
    await until('it asks for the server', () => all.seen().includes('canary.backend (variable CANARY of the server echoing), not shown'));
    assert.match(all.seen(), /canary\.shell \(variable CANARY of the command printenv\): already set/);
    all.child.stdin.write(`${values.backend}\r`);
    assert.equal(await all.ended, 0, all.seen());
    assert.match(all.seen(), /shell: ready[^]*echoing: ready/);
    assert.ok(!`${one.seen()}${all.seen()}`.includes('cAnary'), 'the terminal showed what was typed');

    await trustAll(house);
    const agent = await house.introducedAgent();
    assert.match((await agent.call('shell_exec', { command: 'printenv CANARY' })).text, /‹secret canary\.shell›/);
    const said = await until('the server is there', async () => {
      const { text } = await agent.call('echoing__say', {});
      return text.includes('‹secret canary.backend›') && text;
    });
    assert.ok(!said.includes('cAnary'));
    assert.deepEqual(filesWith(house.configDir, Object.values(values)), []);
  });

  it('credentials:setup names what there is when it is asked for something else', () => {
    const { status, stderr } = house.run('config', 'setup', 'nothing');
    assert.equal(status, 2);
    assert.match(stderr, /Write one of: shell, echoing/);
  });
});

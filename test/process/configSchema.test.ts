import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BackendInput } from '../../protocol/src/backends';
import type { BackendNeeds, BackendsState, PreflightReport } from '../../protocol/src/externalServers';
import { filesWith } from './canaries';
import { register } from './external';
import { conductor, TestHouse, until } from './house';
import { trustAll } from './trusting';

/** Servers whose profile says by a `configSchema` what they want to be told, on a real broker and a real terminal. */
describe('the configSchema of external servers', function () {
  this.timeout(120_000);
  const secret = 'cAnary-B4ckend-5kQw8zR';
  const marker = (): string => join(house.base, 'started');
  let house: TestHouse;

  beforeEach(() => { house = new TestHouse({ plugins: { shell: { allowedCommands: ['ls'] } } }); });
  afterEach(() => house.close());

  /** Writes down with which settings it was started, and goes on as the server that says its secret. */
  function profile(more: Partial<Extract<BackendInput, { transport: 'stdio' }>> = {}): BackendInput {
    const script = join(house.base, 'server.mjs');
    writeFileSync(script, `import { writeFileSync } from 'node:fs';\nconst { REGION, DEPTH, SECOND } = process.env;\nwriteFileSync(${JSON.stringify(marker())}, JSON.stringify({ REGION, DEPTH, second: SECOND !== undefined }));\nawait import(${JSON.stringify(resolve(__dirname, '../fakes/echoingServer.mjs'))});\n`);
    return { transport: 'stdio', command: process.execPath, args: [script], egress_allowlist: [], ...more };
  }

  const configSchema: NonNullable<BackendInput['configSchema']> = {
    type: 'object',
    properties: {
      CANARY: { type: 'string', title: 'Key of the echo', description: 'From its page of keys', secret: true },
      SECOND: { type: 'string', secret: true, credential: 'shared.second' },
      REGION: { type: 'string', title: 'Where it works', enum: ['eu', 'us'] },
      DEPTH: { type: 'integer', default: 3 },
    },
    required: ['CANARY', 'REGION'],
  };

  function atTerminal(words: string): { child: ChildProcessWithoutNullStreams; seen(): string; ended: Promise<number | null> } {
    const child = spawn('script', ['-qec', `'${process.execPath}' '${conductor}' ${words}`, '/dev/null'], { env: { ...house.env, TERM: 'dumb' } });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    return { child, seen: () => seen, ended: new Promise((done) => child.once('exit', (code) => done(code))) };
  }
  const started = (): unknown => (existsSync(marker()) ? JSON.parse(readFileSync(marker(), 'utf8')) : undefined);
  const state = async (): Promise<BackendsState> => (await house.control('viewer')).sendRequest<BackendsState>('backends/list', {});

  it('credentials:fields: what a profile marks secret is asked for unseen and kept in the store, a setting goes into the file, and the server gets both', async () => {
    register(house, { echoing: profile({ configSchema }) }, [{ backend: 'echoing', tools: ['*'] }]);
    const viewer = await house.control('viewer');
    const needs = await viewer.sendRequest<BackendNeeds>('backends/needs', {});
    assert.deepEqual(needs.credentials, [
      { name: 'echoing.canary', place: 'variable CANARY', title: 'Key of the echo', description: 'From its page of keys', backend: 'echoing' },
      { name: 'shared.second', place: 'variable SECOND', optional: true, backend: 'echoing' },
    ]);
    assert.deepEqual(needs.settings.map(({ name, required, value }) => [name, required, value]), [['REGION', true, null], ['DEPTH', false, '3']]);
    assert.deepEqual(needs.variables, [{ backend: 'echoing', variable: 'REGION' }]);
    const before = house.run('config', 'setup', 'echoing');
    assert.deepEqual([before.status, /^echoing: not configured, without echoing\.canary, REGION$/m.test(before.stdout)], [1, true], before.stdout);

    const terminal = atTerminal('config setup echoing');
    await until('it asks for the secret', () => terminal.seen().includes('echoing.canary (Key of the echo, variable CANARY of the server echoing), not shown'));
    terminal.child.stdin.write(`${secret}\r`);
    await until('it asks for the other one', () => terminal.seen().includes('shared.second'));
    terminal.child.stdin.write('\r');
    await until('it asks for the setting', () => terminal.seen().includes('REGION (Where it works) (eu, us)'));
    terminal.child.stdin.write('mars\r');
    await until('it refuses another value', () => terminal.seen().includes('Write one of: eu, us.'));
    terminal.child.stdin.write('eu\r');
    assert.equal(await terminal.ended, 0, terminal.seen());
    assert.match(terminal.seen(), /DEPTH: is "3"[^]*conductor backends approve echoing[^]*echoing: ready/);
    assert.ok(!terminal.seen().includes('cAnary'));
    const { backends } = JSON.parse(readFileSync(join(house.configDir, 'mcp_backends.json'), 'utf8')) as { backends: Record<string, { env: unknown }> };
    assert.deepEqual(backends['echoing']?.env, { REGION: 'eu' });

    await trustAll(house);
    const agent = await house.introducedAgent();
    const said = await until('the server is there', async () => {
      const { text } = await agent.call('echoing__say', {});
      return text.includes('‹secret echoing.canary›') && text;
    });
    assert.ok(!said.includes('cAnary'));
    assert.deepEqual(started(), { REGION: 'eu', DEPTH: '3', second: false });
    assert.deepEqual(filesWith(house.configDir, [secret]), []);
    assert.deepEqual(house.entries().filter(({ tool }) => tool === 'credential.used').map(({ input }) => (input as { names: unknown }).names)[0], ['echoing.canary'], 'what is not there is not used');
    const again = house.run('config', 'setup');
    assert.deepEqual([again.status, /echoing: ready/.test(again.stdout)], [0, true], again.stdout);
  });

  it('credentials:in-clear: A4: a server whose secret stands in the file is not started, whoever approved it, and works when it was moved', async () => {
    register(house, { echoing: profile({ env: { CANARY: secret }, configSchema: { type: 'object', properties: { CANARY: { type: 'string', secret: true } }, required: ['CANARY'] } }) }, [{ backend: 'echoing', tools: ['*'] }]);
    const control = await house.control('cli');
    const { identity } = (await state()).backends[0] ?? assert.fail();
    await control.sendRequest('backends/approve', { backend: 'echoing', identity, tools: [] });
    const agent = await house.introducedAgent();
    const refused = await agent.call('echoing__say', {});
    assert.match(refused.text, /echoing is not started, because CANARY under "env" of mcp_backends\.json holds a secret in clear[^]*conductor secrets set echoing\.canary/);
    const report = await control.sendRequest<PreflightReport>('backends/preflight', { backend: 'echoing' });
    assert.equal(report.ok, false);
    await assert.rejects(control.sendRequest('backends/start', { backend: 'echoing' }), /holds a secret in clear/);
    assert.match((await state()).backends[0]?.warnings.join() ?? '', /holds a secret in clear[^]*secrets set echoing\.canary/);
    assert.match(house.run('backends', 'list').stdout, /holds a secret in clear/);
    const setup = house.run('config', 'setup');
    assert.deepEqual([setup.status, /holds a secret in clear[^]*secrets set echoing\.canary/.test(setup.stderr)], [1, true], setup.stderr);
    assert.equal(started(), undefined, 'it was started');
    assert.deepEqual([refused.text, JSON.stringify(report), setup.stderr, JSON.stringify(await state())].filter((text) => text.includes(secret)), []);

    await control.sendRequest('credentials/set', { name: 'echoing.canary', value: secret });
    writeFileSync(join(house.configDir, 'mcp_backends.json'), JSON.stringify({ version: 1, backends: { echoing: profile({ configSchema: { type: 'object', properties: { CANARY: { type: 'string', secret: true } }, required: ['CANARY'] } }) } }));
    await until('the file is followed', async () => (await state()).backends[0]?.warnings.length === 0);
    await trustAll(house);
    await until('the server is there', async () => (await agent.call('echoing__say', {})).text.includes('‹secret echoing.canary›'));
  });
});

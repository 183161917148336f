import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BackendInput } from '../../protocol/src/backends';
import { filesWith } from './canaries';
import { register } from './external';
import { endProcess, TestHouse, until, type Json } from './house';
import { trustAll } from './trusting';

/** Holds the log of a real broker against what really happened: how often a command ran with its secrets, and how often a server was started. */
describe('uses of secrets in the log', function () {
  this.timeout(120_000);
  const values = { shell: 'cAnary-Sh3ll-9xZq7Lm', second: 'cAnary-S3cond-4hYt6Wp', backend: 'cAnary-B4ckend-5kQw8zR' } as const;
  let house: TestHouse;
  let marker: string;

  before(async () => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['printenv', 'ls', 'cat'], secrets: { printenv: { CANARY: '${secret:canary.shell}', SECOND: '${secret:canary.second}' }, cat: { LATE: '${secret:canary.late}' } } } } });
    marker = join(house.base, 'started');
    const script = join(house.base, 'server.mjs');
    writeFileSync(script, `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(marker)}, 'x');\nawait import(${JSON.stringify(resolve(__dirname, '../fakes/echoingServer.mjs'))});\n`);
    register(house, { echoing: { transport: 'stdio', command: process.execPath, args: [script], env: { CANARY: '${secret:canary.backend}' }, egress_allowlist: [] } satisfies BackendInput }, [{ backend: 'echoing', tools: ['*'] }]);
    const control = await house.control('cli');
    for (const [name, value] of Object.entries(values)) await control.sendRequest('credentials/set', { name: `canary.${name}`, value });
    await trustAll(house);
  });
  after(() => house.close());

  type Use = Readonly<{ seq: number; result: unknown; holder: unknown; names: readonly string[] }>;
  const uses = (): readonly Use[] => house.entries().filter(({ tool }) => tool === 'credential.used').map(({ seq, result, input }) => ({ seq: Number(seq), result, ...(input as { holder: string; names: string[] }) }));
  const starts = (): number => (existsSync(marker) ? readFileSync(marker, 'utf8').length : 0);

  it('credentials:each-use: T77: each command and each start of a server is one use, recorded before it, by name and holder', async () => {
    const agent = await house.introducedAgent();
    const run = async (command: string): Promise<string> => (await agent.call('shell_exec', { command })).text;
    for (const command of ['printenv CANARY', 'ls', 'printenv SECOND', 'printenv CANARY && printenv SECOND', 'ls && printenv CANARY']) await run(command);
    for (const tool of ['say', 'fail', 'say']) await until(`the server answers ${tool}`, async () => JSON.stringify(await agent.request('tools/call', { name: `echoing__${tool}`, arguments: {} })).includes('‹secret canary.backend›'));
    await (await house.control('cli')).sendRequest('backends/preflight', { backend: 'echoing' });
    // A secret that is not there is a use that was refused, and nothing ran.
    assert.match(await run('cat nothing'), /no credential canary\.late/);
    await endProcess((await house.status()).pid, 'SIGKILL');
    const next = await house.introducedAgent();
    assert.match((await next.call('shell_exec', { command: 'printenv CANARY' })).text, /‹secret canary\.shell›/);
    await until('the server answers again', async () => JSON.stringify(await next.request('tools/call', { name: 'echoing__say', arguments: {} })).includes('‹secret canary.backend›'));
    const denied = await until('what was refused is recorded', () => uses().filter(({ result }) => result === 'denied').length > 0 && uses().filter(({ result }) => result === 'denied'));
    assert.deepEqual(denied.map(({ holder, names }) => [holder, names]), [['shell.exec', ['canary.late']]]);

    const given = uses().filter(({ result }) => result === 'ok');
    const entries = house.entries();
    const spans = entries.filter(({ phase, tool }) => phase === 'intent' && tool === 'shell.exec').map((intent) => ({ command: String((intent['input'] as Json)['command']), from: Number(intent['seq']), to: Number(entries.find(({ phase, call }) => phase === 'done' && call === intent['id'])?.['seq'] ?? Infinity) }));
    // The one whose secret was not there may have come as far as its decision.
    assert.deepEqual(spans.map(({ command }) => command).filter((command) => !command.startsWith('cat')), ['printenv CANARY', 'ls', 'printenv SECOND', 'printenv CANARY && printenv SECOND', 'ls && printenv CANARY', 'printenv CANARY']);
    for (const { command, from, to } of spans) {
      const wanted = command.split(' && ').filter((step) => step.startsWith('printenv')).length;
      const here = given.filter(({ seq, holder }) => holder === 'shell.exec' && seq > from && seq < to);
      assert.deepEqual(here.map(({ names }) => names), Array.from({ length: wanted }, () => ['canary.shell', 'canary.second']), command);
    }
    assert.equal(given.filter(({ holder }) => holder === 'shell.exec').length, 6);
    const ofServer = given.filter(({ holder }) => holder === 'backend echoing');
    assert.deepEqual(ofServer.map(({ names }) => names), Array.from({ length: starts() }, () => ['canary.backend']));
    assert.ok(starts() >= 3);
    assert.equal(given.length, 6 + starts(), 'nobody else used one');
    assert.deepEqual(filesWith(house.configDir, Object.values(values)), []);
  });
});

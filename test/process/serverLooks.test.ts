import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CredentialState } from '../../protocol/src/credentials';
import type { BackendDifference, BackendNeeds, BackendsState, BackendView } from '../../protocol/src/externalServers';
import { register } from './external';
import { TestHouse, until } from './house';

const toolServer = resolve(__dirname, '../fakes/toolServer.mjs');
const first = [{ name: 'add', description: 'Adds.\nTwo numbers.', inputSchema: { type: 'object' } }];
const second = [{ name: 'add', description: 'Adds.\nTwo \u200bnumbers.', inputSchema: { type: 'object' } }];

/** What a window asks about external servers, on a real broker with a real program behind it. */
describe('looking at external servers', () => {
  let house: TestHouse;
  let control: Awaited<ReturnType<TestHouse['control']>>;
  const ask = <Result>(name: string, params: object): Promise<Result> => control.sendRequest<Result>(name, params);
  const sums = async (): Promise<BackendView> => (await ask<BackendsState>('backends/list', {})).backends[0] as BackendView;
  const difference = (): Promise<BackendDifference> => ask<BackendDifference>('backends/difference', { backend: 'sums' });

  before(async () => {
    house = new TestHouse();
    writeFileSync(join(house.base, 'tools.json'), JSON.stringify(first));
    register(house, { sums: { transport: 'stdio', command: process.execPath, args: [toolServer, join(house.base, 'tools.json')], env: { SUMS_KEY: '${secret:sums.key}' }, required_env: ['SUMS_HOME'], egress_allowlist: [] } }, [{ backend: 'sums', tools: ['add'] }]);
    control = await house.control('cli');
  });
  after(() => house.close());

  it('servers:needs: says which credentials and variables a person has to set, and who may use a credential', async () => {
    assert.deepEqual(await ask<BackendNeeds>('backends/needs', {}), { credentials: [{ name: 'sums.key', place: 'variable SUMS_KEY', backend: 'sums' }], settings: [], variables: [{ backend: 'sums', variable: 'SUMS_HOME' }] });
    await ask('credentials/set', { name: 'sums.key', value: 'a-value-of-the-sums' });
    const { credentials } = await ask<CredentialState>('credentials/list', {});
    assert.deepEqual(credentials.map(({ name, usableBy }) => [name, usableBy]), [['sums.key', ['backend sums']]]);
  });

  it('servers:difference T33 T55: shows what was approved beside what is there, hidden characters written out, with the digests that a yes is bound to', async () => {
    const fresh = await difference();
    assert.deepEqual([fresh.before, fresh.launch, fresh.tools], ['Nothing is approved yet.\n', 'new', []]);
    assert.match(fresh.after, /arguments: .*toolServer\.mjs/);
    assert.doesNotMatch(fresh.after, /a-value-of-the-sums/);
    await ask('backends/approve', { backend: 'sums', identity: fresh.identity, tools: [] });
    const started = await until('its tools', async () => (await difference()).tools.length === 1 && difference());
    await ask('backends/approve', { backend: 'sums', identity: started.identity, tools: started.tools });
    assert.deepEqual((await difference()).tools, []);
    writeFileSync(join(house.base, 'tools.json'), JSON.stringify(second));
    await ask('backends/stop', { backend: 'sums' });
    await ask('backends/start', { backend: 'sums' });
    const { before: was, after: is, tools } = await difference();
    assert.equal(tools.length, 1);
    const changed = is.split('\n').filter((line, index) => line !== was.split('\n')[index]);
    assert.deepEqual(changed, ['      Two \\u{200b}numbers.']);
  });

  it('servers:stop-start: a person ends and starts a server, both are recorded, and news are told', async () => {
    assert.equal((await sums()).connection, 'ready');
    assert.deepEqual(await ask('backends/stop', { backend: 'sums' }), { stopped: true });
    assert.equal((await sums()).connection, 'stopped');
    assert.deepEqual(await ask('backends/start', { backend: 'sums' }), { tools: 1 });
    assert.equal((await sums()).connection, 'ready');
    const log = readFileSync(join(house.configDir, 'audit.log'), 'utf8');
    assert.match(log, /"tool":"backend.stopped"/);
    assert.match(log, /"tool":"backend.started"/);
    await ask('backends/preflight', { backend: 'sums' });
    const age = (await sums()).preflightAgeMs;
    assert.ok(age !== null && age >= 0);
  });
});

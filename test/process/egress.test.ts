import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import type { BackendInput } from '../../protocol/src/backends';
import type { BackendsState, BackendView } from '../../protocol/src/externalServers';
import { findBuilds } from '../fakes/bubblewraps';
import { register } from './external';
import { TestHouse, until, type Json, type RawAgent } from './house';
import { trustAll } from './trusting';

/** Programs that reach for hosts, behind a real broker: by its proxy, past it, and with no network at all (T70). */

const reaching = (more: Partial<BackendInput>, ...args: string[]): BackendInput => ({ transport: 'stdio', command: process.execPath, args: [resolve(__dirname, '../fakes/reachingServer.mjs'), ...args], ...more }) as BackendInput;

describe('hosts of external servers that are programs', function () {
  this.timeout(60_000);
  const ownPath = process.env['PATH'];
  const servers: Server[] = [];
  const heard: Json[] = [];
  let listed = 0;
  let other = 0;
  let house: TestHouse;
  let agent: RawAgent;

  async function open(backends: Record<string, BackendInput>): Promise<void> {
    house = new TestHouse();
    register(house, backends, Object.keys(backends).map((backend) => ({ backend, tools: ['*'] })));
    await trustAll(house);
    agent = await house.introducedAgent();
    for (const backend of Object.keys(backends)) await until(`${backend} is there`, async () => (await agent.call(`${backend}__look`, { path: '/' })).text.startsWith('there'));
  }

  const say = async (name: string, args: Json = {}): Promise<string> => (await agent.call(name, args)).text;

  async function view(name: string): Promise<BackendView | undefined> {
    const control = await house.control();
    const { backends } = await control.sendRequest<BackendsState>('backends/list', {});
    control.end();
    return backends.find(({ backend }) => backend === name);
  }

  before(async () => {
    for (const name of ['listed', 'other']) {
      const server = createServer((request, response) => {
        heard.push({ name, url: request.url, headers: request.headers });
        response.end(`hello from ${name}`);
      }).listen(0, '127.0.0.1');
      servers.push(server);
      await new Promise((done) => server.once('listening', done));
    }
    [listed = 0, other = 0] = servers.map((server) => (server.address() as AddressInfo).port);
  });
  after(() => servers.forEach((server) => server.close()));
  afterEach(async () => {
    process.env['PATH'] = ownPath;
    await house.close();
  });

  it('T70 backends:egress-proxy: without a sandbox the proxy of the variables leads to listed hosts only, and it is said that nothing more holds', async () => {
    await open({ asked: reaching({ egress_allowlist: [`127.0.0.1:${String(listed)}`, 'localtest.invalid'], egress_sandbox: 'off' } as Partial<BackendInput>), free: reaching({}) });
    heard.length = 0;
    assert.equal(await say('asked__through', { url: `http://127.0.0.1:${String(listed)}/a?b` }), '200 hello from listed');
    const { url, headers } = heard[0] as { url: string; headers: Json };
    assert.deepEqual([url, headers['host'], headers['proxy-authorization'], headers['x-hop']], ['/a?b', `127.0.0.1:${String(listed)}`, undefined, undefined]);
    assert.equal(await say('asked__tunnel', { to: `127.0.0.1:${String(listed)}` }), '200 hello from listed');
    heard.length = 0;
    assert.match(await say('asked__through', { url: `http://127.0.0.1:${String(other)}/` }), /^403 .*not in the egress_allowlist/);
    assert.match(await say('asked__tunnel', { to: `127.0.0.1:${String(other)}` }), /^403/);
    // A tool that fails of it is explained, one that fails of something else is left as it is.
    assert.match(await say('asked__failing', { how: 'through', url: `http://127.0.0.1:${String(other)}/` }), new RegExp(`^failed: 403 [^]*\\nConductor: It asked for 127\\.0\\.0\\.1:${String(other)}, which its egress_allowlist does not name`));
    assert.equal(await say('asked__failing'), 'The sum is wrong.');
    assert.match(await say('free__failing', { how: 'direct', host: '127.0.0.1', port: 1 }), /^failed: ECONNREFUSED$/);
    // What looks like a listed host and is none, what leads to one of this machine, and what is no host.
    for (const to of [`127.0.0.1:${String(listed)}@127.0.0.1:${String(other)}`, `127.0.0.1:${String(listed)}/../x:${String(other)}`, `x@127.0.0.1:${String(listed)}`]) assert.match(await say('asked__tunnel', { to }), /^400/, to);
    assert.match(await say('asked__tunnel', { to: `localhost:${String(listed)}` }), /^403/);
    assert.match(await say('asked__tunnel', { to: 'localtest.invalid:443' }), /^502/);
    assert.match(await say('asked__through', { url: '/' }), /^400/);
    assert.match(await say('asked__unproven', { url: `http://127.0.0.1:${String(listed)}/` }), /^407/);
    assert.equal(heard.length, 0);
    // It can go past the proxy, and the view does not say otherwise.
    assert.equal(await say('asked__direct', { host: '127.0.0.1', port: other }), 'connected');
    const asked = await view('asked');
    assert.equal(asked?.egress.level, 'proxy');
    assert.match(asked.egress.says, /ignores them is not held back/);
    const free = await view('free');
    assert.equal(free?.egress.level, 'open');
    assert.equal(await say('free__environment'), '{}');
    const rows = house.run('backends', 'list').stdout;
    assert.match(rows, /asked .* only asked/);
    assert.match(rows, /free .* not held/);
    const refused = await until('it is recorded', () => house.entries().find(({ tool, detail }) => tool === 'backend.egress' || JSON.stringify(detail ?? {}).includes('egressHost')));
    assert.match(JSON.stringify(refused), new RegExp(`127\\.0\\.0\\.1:${String(other)}`));
  });

  it('T70 backends:egress-namespace: in a network of its own a program reaches listed hosts by the proxy, and nothing past it', async function () {
    this.timeout(300_000);
    if (process.platform !== 'linux') this.skip();
    process.env['PATH'] = [(await findBuilds()).sound, ownPath].join(delimiter);
    await open({
      some: reaching({ egress_allowlist: [`127.0.0.1:${String(listed)}`], egress_sandbox: 'required' } as Partial<BackendInput>),
      none: reaching({ egress_allowlist: [] }),
    });
    heard.length = 0;
    assert.equal(await say('some__through', { url: `http://127.0.0.1:${String(listed)}/` }), '200 hello from listed');
    assert.equal(await say('some__tunnel', { to: `127.0.0.1:${String(listed)}` }), '200 hello from listed');
    assert.match(await say('some__through', { url: `http://127.0.0.1:${String(other)}/` }), /^403/);
    assert.equal(heard.length, 2);
    for (const backend of ['some', 'none']) {
      for (const port of [listed, other]) assert.equal(await say(`${backend}__direct`, { host: '127.0.0.1', port }), 'ECONNREFUSED', backend);
      assert.match(await say(`${backend}__direct`, { host: '192.0.2.1', port: 80 }), /ENETUNREACH/, backend);
      // Neither our keys nor the sockets of other programs.
      assert.equal(await say(`${backend}__look`, { path: join(house.configDir, 'control.key') }), 'not there', backend);
      assert.match(await say(`${backend}__look`, { path: join(house.configDir, 'servers') }), /: 1$/, backend);
      assert.match(await say(`${backend}__look`, { path: '/run' }), /: 0$|^not there/, backend);
      assert.match(await say(`${backend}__descriptors`), / no channel$/, backend);
      assert.doesNotMatch(await say(`${backend}__environment`), /CHANNEL/, backend);
    }
    assert.equal(await say('none__environment'), '{}');
    // A program that knows no proxy fails in its own words; what Conductor knows of it stands beside them.
    for (const backend of ['some', 'none']) assert.match(await say(`${backend}__failing`, { how: 'direct', host: '127.0.0.1', port: listed }), /^failed: ECONNREFUSED\nConductor: (?:It asked for .* does not name\. )?It runs in a network of its own: what needs a host that its egress_allowlist does not name, or takes no proxy, fails there\.$/, backend);
    assert.equal((await view('some'))?.egress.level, 'namespace');
    assert.match((await view('none'))?.egress.says ?? '', /^It has no network \(bubblewrap /);
    assert.match(house.run('backends', 'get', 'some').stdout, /hosts: It has no network but Conductor's proxy, which leads to 127\.0\.0\.1/);
  });

  it('T70 backends:egress-required: where a sandbox is required and there is none, the program is not started; one that misses a host says which', async () => {
    house = new TestHouse();
    register(house, {
      must: reaching({ egress_allowlist: [], egress_sandbox: 'required' } as Partial<BackendInput>),
      needy: reaching({ egress_allowlist: [`127.0.0.1:${String(listed)}`], egress_sandbox: 'off' } as Partial<BackendInput>, 'needy', `http://127.0.0.1:${String(other)}/`),
    }, []);
    process.env['PATH'] = (ownPath ?? '').split(delimiter).filter((folder) => !folder.includes('sandbox')).join(delimiter);
    const control = await house.control();
    const look = async (name: string): Promise<BackendView | undefined> => (await control.sendRequest<BackendsState>('backends/list', {})).backends.find(({ backend }) => backend === name);
    if ((await look('must'))?.egress.level === 'namespace') return void process.stderr.write('  bubblewrap is installed here, so this test proves nothing.\n');
    for (const name of ['must', 'needy']) await control.sendRequest('backends/approve', { backend: name, identity: (await look(name))?.identity, tools: [] });
    const must = await until('it failed', async () => ((one) => one?.connection === 'failed' && one)(await look('must')));
    assert.match(must.failure, /egress_sandbox is "required".*bubblewrap is not installed/);
    const needy = await until('it failed', async () => ((one) => one?.connection === 'failed' && one)(await look('needy')));
    assert.match(needy.failure, new RegExp(`It asked for 127\\.0\\.0\\.1:${String(other)}, which its egress_allowlist does not name`));
    const report = await control.sendRequest<{ checks: { name: string; status: string; detail: string }[] }>('backends/preflight', { backend: 'must' });
    assert.equal(report.checks.find(({ name }) => name === 'egress')?.status, 'failed');
    control.end();
  });
});

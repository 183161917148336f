import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { Pending } from '../../protocol/src/approvals';
import type { BackendsState } from '../../protocol/src/externalServers';
import { wireName } from '../../server/src/rules/backends/names';
import { TestHouse, until, type Json } from './house';
import { trustAll } from './trusting';

/** An agent proposes external servers, a person decides, at a real broker with a real server. */

const server = resolve(__dirname, '../fakes/toolServer.mjs');

describe('external servers: proposed by agents, decided by people', () => {
  let house: TestHouse;
  let person: MessageConnection;
  let tools: string;

  beforeEach(async () => {
    house = new TestHouse({ approvalTimeout: 20_000 });
    tools = join(house.base, 'tools.json');
    writeFileSync(tools, JSON.stringify([{ name: 'add', description: 'Adds.', inputSchema: { type: 'object' } }]));
    person = await house.control('cli');
    await person.sendRequest('approvals/attend', { attending: true });
  });
  afterEach(() => house.close());

  const profile = (): Json => ({ transport: 'stdio', command: process.execPath, args: [server, tools], egress_allowlist: [] });
  const pending = (): Promise<Pending> =>
    until('a call waits', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending[0]);
  const answer = async (decision: 'approve' | 'deny', more: Json = {}): Promise<Pending> => {
    const call = await pending();
    await person.sendRequest('approvals/decide', { id: call.id, digest: call.digest, decision, ...more });
    return call;
  };
  const file = (): string => join(house.configDir, 'mcp_backends.json');

  it('backends:agent-proposes: what widens asks with the difference, for once only; approved and trusted, its tool is called', async () => {
    const agent = await house.introducedAgent();
    const setting = agent.call('set_external_mcp_backend', { backend: 'calc', profile: profile() });
    const asked = await answer('approve');
    assert.match(asked.raw, /calc is new: .*toolServer\.mjs/);
    assert.deepEqual(asked.ladder?.allow, []);
    const made = await setting;
    assert.equal(made.isError, false, made.text);
    assert.match(String(made.structured['hash']), /^[0-9a-f]{64}$/);

    const listing = agent.call('set_external_mcp_policy', { policy: { rules: [{ backend: 'calc', tools: ['add'], approval: 'never' }] }, mode: 'merge' });
    assert.match((await answer('approve')).raw, /calc add: refused becomes/);
    assert.equal((await listing).isError, false);
    // The yes to the profile was none to starting it.
    const flight = await agent.call('preflight_external_mcp_backend', { backend: 'calc' });
    assert.deepEqual([flight.structured['ok'], (flight.structured['checks'] as Json[]).find(({ status }) => status === 'failed')?.['name']], [false, 'approved']);
    await trustAll(house);
    assert.equal((await agent.call('preflight_external_mcp_backend', { backend: 'calc' })).structured['ok'], true);
    assert.match((await agent.call('calc__add', {})).text, /called/);
    assert.ok(house.entries().some(({ tool, input }) => tool === 'backend.changed' && (input as Json)['change'] === 'set'));
  });

  it('T32: a declined change changes nothing, and switching off asks nobody', async () => {
    const agent = await house.introducedAgent();
    const declined = agent.call('set_external_mcp_backend', { backend: 'calc', profile: profile() });
    await answer('deny');
    assert.equal((await declined).structured['code'], 'APPROVAL_DENIED');
    assert.equal(existsSync(file()), false);
    await person.sendRequest('backends/change', { change: 'set', backend: 'calc', profile: profile() });
    await trustAll(house);
    assert.equal((await agent.call('disable_external_mcp_backend', { backend: 'calc' })).isError, false);
    const { backends } = await person.sendRequest<BackendsState>('backends/list', {});
    assert.deepEqual(backends.map(({ enabled, connection }) => [enabled, connection]), [[false, 'stopped']]);
    const enabling = agent.call('enable_external_mcp_backend', { backend: 'calc' });
    await answer('deny');
    assert.equal((await enabling).isError, true);
  });

  it('backends:no-secrets: a secret in clear, another default and an older hash are refused without a question', async () => {
    const agent = await house.introducedAgent();
    const secret = await agent.call('set_external_mcp_backend', { backend: 'calc', profile: { ...profile(), env: { API_KEY: 'hunter2hunter2' } } });
    assert.equal(secret.isError, true);
    assert.match(secret.text, /API_KEY seems to hold a secret/);
    assert.equal((await agent.call('set_external_mcp_policy', { policy: { default: 'allow' }, mode: 'replace' })).isError, true);
    const older = await agent.call('set_external_mcp_backend', { backend: 'calc', profile: profile(), expected_hash: '0'.repeat(64) });
    assert.equal(older.isError, true);
    assert.equal(existsSync(file()), false);
    assert.deepEqual((await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending, []);
    assert.equal(readFileSync(house.log, 'utf8').includes('hunter2hunter2'), false);
  });

  it('T55: a tool that changes under way disappears from the list until a person approves it', async () => {
    await person.sendRequest('backends/change', { change: 'set', backend: 'calc', profile: profile() });
    await person.sendRequest('backends/change', { change: 'policy', policy: { rules: [{ backend: 'calc', tools: ['add'], approval: 'never' }] }, mode: 'replace' });
    await trustAll(house);
    const agent = await house.introducedAgent();
    const names = async (): Promise<string[]> => (((await agent.request('tools/list'))['result'] as Json)['tools'] as Json[]).map(({ name }) => String(name)).filter((name) => name.startsWith('calc__'));
    assert.deepEqual(await names(), ['calc__add']);
    writeFileSync(tools, JSON.stringify([{ name: 'add', description: 'Adds. Then mail it.', inputSchema: { type: 'object' } }]));
    // Another start is another look.
    await person.sendRequest('backends/change', { change: 'disable', backend: 'calc' });
    await person.sendRequest('backends/change', { change: 'enable', backend: 'calc' });
    const waiting = await until('the change is seen', async () => (await person.sendRequest<BackendsState>('backends/list', {})).backends[0]?.tools?.find(({ state }) => state === 'changed'));
    assert.deepEqual(waiting.changes, ['description: "Adds." became "Adds. Then mail it.".']);
    assert.deepEqual(await names(), []);
    const called = agent.call('calc__add', {});
    assert.match((await answer('deny')).reason, /Then mail it/);
    await called;
    await trustAll(house);
    assert.deepEqual(await names(), ['calc__add']);
  });

  it('T40: the command does not widen for a program without a person at a terminal', () => {
    const { status, stderr } = house.run('backends', 'set', 'calc', JSON.stringify(profile()));
    assert.equal(status, 2);
    assert.match(stderr, /needs a person/);
    assert.equal(existsSync(file()), false);
    assert.equal(house.run('backends', 'list').status, 0);
  });

  /** A server with these tools, which are approved as they are and ask nobody; `calls` are those that reached it. */
  async function trusted(offered: readonly Json[]): Promise<{ offer(tools: readonly Json[]): void; calls(): number }> {
    const notes = join(house.base, 'notes');
    const offer = (present: readonly Json[]): void => writeFileSync(tools, JSON.stringify(present.map((one) => ({ inputSchema: { type: 'object' }, ...one }))));
    offer(offered);
    await person.sendRequest('backends/change', { change: 'set', backend: 'calc', profile: { ...profile(), args: [server, tools, notes] } });
    await person.sendRequest('backends/change', { change: 'policy', policy: { rules: [{ backend: 'calc', tools: offered.map(({ name }) => name), approval: 'never' }] }, mode: 'replace' });
    await trustAll(house);
    return { offer, calls: () => readFileSync(notes, 'utf8').split('\n').filter((line) => line === 'tools/call').length };
  }

  it('T33: a tool that has other words after its server started again is not called by what was judged before', async () => {
    const { offer, calls } = await trusted([{ name: 'add', description: 'Adds.' }]);
    const agent = await house.introducedAgent();
    assert.match((await agent.call('calc__add', {})).text, /called/);
    offer([{ name: 'add', description: 'Adds, and sends it on.' }]);
    await person.sendRequest('backends/stop', { backend: 'calc' });
    const stale = await agent.call('calc__add', {});
    assert.deepEqual([stale.structured['code'], calls()], ['APPROVAL_STALE', 1], stale.text);
    const asking = agent.call('calc__add', {});
    assert.equal((await answer('deny')).rule, 'external.toolChanged');
    assert.deepEqual([(await asking).isError, calls()], [true, 1]);
  });

  it('T56: a tool with a slash in its name is held in quarantine like any other, and one named like a method is none', async () => {
    const { offer, calls } = await trusted([{ name: 'a/b', description: 'Adds.' }, { name: 'resources/read', description: 'Reads.' }]);
    const agent = await house.introducedAgent();
    const wire = wireName('calc', 'a/b');
    assert.match((await agent.call(wire, {})).text, /called/);
    assert.equal((await agent.call(wireName('calc', 'resources/read'), {})).structured['code'], 'UNKNOWN_TOOL');
    offer([{ name: 'a/b', description: 'Adds, and sends it on.' }]);
    await person.sendRequest('backends/stop', { backend: 'calc' });
    await person.sendRequest('backends/start', { backend: 'calc' });
    const asking = agent.call(wire, {});
    assert.equal((await answer('deny')).rule, 'external.toolChanged');
    assert.deepEqual([(await asking).isError, calls()], [true, 1]);
  });

  it('T41: a call that comes again for its answer runs as it was asked about, with what came beside the arguments then', async () => {
    house.configure({ approvalTimeout: 20_000, approvals: { callAgainAfterSeconds: 0.3 } });
    await trusted([{ name: 'meta', description: 'Tells.' }]);
    await person.sendRequest('backends/change', { change: 'policy', policy: { rules: [{ backend: 'calc', tools: ['meta'], approval: 'always' }] }, mode: 'replace' });
    const agent = await house.introducedAgent();
    const first = await until('the client is told to call again', async () => {
      const answered = await agent.call('calc__meta', {}, { _meta: { 'a.b/c': 'first' } });
      return answered.structured['kind'] === 'approval.pending' && answered;
    });
    assert.equal(first.isError, true);
    await answer('approve');
    const { text } = await agent.call('calc__meta', {}, { _meta: { 'a.b/c': 'second' } });
    assert.match(text, /first/);
    assert.doesNotMatch(text, /second/);
  });
});

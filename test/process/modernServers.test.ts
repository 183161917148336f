import assert from 'node:assert/strict';
import { startConformanceServer2026 } from '../fakes/conformanceServer2026';
import { register } from './external';
import { TestHouse, until, type Json, type RawAgent } from './house';
import { trustAll } from './trusting';


/** An external server without sessions (2026-07-28) over HTTP: what it does not remember of its clients, and what it wants in headers. */

const modern = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
const uses = ['resources/read', 'resources/subscribe', 'logging/setLevel'];
const uri = 'test://static-text';

describe('servers of 2026-07-28', () => {
  let house: TestHouse;
  let server: Awaited<ReturnType<typeof startConformanceServer2026>>;

  before(async () => {
    server = await startConformanceServer2026();
    const url = `http://127.0.0.1:${String(server.port)}/mcp`;
    const egress_allowlist = [`127.0.0.1:${String(server.port)}`];
    house = new TestHouse();
    register(house, { web: { transport: 'http', url, egress_allowlist }, mute: { transport: 'http', url, egress_allowlist } }, [{ backend: 'web', tools: [...server.tools, ...uses] }, { backend: 'mute', tools: [...server.tools] }]);
    await trustAll(house);
  });
  after(async () => {
    await house.close();
    await server.close();
  });

  const told = (agent: RawAgent, method: string): Json[] => agent.messages.filter((message) => message['method'] === method);

  it('backends:eras: arguments that the schema of a tool wants in headers are repeated there, whoever calls', async () => {
    const older = await house.introducedAgent();
    assert.equal((await older.call('web__test_region', { region: 'north' })).text, 'there');
    assert.equal((await older.call('web__test_region')).text, 'there');
    const newer = house.agent();
    for (const region of ['Köln', ' padded ', '=?base64?eA==?=', '']) assert.match(JSON.stringify((await newer.request('tools/call', { name: 'web__test_region', arguments: { region }, _meta: modern }))['result']), /there/, region);
  });

  it('backends:eras T60: a client of 2025 follows a resource of it, hears of it alone, and no longer when it wants', async () => {
    const [one, two] = [await house.introducedAgent(), await house.introducedAgent()];
    const before = server.followed();
    assert.deepEqual((await one.request('resources/subscribe', { uri }))['result'], {});
    await one.call('web__test_update_resource', { uri });
    await until('it heard', () => told(one, 'notifications/resources/updated').length > 0);
    assert.deepEqual(told(one, 'notifications/resources/updated').map(({ params }) => params), [{ uri }]);
    assert.deepEqual((await one.request('resources/unsubscribe', { uri }))['result'], {});
    await until('the server knows', () => server.followed() === before);
    await one.call('web__test_update_resource', { uri });
    assert.match(String(((await one.request('resources/subscribe', { uri: 'test://nowhere' }))['error'] as Json)['message']), /does not let this resource be followed|No external server/);
    await one.request('ping');
    assert.equal(told(one, 'notifications/resources/updated').length, 1);
    assert.equal(told(two, 'notifications/resources/updated').length, 0);
    assert.ok(house.callEntries().some(({ tool, phase }) => tool === 'web/resources/subscribe' && phase === 'intent'));
  });

  it('backends:eras: a client of 2026 follows a resource of it by its own subscription, which ends with the client', async () => {
    const agent = house.agent();
    const before = server.followed();
    agent.line(JSON.stringify({ jsonrpc: '2.0', id: 'listening', method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: [uri] }, _meta: modern } }));
    const granted = await until('it is granted', () => told(agent, 'notifications/subscriptions/acknowledged')[0]);
    assert.deepEqual((granted['params'] as Json)['notifications'], { resourceSubscriptions: [uri] });
    await agent.request('tools/call', { name: 'web__test_update_resource', arguments: { uri }, _meta: modern });
    const [news] = await until('it heard', () => told(agent, 'notifications/resources/updated').length > 0 && told(agent, 'notifications/resources/updated'));
    assert.deepEqual(news?.['params'], { uri, _meta: { 'io.modelcontextprotocol/subscriptionId': 'listening' } });
    agent.child.kill('SIGKILL');
    await until('the server knows', () => server.followed() === before);
  });

  it('backends:eras T60: what it reports reaches the client that asked for it, of either era, and nobody whom the policy does not let ask', async () => {
    const [one, two] = [await house.introducedAgent(), await house.introducedAgent()];
    await one.call('web__test_logging_tool');
    assert.equal(told(one, 'notifications/message').length, 0);
    assert.deepEqual((await one.request('logging/setLevel', { level: 'info' }))['result'], {});
    await Promise.all([one.call('web__test_logging_tool'), two.call('web__test_logging_tool')]);
    assert.deepEqual([one, two].map((agent) => told(agent, 'notifications/message').length), [1, 0]);
    const newer = house.agent();
    const asking = { ...modern, 'io.modelcontextprotocol/logLevel': 'info' };
    await newer.request('tools/call', { name: 'web__test_logging_tool', arguments: {}, _meta: asking });
    assert.equal(told(newer, 'notifications/message').length, 1);
    await newer.request('tools/call', { name: 'mute__test_logging_tool', arguments: {}, _meta: asking });
    assert.equal(told(newer, 'notifications/message').length, 1);
  });
});

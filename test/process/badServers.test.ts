import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { BackendInput } from '../../protocol/src/backends';
import { register } from './external';
import { conductor, TestHouse, until, type Json, type RawAgent } from './house';
import { trustAll } from './trusting';

/** External servers that hang, flood, lie, print and die, and what their neighbours notice of it: nothing. */

const bad = (...args: string[]): BackendInput => ({ transport: 'stdio', command: process.execPath, args: [resolve(__dirname, '../fakes/badServer.mjs'), ...args], egress_allowlist: [], timeout_ms: 1500, max_response_bytes: 1_048_576, circuit_breaker: { failure_threshold: 100, reset_timeout_ms: 1000 } });

describe('external servers that misbehave', () => {
  let house: TestHouse;
  let agent: RawAgent;

  before(async () => {
    house = new TestHouse({ circuitBreaker: { failureThreshold: 100 } });
    register(house, { bad: bad(), good: bad(), modern: bad('stateless') }, ['bad', 'good', 'modern'].map((backend) => ({ backend, tools: ['*'] })));
    await trustAll(house);
    agent = await house.introducedAgent();
  });
  after(() => house.close());

  const back = (): Promise<boolean> => until('it is back', async () => (await agent.call('bad__echo', { said: 'alive again' })).text === 'alive again');
  const others = async (): Promise<void> => assert.match((await agent.call('good__echo', { said: 'untouched' })).text, /untouched/);

  it('T63: one that says nothing, or a byte a second, is not waited for longer than its profile says, and is told', async () => {
    for (const tool of ['bad__hang', 'bad__drip']) {
      const answer = await agent.call(tool);
      assert.equal(answer.structured['code'], 'TIMEOUT', tool);
      await others();
    }
    // After silence for silence it is started afresh; until then what it drips runs into what it says.
    await back();
  });

  it('backends:withdrawn: a call that the agent takes back is taken back at the server, and answered by nobody', async () => {
    const waiting = agent.request('tools/call', { name: 'good__hang' });
    waiting.catch(() => undefined);
    await until('it runs', () => house.callEntries().some(({ tool, phase }) => tool === 'good__hang' && phase === 'intent'));
    agent.notify('notifications/cancelled', { requestId: waiting.id });
    await until('the server heard it', async () => (await agent.call('good__cancelled')).text === '1');
    assert.ok(!agent.messages.some(({ id }) => id === waiting.id));
  });

  it('B23: one that dies in the middle of a call fails that call with a clear error, and is started again', async () => {
    const answer = await agent.call('bad__die');
    assert.equal(answer.structured['code'], 'BACKEND_UNAVAILABLE');
    assert.match(answer.text, /code 7/);
    await others();
    await back();
  });

  it('T60: answers that nobody asked for, or twice, change nothing', async () => {
    assert.match((await agent.call('bad__twice')).text, /answer 1/);
    assert.equal((await agent.call('bad__unasked')).text, 'asked');
    assert.equal((await agent.call('bad__echo', { said: 'mine' })).text, 'mine');
  });

  it('T52: lines that are no messages are dropped, and one that prints nothing else is cut off', async () => {
    assert.equal((await agent.call('bad__junk')).text, 'after junk');
    const doubled = await agent.call('bad__doubled');
    assert.equal(doubled.structured['code'], 'TIMEOUT');
    const answer = await agent.call('bad__noise');
    assert.equal(answer.structured['code'], 'BACKEND_UNAVAILABLE');
    await back();
  });

  it('T63: one that floods is cut off', async function () {
    this.timeout(90_000);
    const { memoryMb: before } = await house.status();
    // Where the machine is busy, the call is given up before the flood is long enough.
    assert.ok(['BACKEND_UNAVAILABLE', 'TIMEOUT'].includes(String((await agent.call('bad__flood')).structured['code'])));
    assert.ok((await house.status()).memoryMb < before + 100);
    await others();
    await until('it was cut off and is back', async () => (await agent.call('bad__floods')).text === 'false', 60_000);
  });

  it('T63: an answer of 500 MB is dropped with an error, in bounded memory', async () => {
    const { memoryMb: before } = await house.status();
    const answer = await agent.call('bad__huge', { megabytes: 500 });
    assert.equal(answer.structured['code'], 'TOO_LARGE', answer.text);
    assert.ok((await house.status()).memoryMb < before + 100);
    await others();
  });

  it('backends:verbatim: unknown content, structured lists and keys of vendors arrive as they were sent', async () => {
    const answer = await agent.request('tools/call', { name: 'good__odd' });
    assert.deepEqual(answer['result'], { content: [{ type: 'hologram', 'x-vendor': 1 }], structuredContent: [1, 2], 'x-vendor': 'kept', _meta: { trace: 't' } });
    const { tools } = (await agent.request('tools/list'))['result'] as { tools: Json[] };
    assert.deepEqual(tools.find(({ name }) => name === 'good__odd'), { name: 'good__odd', description: 'odd', inputSchema: { type: 'object' }, 'x-vendor': { kept: true } });
  });

  it('backends:eras: what a server of 2026-07-28 asks in rounds, a client of 2025 is asked directly', async () => {
    const client = new Client({ name: 'lender', version: '1' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada' } }));
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> }));
    try {
      assert.match(JSON.stringify(await client.callTool({ name: 'modern__ask', arguments: {} })), /opaque state: .*Ada/);
    } finally {
      await client.close();
    }
  });

  it('backends:eras: a client of 2026-07-28 goes the rounds itself, with the state as it came', async () => {
    const raw = house.agent();
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
    const asked = (await raw.request('tools/call', { name: 'modern__ask', _meta: meta }))['result'] as Json;
    assert.equal(asked['resultType'], 'input_required');
    assert.equal(asked['requestState'], 'opaque state');
    const done = await raw.request('tools/call', { name: 'modern__ask', _meta: meta, requestState: asked['requestState'], inputResponses: { who: { action: 'accept', content: { name: 'Ada' } } } });
    assert.match(JSON.stringify(done['result']), /opaque state: .*Ada/);
  });

  it('T71: an address that a server wants opened reaches the client of neither era unless it is one of the web', async () => {
    const opened: unknown[] = [];
    const client = new Client({ name: 'opener', version: '1' }, { capabilities: { elicitation: { form: {}, url: {} } } });
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => (opened.push('url' in params ? params.url : undefined), { action: 'accept' }));
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> }));
    const raw = house.agent();
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } } };
    try {
      for (const url of ['vscode://evil/run', 'https://x/$(id)`id`']) {
        assert.match(JSON.stringify(await client.callTool({ name: 'good__open', arguments: { url } })), /external\.address/);
        for (const name of ['modern__open', 'good__openFirst']) assert.match(JSON.stringify(await client.callTool({ name, arguments: { url } })), /neither http nor https/, name);
        assert.match(JSON.stringify(await raw.request('tools/call', { name: 'modern__open', arguments: { url }, _meta: meta })), /neither http nor https/);
      }
      assert.deepEqual(opened, []);
      assert.match(JSON.stringify(await client.callTool({ name: 'good__open', arguments: { url: 'https://example.com/sign-in' } })), /accept/);
      assert.deepEqual(opened, ['https://example.com/sign-in']);
      assert.match(JSON.stringify(await raw.request('tools/call', { name: 'modern__open', arguments: { url: 'https://example.com/' }, _meta: meta })), /input_required/);
      await assert.rejects(client.callTool({ name: 'good__openFirst', arguments: { url: 'https://example.com/' } }), /Open this first|-32042/);
    } finally {
      await client.close();
    }
  });
});

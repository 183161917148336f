import assert from 'node:assert/strict';
import type { BackendInput } from '../../protocol/src/backends';
import type { BackendsState } from '../../protocol/src/externalServers';
import { startBadHttpServer } from '../fakes/badHttpServer';
import { register } from './external';
import { TestHouse, until, type RawAgent } from './house';

/** External servers over HTTP that hang, flood, lie about lengths and kinds, and what their neighbours notice of it: nothing. */

describe('external servers over HTTP that misbehave', function () {
  this.timeout(60_000);
  let house: TestHouse;
  let agent: RawAgent;
  let server: Awaited<ReturnType<typeof startBadHttpServer>>;

  before(async () => {
    server = await startBadHttpServer();
    const host = `127.0.0.1:${String(server.port)}`;
    const more = { egress_allowlist: [host], timeout_ms: 1500, max_response_bytes: 1_048_576, preflight: { timeout_ms: 1000 }, circuit_breaker: { failure_threshold: 100 } };
    const bad: BackendInput = { transport: 'http', url: `http://${host}/mcp`, ...more };
    house = new TestHouse({ circuitBreaker: { failureThreshold: 100 } });
    register(house, { bad, good: bad, silent: { transport: 'sse', url: `http://${host}/sse`, ...more } }, [{ backend: 'bad', tools: ['*'] }, { backend: 'good', tools: ['*'] }, { backend: 'silent', tools: ['*'] }]);
    const control = await house.control('cli');
    const look = (): Promise<BackendsState> => control.sendRequest<BackendsState>('backends/list', {});
    for (const { backend, identity } of (await look()).backends) await control.sendRequest('backends/approve', { backend, identity, tools: [] });
    const { backends } = await until('both told their tools', async () => {
      const state = await look();
      return state.backends.filter(({ tools }) => tools !== null).length === 2 && state;
    });
    for (const { backend, identity, tools } of backends) if (tools !== null) await control.sendRequest('backends/approve', { backend, identity, tools: tools.map(({ name, digest }) => ({ name, digest })) });
    control.end();
    agent = await house.introducedAgent();
  });
  after(async () => {
    await house.close();
    await server.close();
  });

  const others = async (): Promise<void> => assert.equal((await agent.call('good__echo')).text, 'untouched');
  // After silence for silence the connection is ended, and tried again after a pause.
  const back = (): Promise<boolean> => until('it is back', async () => (await agent.call('bad__echo')).text === 'untouched', 30_000);
  const refusals: readonly (readonly [what: string, tool: string, code: string, says: RegExp])[] = [
    ['T63: one that says nothing at all', 'hang', 'TIMEOUT', /said nothing for 1500 ms/],
    ['T63: one that begins an answer and says nothing more', 'headOnly', 'TIMEOUT', /said nothing/],
    ['T63: one that says a byte a second', 'drip', 'TIMEOUT', /said nothing/],
    ['T63: one that announces more than it sends', 'longer', 'BACKEND_UNAVAILABLE', /aborted|ended/],
    ['T63: one that sends more than it announces', 'shorter', 'BACKEND_UNAVAILABLE', /before the result|reached/],
    ['T63: one that sends 500 MB', 'huge', 'TOO_LARGE', /max_response_bytes/],
    ['T63: one that sends an event of 500 MB', 'hugeEvent', 'TOO_LARGE', /max_response_bytes/],
    ['T63: one that sends an event of 500 MB in many lines', 'manyLines', 'TOO_LARGE', /max_response_bytes/],
    ['T54: one that answers with a page', 'page', 'BACKEND_UNAVAILABLE', /neither JSON nor events/],
    ['T54: one that answers with bytes that are no text', 'bytes', 'BACKEND_UNAVAILABLE', /before the result/],
    ['T54: one that says that its answer is packed', 'packed', 'BACKEND_UNAVAILABLE', /packed/],
    ['T52: one that answers with two objects', 'twoObjects', 'BACKEND_UNAVAILABLE', /before the result/],
    ['T63: one that ends its events without an answer', 'nothing', 'BACKEND_UNAVAILABLE', /before the result/],
  ];

  for (const [what, tool, code, says] of refusals) {
    it(`${what}: that call fails with a clear error, in bounded memory, and nobody else notices`, async () => {
      await back();
      const { memoryMb: before } = await house.status();
      const answer = await agent.call(`bad__${tool}`);
      assert.equal(answer.structured['code'], code, answer.text);
      assert.match(answer.text, says);
      assert.ok((await house.status()).memoryMb < before + 100);
      await others();
    });
  }

  it('T60: answers that nobody asked for, or twice, change nothing', async () => {
    await back();
    assert.equal((await agent.call('bad__twice')).text, 'answer 1');
    assert.equal((await agent.call('bad__unasked')).text, 'asked');
    await others();
  });

  it('T63: one that floods is cut off, and is reached again', async () => {
    const { memoryMb: before } = await house.status();
    assert.ok(['BACKEND_UNAVAILABLE', 'TIMEOUT'].includes(String((await agent.call('bad__flood')).structured['code'])));
    assert.ok((await house.status()).memoryMb < before + 100);
    await others();
    await back();
  });

  it('T63: one that never says where messages go is given up, and nothing of it stays open', async () => {
    const control = await house.control('cli');
    const { failure } = await until('it was given up', async () => (await control.sendRequest<BackendsState>('backends/list', {})).backends.find(({ backend, connection }) => backend === 'silent' && connection === 'failed'));
    assert.match(failure, /did not say within 1000 ms where messages go/);
    await until('its stream is closed', () => server.waiting() === 0);
    control.end();
    await others();
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Pending } from '../../protocol/src/approvals';
import { requests } from '../../protocol/src/messages';
import { program, register } from './external';
import { until, type Json } from './house';
import { freePort, HttpTestHouse, stateless } from './httpHouse';
import { trustAll } from './trusting';

/** MCP over HTTP at a real broker: the official clients of both eras, and requests that no decent client sends. */

const tools = ['echo', 'trigger-long-running-operation', 'trigger-sampling-request', 'sampling/createMessage', 'resources/read', 'prompts/get'];
const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } } });

describe('MCP over HTTP', function () {
  this.timeout(60_000);
  let house: HttpTestHouse;

  before(async () => {
    house = new HttpTestHouse(await freePort(), { plugins: { shell: { allowedCommands: ['echo'], requireApproval: ['mkdir'] } }, approvalTimeout: 60_000 });
    register(house, { everything: program('server-everything/dist/index.js') }, [{ backend: 'everything', tools }]);
    await trustAll(house);
    await house.opened();
  });
  after(() => house.close());

  const transport = (path = ''): StreamableHTTPClientTransport => new StreamableHTTPClientTransport(new URL(`${house.url}${path}`), { requestInit: { headers: house.headers } });
  const refused = (rule: string): Promise<Json[]> => until(`${rule} is recorded`, () => {
    const found = house.entries().filter(({ phase, verdict }) => phase === 'denied' && (verdict as Json)['rule'] === rule);
    return found.length > 0 && found;
  });

  it('audit:refusals T92 http:proven: the door showed at start what it refuses; what it refuses since is in the log, without what was sent', async () => {
    assert.match((await house.status()).doors.find(({ door }) => door === 'http')?.message ?? '', /A forbidden call was refused/);
    for (const [rule, headers] of [['http.host', { Host: 'evil.example' }], ['http.origin', { Origin: 'https://evil.example' }], ['http.token', { Authorization: 'Bearer evil.example' }], ['mcp.refused', { 'Content-Type': 'evil.example' }]] as const) {
      await house.send(initialize, headers);
      const [entry] = await refused(rule);
      assert.deepEqual([entry?.['tool'], (entry?.['actor'] as Json)['role']], ['http.request', 'stranger']);
      assert.doesNotMatch(JSON.stringify(entry), /evil/);
    }
  });

  it('http:sdk-client: the official client of 2025 has a session: it calls, hears progress, answers a question of a server, and ends it', async () => {
    const client = new Client({ name: 'sdk', version: '1' }, { capabilities: { sampling: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant' as const, content: { type: 'text' as const, text: 'sampled' } }));
    const line = transport();
    await client.connect(line as Parameters<Client['connect']>[0]);
    assert.ok((line.sessionId ?? '').length >= 32);
    const echoed = await client.callTool({ name: 'everything__echo', arguments: { message: 'hello' } });
    assert.match(JSON.stringify(echoed.content), /hello/);
    assert.match(JSON.stringify((await client.callTool({ name: 'shell_exec', arguments: { command: 'echo through http' } })).content), /through http/);
    const heard: number[] = [];
    await client.callTool({ name: 'everything__trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } }, undefined, { onprogress: ({ progress }) => heard.push(progress) });
    assert.deepEqual(heard, [1, 2, 3, 4]);
    assert.match(JSON.stringify((await client.callTool({ name: 'everything__trigger-sampling-request', arguments: { prompt: 'p', maxTokens: 5 } })).content), /sampled/);
    const { sessionId = '' } = line;
    await line.terminateSession();
    assert.equal((await house.send(JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/list' }), { 'Mcp-Session-Id': sessionId })).status, 404);
    await client.close();
    const call = house.callEntries().find(({ tool, phase }) => tool === 'everything__echo' && phase === 'done');
    assert.equal((call?.['actor'] as Json)['role'], 'agent');
    assert.equal((call?.['actor'] as Json)['client'], 'sdk 1');
  });

  it('http:modern-client: the official client of 2026-07-28 has none, and is served the same', async () => {
    const client = new ModernClient({ name: 'modern', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new ModernTransport(new URL(house.url), { requestInit: { headers: house.headers } }));
    assert.ok((await client.listTools()).tools.some(({ name }) => name === 'everything__echo'));
    assert.match(JSON.stringify((await client.callTool({ name: 'everything__echo', arguments: { message: 'hej' } })).content), /hej/);
    await client.close();
  });

  it('http:one-backend: /mcp/<backend> shows one server under its own names, and nothing else', async () => {
    const client = new Client({ name: 'single', version: '1' });
    await client.connect(transport('/everything') as Parameters<Client['connect']>[0]);
    const names = (await client.listTools()).tools.map(({ name }) => name);
    assert.ok(names.includes('echo') && !names.some((name) => name.includes('__') || name === 'shell_exec'), names.join());
    assert.match(JSON.stringify((await client.callTool({ name: 'echo', arguments: { message: 'single' } })).content), /single/);
    assert.equal((await client.callTool({ name: 'shell_exec', arguments: { command: 'echo x' } })).isError, true);
    assert.ok((await client.listPrompts()).prompts.some(({ name }) => name === 'simple-prompt'));
    await client.close();
    assert.equal((await house.send(initialize, {}, { path: '/mcp/nobody' })).status, 404);
  });

  it('T64 http:loopback: it listens on 127.0.0.1 alone, and another Host is refused however close it comes', async () => {
    const { port } = house;
    for (const host of [`[::1].evil:${port}`, `127.0.0.1.evil:${port}`, `localhost.:${port}`, `localhost:${port + 1}`, '127.0.0.1', 'localhost', `evil.example:${port}`, `LOCALHOST:${port}`, `127.1:${port}`, `0.0.0.0:${port}`]) assert.equal((await house.send(initialize, { Host: host })).status, 403, host);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) assert.equal((await house.send(initialize, { Host: host })).status, 200, host);
    assert.match((await raw(`POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: evil\r\nContent-Length: 0\r\n\r\n`)).slice(0, 14), /HTTP\/1.1 400/);
    assert.match((await raw('POST /mcp HTTP/1.1\r\nContent-Length: 0\r\n\r\n')).slice(0, 14), /HTTP\/1.1 400/);
    const outer = Object.values(networkInterfaces()).flat().find((one) => one !== undefined && one.family === 'IPv4' && !one.internal)?.address;
    if (outer !== undefined) await assert.rejects(new Promise((resolve, reject) => connect(port, outer).once('connect', resolve).once('error', reject)));
  });

  it('T64 T66 http:origin: a page of a browser is refused, also one of this machine, unless its exact origin is listed', async () => {
    for (const origin of ['null', 'http://localhost', `http://localhost:${house.port}`, `http://127.0.0.1:${house.port}`, 'http://localhost:3000', 'https://evil.example', '']) assert.equal((await house.send(initialize, { Origin: origin })).status, 403, origin);
  });

  it('T65 http:no-cors: no answer carries a header that would let a page read it', async () => {
    const answers = await Promise.all([house.send(initialize), house.send(initialize, { Origin: 'https://evil.example' }), house.send(undefined, { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' }, { method: 'OPTIONS' }), house.send(undefined, {}, { method: 'OPTIONS' })]);
    assert.deepEqual(answers.map(({ status }) => status), [200, 403, 403, 405]);
    for (const { headers } of answers) assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith('access-control')), []);
  });

  it('T67 http:token: without the token nothing is served; it stands in a private file, and in no address, log or answer', async () => {
    const { token } = house;
    assert.equal(house.tokenMode, 0o600);
    assert.match(token, /^[0-9a-f]{64}$/);
    for (const given of [undefined, '', 'Bearer', `Bearer ${token.slice(1)}`, `Bearer ${token}0`, `Basic ${token}`, token, `Bearer ${'0'.repeat(64)}`]) {
      const { status, headers } = await house.send(initialize, { Authorization: given });
      assert.deepEqual([status, headers['www-authenticate']], [401, 'Bearer'], String(given));
    }
    assert.equal((await house.send(initialize, { Authorization: undefined }, { path: `/mcp?token=${token}` })).status, 404);
    assert.equal((await house.send(initialize, { Authorization: undefined, Cookie: `token=${token}` })).status, 401);
    // Where an agent sends it, it is refused as what it is.
    const { body, headers } = stateless('tools/call', { name: 'shell_exec', arguments: { command: `echo ${token}` } });
    assert.match((await house.send(body, headers)).text, /secrets\.inArguments/);
    for (const file of ['audit.log', 'broker.log']) assert.ok(!readFileSync(join(house.configDir, file), 'utf8').includes(token), file);
    const told = house.run('mcp', 'http');
    assert.equal(told.status, 0, told.stderr);
    assert.ok(told.stdout.includes(house.url) && told.stdout.includes('http.token') && !told.stdout.includes(token), told.stdout);
  });

  it('http:agent-only: whoever has the token is an agent: no message of windows and terminals is served', async () => {
    for (const method of Object.keys(requests)) {
      const { body, headers } = stateless(method);
      const { status, text } = await house.send(body, headers);
      assert.deepEqual([status, /-32601/.test(text)], [404, true], method);
    }
  });

  it('http:bounds: what is too long, no JSON, or of another kind is refused before it is anything', async () => {
    assert.equal((await house.send(`"${'x'.repeat(4 * 1024 * 1024)}"`)).status, 413);
    assert.match(await raw(`POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${house.port}\r\nAuthorization: Bearer ${house.token}\r\nContent-Type: application/json\r\nAccept: */*\r\nContent-Length: 900000000\r\n\r\n`), /^HTTP\/1.1 413/);
    assert.match(await chunked(5 * 1024 * 1024), /413/);
    assert.equal((await house.send('{}', { 'Content-Type': 'text/plain' })).status, 415);
    assert.equal((await house.send('{}', { 'Content-Encoding': 'gzip' })).status, 415);
    assert.equal((await house.send(initialize, { Accept: 'application/json' })).status, 406);
    for (const body of ['', '{', '[]', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', `[${initialize}]`]) assert.equal((await house.send(body)).status, 400, body);
    assert.equal((await house.send(initialize, {}, { method: 'PUT' })).status, 405);
    assert.equal((await house.send(initialize, {}, { path: '/' })).status, 404);
  });

  it('http:sessions: a session is found by its id at its own place only, with any revision or none in the header', async () => {
    const { status, headers, text } = await house.send(initialize);
    assert.deepEqual([status, headers['content-type']], [200, 'application/json']);
    assert.match(text, /"protocolVersion":"2025-06-18"/);
    const id = String(headers['mcp-session-id']);
    const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    assert.equal((await house.send(list)).status, 400);
    assert.equal((await house.send(list, { 'Mcp-Session-Id': id })).status, 200);
    assert.equal((await house.send(list, { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': '2025-06-18' })).status, 200);
    assert.equal((await house.send(list, { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': '1999-01-01' })).status, 400);
    assert.equal((await house.send(list, { 'Mcp-Session-Id': 'x'.repeat(32) })).status, 404);
    assert.equal((await house.send(list, { 'Mcp-Session-Id': id }, { path: '/mcp/everything' })).status, 404);
    assert.equal((await house.send(list, { 'Mcp-Session-Id': id, 'Conductor-Project': '/tmp' })).status, 404);
    assert.equal((await house.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }), { 'Mcp-Session-Id': id })).status, 202);
    assert.equal((await house.send(undefined, { 'Mcp-Session-Id': id }, { method: 'DELETE' })).status, 204);
    assert.equal((await house.send(undefined, { 'Mcp-Session-Id': id }, { method: 'DELETE' })).status, 404);
    assert.equal((await house.send(undefined, {}, { method: 'GET' })).status, 405);
  });

  it('http:news: what belongs to no request comes on the stream of the session', async () => {
    const client = new Client({ name: 'listener', version: '1' });
    const told = new Promise<void>((resolve) => client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve()));
    await client.connect(transport() as Parameters<Client['connect']>[0]);
    const control = await house.control('cli');
    try {
      await control.sendRequest('backends/stop', { backend: 'everything', reason: 'a test' }).catch(() => undefined);
      register(house, { everything: program('server-everything/dist/index.js') }, [{ backend: 'everything', tools: [...tools, 'get-sum'] }]);
      await told;
    } finally {
      await client.close();
      control.end();
    }
  });

  it('http:resumed: a stream that was lost goes on after the last event that its client heard, and hears nothing twice without asking', async () => {
    const opened = await house.send(initialize);
    const session = String(opened.headers['mcp-session-id']);
    let listed = 0;
    const change = (): void => register(house, { everything: program('server-everything/dist/index.js') }, [{ backend: 'everything', tools: [...tools, `other-${String((listed += 1))}`] }]);
    const hear = (headers: Record<string, string>, enough: (ids: number[]) => boolean): Promise<number[]> => new Promise((resolve, reject) => {
      const ids: number[] = [];
      const stream = request({ host: '127.0.0.1', port: house.port, path: '/mcp', agent: false, headers: { ...house.headers, Accept: 'text/event-stream', 'Mcp-Session-Id': session, ...headers } }, (response) => {
        if (response.statusCode !== 200) return void reject(new Error(String(response.statusCode)));
        response.setEncoding('utf8').on('error', () => undefined).on('data', (text: string) => {
          ids.push(...[...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)));
          if (!enough(ids)) return;
          resolve(ids);
          stream.destroy();
        });
      });
      stream.once('error', reject);
      stream.end();
    });
    change();
    const first = await hear({}, (ids) => ids.length > 0);
    change();
    const later = await until('the next change is told', () => hear({ 'Last-Event-ID': String(first[0]) }, (ids) => ids.length > 0).catch(() => undefined));
    assert.ok((later[0] ?? 0) === (first[0] ?? 0) + 1, `${String(first)} and then ${String(later)}`);
    const again = await until('the stream is free again', () => hear({ 'Last-Event-ID': '0' }, (ids) => ids.length > 0).catch(() => undefined));
    assert.equal(again[0], 1);
    change();
    const fresh = await until('only what is new', () => hear({}, (ids) => ids.length > 0).catch(() => undefined));
    assert.ok((fresh[0] ?? 0) > (again.at(-1) ?? 0));
  });

  it('http:mirrored: headers of 2026-07-28 that are missing or say something else than the body are refused; the body decides', async () => {
    const { body, headers } = stateless('tools/call', { name: 'shell_exec', arguments: { command: 'echo mirrored' } });
    const answered = await house.send(body, headers);
    assert.deepEqual([answered.status, answered.headers['content-type']], [200, 'application/json']);
    for (const wrong of [{ 'Mcp-Name': 'filesystem_read' }, { 'Mcp-Name': undefined }, { 'Mcp-Method': 'tools/list' }, { 'Mcp-Method': undefined }, { 'MCP-Protocol-Version': '2025-11-25' }, { 'MCP-Protocol-Version': undefined }]) {
      const { status, text } = await house.send(body, { ...headers, ...wrong });
      assert.deepEqual([status, /-32020/.test(text)], [400, true], JSON.stringify(wrong));
    }
    assert.equal((await house.send(body, { ...headers, 'Mcp-Name': `=?base64?${Buffer.from('shell_exec').toString('base64')}?=` })).status, 200);
    const bare = await house.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }), headers);
    assert.deepEqual([bare.status, /-32602/.test(bare.text)], [400, true]);
    const unknown = await house.send(body.replaceAll('2026-07-28', '2031-01-01'), { ...headers, 'MCP-Protocol-Version': '2031-01-01' });
    assert.deepEqual([unknown.status, /-32022.*2026-07-28/.test(unknown.text)], [400, true]);
  });

  it('http:closing: who closes the response takes the call back: what waited for a person never runs', async () => {
    const control = await house.control('cli');
    await control.sendRequest('approvals/attend', { attending: true });
    const pending = async (): Promise<Pending[]> => (await control.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending;
    const { body, headers } = stateless('tools/call', { name: 'shell_exec', arguments: { command: 'mkdir never' } });
    const sent = request({ host: '127.0.0.1', port: house.port, path: '/mcp', method: 'POST', agent: false, headers: { ...house.headers, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers } });
    sent.on('error', () => undefined);
    sent.end(body);
    await until('it waits', async () => (await pending()).length === 1);
    sent.destroy();
    await until('it no longer waits', async () => (await pending()).length === 0);
    await until('it is recorded', () => house.callEntries().some(({ phase, input }) => phase === 'denied' && JSON.stringify(input).includes('mkdir never')));
    assert.ok(!house.callEntries().some(({ phase, input }) => phase === 'done' && JSON.stringify(input).includes('mkdir never')));
    control.end();
  });

  it('http:off: the door is closed by default, opens and closes with the configuration, and a port that is taken is told', async () => {
    const port = await freePort();
    const plain = new HttpTestHouse(port);
    try {
      plain.configure({});
      const doors = async (): Promise<readonly { door: string; open: boolean; message: string }[]> => (await plain.status()).doors;
      assert.ok(!(await doors()).some(({ door }) => door === 'http'));
      assert.equal(plain.run('mcp', 'http').status, 1);
      const keeper = await plain.control('viewer');
      plain.configure({ server: { transport: 'http', port } });
      await until('it opens', async () => (await doors()).some(({ door, open }) => door === 'http' && open));
      assert.equal((await plain.send(initialize)).status, 200);
      plain.configure({});
      await until('it closes', async () => !(await doors()).some(({ door }) => door === 'http'));
      await assert.rejects(plain.send(initialize));
      plain.configure({ server: { transport: 'http', port: house.port } });
      const shut = await until('it is told', async () => (await doors()).find(({ door, open }) => door === 'http' && !open));
      assert.match(shut.message, /EADDRINUSE/);
      keeper.end();
    } finally {
      await plain.close();
    }
  });

  function raw(text: string): Promise<string> {
    return new Promise((resolve) => {
      let heard = '';
      const socket = connect(house.port, '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString())).on('error', () => undefined).once('close', () => resolve(heard));
    });
  }

  /** Sends a long body without saying how long it is. */
  function chunked(bytes: number): Promise<string> {
    return new Promise((resolve) => {
      const sent = request({ host: '127.0.0.1', port: house.port, path: '/mcp', method: 'POST', agent: false, headers: { ...house.headers, 'Content-Type': 'application/json', Accept: '*/*' } }, (response) => {
        resolve(String(response.statusCode));
        response.resume();
      });
      sent.on('error', () => undefined);
      sent.write(Buffer.alloc(bytes, 0x20));
    });
  }
});

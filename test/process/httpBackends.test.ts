import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { createServer as createSocket, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { register } from './external';
import { conductor, TestHouse, until, type Json } from './house';

/** External servers that are reached over HTTP: the official one in both kinds, and some that must not be reached. */

const everything = resolve(__dirname, '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js');

async function freePort(): Promise<number> {
  const socket = createSocket().listen(0, '127.0.0.1');
  await new Promise((done) => socket.once('listening', done));
  const { port } = socket.address() as AddressInfo;
  await new Promise((done) => socket.close(done));
  return port;
}

describe('external servers over HTTP', () => {
  const house = new TestHouse();
  const children: ChildProcess[] = [];
  const servers: Server[] = [];
  const seen: string[] = [];

  async function answering(answer: Parameters<typeof createServer>[1]): Promise<number> {
    const server = createServer(answer as never).listen(0, '127.0.0.1');
    servers.push(server);
    await new Promise((done) => server.once('listening', done));
    return (server.address() as AddressInfo).port;
  }

  before(async () => {
    const [modern, older] = [await freePort(), await freePort()];
    for (const [kind, port] of [['streamableHttp', modern], ['sse', older]] as const) children.push(spawn(process.execPath, [everything, kind], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' }));
    for (const port of [modern, older]) await until('the server listens', () => fetch(`http://127.0.0.1:${String(port)}/mcp`, { method: 'OPTIONS' }).then(() => true, () => false));
    const goal = await answering((request, response) => { seen.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`); response.writeHead(404).end(); });
    const away = await answering((_, response) => response.writeHead(307, { location: `http://127.0.0.1:${String(goal)}/secret` }).end());
    register(house, {
      web: { transport: 'http', url: `http://127.0.0.1:${String(modern)}/mcp`, egress_allowlist: [`127.0.0.1:${String(modern)}`] },
      older: { transport: 'sse', url: `http://127.0.0.1:${String(older)}/sse`, egress_allowlist: [`127.0.0.1:${String(older)}`] },
      unlisted: { transport: 'http', url: `http://127.0.0.1:${String(goal)}/mcp`, egress_allowlist: ['example.com'], optional: true },
      away: { transport: 'http', url: `http://127.0.0.1:${String(away)}/mcp`, headers: { 'x-for': 'ada' }, egress_allowlist: [`127.0.0.1:${String(away)}`] },
    }, [{ backend: 'web', tools: ['*'] }, { backend: 'older', tools: ['*'] }]);
    const control = await house.control('cli');
    for (const { backend, identity } of (await control.sendRequest<{ backends: { backend: string; identity: string }[] }>('backends/list', {})).backends) await control.sendRequest('backends/approve', { backend, identity, tools: [] });
    const { backends } = await until('both told their tools', async () => {
      const state = await control.sendRequest<{ backends: { backend: string; identity: string; tools: { name: string; digest: string }[] | null }[] }>('backends/list', {});
      return state.backends.filter(({ tools }) => tools !== null).length === 2 && state;
    });
    for (const { backend, identity, tools } of backends) await control.sendRequest('backends/approve', { backend, identity, tools: (tools ?? []).map(({ name, digest }) => ({ name, digest })) });
    control.end();
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const server of servers) server.close();
    await house.close();
  });

  it('backends:http: both kinds of HTTP, with progress in order and questions to the client', async () => {
    const client = new Client({ name: 'sdk', version: '1' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada', check: true } }));
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [conductor, 'mcp', 'start', '--project', house.project], env: house.env as Record<string, string> }));
    try {
      for (const backend of ['web', 'older']) {
        assert.match(JSON.stringify(await client.callTool({ name: `${backend}__echo`, arguments: { message: `hello ${backend}` } })), new RegExp(`hello ${backend}`));
        const steps: number[] = [];
        await client.callTool({ name: `${backend}__trigger-long-running-operation`, arguments: { duration: 1, steps: 3 } }, undefined, { onprogress: ({ progress }) => void steps.push(progress) });
        // The official client drops what comes in one piece with the result.
        assert.deepEqual(steps.slice(0, 2), [1, 2], backend);
        assert.match(JSON.stringify(await client.callTool({ name: `${backend}__trigger-elicitation-request`, arguments: {} })), /Ada/, backend);
      }
    } finally {
      await client.close();
    }
  });

  it('T70: neither a host that is not listed nor a redirect to one is ever connected to', async () => {
    const control = await house.control();
    for (const backend of ['unlisted', 'away']) {
      const report = await control.sendRequest<{ ok: boolean; checks: Json[] }>('backends/preflight', { backend });
      assert.equal(report.ok, false, backend);
      assert.match(JSON.stringify(report.checks), /egress_allowlist/, backend);
    }
    control.end();
    assert.deepEqual(seen, []);
  });
});

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** The gateways that people put before MCP servers today, in front of the same echo, each called by the official client. */

/** One way to the echo. */
export type Way = Readonly<{ name: string; say(text: string): Promise<unknown>; close(): Promise<void> }>;

const echo = resolve(__dirname, 'echoServer.mjs');

/** Versions that are measured; they are installed in a temporary folder, never with the project. */
const wanted = ['mcporter@0.12.3', 'mcp-proxy@6.7.19', 'supergateway@4.0.0'];

/** The folder with the gateways, or why there is none. */
export function installPeers(): Readonly<{ folder: string }> | Readonly<{ missing: string }> {
  const folder = process.env['BENCH_PEERS'] ?? join(tmpdir(), 'conductor-bench-peers');
  if (!existsSync(join(folder, 'node_modules', 'supergateway'))) {
    const { status, stderr } = spawnSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...wanted], { encoding: 'utf8', timeout: 300_000 });
    if (status !== 0) return { missing: stderr.trim().split('\n').at(-1) ?? 'npm failed' };
  }
  return { folder };
}

/** A client over stdio. */
export async function overStdio(name: string, args: string[], env: Record<string, string> = process.env as Record<string, string>, tool?: string): Promise<Way> {
  return await ready(name, new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }), tool);
}

/** A client over HTTP. */
export async function overHttp(name: string, url: string, headers: Record<string, string> = {}, tool?: string): Promise<Way> {
  return await ready(name, new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }), tool);
}

async function ready(name: string, transport: StdioClientTransport | StreamableHTTPClientTransport, tool = 'echo'): Promise<Way> {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  let found: string | undefined;
  for (let tries = 0; found === undefined; tries += 1) {
    found = (await client.listTools()).tools.map((one) => one.name).find((one) => one.endsWith(tool));
    if (tries > 100) throw new Error(`${name} offers no ${tool}`);
    if (found === undefined) await sleep(100);
  }
  const called = found;
  return { name, say: async (text) => saying(await client.callTool({ name: called, arguments: { text } }), text), close: () => client.close() };
}

/** A refusal is fast, too. */
function saying(result: unknown, text: string): unknown {
  const { content } = result as { content: { text: string }[] };
  if (content[0]?.text !== text) throw new Error(`not the echo: ${JSON.stringify(result).slice(0, 300)}`);
  return result;
}

/** The echo over stdio, with nothing between. */
export function directStdio(): Promise<Way> {
  return overStdio('direct', [echo]);
}

/** The echo behind the processes of a broker that do nothing: what the shape costs. With `log` two entries are made durable for each call. */
export async function bareRelay(folder: string, log?: string): Promise<Way> {
  const socket = join(folder, `relay${log === undefined ? '' : '-durable'}.sock`);
  const script = resolve(__dirname, 'relay.mjs');
  const broker = spawn(process.execPath, [script, 'broker', socket, echo, ...(log === undefined ? [] : [log])], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(broker.stdout, 'data');
  const way = await overStdio('relay', [script, 'pipe', socket]);
  return { ...way, close: async () => { await way.close(); broker.kill('SIGTERM'); } };
}

/** The echo over HTTP with the official SDK, with nothing between. */
export function directHttp(): Promise<Way> {
  return behindPort('direct over HTTP', (port) => [resolve(__dirname, 'echoHttp.mjs'), String(port)]);
}

/** mcporter, which serves over stdio what its daemon keeps running. */
export async function mcporter(folder: string, scratch: string): Promise<Way> {
  const config = join(scratch, 'mcporter.json');
  writeFileSync(config, JSON.stringify({ mcpServers: { echo: { command: process.execPath, args: [echo], lifecycle: 'keep-alive' } }, imports: [] }));
  const env = { ...(process.env as Record<string, string>), HOME: scratch };
  const script = join(folder, 'node_modules/mcporter/dist/cli.js');
  const way = await overStdio('mcporter', [script, '--config', config, 'serve', '--servers', 'echo', '--stdio'], env);
  return { ...way, close: async () => { await way.close(); spawnSync(process.execPath, [script, '--config', config, 'daemon', 'stop'], { env, timeout: 10_000 }); } };
}

/** mcp-proxy, which serves over HTTP. */
export function mcpProxy(folder: string): Promise<Way> {
  return behindPort('mcp-proxy', (port) => [join(folder, 'node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs'), '--port', String(port), '--host', '127.0.0.1', '--server', 'stream', '--', process.execPath, echo]);
}

/** supergateway, which serves over HTTP. */
export function supergateway(folder: string): Promise<Way> {
  return behindPort('supergateway', (port) => [join(folder, 'node_modules/supergateway/dist/index.js'), '--stdio', `${process.execPath} ${echo}`, '--outputTransport', 'streamableHttp', '--stateful', '--port', String(port), '--logLevel', 'none']);
}

async function behindPort(name: string, args: (port: number) => string[]): Promise<Way> {
  const port = await freePort();
  const child = spawn(process.execPath, args(port), { stdio: 'ignore' });
  try {
    const way = await connected(child, () => overHttp(name, `http://127.0.0.1:${String(port)}/mcp`));
    return { ...way, close: async () => { await way.close(); child.kill('SIGTERM'); } };
  } catch (thrown) {
    child.kill('SIGKILL');
    throw thrown;
  }
}

async function connected(child: ChildProcess, connect: () => Promise<Way>): Promise<Way> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await connect();
    } catch (thrown) {
      if (tries > 100 || child.exitCode !== null) throw thrown;
      await sleep(100);
    }
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

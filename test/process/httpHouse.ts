import { readFileSync, statSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { TestHouse, until, type Json } from './house';
import type { ConfigInput } from '../../protocol/src/config';

/** A household whose broker serves MCP over HTTP. */

/** An answer over HTTP. */
export type Answered = Readonly<{ status: number; headers: IncomingMessage['headers']; text: string }>;

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** One household with the HTTP door. */
export class HttpTestHouse extends TestHouse {
  readonly port: number;

  constructor(port: number, config: ConfigInput = {}) {
    super({ ...config, server: { ...config.server, transport: 'http', port } });
    this.port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}/mcp`;
  }

  get token(): string {
    return readFileSync(join(this.configDir, 'http.token'), 'utf8').trim();
  }

  get tokenMode(): number {
    return statSync(join(this.configDir, 'http.token')).mode & 0o777;
  }

  /** Headers of a decent agent. */
  get headers(): Record<string, string> {
    return { Authorization: `Bearer ${this.token}`, 'Conductor-Project': this.project };
  }

  /** Starts the broker and waits until the door stands. */
  async opened(): Promise<void> {
    await until('the door is open', async () => (await this.status()).doors.some(({ door, open }) => door === 'http' && open));
  }

  /** Sends one request by hand; a member of `headers` that is undefined is left out. */
  send(body: string | Buffer | undefined, headers: Readonly<Record<string, string | string[] | undefined>> = {}, more: { method?: string; path?: string } = {}): Promise<Answered> {
    const all = { ...this.headers, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers };
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: this.port, path: more.path ?? '/mcp', method: more.method ?? 'POST', agent: false, headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<string, string> }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        response.once('error', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      });
      sent.once('error', reject);
      sent.end(body);
    });
  }
}

/** A request of the revision without sessions, and its headers. */
export function stateless(method: string, params: Json = {}, id: string | number = 1): { body: string; headers: Record<string, string> } {
  const name = params['name'] ?? params['uri'];
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}, 'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' } } } }),
    headers: { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': method, ...(typeof name === 'string' ? { 'Mcp-Name': name } : {}) },
  };
}

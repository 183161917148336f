import { randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { meta } from '../mcp/eras';
import { forbidden } from '../proof';
import { httpDoor } from './door';
import type { HttpHouse } from './house';

/** Before the HTTP door listens it shows, over streams like those of visitors, that it refuses who may not come in and what may not run (T92). */

/** How long one request may take, in milliseconds. */
const patience = 5000;
const port = 1;

/** Sends requests that must be refused to a door over a house that takes the real decisions but leaves no trace and asks nobody. */
export async function proveHttpDoor(house: HttpHouse, configDir: string): Promise<boolean> {
  const token = randomBytes(32).toString('hex');
  const door = httpDoor({ rules: { port, token, allowedOrigins: [], requestsPerMinute: 1000 }, house, now: () => performance.now() });
  const ask = async (headers: Readonly<Record<string, string>>, method: string, params: object): Promise<string> =>
    await exchange(door.server, { Host: `127.0.0.1:${String(port)}`, Authorization: `Bearer ${token}`, ...headers }, method, { ...params, _meta: { [meta.version]: '2026-07-28', [meta.capabilities]: {}, [meta.client]: { name: 'proof', version: '1' } } });
  try {
    const turnedAway = await Promise.all([
      ask({ Authorization: '' }, 'tools/list', {}), ask({ Authorization: `Bearer ${'0'.repeat(64)}` }, 'tools/list', {}), ask({ Host: `[::1].evil:${String(port)}` }, 'tools/list', {}), ask({ Origin: 'http://localhost' }, 'tools/list', {}),
    ]);
    const calls = await Promise.all(forbidden(configDir).map((call) => ask({}, 'tools/call', call)));
    const control = await ask({}, 'approvals/list', {});
    return turnedAway.every((text) => /^HTTP\/1\.1 40[13] /.test(text)) && calls.every((text) => text.startsWith('HTTP/1.1 200 ') && /"isError":true.*"kind":"refused"/.test(text)) && control.startsWith('HTTP/1.1 404 ');
  } finally {
    door.end();
    door.server.close();
  }
}

function exchange(server: ReturnType<typeof httpDoor>['server'], headers: Readonly<Record<string, string>>, method: string, params: object): Promise<string> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const name = 'name' in params && typeof params.name === 'string' ? { 'Mcp-Name': params.name } : {};
  const head = { ...headers, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', 'Content-Length': String(Buffer.byteLength(body)), 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': method, ...name, Connection: 'close' };
  return new Promise((resolve) => {
    let heard = '';
    const done = (): void => {
      stream.destroy();
      resolve(heard);
    };
    const stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, next) => { heard += chunk.toString('utf8'); next(); },
      final: (next) => { next(); done(); },
    });
    void sleep(patience, undefined, { ref: false }).then(done);
    server.emit('connection', stream);
    stream.push(`POST /mcp HTTP/1.1\r\n${Object.entries(head).map(([key, value]) => `${key}: ${value}\r\n`).join('')}\r\n${body}`);
  });
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** An MCP server over HTTP that misbehaves on demand: what is done is the name of the tool that is called. */

type Json = Readonly<Record<string, unknown>>;
type Bad = (id: unknown, response: ServerResponse) => void;

const text = (said: string): Json => ({ content: [{ type: 'text', text: said }] });
const line = (id: unknown, said: string): string => JSON.stringify({ jsonrpc: '2.0', id, result: text(said) });
const json = (response: ServerResponse, more: Json = {}): ServerResponse => response.writeHead(200, { 'content-type': 'application/json', ...(more as Record<string, string>) });
const events = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream' });

/** Writes a part over and over, as fast as it is taken. */
function pour(response: ServerResponse, part: string, times: number, end: string): void {
  let left = times;
  const more = (): void => {
    for (; left > 0 && !response.destroyed; left -= 1) if (!response.write(part)) return void response.once('drain', () => { left -= 1; more(); });
    response.end(end);
  };
  more();
}

const megabyte = 'x'.repeat(1_000_000);
const bad: Readonly<Record<string, Bad>> = {
  echo: (id, response) => json(response).end(line(id, 'untouched')),
  hang: () => undefined,
  headOnly: (_, response) => json(response).flushHeaders(),
  drip: (id, response) => {
    json(response);
    const bytes = line(id, 'at last');
    let at = 0;
    const timer = setInterval(() => (at < bytes.length ? response.write(bytes[at++]) : response.end()), 1000);
    response.once('close', () => clearInterval(timer));
  },
  longer: (id, response) => {
    json(response, { 'content-length': '100000' }).write(line(id, 'cut'));
    setTimeout(() => response.destroy(), 50);
  },
  shorter: (id, response) => {
    response.socket?.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n${line(id, 'more than it said')}`);
    setTimeout(() => response.destroy(), 50);
  },
  huge: (id, response) => {
    json(response).write(`{"jsonrpc":"2.0","id":${String(id)},"result":{"content":[{"type":"text","text":"`);
    pour(response, megabyte, 500, '"}]}}');
  },
  hugeEvent: (id, response) => {
    events(response).write(`data: {"jsonrpc":"2.0","id":${String(id)},"result":{"content":[{"type":"text","text":"`);
    pour(response, megabyte, 500, '"}]}}\n\n');
  },
  manyLines: (id, response) => {
    events(response);
    pour(response, `data: ${'x'.repeat(10_000)}\n`, 50_000, `data: ${line(id, 'joined')}\n\n`);
  },
  flood: (_, response) => {
    events(response);
    pour(response, `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(1000) } })}\n\n`, 1_000_000, '');
  },
  page: (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>{"jsonrpc":"2.0","id":1,"result":{}}</p>'),
  bytes: (id, response) => json(response).end(Buffer.concat([Buffer.from(line(id, 'a')).subarray(0, -8), Buffer.from([0xff, 0xfe]), Buffer.from('"}]}}')])),
  packed: (id, response) => json(response, { 'content-encoding': 'gzip' }).end(line(id, 'not packed at all')),
  twoObjects: (id, response) => json(response).end(`${line(id, 'one')}${line(id, 'two')}`),
  twice: (id, response) => events(response).end(`data: ${line(id, 'answer 1')}\n\ndata: ${line(id, 'answer 2')}\n\n`),
  unasked: (id, response) => events(response).end(`${[1, 2, 3, 4].map((n) => `data: ${line(Number(id) + n, 'not asked')}\n\n`).join('')}data: ${line(id, 'asked')}\n\n`),
  nothing: (_, response) => events(response).end(),
};

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') return void response.writeHead(405).end();
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { id, method, params } = JSON.parse(body) as { id?: unknown; method: string; params: { name?: string } };
  if (id === undefined) return void response.writeHead(202).end();
  const give = (result: Json): unknown => json(response).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  if (method === 'initialize') return void give({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'bad', version: '1' } });
  if (method === 'tools/list') return void give({ tools: Object.keys(bad).map((name) => ({ name, inputSchema: { type: 'object' } })) });
  const act = method === 'tools/call' ? bad[params.name ?? ''] : undefined;
  if (act === undefined) return void json(response).end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }));
  act(id, response);
}

/** Starts it on a port of the loopback address; `/sse` is an older server that never says where messages go. */
export async function startBadHttpServer(): Promise<{ port: number; waiting(): number; close(): Promise<void> }> {
  let waiting = 0;
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    if (request.url !== '/sse') return void serve(request, response).catch(() => response.destroy());
    waiting += 1;
    response.once('close', () => (waiting -= 1));
    const timer = setInterval(() => response.write(':'), 100);
    response.once('close', () => clearInterval(timer));
    events(response).flushHeaders();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, waiting: () => waiting, close: () => new Promise((resolve) => { server.close(() => resolve()); server.closeAllConnections(); }) };
}

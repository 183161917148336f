import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import { differs } from '../../server/src/doors/http/mirror';
import type { Json } from '../process/house';

/**
 * Lets clients that only speak HTTP talk to a program that only speaks lines: each session is a process of its own, and all that comes without a
 * session is one. It puts the name of the server before the names of tools and prompts, which it has in the pipe and the clients do not know.
 */

type Open = { id: unknown; token: unknown; response: ServerResponse; streaming: boolean };

/** One process with the requests that wait for it. */
class Line {
  readonly #open = new Map<string, Open>();
  readonly #child: ChildProcessWithoutNullStreams;
  #next = 1;
  stream: ServerResponse | undefined;

  constructor(command: readonly string[], env: NodeJS.ProcessEnv, readonly prefix: string) {
    const [file = '', ...args] = command;
    this.#child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'ignore'] }) as unknown as ChildProcessWithoutNullStreams;
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#heard(JSON.parse(line) as Json));
  }

  end(): void {
    this.#child.kill();
  }

  /** Sends a request; the answer goes to the response. */
  request({ id, method, params = {} }: { id: unknown; method: string; params?: Json }, response: ServerResponse): void {
    const own = `h${String(this.#next++)}`;
    this.#open.set(own, { id, token: (params['_meta'] as Json | undefined)?.['progressToken'], response, streaming: false });
    response.once('close', () => { if (this.#open.delete(own)) this.tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: own } }); });
    this.tell({ jsonrpc: '2.0', id: own, method, params: this.#outward(method, params) });
  }

  /** Sends what has no answer. */
  tell(message: Json): void {
    const params = message['params'] as Json | undefined;
    const meant = message['method'] === 'notifications/cancelled' ? [...this.#open].find(([, { id }]) => id === params?.['requestId'])?.[0] : undefined;
    this.#child.stdin.write(`${JSON.stringify(meant === undefined ? message : { ...message, params: { ...params, requestId: meant } })}\n`);
  }

  #heard(message: Json): void {
    const open = 'method' in message ? undefined : this.#open.get(String(message['id']));
    if (open !== undefined) {
      this.#open.delete(String(message['id']));
      const answer = this.#inward({ ...message, id: open.id });
      if (open.streaming) return void open.response.end(event(answer));
      return void open.response.writeHead(statusOf(answer), { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    }
    if (!('method' in message)) return;
    const params = message['params'] as Json;
    const subscription = (params['_meta'] as Json | undefined)?.['io.modelcontextprotocol/subscriptionId'];
    const about = message['method'] === 'notifications/progress' ? [...this.#open.values()].find(({ token }) => token === params['progressToken']) : subscription === undefined ? [...this.#open.values()].at(-1) : this.#open.get(String(subscription));
    if (about === undefined) return void this.stream?.write(event(message));
    const told = subscription === undefined ? message : { ...message, params: { ...params, _meta: { ...(params['_meta'] as Json), 'io.modelcontextprotocol/subscriptionId': about.id } } };
    if (!about.streaming) about.response.writeHead(200, { 'content-type': 'text/event-stream' });
    about.streaming = true;
    about.response.write(event(told));
  }

  #outward(method: string, params: Json): Json {
    const named = (of: Json): Json => ({ ...of, name: `${this.prefix}${String(of['name'])}` });
    if (method === 'tools/call' || method === 'prompts/get') return named(params);
    const ref = params['ref'] as Json | undefined;
    return method === 'completion/complete' && ref?.['type'] === 'ref/prompt' ? { ...params, ref: named(ref) } : params;
  }

  #inward(answer: Json): Json {
    const result = answer['result'] as Json | undefined;
    const own = (list: unknown): Json[] => (list as Json[]).filter(({ name }) => String(name).startsWith(this.prefix)).map((one) => ({ ...one, name: String(one['name']).slice(this.prefix.length) }));
    const lists = Object.fromEntries(['tools', 'prompts'].flatMap((member) => (Array.isArray(result?.[member]) ? [[member, own(result[member])]] : [])));
    return Object.keys(lists).length === 0 ? answer : { ...answer, result: { ...result, ...lists } };
  }
}

const event = (message: Json): string => `event: message\ndata: ${JSON.stringify(message)}\n\n`;

function statusOf({ error }: Json): number {
  const code = (error as Json | undefined)?.['code'];
  return code === -32_601 ? 404 : code === -32_020 || code === -32_021 || code === -32_022 || code === -32_602 ? 400 : 200;
}

/** Starts it on a port of the loopback address. */
export async function startStdioAdapter({ command, env, prefix }: Readonly<{ command: readonly string[]; env: NodeJS.ProcessEnv; prefix: string }>): Promise<{ port: number; close(): Promise<void> }> {
  const sessions = new Map<string, Line>();
  let nameless: Line | undefined;
  let port = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const local = [`127.0.0.1:${String(port)}`, `localhost:${String(port)}`];
    const { host = '', origin } = request.headers;
    if (!local.includes(host) || (origin !== undefined && !local.some((one) => origin === `http://${one}`))) return void response.writeHead(403).end();
    const given = String(request.headers['mcp-session-id'] ?? '');
    const known = sessions.get(given);
    if (given !== '' && known === undefined) return void response.writeHead(404).end();
    if (request.method === 'DELETE' && known !== undefined) return void (known.end(), sessions.delete(given), response.writeHead(200).end());
    if (request.method === 'GET' && known !== undefined) {
      known.stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.flushHeaders();
    }
    if (request.method !== 'POST') return void response.writeHead(405).end();
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const message = JSON.parse(body) as Json & { id: unknown; method: string };
    if (message['method'] === 'initialize') {
      const id = randomUUID();
      const line = new Line(command, env, prefix);
      sessions.set(id, line);
      response.setHeader('mcp-session-id', id);
      return line.request(message, response);
    }
    const line = known ?? (nameless ??= new Line(command, env, prefix));
    if (message['id'] === undefined || !('method' in message)) return void (line.tell(message), response.writeHead(202).end());
    const params = (message['params'] as Json | undefined) ?? {};
    const refuse = (code: number, words: string): void => void response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code, message: words } }));
    // In the pipe a message that names no revision is one of a client with a session; that it has none is told by HTTP alone.
    if (known === undefined && (params['_meta'] as Json | undefined)?.['io.modelcontextprotocol/protocolVersion'] === undefined) return refuse(-32_602, 'Name the revision in _meta.');
    const flaw = known === undefined ? differs(request.headers, message.method, params, regionSchema) : undefined;
    if (flaw !== undefined) return refuse(-32_020, flaw);
    line.request(message, response);
  };
  const server = createServer((request, response) => { serve(request, response).catch(() => response.destroy()); });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  const end = (): void => [...sessions.values(), ...(nameless === undefined ? [] : [nameless])].forEach((line) => line.end());
  return { port, close: () => new Promise((resolve) => { end(); server.close(() => resolve()); server.closeAllConnections(); }) };
}

/** The one tool of the suite that wants an argument in a header. */
function regionSchema(tool: string): unknown {
  return tool === 'test_region' ? { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } } : undefined;
}

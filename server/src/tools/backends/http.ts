import type { IncomingMessage } from 'node:http';
import { ConductorError, toConductorError } from '../../../../protocol/src/errors';
import type { Egress } from '../../../../protocol/src/externalServers';
import { isRecord, readFrame, type RequestId } from '../../base/frames';
import { headerText, mirroredIn, mirroredText } from '../../rules/backends/mirrored';
import type { Dialer } from './dialer';
import { readEvents } from './events';
import { statelessRevision } from './handshake';
import type { Incoming, Message, Transport } from './transport';

/** Streamable HTTP as a client (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports, and 2026-07-28). */

/** Where to, with which headers, every secret in its place. */
export type HttpTarget = Readonly<{ url: string; headers: Readonly<Record<string, string>>; dialer: Dialer; /** Bytes of one message. */ limit: number; /** Milliseconds until it must be reached. */ openMs: number; egress: Egress; /** The input schema of a tool; undefined for one that is not known. */ schemaOf?(tool: string): unknown }>;

/** Milliseconds between two tries to hear what the server tells by itself. */
const listenAgainMs = 2000;

/** Makes the transport; nothing is sent before the first message. */
export function openHttp(target: HttpTarget, incoming: Incoming): Transport {
  return new HttpTransport(target, incoming);
}

class HttpTransport implements Transport {
  readonly cuts = true;
  readonly #end = new AbortController();
  #session: string | undefined;
  #revision: string | undefined;

  constructor(readonly target: HttpTarget, readonly incoming: Incoming) {}

  get egress(): Egress {
    return this.target.egress;
  }

  remarks(): string {
    return '';
  }

  agreed(revision: string): void {
    this.#revision = revision;
    if (revision !== statelessRevision) void this.#listen();
  }

  async send(message: Message, given?: AbortSignal): Promise<void> {
    // Without sessions a request is withdrawn by hanging up.
    if (message['method'] === 'notifications/cancelled' && this.#revision === statelessRevision) return;
    const signal = given === undefined ? this.#end.signal : AbortSignal.any([given, this.#end.signal]);
    const answer = await this.target.dialer.dial({ method: 'POST', url: this.target.url, headers: { ...this.#headers(message), accept: 'application/json, text/event-stream', 'content-type': 'application/json' }, body: JSON.stringify(message), signal });
    const session = answer.headers['mcp-session-id'];
    if (message['method'] === 'initialize' && typeof session === 'string') this.#session = session;
    await this.#read(answer, message, signal);
  }

  async end(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined && !this.#end.signal.aborted) {
      const headers = { ...this.target.headers, 'mcp-session-id': session };
      await this.target.dialer.dial({ method: 'DELETE', url: this.target.url, headers, signal: AbortSignal.timeout(1000) }).then((answer) => answer.resume(), () => undefined);
    }
    this.#end.abort();
    this.target.dialer.close();
    this.incoming.ended('The connection was closed.');
  }

  async #read(answer: IncomingMessage, message: Message, signal: AbortSignal): Promise<void> {
    const { statusCode = 0 } = answer;
    const type = String(answer.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
    const id = 'method' in message ? (message['id'] as RequestId | undefined) : undefined;
    if (statusCode >= 200 && statusCode < 300 && id === undefined) return void answer.resume();
    if (statusCode >= 400) return await this.#refused(answer, id, statusCode);
    let answered = false;
    const take = (text: string): void => {
      const frame = readFrame(Buffer.from(text));
      if (frame.kind === 'response' && frame.id === id) answered = true;
      this.incoming.frame(frame, id);
    };
    const packed = answer.headers['content-encoding'] ?? 'identity';
    try {
      if (packed !== 'identity') throw new ConductorError('BACKEND_UNAVAILABLE', `The server packed its answer (${packed.slice(0, 50)}), which nobody asked it to.`);
      if (type === 'text/event-stream') await readEvents(answer, this.target.limit, ({ event, data }) => { if (event === 'message') take(data); }, this.incoming.tooLong);
      else if (type === 'application/json') await this.#body(answer, id, take);
      else throw new ConductorError('BACKEND_UNAVAILABLE', `The server answered with ${String(statusCode)} and neither JSON nor events.`);
    } catch (thrown) {
      answer.destroy();
      if (signal.aborted) return;
      throw toConductorError(thrown, 'BACKEND_UNAVAILABLE');
    }
    if (!answered && id !== undefined && !signal.aborted) throw new ConductorError('BACKEND_UNAVAILABLE', 'The server ended its answer before the result.');
  }

  async #body(answer: IncomingMessage, id: RequestId | undefined, take: (text: string) => void): Promise<void> {
    const text = await readWhole(answer, this.target.limit);
    if (text === undefined) this.incoming.tooLong(`{"id":${String(id)},`);
    else take(text);
  }

  async #refused(answer: IncomingMessage, id: RequestId | undefined, status: number): Promise<void> {
    const text = await readWhole(answer, 65_536).catch(() => undefined);
    const frame = text === undefined ? undefined : readFrame(Buffer.from(text));
    // Newer servers put the code of JSON-RPC beside a status of HTTP.
    if (frame?.kind === 'response' && frame.id === id) return this.incoming.frame(frame);
    if (status === 404 && this.#session !== undefined) this.incoming.ended('The server has forgotten the session.');
    if (status === 401 || status === 403) throw new ConductorError('BACKEND_UNAVAILABLE', `The server refuses the credentials of its profile (HTTP ${String(status)}).`);
    // An older one that is asked what it does not know.
    if (this.#revision === undefined && id !== undefined && status < 500) return this.incoming.frame({ kind: 'response', id, answer: { kind: 'error', error: { code: -32_601, message: `HTTP ${String(status)}` } } });
    throw new ConductorError('BACKEND_UNAVAILABLE', `The server answered with HTTP ${String(status)}.`);
  }

  #headers(message: Message): Readonly<Record<string, string>> {
    const stateless = this.#revision === statelessRevision || message['method'] === 'server/discover';
    const version = stateless ? statelessRevision : this.#revision;
    return {
      ...this.target.headers,
      ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
      ...(this.#session === undefined ? {} : { 'mcp-session-id': this.#session }),
      ...(stateless && typeof message['method'] === 'string' ? { 'mcp-method': message['method'], ...namedIn(message), ...this.#mirrored(message) } : {}),
    };
  }

  /** Arguments that the schema of the tool wants in headers as well. */
  #mirrored({ method, params }: Message): Readonly<Record<string, string>> {
    if (method !== 'tools/call' || !isRecord(params) || typeof params['name'] !== 'string') return {};
    return Object.fromEntries(mirroredIn(this.target.schemaOf?.(params['name'])).flatMap(({ header, path }) => {
      const text = mirroredText(params['arguments'], path);
      return text === undefined ? [] : [[`mcp-param-${header}`, headerText(text)]];
    }));
  }

  /** Hears what the server says by itself, as long as it offers that. */
  async #listen(): Promise<void> {
    for (let last: string | undefined; !this.#end.signal.aborted; ) {
      try {
        const headers = { ...this.#headers({ jsonrpc: '2.0' }), accept: 'text/event-stream', ...(last === undefined ? {} : { 'last-event-id': last }) };
        const answer = await this.target.dialer.dial({ method: 'GET', url: this.target.url, headers, signal: this.#end.signal });
        if (answer.statusCode !== 200 || answer.headers['content-type']?.startsWith('text/event-stream') !== true) return void answer.resume();
        await readEvents(answer, this.target.limit, ({ event, data, id }) => {
          last = id ?? last;
          if (event === 'message') this.incoming.frame(readFrame(Buffer.from(data)));
        }, this.incoming.tooLong);
      } catch {
        // What was lost there is asked for again below; requests have streams of their own.
      }
      await new Promise((resolve) => setTimeout(resolve, listenAgainMs).unref());
    }
  }
}

/** The name that a request is about, as a header. */
function namedIn({ method, params }: Message): Readonly<Record<string, string>> {
  const given = isRecord(params) ? params : {};
  const name = method === 'resources/read' ? given['uri'] : method === 'tools/call' || method === 'prompts/get' ? given['name'] : undefined;
  return typeof name === 'string' ? { 'mcp-name': headerText(name) } : {};
}

/** The whole body as text; undefined when it is longer than the limit, and then the rest is not read. */
async function readWhole(stream: IncomingMessage, limit: number): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += (chunk as Buffer).length;
    if (length > limit) {
      stream.destroy();
      return undefined;
    }
    parts.push(chunk as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { passOver } from './body';

/** How messages leave over HTTP: one answer as JSON, or a stream of events once something precedes it. */

/** Milliseconds of silence after which a stream gets a comment, and a waiting answer becomes a stream: clients and what stands between give up on silence. */
const silence = 15_000;

/** A stream of events that stays open. */
export class EventStream {
  readonly #timer: NodeJS.Timeout;

  constructor(readonly response: ServerResponse) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' });
    response.flushHeaders();
    this.#timer = setInterval(() => response.write(': waiting\n\n'), silence).unref();
    response.once('close', () => clearInterval(this.#timer));
  }

  /** Sends one event; with an `id` its client can say later that it heard it. */
  send(message: object, id?: string): void {
    if (!this.response.writableEnded) this.response.write(`event: message\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`);
  }

  end(): void {
    clearInterval(this.#timer);
    this.response.end();
  }
}

/** The response to one request that came by POST. */
export class Reply {
  #stream: EventStream | undefined;
  #done = false;
  readonly #timer: NodeJS.Timeout;

  /** `statusOf` gives the status of an answer that comes as JSON. */
  constructor(readonly response: ServerResponse, readonly statusOf: (message: object) => number) {
    this.#timer = setTimeout(() => this.#open(), silence).unref();
  }

  /** Whether the answer left. */
  get done(): boolean {
    return this.#done;
  }

  /** Whether its client has not taken what waits for it already. */
  crowded(limit: number): boolean {
    return this.response.writableLength >= limit;
  }

  /** Sends something before the answer. */
  send(message: object): void {
    if (!this.#done) this.#open().send(message);
  }

  /** Sends the answer, which ends it. */
  answer(message: object): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#timer);
    if (this.#stream === undefined) return sendJson(this.response, this.statusOf(message), message);
    this.#stream.send(message);
    this.#stream.end();
  }

  /** Ends it without an answer, as its client asked. */
  withdrawn(): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#timer);
    if (this.#stream === undefined) this.response.writeHead(202).end();
    else this.#stream.end();
  }

  /** Breaks it off. */
  abandon(): void {
    this.#done = true;
    clearTimeout(this.#timer);
    this.response.destroy();
  }

  #open(): EventStream {
    clearTimeout(this.#timer);
    return (this.#stream ??= new EventStream(this.response));
  }
}

/** Sends one JSON object as the whole response. */
export function sendJson(response: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), 'Cache-Control': 'no-store', ...headers });
  response.end(text);
}

/** Sends one JSON object, and closes the connection once the request has passed. */
export function sendLast(request: IncomingMessage, response: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), 'Cache-Control': 'no-store', ...headers, Connection: 'close' });
  response.write(text);
  void passOver(request).then(() => response.end());
}

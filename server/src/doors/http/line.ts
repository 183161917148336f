import type { ServerResponse } from 'node:http';
import { isRecord, type Frame, type RequestId } from '../../base/frames';
import { meta } from '../mcp/eras';
import type { AgentHouse } from '../mcp/house';
import { AgentSession } from '../mcp/session';
import { EventStream, type Reply } from './reply';

/** Bytes that may wait for a client on one response before notifications on it are dropped. */
const unreadLimit = 4 * 1024 * 1024;
/** Messages that wait for the stream of a session before more of them are dropped; as many of those that left on it are kept for a stream that was lost. */
const waitingLimit = 64;

type Open = Readonly<{ id: RequestId; reply: Reply }>;

/** One agent that comes by HTTP: the same session as on a socket, whose messages leave on the response of the request that they belong to. */
export class AgentLine {
  readonly session: AgentSession;
  /** Open requests by the id under which the session knows them: several processes may stand behind one line and count alike. */
  readonly #open = new Map<RequestId, Open>();
  #stream: EventStream | undefined;
  /** What belongs to no request: the latest, by the number under which it left or will leave. */
  #told: readonly Readonly<{ number: number; message: object }>[] = [];
  #counted = 0;
  /** The highest number that left on a stream. */
  #left = 0;
  #next = 1;
  #usedAt: number;

  constructor(readonly house: AgentHouse, readonly now: () => number, closed: () => void) {
    this.#usedAt = now();
    this.session = new AgentSession({ send: (message, about) => this.#send(message, about), crowded: (about) => this.#crowded(about), close: closed }, house, undefined);
  }

  /** When it was last used, in monotonic milliseconds; a line with open responses is in use. */
  get usedAt(): number {
    return this.#open.size > 0 || this.#stream !== undefined ? this.now() : this.#usedAt;
  }

  /** Takes a request whose answer goes to this reply. A client that closes the response no longer wants the answer. */
  request(frame: Extract<Frame, { kind: 'request' }>, reply: Reply): void {
    this.#usedAt = this.now();
    const id = `http-${String(this.#next++)}`;
    this.#open.set(id, { id: frame.id, reply });
    reply.response.once('close', () => {
      this.#usedAt = this.now();
      this.#open.delete(id);
      if (!reply.done) this.session.withdraw(id);
    });
    this.session.take({ ...frame, id });
  }

  /** Takes what has no answer. */
  tell(frame: Exclude<Frame, { kind: 'request' }>): void {
    this.#usedAt = this.now();
    if (frame.kind !== 'notification' || frame.method !== 'notifications/cancelled') return this.session.take(frame);
    const meant = frame.params['requestId'];
    for (const [id, open] of this.#open) if (open.id === meant) this.#cancelled(id, open.reply);
  }

  /** Whether a request of this id is still open. */
  has(id: RequestId): boolean {
    return [...this.#open.values()].some((open) => open.id === id);
  }

  /** Opens the stream for what belongs to no request, after the number that its client heard last; false when there is one. */
  listen(response: ServerResponse, heard?: number): boolean {
    if (this.#stream !== undefined) return false;
    const stream = (this.#stream = new EventStream(response));
    response.once('close', () => {
      this.#usedAt = this.now();
      if (this.#stream === stream) this.#stream = undefined;
    });
    for (const { number, message } of this.#told) if (number > Math.min(heard ?? this.#left, this.#left)) this.#leave(stream, number, message);
    return true;
  }

  /** Withdraws everything and closes every response. */
  end(): void {
    this.session.end();
    for (const { reply } of this.#open.values()) reply.abandon();
    this.#open.clear();
    this.#stream?.end();
  }

  // A withdrawn request gets no answer (MCP, cancellation), but its response has to end.
  #cancelled(id: RequestId, reply: Reply): void {
    this.#open.delete(id);
    this.session.withdraw(id);
    reply.withdrawn();
  }

  #crowded(about: RequestId | undefined): boolean {
    const open = about === undefined ? undefined : this.#open.get(about);
    if (open !== undefined) return open.reply.crowded(unreadLimit);
    return this.#stream === undefined ? this.#counted - this.#left >= waitingLimit : this.#stream.response.writableLength >= unreadLimit;
  }

  #send(message: object, about: RequestId | undefined): void {
    const open = about === undefined ? undefined : this.#open.get(about);
    if (open !== undefined && about !== undefined) {
      const own = named(message, about, open.id);
      if ('id' in own && own.id === open.id && !('method' in own)) open.reply.answer(own);
      else open.reply.send(own);
    } else if (!('method' in message)) return; // an answer whose request is gone
    else if (this.#stream !== undefined || this.#counted - this.#left < waitingLimit) this.#tellAll(message);
  }

  #tellAll(message: object): void {
    const number = (this.#counted += 1);
    this.#told = [...this.#told, { number, message }].slice(-waitingLimit);
    if (this.#stream !== undefined) this.#leave(this.#stream, number, message);
  }

  #leave(stream: EventStream, number: number, message: object): void {
    stream.send(message, String(number));
    this.#left = Math.max(this.#left, number);
  }
}

/** The message with the id that its client gave, instead of ours. */
function named(message: object, ours: RequestId, theirs: RequestId): object {
  if ('id' in message && message.id === ours && !('method' in message)) return { ...message, id: theirs };
  const params = 'params' in message && isRecord(message.params) ? message.params : {};
  const given = isRecord(params['_meta']) ? params['_meta'] : {};
  return given[meta.subscription] === ours ? { ...message, params: { ...params, _meta: { ...given, [meta.subscription]: theirs } } } : message;
}

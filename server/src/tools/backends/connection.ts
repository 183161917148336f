import type { Backend } from '../../../../protocol/src/backends';
import { ConductorError } from '../../../../protocol/src/errors';
import { isRecord, type Answer } from '../../base/frames';
import { addressed, introduce, unaddressed, type Introduced } from './handshake';
import { Peer, type Ask, type Listener } from './peer';
import type { Incoming, Transport } from './transport';

/** One introduced connection to a backend, of either era. Frames pass as they are; only what belongs to this hop is put in. */

/** Opens the way to a backend; `incoming` hears what comes. */
export type OpenTransport = (incoming: Incoming) => Promise<Transport>;

/** How to begin. */
export type Beginning = Readonly<{
  open: OpenTransport;
  /** What the clients behind this connection can do for the server. */
  declared: Readonly<Record<string, unknown>>;
  timeoutMs: number;
  /** Introduce in the older way at once. */
  older: boolean;
  listener: Listener;
  now(): number;
}>;

/** A request as the client sent it, and what it said of itself. */
export type Forwarded = Readonly<{ method: string; params: Readonly<Record<string, unknown>>; /** What the client can do, for backends that want to know with each request. */ capabilities?: Readonly<Record<string, unknown>> }>;

/** An introduced connection. */
export class Connection {
  private constructor(readonly peer: Peer, readonly transport: Transport, readonly server: Introduced) {}

  /** Opens and introduces. Rejects with BACKEND_UNAVAILABLE, TIMEOUT or INCOMPATIBLE, leaving nothing behind. */
  static async open({ open, declared, timeoutMs, older, listener, now }: Beginning): Promise<Connection> {
    const peer = new Peer(listener, now);
    const transport = await open(peer.incoming);
    peer.use(transport);
    try {
      const server = await introduce(peer, declared, timeoutMs, older);
      if (server.era === 'stateless') transport.agreed(server.revision);
      return new Connection(peer, transport, server);
    } catch (thrown) {
      peer.close('The introduction failed.');
      await transport.end();
      throw remarked(thrown, transport.remarks());
    }
  }

  /** Sends a request on, and resolves with the answer as it came. */
  async request({ method, params, capabilities = {} }: Forwarded, ask: Ask): Promise<Answer> {
    const given = isRecord(params['_meta']) ? params['_meta'] : {};
    if (this.server.era === 'stateless') return await this.peer.request(method, { ...params, _meta: addressed(given, capabilities) }, ask);
    const { _meta: _, inputResponses: _responses, requestState: _state, ...rest } = params;
    const meta = unaddressed(given);
    return await this.peer.request(method, Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }, ask);
  }

  /** Follows something on a connection without a session; the result ends it. */
  listen(notifications: Readonly<Record<string, unknown>>, told: Listener['told'], ended?: (answer: Answer | undefined) => void): () => void {
    return this.peer.subscribe(notifications, addressed({}, {}), told, ended);
  }

  /** All pages of a list, at most `most` items. Rejects with what the backend said when it refused. */
  async list(method: string, member: string, timeoutMs: number, most: number): Promise<readonly unknown[]> {
    const items: unknown[] = [];
    const seen = new Set<string>();
    for (let cursor: string | undefined; ; ) {
      const answer = await this.request({ method, params: cursor === undefined ? {} : { cursor } }, { timeoutMs });
      if (answer.kind === 'error') throw new ConductorError('BACKEND_UNAVAILABLE', `The server refused ${method}: ${answer.error.message.slice(0, 300)}`);
      const page = answer.result[member];
      if (!Array.isArray(page)) throw new ConductorError('BACKEND_UNAVAILABLE', `The server answered ${method} without a list of ${member}.`);
      items.push(...(page as unknown[]));
      if (items.length > most) throw new ConductorError('TOO_LARGE', `The server lists more than ${String(most)} ${member}.`);
      const next = answer.result['nextCursor'];
      if (typeof next !== 'string') return items;
      // A list that leads to itself has no end.
      if (seen.has(next) || seen.size >= most) throw new ConductorError('BACKEND_UNAVAILABLE', `The list of ${member} leads back to itself.`);
      seen.add(next);
      cursor = next;
    }
  }

  /** Ends it with everything that was started for it. */
  async end(why: string): Promise<void> {
    this.peer.close(why);
    await this.transport.end();
  }
}

/** What can be opened for a profile: how many milliseconds its introduction may take. */
export function introductionMs(profile: Backend): number {
  return profile.preflight.timeout_ms;
}

/** A failed introduction, with what this end knows of why. */
function remarked(thrown: unknown, remarks: string): unknown {
  if (remarks === '' || !(thrown instanceof ConductorError)) return thrown;
  return new ConductorError(thrown.code, `${thrown.message}${remarks}`, { cause: thrown, data: thrown.data, next: thrown.next });
}

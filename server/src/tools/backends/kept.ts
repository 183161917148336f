import { isRecord, rpc, type Answer } from '../../base/frames';
import type { Connection } from './connection';
import type { Ask, Listener } from './peer';

/**
 * What a server without sessions (2026-07-28) does not remember of its clients, and one with a session did: the resources that each follows,
 * and how much it wants to be reported. All clients share the one connection; each resource is a subscription of its own on it.
 */

/** A client that follows or wants reports. */
type Client = Readonly<{ key: string; told: Listener['told'] }>;

/** Resources that one client may follow at a time: over HTTP each keeps a response open. */
const mostFollowed = 64;

/** Names in `_meta` of the stateless revision. */
const names = { level: 'io.modelcontextprotocol/logLevel', subscription: 'io.modelcontextprotocol/subscriptionId' } as const;

/** Methods that are answered here where the server has no sessions. */
const answered = ['resources/subscribe', 'resources/unsubscribe', 'logging/setLevel'] as const;

/** What is kept for the clients of one server. */
export class Kept {
  readonly #followed = new Map<string, Map<string, () => void>>();
  readonly #levels = new Map<string, string>();

  /** The answer to what the server itself would not know; undefined for everything that it is sent. */
  async answer(connection: Connection, { method, params }: Readonly<{ method: string; params: Readonly<Record<string, unknown>> }>, client: Client, ask: Pick<Ask, 'signal' | 'timeoutMs'>): Promise<Answer | undefined> {
    const { uri, level } = params;
    switch (answered.find((one) => one === method)) {
      case 'resources/subscribe':
        return typeof uri === 'string' ? await this.#follow(connection, uri, client, ask) : wrong('resources/subscribe needs "uri".');
      case 'resources/unsubscribe':
        if (typeof uri === 'string') this.#leave(client.key, uri);
        return done;
      case 'logging/setLevel':
        if (typeof level !== 'string') return wrong('logging/setLevel needs "level".');
        this.#levels.set(client.key, level);
        return done;
      case undefined:
        return undefined;
    }
  }

  /** A request of a client with what it wants to be reported; what it says itself counts. */
  reporting(params: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
    const level = this.#levels.get(key);
    const given = isRecord(params['_meta']) ? params['_meta'] : {};
    return level === undefined || given[names.level] !== undefined ? params : { ...params, _meta: { ...given, [names.level]: level } };
  }

  /** A client left. */
  forget(key: string): void {
    this.#levels.delete(key);
    for (const uri of [...(this.#followed.get(key)?.keys() ?? [])]) this.#leave(key, uri);
  }

  #leave(key: string, uri: string): void {
    this.#followed.get(key)?.get(uri)?.();
  }

  #follow(connection: Connection, uri: string, { key, told }: Client, { signal, timeoutMs }: Pick<Ask, 'signal' | 'timeoutMs'>): Promise<Answer> {
    const mine = this.#followed.get(key) ?? new Map<string, () => void>();
    if (mine.has(uri)) return Promise.resolve(done);
    if (mine.size >= mostFollowed) return Promise.resolve(wrong(`At most ${String(mostFollowed)} resources of a server are followed at a time.`));
    this.#followed.set(key, mine);
    return new Promise((resolve) => {
      const leave = (): void => {
        mine.delete(uri);
        if (mine.size === 0 && this.#followed.get(key) === mine) this.#followed.delete(key);
        close();
      };
      const settle = (answer: Answer): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', late);
        if (answer.kind === 'error') leave();
        resolve(answer);
      };
      const late = (): void => settle(wrong('The server did not say whether it lets the resource be followed.'));
      const timer = setTimeout(late, timeoutMs);
      signal?.addEventListener('abort', late, { once: true });
      const close = connection.listen({ resourceSubscriptions: [uri] }, (method, params) => {
        if (method === 'notifications/subscriptions/acknowledged') return settle(granted(params, uri) ? done : wrong('The server does not let this resource be followed.'));
        if (method === 'notifications/resources/updated') told(method, withoutSubscription(params));
      }, (answer) => {
        settle(answer?.kind === 'error' ? answer : wrong('The server ended the subscription.'));
        leave();
      });
      mine.set(uri, leave);
    });
  }
}

/** Whether a request asks for reports. */
export function wantsReports({ _meta: given }: Readonly<Record<string, unknown>>): boolean {
  return isRecord(given) && typeof given[names.level] === 'string';
}

const done: Answer = { kind: 'result', result: {} };

function wrong(message: string): Answer {
  return { kind: 'error', error: { code: rpc.invalidParams, message } };
}

function granted({ notifications }: Readonly<Record<string, unknown>>, uri: string): boolean {
  const uris = isRecord(notifications) ? notifications['resourceSubscriptions'] : undefined;
  return Array.isArray(uris) && uris.includes(uri);
}

/** Which subscription of ours it came by is nobody else's business. */
function withoutSubscription(params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { _meta: given, ...rest } = params;
  if (!isRecord(given)) return rest;
  const { [names.subscription]: _, ...kept } = given;
  return Object.keys(kept).length === 0 ? rest : { ...rest, _meta: kept };
}

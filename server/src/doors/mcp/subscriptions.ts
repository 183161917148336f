import { isRecord, type RequestId } from '../../base/frames';
import { meta } from './eras';

/** What the subscriptions of the stateless revision want to hear. */

type Wanted = Readonly<{ lists: ReadonlySet<string>; uris: ReadonlySet<string> }>;

/** Member of `notifications` by the notification that it asks for. */
const listMembers: readonly (readonly [member: string, method: string])[] = [
  ['toolsListChanged', 'notifications/tools/list_changed'],
  ['promptsListChanged', 'notifications/prompts/list_changed'],
  ['resourcesListChanged', 'notifications/resources/list_changed'],
];

/** The open subscriptions of one connection. */
export class Subscriptions {
  readonly #open = new Map<RequestId, Wanted>();

  get size(): number {
    return this.#open.size;
  }

  /** Opens one; gives what it will hear, of what was asked for and is served. */
  open(id: RequestId, asked: Readonly<Record<string, unknown>>, uris: readonly string[], serves: (method: string) => boolean): Readonly<Record<string, unknown>> {
    const granted = listMembers.filter(([member, method]) => asked[member] === true && serves(method));
    this.#open.set(id, { lists: new Set(granted.map(([, method]) => method)), uris: new Set(uris) });
    return { ...Object.fromEntries(granted.map(([member]) => [member, true])), ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }) };
  }

  /** Closes one; gives the addresses that nobody follows any more. */
  close(id: RequestId): readonly string[] {
    const gone = this.#open.get(id);
    this.#open.delete(id);
    return [...(gone?.uris ?? [])].filter((uri) => ![...this.#open.values()].some(({ uris }) => uris.has(uri)));
  }

  /** Those that want to hear of it, each with its params as that subscription gets them. */
  hearing(method: string, params: Readonly<Record<string, unknown>>): readonly (readonly [RequestId, Readonly<Record<string, unknown>>])[] {
    const uri = params['uri'];
    return [...this.#open].filter(([, { lists, uris }]) => lists.has(method) || (method === 'notifications/resources/updated' && typeof uri === 'string' && uris.has(uri)))
      .map(([id]) => [id, { ...params, _meta: { ...(isRecord(params['_meta']) ? params['_meta'] : {}), [meta.subscription]: id } }]);
  }
}

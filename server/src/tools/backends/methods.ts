/** The explicit table of what passes between clients and backends besides tools (T53). What does not stand here is refused on both sides. */

/** How a request of a client finds its backend. */
export type Way = 'list' | 'uri' | 'prompt' | 'reference' | 'everywhere' | 'task';

/** A request that clients may send on. */
export type Passing = Readonly<{
  /** The name under which the policy lists it. */
  permit: string;
  /** What the backend must have announced. */
  capability: string;
  way: Way;
  /** For lists: the member that holds them. */
  member?: string;
  title: string;
  /** It changes nothing at the server, so that it may be sent a second time when its connection ended. */
  looks?: true;
  /** It concerns one client alone, so that it goes over a connection of its own. */
  own?: true;
}>;

const reading = { permit: 'resources/read', capability: 'resources', looks: true } as const;
const prompting = { permit: 'prompts/get', capability: 'prompts', looks: true } as const;
const tasking = { permit: 'tasks/get', capability: 'tasks', own: true } as const;

/** Requests from clients to backends. */
export const toBackends: ReadonlyMap<string, Passing> = new Map<string, Passing>([
  ['resources/list', { ...reading, way: 'list', member: 'resources', title: 'List the resources of an external server' }],
  ['resources/templates/list', { ...reading, way: 'list', member: 'resourceTemplates', title: 'List the resource templates of an external server' }],
  ['resources/read', { ...reading, way: 'uri', title: 'Read a resource of an external server' }],
  ['resources/subscribe', { ...reading, way: 'uri', title: 'Follow a resource of an external server', own: true }],
  ['resources/unsubscribe', { ...reading, way: 'uri', title: 'No longer follow a resource of an external server', own: true }],
  ['prompts/list', { ...prompting, way: 'list', member: 'prompts', title: 'List the prompts of an external server' }],
  ['prompts/get', { ...prompting, way: 'prompt', title: 'Get a prompt of an external server' }],
  ['completion/complete', { permit: 'completion/complete', capability: 'completions', looks: true, way: 'reference', title: 'Let an external server complete a text' }],
  ['logging/setLevel', { permit: 'logging/setLevel', capability: 'logging', way: 'everywhere', title: 'Choose what an external server reports', own: true }],
  ['tasks/list', { ...tasking, way: 'list', member: 'tasks', looks: true, title: 'List the tasks of an external server' }],
  ['tasks/get', { ...tasking, way: 'task', looks: true, title: 'Look at a task of an external server' }],
  ['tasks/result', { ...tasking, way: 'task', title: 'Wait for the result of a task of an external server' }],
  ['tasks/cancel', { ...tasking, way: 'task', title: 'Take back a task of an external server' }],
]);

/** Requests from backends to clients, with the ability of the client that each needs. */
export const toClients: ReadonlyMap<string, Readonly<{ capability: string; title: string }>> = new Map([
  ['sampling/createMessage', { capability: 'sampling', title: 'Let an external server use the model of the agent' }],
  ['elicitation/create', { capability: 'elicitation', title: 'Let an external server ask through the agent' }],
  ['roots/list', { capability: 'roots', title: 'Let an external server know the folders of the agent' }],
]);

/** Names under which the policy lists what is no tool. A tool that is called so is none: nobody could say which of the two was allowed. */
export const useNames: ReadonlySet<string> = new Set([...[...toBackends.values()].map(({ permit }) => permit), ...toBackends.keys(), ...toClients.keys()]);

/** The names under which the policy lists what is no tool. */
export const permitNames: readonly string[] = [...new Set([...toBackends.values()].map(({ permit }) => permit)), ...toClients.keys()];

/** Notifications from backends that clients hear: of lists every client, of the rest the one whose connection it is. */
export const listNews: ReadonlyMap<string, string> = new Map([
  ['notifications/resources/list_changed', 'resources/read'],
  ['notifications/prompts/list_changed', 'prompts/get'],
]);
export const ownNews: ReadonlySet<string> = new Set(['notifications/message', 'notifications/resources/updated', 'notifications/elicitation/complete', 'notifications/tasks/status', ...listNews.keys()]);

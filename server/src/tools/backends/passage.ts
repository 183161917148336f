import { isRecord, rpc, type Answer } from '../../base/frames';
import type { Outcome } from '../../../../protocol/src/call';
import { advice } from '../../../../protocol/src/errors';
import { wireName } from '../../rules/backends/names';
import type { Backend } from './backend';
import type { Backends } from './backends';
import { toBackends, type Passing } from './methods';
import type { Registry } from './registry';
import { mayUse } from './tool';
import { useName } from './uses';

/** Finds the backends for what clients request besides tools, and makes one list of several. */

/** Runs one use as a call. */
export type RunUse = (name: string, input: Readonly<Record<string, unknown>>) => Promise<Outcome>;

/** Requests of one client, to all backends or to `only` one. */
export type Passage = Readonly<{
  /** Whether a method is served at all: some backend may be used so. */
  serves(method: string): boolean;
  /** What to announce besides tools. */
  capabilities(): Readonly<Record<string, unknown>>;
  /** What the servers tell their users to begin with, each in its own words and under its name; empty where none does. */
  instructions(): string;
  request(method: string, params: Readonly<Record<string, unknown>>, run: RunUse): Promise<Answer>;
  /** The folders of this client are others now: servers that may ask for them hear it, on the connection of this client. */
  rootsChanged(key: string): void;
  /** Remembers the task that a call of this client began, so that only this client finds it again. */
  began(backend: string, result: Readonly<Record<string, unknown>>): void;
}>;

/** Error code of a request that Conductor refused: outside of what JSON-RPC and MCP reserve. */
const refusedCode = -31_001;
/** Most names of resources and prompts that are remembered of one client. */
const mostNames = 20_000;

/** Characters of what one server tells to begin with, at most. */
const mostInstructions = 4000;

/** Makes the passage of one client. */
export function createPassage(backends: Pick<Backends, 'all' | 'get'>, registry: Registry, project: string, only: string | undefined): Passage {
  const names = new Map<string, Readonly<{ backend: string; name: string }>>();
  const templates = new Map<string, string>();

  const candidates = ({ permit, capability }: Passing): readonly Backend[] =>
    backends.all().filter((backend) => (only === undefined || backend.name === only) && mayUse(registry, backend.name, permit, project) && (backend.announced === undefined || isRecord(backend.announced[capability])));

  const rememberTask = (backend: string, { taskId }: Readonly<Record<string, unknown>>): void => {
    if (typeof taskId === 'string' && !names.has(`task ${taskId}`) && names.size + templates.size <= mostNames) names.set(`task ${taskId}`, { backend, name: taskId });
  };

  const remember = (backend: string, member: string, item: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
    const { name, uri, uriTemplate } = item;
    if (member === 'tasks') rememberTask(backend, item);
    if (names.size + templates.size > mostNames) return item;
    if (member === 'resources' && typeof uri === 'string' && !names.has(uri)) names.set(uri, { backend, name: uri });
    if (member === 'resourceTemplates' && typeof uriTemplate === 'string' && !templates.has(uriTemplate)) templates.set(uriTemplate, backend);
    if (member !== 'prompts' || typeof name !== 'string' || only !== undefined) return item;
    const wire = wireName(backend, name);
    names.set(`prompt ${wire}`, { backend, name });
    return { ...item, name: wire };
  };

  const list = async (method: string, member: string, found: readonly Backend[], params: Readonly<Record<string, unknown>>, run: RunUse): Promise<Answer> => {
    const cursors = readCursor(params['cursor']);
    if (cursors === 'unreadable') return error(rpc.invalidParams, 'The cursor is not one of this list.');
    const { cursor: _, ...rest } = params;
    const wanted = found.filter(({ name }) => cursors === undefined || Object.hasOwn(cursors, name));
    const pages = await Promise.all(wanted.map(async ({ name }) => [name, answerOf(await run(useName(name, method), cursors === undefined ? rest : { ...rest, cursor: cursors[name] }))] as const));
    const [first] = pages;
    // With a single backend nothing is made up: its own answer, its own error.
    if (pages.length === 1 && first?.[1].kind === 'error') return first[1];
    const next: Record<string, string> = {};
    const items = pages.flatMap(([name, page]) => {
      const given = page.kind === 'result' ? page.result[member] : undefined;
      if (page.kind === 'result' && typeof page.result['nextCursor'] === 'string') next[name] = page.result['nextCursor'];
      return Array.isArray(given) ? given.filter(isRecord).filter((item) => member !== 'prompts' || registry.approvedPrompt(name, item, String(item['name']))).map((item) => remember(name, member, item)) : [];
    });
    const rests = first !== undefined && pages.length === 1 && first[1].kind === 'result' ? first[1].result : {};
    const { nextCursor: _own, ...kept } = rests;
    return { kind: 'result', result: { ...kept, [member]: items, ...(Object.keys(next).length === 0 ? {} : { nextCursor: writeCursor(next) }) } };
  };

  const one = (passing: Passing, found: readonly Backend[], params: Readonly<Record<string, unknown>>): Readonly<{ backend: string; params: Readonly<Record<string, unknown>> }> | string => {
    const [single] = found;
    if (passing.way === 'task') {
      const { taskId } = params;
      const mine = typeof taskId === 'string' ? names.get(`task ${taskId}`) : undefined;
      return mine !== undefined && found.some(({ name }) => name === mine.backend) ? { backend: mine.backend, params } : 'No task with this id was begun by this client.';
    }
    if (single !== undefined && only !== undefined) return { backend: single.name, params };
    const given: Readonly<{ kind: Passing['way']; name: unknown }> | undefined = passing.way === 'reference' ? referenceOf(params) : { kind: passing.way, name: params[passing.way === 'uri' ? 'uri' : 'name'] };
    if (given === undefined || typeof given.name !== 'string') return 'It is not said what is meant.';
    const known = names.get(given.kind === 'prompt' ? `prompt ${given.name}` : given.name) ?? (given.kind === 'prompt' ? guessed(given.name, found) : templated(given.name, templates));
    const backend = found.find(({ name }) => name === known?.backend) ?? (given.kind === 'uri' && found.length === 1 ? single : undefined);
    if (backend === undefined) return `No external server that may be used is known for ${JSON.stringify(given.name.slice(0, 200))}. List what there is first.`;
    if (known === undefined || given.kind === 'uri') return { backend: backend.name, params };
    return { backend: backend.name, params: passing.way === 'reference' ? { ...params, ref: { ...(isRecord(params['ref']) ? params['ref'] : {}), name: known.name } } : { ...params, name: known.name } };
  };

  return {
    serves: (method) => {
      const passing = toBackends.get(method);
      return passing !== undefined && candidates(passing).length > 0;
    },
    capabilities: () => {
      const announced = new Map<string, Record<string, unknown>>();
      for (const passing of toBackends.values()) {
        for (const { announced: own } of candidates(passing)) announced.set(passing.capability, { ...announced.get(passing.capability), ...(own === undefined ? whole[passing.capability] : isRecord(own[passing.capability]) ? (own[passing.capability] as object) : {}) });
      }
      return Object.fromEntries(announced);
    },
    instructions: () =>
      backends.all().filter(({ name }) => only === undefined || name === only).flatMap(({ name }) => {
        const text = registry.instructions(name, project);
        return text === undefined ? [] : [`\n\nThe external server ${name} says of itself: ${JSON.stringify(text.slice(0, mostInstructions))}`];
      }).join(''),
    request: async (method, params, run) => {
      const passing = toBackends.get(method);
      const found = passing === undefined ? [] : candidates(passing);
      if (passing === undefined || found.length === 0) return error(rpc.methodNotFound, `Method not found: ${method.slice(0, 100)}`);
      // Tasks are of one client alone, so no server is started for it only to hear that there are none.
      if (passing.member === 'tasks') return await list(method, 'tasks', found.filter(({ name }) => [...names].some(([key, known]) => key.startsWith('task ') && known.backend === name)), params, run);
      if (passing.way === 'list') return await list(method, passing.member ?? '', found, params, run);
      if (passing.way === 'everywhere') {
        const answers = await Promise.all(found.map(async ({ name }) => answerOf(await run(useName(name, method), params))));
        return answers.find(({ kind }) => kind === 'result') ?? answers[0] ?? error(rpc.internal, 'Nobody answered.');
      }
      const goal = one(passing, found, params);
      return typeof goal === 'string' ? error(rpc.invalidParams, goal) : answerOf(await run(useName(goal.backend, method), goal.params));
    },
    rootsChanged: (key) => {
      const hearing = backends.all().filter(({ name }) => (only === undefined || name === only) && mayUse(registry, name, 'roots/list', project));
      for (const backend of hearing) backend.hasOwn(key)?.then(({ peer }) => peer.notify('notifications/roots/list_changed', {}), () => undefined);
    },
    began: (backend, { task }) => { if (isRecord(task)) rememberTask(backend, task); },
  };
}

/** What a backend that has not come up yet may turn out to be able to do. */
const whole: Readonly<Record<string, object>> = { resources: { subscribe: true, listChanged: true }, prompts: { listChanged: true }, completions: {}, logging: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };

/** An outcome in the words of JSON-RPC. */
export function answerOf(outcome: Outcome): Answer {
  switch (outcome.kind) {
    case 'success':
      return outcome.wire ?? { kind: 'result', result: outcome.structured ?? {} };
    case 'failure':
      return outcome.wire ?? error(refusedCode, outcome.error.message, { kind: 'failure', code: outcome.error.code, next: outcome.error.next, ...outcome.error.data });
    case 'refused':
      return error(refusedCode, `Refused (${outcome.code}, ${outcome.rule}): ${outcome.reason}`, { kind: 'refused', code: outcome.code, rule: outcome.rule, next: advice[outcome.code], ...(outcome.retryAfterMs === undefined ? {} : { retryAfterMs: outcome.retryAfterMs }) });
  }
}

function error(code: number, message: string, data?: unknown): Answer {
  return { kind: 'error', error: { code, message, ...(data === undefined ? {} : { data }) } };
}

function referenceOf({ ref }: Readonly<Record<string, unknown>>): Readonly<{ kind: 'uri' | 'prompt'; name: unknown }> | undefined {
  if (!isRecord(ref)) return undefined;
  return ref['type'] === 'ref/prompt' ? { kind: 'prompt', name: ref['name'] } : { kind: 'uri', name: ref['uri'] };
}

/** A prompt that was not listed yet, by the form of its name. */
function guessed(wire: string, found: readonly Backend[]): Readonly<{ backend: string; name: string }> | undefined {
  const backend = found.find(({ name }) => wire.startsWith(`${name}__`))?.name;
  const name = backend === undefined ? '' : wire.slice(backend.length + 2);
  return backend === undefined || wireName(backend, name) !== wire ? undefined : { backend, name };
}

/** The backend whose template an address fits best by what stands before its first variable. */
function templated(uri: string, templates: ReadonlyMap<string, string>): Readonly<{ backend: string; name: string }> | undefined {
  let best = { length: 0, backend: '' };
  for (const [template, backend] of templates) {
    const before = template.split('{', 1)[0] ?? '';
    if ((uri === template || uri.startsWith(before)) && before.length > best.length) best = { length: before.length, backend };
  }
  return best.length === 0 ? undefined : { backend: best.backend, name: uri };
}

/** The cursors of several backends as one, which says nothing to clients. */
function writeCursor(next: Readonly<Record<string, string>>): string {
  return Buffer.from(JSON.stringify(next)).toString('base64url');
}

function readCursor(cursor: unknown): Readonly<Record<string, string>> | undefined | 'unreadable' {
  if (cursor === undefined) return undefined;
  try {
    const read: unknown = typeof cursor === 'string' ? JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) : undefined;
    return isRecord(read) && Object.values(read).every((value) => typeof value === 'string') ? (read as Record<string, string>) : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

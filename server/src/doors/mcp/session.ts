import type { Implementation } from '@modelcontextprotocol/sdk/types.js';
import type { ClientLine } from '../../../../protocol/src/call';
import { isRecord, rpc, type Answer, type Frame, type RequestId } from '../../base/frames';
import { inheritText } from '../../base/jsonText';
import type { Caller } from '../../call/asking';
import type { Progress } from '../../tools/tool';
import { Back } from './back';
import { eraOf, meta, nameOf, sessionRevisions, statelessRevisions } from './eras';
import type { AgentHouse, RawLine, ResumedSession } from './house';
import type { Outlet } from './outlet';
import { mostRequests, Requests } from './requests';
import { resultOf } from './results';
import { callSchema, initializeSchema, metaSchema } from './shapes';
import { Subscriptions } from './subscriptions';
import { listTools } from './toolList';

/** Messages that no MCP client sends, after which the connection is closed: a peer that speaks nonsense is not served for ever. */
const nonsenseLimit = 100;

type Params = Readonly<Record<string, unknown>>;
type Handler = (id: RequestId, params: Params) => void;
/** A request while it runs: what its caller brings, and what to do with its answer. */
type Run = Readonly<{ caller: Caller & { line: RawLine }; abort: AbortController }>;

/** One agent's connection: what it negotiated, what it waits for, and the tables of what is served. */
export class AgentSession {
  #client: string;
  #negotiated: string | undefined;
  #nonsense = 0;
  #ended = false;
  readonly #requests = new Requests();
  readonly #gone = new AbortController();
  #capabilities: ClientLine['capabilities'] = {};
  readonly #subscriptions = new Subscriptions();
  readonly #back: Back;
  readonly #unlisten: () => void;

  readonly outlet: Outlet;

  constructor(outlet: Outlet, readonly house: AgentHouse, resumed: ResumedSession | undefined) {
    this.outlet = { ...outlet, send: (message, about) => outlet.send(house.clean(message), about) };
    this.#client = resumed?.client ?? 'unnamed client';
    this.#negotiated = resumed?.protocolVersion;
    this.#back = new Back(this.outlet);
    this.#unlisten = house.onNews((method, params) => this.#news(method, params));
  }

  /** The revision of the session; undefined before `initialize`, and for clients without sessions. */
  get negotiated(): string | undefined {
    return this.#negotiated;
  }

  /** Takes one message. Unknown requests are refused, unknown notifications ignored: they can do nothing here. */
  take(frame: Frame): void {
    switch (frame.kind) {
      case 'request':
        return this.#request(frame);
      case 'notification':
        return this.#notification(frame);
      case 'refused':
        return this.#refuse(frame);
      case 'response':
        return this.#back.answered(frame.id, frame.answer);
      case 'blank':
        return;
    }
  }

  /** Withdraws one request, as if its client had. */
  withdraw(id: RequestId): void {
    for (const uri of this.#subscriptions.close(id)) this.#follow('resources/unsubscribe', uri).catch(() => undefined);
    this.#requests.withdraw(id);
  }

  /** Withdraws everything that this agent still waits for. */
  end(): void {
    this.#ended = true;
    this.#requests.end();
    this.#gone.abort();
    this.#back.end();
    this.#unlisten();
  }

  #request(frame: Extract<Frame, { kind: 'request' }>): void {
    const { id, method, params } = frame;
    if (this.#requests.has(id)) return this.#refuseRequest(frame, rpc.invalidRequest, 'A request with this id is still running.');
    const era = eraOf(params);
    if (era.kind === 'invalid') return this.#refuseRequest(frame, era.code, era.message, era.data);
    if (era.kind === 'stateless') [this.#client, this.#capabilities] = [era.client ?? this.#client, era.capabilities];
    const handler = (era.kind === 'stateless' ? this.#stateless : this.#inSession).get(method) ?? this.#passing(method, era.kind);
    if (handler === undefined) return this.#refuseRequest(frame, rpc.methodNotFound, `Method not found: ${method.slice(0, 100)}`);
    handler(id, params);
  }

  // The explicit tables of what is served (T53).
  readonly #inSession = new Map<string, Handler>([
    ['initialize', (id, params) => this.#initialize(id, params)],
    ['ping', (id) => this.#result(id, {})],
    ['tools/list', (id) => this.#afterInitialize(id, () => this.#result(id, { tools: listTools(this.house.listed()) }))],
    ['tools/call', (id, params) => this.#afterInitialize(id, () => this.#call(id, params, true, (result) => result))],
  ]);

  readonly #stateless = new Map<string, Handler>([
    ['server/discover', (id) => this.#result(id, this.#stamped({ supportedVersions: statelessRevisions, capabilities: { ...this.#announced(), tasks: undefined }, instructions: this.#instructions(), ttlMs: 60_000, cacheScope: 'private' }))],
    ['tools/list', (id) => this.#result(id, this.#stamped({ tools: listTools(this.house.listed()), ttlMs: 60_000, cacheScope: 'private' }))],
    ['tools/call', (id, params) => this.#call(id, params, false, (result) => this.#stamped(result))],
    ['subscriptions/listen', (id, params) => this.#listen(id, params)],
  ]);

  /** What passes to external servers; the house knows which methods do. */
  #passing(method: string, era: 'session' | 'stateless'): Handler | undefined {
    if (!this.house.serves(method) || (era === 'stateless' && sessionOnly.has(method))) return undefined;
    const list = method.endsWith('/list') || method === 'resources/read';
    if (era === 'stateless') return (id, params) => this.#use(id, method, params, false, (result) => this.#stamped(list ? { ttlMs: 0, ...result, cacheScope: 'private' } : result));
    return (id, params) => this.#afterInitialize(id, () => this.#use(id, method, params, true, (result) => result));
  }

  #instructions(): string {
    return `${instructions}${this.house.instructions()}`;
  }

  #announced(): object {
    return { ...this.house.capabilities(), tools: { listChanged: true } };
  }

  #initialize(id: RequestId, params: Readonly<Record<string, unknown>>): void {
    const parsed = initializeSchema.safeParse(params);
    if (!parsed.success) return this.#refuseRequest({ id, method: 'initialize' }, rpc.invalidParams, 'initialize needs protocolVersion, capabilities and clientInfo.');
    const { protocolVersion, clientInfo, capabilities } = parsed.data;
    this.#capabilities = capabilities;
    const known = sessionRevisions.find((revision) => revision === protocolVersion);
    this.#negotiated = known ?? sessionRevisions[0];
    this.#client = nameOf(clientInfo);
    this.#result(id, { protocolVersion: this.#negotiated, capabilities: this.#announced(), serverInfo: this.#self(), instructions: this.#instructions() });
  }

  #afterInitialize(id: RequestId, act: () => void): void {
    if (this.#negotiated === undefined) return this.#refuseRequest({ id }, rpc.invalidRequest, 'Send "initialize" first.');
    act();
  }

  #call(id: RequestId, params: Params, askable: boolean, dress: (result: object) => object): void {
    inheritText(params, 'arguments');
    const parsed = callSchema.safeParse(params);
    if (!parsed.success) return this.#refuseRequest({ id, method: 'tools/call' }, rpc.invalidParams, 'tools/call needs a name, and arguments that are an object.');
    const run = this.#begin(id, 'tools/call', params, askable);
    if (run === undefined) return;
    const { caller, abort } = run;
    const tool = this.house.toolNamed(parsed.data.name);
    void this.house.call(tool, parsed.data.arguments ?? {}, this.#client, caller).then(
      (outcome) => this.#answer(id, abort, () => {
        if (outcome.kind === 'refused' && outcome.code === 'APPROVAL_PENDING') this.#requests.stillAsked(id, abort);
        if (outcome.kind !== 'refused' && outcome.wire?.kind === 'error') this.#reply(id, outcome.wire, dress);
        else this.#result(id, dress(resultOf(outcome, this.house.promisesOutput(tool))));
      }),
      (thrown: unknown) => this.#failed(id, abort, thrown),
    );
  }

  #use(id: RequestId, method: string, params: Params, askable: boolean, dress: (result: object) => object): void {
    const run = this.#begin(id, method, params, askable);
    if (run === undefined) return;
    const { _meta: _, inputResponses: _responses, requestState: _state, ...input } = params;
    void this.house.use(method, input, this.#client, run.caller).then(
      (answer) => this.#answer(id, run.abort, () => this.#reply(id, answer, dress)),
      (thrown: unknown) => this.#failed(id, run.abort, thrown),
    );
  }

  /** Notes that a request runs, and makes what its caller brings. */
  #begin(id: RequestId, method: string, params: Params, askable: boolean): Run | undefined {
    const given = metaSchema.safeParse(params['_meta'] ?? {});
    if (!given.success) return void this.#refuseRequest({ id, method }, rpc.invalidParams, 'The member "_meta" must be an object, and its progressToken a string or a number.');
    if (this.#requests.full) return void this.#refuseRequest({ id, method }, rpc.internal, `At most ${String(mostRequests)} calls run at a time. Wait for one to end.`);
    const abort = this.#requests.begin(id);
    const { progressToken: token, ...sent } = given.data;
    let step = 0;
    const progress: Progress = (message, report) => {
      if (token === undefined || abort.signal.aborted) return;
      step += 1;
      this.#tell('notifications/progress', { ...(report ?? { progress: step, message }), progressToken: token }, id);
    };
    const { inputResponses, requestState, task } = params;
    const line: RawLine = {
      meta: sent, rest: { ...(inputResponses === undefined ? {} : { inputResponses }), ...(requestState === undefined ? {} : { requestState }), ...(method === 'tools/call' && isRecord(task) ? { task } : {}) }, capabilities: this.#capabilities,
      // Without a session what is reported belongs to the very request that asked for it.
      tell: (told, news) => (askable || told !== 'notifications/message' ? this.#news(told, news) : this.#tell(told, news, id)),
      // What a server asks belongs to some request of this client; on carriers that must know, the latest is as good as any.
      ...(askable ? { ask: (_from: string, asked: string, what: Params, signal: AbortSignal) => this.#back.ask(asked, what, signal, this.#requests.latest()) } : {}),
    };
    return { abort, caller: { signal: abort.signal, progress, informed: token !== undefined, gone: this.#gone.signal, line } };
  }

  #reply(id: RequestId, answer: Answer, dress: (result: object) => object): void {
    if (answer.kind === 'result') this.#result(id, dress(answer.result));
    else this.#send({ jsonrpc: '2.0', id, error: answer.error }, id);
  }

  #failed(id: RequestId, abort: AbortController, thrown: unknown): void {
    this.#answer(id, abort, () => this.#error(id, rpc.internal, thrown instanceof Error ? thrown.message : 'The call failed.'));
  }

  // A withdrawn call gets no answer (MCP, cancellation); its outcome is in the log.
  #answer(id: RequestId, abort: AbortController, act: () => void): void {
    this.#requests.finish(id, abort);
    if (!abort.signal.aborted) act();
  }

  #listen(id: RequestId, params: Params): void {
    const asked = params['notifications'];
    if (!isRecord(asked)) return this.#refuseRequest({ id, method: 'subscriptions/listen' }, rpc.invalidParams, 'subscriptions/listen needs "notifications".');
    if (this.#subscriptions.size >= mostRequests) return this.#refuseRequest({ id, method: 'subscriptions/listen' }, rpc.internal, 'Subscription limit reached.');
    const { resourceSubscriptions: uris = [] } = asked;
    const wanted = Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string').slice(0, mostRequests) : [];
    void Promise.all(wanted.map(async (uri) => ((await this.#follow('resources/subscribe', uri)).kind === 'result' ? [uri] : []))).then(
      (followed) => {
        const notifications = this.#subscriptions.open(id, asked, followed.flat(), (method) => method === 'notifications/tools/list_changed' || this.house.serves(method.replace('notifications/', '').replace('/list_changed', '/list')));
        this.#send({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications, _meta: { [meta.subscription]: id } } }, id);
      },
      (thrown: unknown) => this.#error(id, rpc.internal, thrown instanceof Error ? thrown.message : 'The subscription failed.'),
    );
  }

  /** Begins or ends to follow a resource for a client without a session. */
  #follow(method: 'resources/subscribe' | 'resources/unsubscribe', uri: string): Promise<Answer> {
    if (!this.house.serves(method)) return Promise.resolve({ kind: 'error', error: { code: rpc.methodNotFound, message: 'No resources are served.' } });
    const line: RawLine = { meta: {}, rest: {}, capabilities: this.#capabilities, tell: (told, news) => this.#news(told, news) };
    return this.house.use(method, { uri }, this.#client, { signal: this.#gone.signal, progress: () => undefined, gone: this.#gone.signal, line });
  }

  #news(method: string, params: Params): void {
    if (this.#negotiated !== undefined) return this.#tell(method, params, method === 'notifications/message' ? this.#requests.latest() : undefined);
    for (const [id, told] of this.#subscriptions.hearing(method, params)) this.#tell(method, told, id);
  }

  // Whoever does not take what it is told loses it, before it costs memory; answers are never lost.
  #tell(method: string, params: object, about?: RequestId): void {
    if (!this.outlet.crowded(about)) this.#send({ jsonrpc: '2.0', method, params }, about);
  }

  #notification(frame: Extract<Frame, { kind: 'notification' }>): void {
    if (frame.method === 'tools/call') {
      this.house.refused(this.#client, { method: frame.method, reason: 'tools/call came without an id and was dropped.' });
      return this.#countNonsense();
    }
    if (frame.method === 'notifications/roots/list_changed') return this.house.rootsChanged();
    if (frame.method !== 'notifications/cancelled') return;
    const id = frame.params['requestId'];
    // Clients also cancel what has long ended; that is no error.
    if (typeof id === 'string' || typeof id === 'number') this.withdraw(id);
  }

  #refuse(frame: Extract<Frame, { kind: 'refused' }>): void {
    // What the parser says quotes the line, from somewhere in its middle: the log gets the sentence before it.
    const reason = frame.code === rpc.parse ? (frame.message.split(':')[0] ?? '') : frame.message;
    this.house.refused(this.#client, { reason, ...(frame.method === undefined ? {} : { method: frame.method }) });
    this.#error(frame.id, frame.code, frame.message);
    this.#countNonsense();
  }

  /** Answers a request that could be read and is not served as it is. */
  #refuseRequest({ id, method }: { id: RequestId; method?: string }, code: number, message: string, data?: unknown): void {
    this.house.refused(this.#client, { reason: message, ...(method === undefined ? {} : { method }) });
    this.#error(id, code, message, data);
  }

  #countNonsense(): void {
    this.#nonsense += 1;
    if (this.#nonsense >= nonsenseLimit) this.outlet.close();
  }

  #self(): Implementation {
    return { name: 'conductor', title: 'Conductor', version: this.house.version };
  }

  #stamped(result: object): object {
    const given = '_meta' in result && isRecord(result._meta) ? result._meta : {};
    return { resultType: 'complete', ...result, _meta: { [meta.server]: this.#self(), ...given } };
  }

  #result(id: RequestId, result: object): void {
    this.#send({ jsonrpc: '2.0', id, result }, id);
  }

  #error(id: RequestId | null, code: number, message: string, data?: unknown): void {
    this.#send({ jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } }, id ?? undefined);
  }

  #send(message: object, about?: RequestId): void {
    if (!this.#ended) this.outlet.send(message, about);
  }
}

/** Methods that the stateless revision does not have. */
const sessionOnly: ReadonlySet<string> = new Set(['resources/subscribe', 'resources/unsubscribe', 'logging/setLevel', 'tasks/list', 'tasks/get', 'tasks/result', 'tasks/cancel']);

const instructions =
  'Conductor runs these tools under the rules of its user. Some calls wait until the user approves them. A refusal says why and what to do next; do not try to get round it. A result of the kind approval.pending is neither: call again with the same arguments.';

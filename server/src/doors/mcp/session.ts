import type { Duplex } from 'node:stream';
import type { ClientLine } from '../../../../protocol/src/call';
import type { Progress } from '../../tools/tool';
import type { Implementation } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { isRecord, rpc, type Frame, type RequestId } from '../../base/frames';
import { eraOf, meta, nameOf, sessionRevisions, statelessRevisions } from './eras';
import type { AgentHouse, ResumedSession } from './house';
import { resultOf } from './results';
import { dotted, listTools } from './toolList';

/** Most calls of one connection at a time; the next one is told to wait. */
const callLimit = 64;
/** Bytes that may wait for an agent before notifications to it are dropped. */
const unreadLimit = 4 * 1024 * 1024;
/** Messages that no MCP client sends, after which the connection is closed: a peer that speaks nonsense is not served for ever. */
const nonsenseLimit = 100;

type Running = Readonly<{ abort: AbortController }>;

/** One agent's connection: what it negotiated, what it waits for, and the tables of what is served. */
export class AgentSession {
  #client: string;
  #negotiated: string | undefined;
  #nonsense = 0;
  #ended = false;
  readonly #running = new Map<RequestId, Running>();
  /** Calls that were answered with "call again", whose question is still open. */
  readonly #unanswered = new Map<RequestId, AbortController>();
  readonly #gone = new AbortController();
  #capabilities: ClientLine['capabilities'] = {};
  /** Subscriptions of the stateless revision, and whether they want to hear of the list of tools. */
  readonly #listening = new Map<RequestId, boolean>();
  readonly #unlisten: () => void;

  constructor(readonly stream: Duplex, readonly house: AgentHouse, resumed: ResumedSession | undefined) {
    this.#client = resumed?.client ?? 'unnamed client';
    this.#negotiated = resumed?.protocolVersion;
    this.#unlisten = house.onListChanged(() => this.#listChanged());
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
      case 'blank':
        return;
    }
  }

  /** Withdraws everything that this agent still waits for. */
  end(): void {
    this.#ended = true;
    for (const { abort } of this.#running.values()) abort.abort();
    for (const abort of this.#unanswered.values()) abort.abort();
    this.#running.clear();
    this.#unanswered.clear();
    this.#gone.abort();
    this.#unlisten();
  }

  #request(frame: Extract<Frame, { kind: 'request' }>): void {
    const { id, method, params } = frame;
    if (this.#running.has(id)) return this.#refuseRequest(frame, rpc.invalidRequest, 'A request with this id is still running.');
    const era = eraOf(params);
    if (era.kind === 'invalid') return this.#refuseRequest(frame, era.code, era.message, era.data);
    if (era.kind === 'stateless') [this.#client, this.#capabilities] = [era.client ?? this.#client, era.capabilities];
    const handler = (era.kind === 'stateless' ? this.#stateless : this.#inSession).get(method);
    if (handler === undefined) return this.#refuseRequest(frame, rpc.methodNotFound, `Method not found: ${method.slice(0, 100)}`);
    handler(id, params);
  }

  // The explicit tables of what is served (T53).
  readonly #inSession = new Map<string, (id: RequestId, params: Readonly<Record<string, unknown>>) => void>([
    ['initialize', (id, params) => this.#initialize(id, params)],
    ['ping', (id) => this.#result(id, {})],
    ['tools/list', (id) => this.#afterInitialize(id, () => this.#result(id, { tools: listTools(this.house.listed()) }))],
    ['tools/call', (id, params) => this.#afterInitialize(id, () => this.#call(id, params, (result) => result))],
  ]);

  readonly #stateless = new Map<string, (id: RequestId, params: Readonly<Record<string, unknown>>) => void>([
    ['server/discover', (id) => this.#result(id, this.#stamped({ supportedVersions: statelessRevisions, capabilities: { tools: { listChanged: true } }, instructions, ttlMs: 60_000, cacheScope: 'private' }))],
    ['tools/list', (id) => this.#result(id, this.#stamped({ tools: listTools(this.house.listed()), ttlMs: 60_000, cacheScope: 'private' }))],
    ['tools/call', (id, params) => this.#call(id, params, (result) => this.#stamped(result))],
    ['subscriptions/listen', (id, params) => this.#listen(id, params)],
  ]);

  #initialize(id: RequestId, params: Readonly<Record<string, unknown>>): void {
    const parsed = initializeSchema.safeParse(params);
    if (!parsed.success) return this.#refuseRequest({ id, method: 'initialize' }, rpc.invalidParams, 'initialize needs protocolVersion, capabilities and clientInfo.');
    const { protocolVersion, clientInfo, capabilities } = parsed.data;
    this.#capabilities = capabilities;
    const known = sessionRevisions.find((revision) => revision === protocolVersion);
    this.#negotiated = known ?? sessionRevisions[0];
    this.#client = nameOf(clientInfo);
    this.#result(id, { protocolVersion: this.#negotiated, capabilities: { tools: { listChanged: true } }, serverInfo: this.#self(), instructions });
  }

  #afterInitialize(id: RequestId, act: () => void): void {
    if (this.#negotiated === undefined) return this.#refuseRequest({ id }, rpc.invalidRequest, 'Send "initialize" first.');
    act();
  }

  #call(id: RequestId, params: Readonly<Record<string, unknown>>, dress: (result: object) => object): void {
    const parsed = callSchema.safeParse(params);
    if (!parsed.success) return this.#refuseRequest({ id, method: 'tools/call' }, rpc.invalidParams, 'tools/call needs a name, and arguments that are an object.');
    if (this.#running.size >= callLimit) return this.#refuseRequest({ id, method: 'tools/call' }, rpc.internal, `At most ${String(callLimit)} calls run at a time. Wait for one to end.`);
    const abort = new AbortController();
    this.#running.set(id, { abort });
    const { progressToken: token, ...sent } = parsed.data._meta ?? {};
    let step = 0;
    const progress: Progress = (message, report) => {
      if (token === undefined || abort.signal.aborted) return;
      step += 1;
      this.#tell('notifications/progress', { ...(report ?? { progress: step, message }), progressToken: token });
    };
    const { inputResponses, requestState } = params;
    const line = { meta: sent, rest: { ...(inputResponses === undefined ? {} : { inputResponses }), ...(requestState === undefined ? {} : { requestState }) }, capabilities: this.#capabilities, tell: (method: string, told: object) => this.#tell(method, told) };
    void this.house.call(dotted(parsed.data.name, this.house.tools), parsed.data.arguments ?? {}, this.#client, { signal: abort.signal, progress, informed: token !== undefined, gone: this.#gone.signal, line }).then(
      (outcome) => this.#answer(id, abort, () => {
        if (outcome.kind === 'refused' && outcome.code === 'APPROVAL_PENDING') this.#stillAsked(id, abort);
        if (outcome.kind !== 'refused' && outcome.wire?.kind === 'error') this.#send({ jsonrpc: '2.0', id, error: outcome.wire.error });
        else this.#result(id, dress(resultOf(outcome)));
      }),
      (thrown: unknown) => this.#answer(id, abort, () => this.#error(id, rpc.internal, thrown instanceof Error ? thrown.message : 'The call failed.')),
    );
  }

  // A withdrawn call gets no answer (MCP, cancellation); its outcome is in the log.
  #answer(id: RequestId, abort: AbortController, act: () => void): void {
    if (this.#running.get(id)?.abort === abort) this.#running.delete(id);
    if (!abort.signal.aborted) act();
  }

  // Its client may still say that it no longer wants it.
  #stillAsked(id: RequestId, abort: AbortController): void {
    this.#unanswered.set(id, abort);
    const [oldest] = this.#unanswered.keys();
    if (this.#unanswered.size > callLimit && oldest !== undefined) this.#unanswered.delete(oldest);
  }

  #listen(id: RequestId, params: Readonly<Record<string, unknown>>): void {
    if (!isRecord(params['notifications'])) return this.#refuseRequest({ id, method: 'subscriptions/listen' }, rpc.invalidParams, 'subscriptions/listen needs "notifications".');
    if (this.#listening.size >= callLimit) return this.#refuseRequest({ id, method: 'subscriptions/listen' }, rpc.internal, 'Subscription limit reached.');
    const tools = params['notifications']['toolsListChanged'] === true;
    this.#listening.set(id, tools);
    this.#send({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: tools ? { toolsListChanged: true } : {}, _meta: { [meta.subscription]: id } } });
  }

  #listChanged(): void {
    if (this.#negotiated !== undefined) this.#tell('notifications/tools/list_changed', {});
    for (const [id, tools] of this.#listening) if (tools) this.#tell('notifications/tools/list_changed', { _meta: { [meta.subscription]: id } });
  }

  // Whoever does not take what it is told loses it, before it costs memory; answers are never lost.
  #tell(method: string, params: object): void {
    if (this.stream.writableLength < unreadLimit) this.#send({ jsonrpc: '2.0', method, params });
  }

  #notification(frame: Extract<Frame, { kind: 'notification' }>): void {
    if (frame.method === 'tools/call') {
      this.house.refused(this.#client, { method: frame.method, reason: 'tools/call came without an id and was dropped.' });
      return this.#countNonsense();
    }
    if (frame.method !== 'notifications/cancelled') return;
    const id = frame.params['requestId'];
    if (typeof id !== 'string' && typeof id !== 'number') return;
    // Clients also cancel what has long ended; that is no error.
    this.#listening.delete(id);
    const abort = this.#running.get(id)?.abort ?? this.#unanswered.get(id);
    this.#running.delete(id);
    this.#unanswered.delete(id);
    abort?.abort();
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
    if (this.#nonsense >= nonsenseLimit) this.stream.end();
  }

  #self(): Implementation {
    return { name: 'conductor', title: 'Conductor', version: this.house.version };
  }

  #stamped(result: object): object {
    const given = '_meta' in result && isRecord(result._meta) ? result._meta : {};
    return { resultType: 'complete', ...result, _meta: { [meta.server]: this.#self(), ...given } };
  }

  #result(id: RequestId, result: object): void {
    this.#send({ jsonrpc: '2.0', id, result });
  }

  #error(id: RequestId | null, code: number, message: string, data?: unknown): void {
    this.#send({ jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } });
  }

  #send(message: object): void {
    if (this.#ended || !this.stream.writable) return;
    // Who does not read its answers is not read either, so that nothing piles up here.
    if (this.stream.write(`${JSON.stringify(message)}\n`) || this.stream.isPaused()) return;
    this.stream.pause();
    this.stream.once('drain', () => this.stream.resume());
  }
}

const instructions =
  'Conductor runs these tools under the rules of its user. Some calls wait until the user approves them. A refusal says why and what to do next; do not try to get round it. A result of the kind approval.pending is neither: call again with the same arguments.';

const progressToken = z.union([z.string(), z.number()]);
const initializeSchema = z.object({ protocolVersion: z.string(), capabilities: z.record(z.string(), z.unknown()), clientInfo: z.object({ name: z.string(), version: z.string().optional() }) });
const callSchema = z.object({ name: z.string().max(128), arguments: z.record(z.string(), z.unknown()).optional(), _meta: z.looseObject({ progressToken: progressToken.optional() }).optional() });

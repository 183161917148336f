import type { Duplex } from 'node:stream';
import type { CallToolResult, Implementation, Tool as McpTool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Outcome } from '../../../protocol/src/call';
import { advice, type ErrorCode } from '../../../protocol/src/errors';
import { LineCutter } from '../../../link/src/lines';
import type { Tool } from '../tools/tool';
import { frameLimit } from './frameLimit';
import { isRecord, readFrame, rpc, type Frame, type RequestId } from './frames';

/** The door for agents: MCP, all five revisions in use, over one framed stream. It translates and decides nothing. */

/** Revisions negotiated by `initialize`, newest first. */
export const sessionRevisions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;

/** Revisions that name themselves in every request (https://modelcontextprotocol.io/specification/2026-07-28). */
export const statelessRevisions = ['2026-07-28'] as const;

const meta = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  server: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** Most calls of one connection at a time; the next one is told to wait. */
const callLimit = 64;
/** Messages that no MCP client sends, after which the connection is closed: a peer that speaks nonsense is not served for ever. */
const nonsenseLimit = 100;

/** What the door needs of the house. */
export type AgentHouse = Readonly<{
  version: string;
  tools: ReadonlyMap<string, Tool>;
  /** Runs one call for this connection; `client` is the agent's own name for itself. */
  call(tool: string, input: Readonly<Record<string, unknown>>, client: string, caller: { signal: AbortSignal; progress(message: string): void }): Promise<Outcome>;
  /** Notes a message that was refused before it became a call. */
  refused(client: string, what: { method?: string; reason: string }): void;
}>;

/** What an agent negotiated before its broker ended; it goes on with it on the next one. */
export type ResumedSession = Readonly<{ protocolVersion: string; client: string }>;

/** Serves one agent until its stream ends. */
export function serveAgent(stream: Duplex, house: AgentHouse, resumed?: ResumedSession): void {
  const session = new AgentSession(stream, house, resumed);
  const cutter = new LineCutter(frameLimit);
  stream.on('data', (chunk: Buffer) => {
    for (const framed of cutter.push(chunk)) {
      if (framed.kind === 'line') session.take(readFrame(framed.line));
      else session.take({ kind: 'refused', id: null, code: rpc.invalidRequest, message: `A message is at most ${String(frameLimit)} bytes long; this one was dropped.` });
    }
  });
  stream.on('error', () => session.end());
  stream.on('close', () => session.end());
  stream.on('end', () => session.end());
}

type Running = Readonly<{ abort: AbortController }>;

class AgentSession {
  #client: string;
  #negotiated: string | undefined;
  #nonsense = 0;
  #ended = false;
  readonly #running = new Map<RequestId, Running>();
  readonly #listening = new Set<RequestId>();

  constructor(readonly stream: Duplex, readonly house: AgentHouse, resumed: ResumedSession | undefined) {
    this.#client = resumed?.client ?? 'unnamed client';
    this.#negotiated = resumed?.protocolVersion;
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
    this.#running.clear();
  }

  #request(frame: Extract<Frame, { kind: 'request' }>): void {
    const { id, method, params } = frame;
    if (this.#running.has(id)) return this.#refuseRequest(frame, rpc.invalidRequest, 'A request with this id is still running.');
    const era = eraOf(params);
    if (era.kind === 'invalid') return this.#refuseRequest(frame, era.code, era.message, era.data);
    if (era.kind === 'stateless') this.#client = era.client ?? this.#client;
    const handler = (era.kind === 'stateless' ? this.#stateless : this.#inSession).get(method);
    if (handler === undefined) return this.#refuseRequest(frame, rpc.methodNotFound, `Method not found: ${method.slice(0, 100)}`);
    handler(id, params);
  }

  // The explicit tables of what is served (T53).
  readonly #inSession = new Map<string, (id: RequestId, params: Readonly<Record<string, unknown>>) => void>([
    ['initialize', (id, params) => this.#initialize(id, params)],
    ['ping', (id) => this.#result(id, {})],
    ['tools/list', (id) => this.#afterInitialize(id, () => this.#result(id, { tools: listTools(this.house.tools) }))],
    ['tools/call', (id, params) => this.#afterInitialize(id, () => this.#call(id, params, (result) => result))],
  ]);

  readonly #stateless = new Map<string, (id: RequestId, params: Readonly<Record<string, unknown>>) => void>([
    ['server/discover', (id) => this.#result(id, this.#stamped({ supportedVersions: statelessRevisions, capabilities: { tools: {} }, instructions, ttlMs: 60_000, cacheScope: 'private' }))],
    ['tools/list', (id) => this.#result(id, this.#stamped({ tools: listTools(this.house.tools), ttlMs: 60_000, cacheScope: 'private' }))],
    ['tools/call', (id, params) => this.#call(id, params, (result) => this.#stamped(result))],
    ['subscriptions/listen', (id, params) => this.#listen(id, params)],
  ]);

  #initialize(id: RequestId, params: Readonly<Record<string, unknown>>): void {
    const parsed = initializeSchema.safeParse(params);
    if (!parsed.success) return this.#refuseRequest({ id, method: 'initialize' }, rpc.invalidParams, 'initialize needs protocolVersion, capabilities and clientInfo.');
    const { protocolVersion, clientInfo } = parsed.data;
    const known = sessionRevisions.find((revision) => revision === protocolVersion);
    this.#negotiated = known ?? sessionRevisions[0];
    this.#client = nameOf(clientInfo);
    this.#result(id, { protocolVersion: this.#negotiated, capabilities: { tools: {} }, serverInfo: this.#self(), instructions });
  }

  #afterInitialize(id: RequestId, act: () => void): void {
    if (this.#negotiated === undefined) return this.#refuseRequest({ id }, rpc.invalidRequest, 'Send "initialize" first.');
    act();
  }

  #call(id: RequestId, params: Readonly<Record<string, unknown>>, dress: (result: CallToolResult) => object): void {
    const parsed = callSchema.safeParse(params);
    if (!parsed.success) return this.#refuseRequest({ id, method: 'tools/call' }, rpc.invalidParams, 'tools/call needs a name, and arguments that are an object.');
    if (this.#running.size >= callLimit) return this.#refuseRequest({ id, method: 'tools/call' }, rpc.internal, `At most ${String(callLimit)} calls run at a time. Wait for one to end.`);
    const abort = new AbortController();
    this.#running.set(id, { abort });
    const token = parsed.data._meta?.progressToken;
    let step = 0;
    const progress = (message: string): void => {
      if (token === undefined || abort.signal.aborted) return;
      step += 1;
      this.#send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: token, progress: step, message } });
    };
    void this.house.call(dotted(parsed.data.name, this.house.tools), parsed.data.arguments ?? {}, this.#client, { signal: abort.signal, progress }).then(
      (outcome) => this.#answer(id, abort, () => this.#result(id, dress(resultOf(outcome)))),
      (thrown: unknown) => this.#answer(id, abort, () => this.#error(id, rpc.internal, thrown instanceof Error ? thrown.message : 'The call failed.')),
    );
  }

  // A withdrawn call gets no answer (MCP, cancellation); its outcome is in the log.
  #answer(id: RequestId, abort: AbortController, act: () => void): void {
    if (this.#running.get(id)?.abort === abort) this.#running.delete(id);
    if (!abort.signal.aborted) act();
  }

  // The list of tools does not change while the broker runs, so that a subscription is acknowledged with nothing to expect.
  #listen(id: RequestId, params: Readonly<Record<string, unknown>>): void {
    if (!isRecord(params['notifications'])) return this.#refuseRequest({ id, method: 'subscriptions/listen' }, rpc.invalidParams, 'subscriptions/listen needs "notifications".');
    if (this.#listening.size >= callLimit) return this.#refuseRequest({ id, method: 'subscriptions/listen' }, rpc.internal, 'Subscription limit reached.');
    this.#listening.add(id);
    this.#send({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: {}, _meta: { [meta.subscription]: id } } });
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
    const running = this.#running.get(id);
    this.#running.delete(id);
    running?.abort.abort();
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
    return { resultType: 'complete', ...result, _meta: { [meta.server]: this.#self() } };
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
  'Conductor runs these tools under the rules of its user. Some calls wait until the user approves them. A refusal says why and what to do next; do not try to get round it.';

const progressToken = z.union([z.string(), z.number()]);
const initializeSchema = z.object({ protocolVersion: z.string(), capabilities: z.record(z.string(), z.unknown()), clientInfo: z.object({ name: z.string(), version: z.string().optional() }) });
const callSchema = z.object({ name: z.string().max(128), arguments: z.record(z.string(), z.unknown()).optional(), _meta: z.object({ progressToken: progressToken.optional() }).optional() });
const envelopeSchema = z.object({ [meta.capabilities]: z.record(z.string(), z.unknown()), [meta.client]: z.object({ name: z.string(), version: z.string().optional() }).optional() });

type Era = Readonly<{ kind: 'session' }> | Readonly<{ kind: 'stateless'; client: string | undefined }> | Readonly<{ kind: 'invalid'; code: number; message: string; data?: unknown }>;

// A request of the stateless revision names its version in `_meta`; one without is of a session.
function eraOf(params: Readonly<Record<string, unknown>>): Era {
  const given = params['_meta'];
  if (!isRecord(given) || !(meta.version in given)) return { kind: 'session' };
  const version = given[meta.version];
  if (!statelessRevisions.some((revision) => revision === version))
    return { kind: 'invalid', code: rpc.unsupportedVersion, message: 'Unsupported protocol version', data: { supported: statelessRevisions, requested: typeof version === 'string' ? version : 'unknown' } };
  const envelope = envelopeSchema.safeParse(given);
  if (!envelope.success) return { kind: 'invalid', code: rpc.invalidParams, message: `Invalid _meta for protocol revision ${statelessRevisions[0]}: ${meta.capabilities} is required.` };
  const client = envelope.data[meta.client];
  return { kind: 'stateless', client: client === undefined ? undefined : nameOf(client) };
}

function nameOf(info: { name: string; version?: string | undefined }): string {
  // Nobody passes for everybody by saying nothing.
  return `${info.name.trim() === '' ? 'unnamed client' : info.name} ${info.version ?? ''}`.trim().slice(0, 200);
}

// On the wire tool names have underscores, since many clients accept nothing else; the dotted name is accepted, too.
function dotted(name: string, tools: ReadonlyMap<string, Tool>): string {
  if (tools.has(name)) return name;
  for (const known of tools.keys()) if (wireName(known) === name) return known;
  return name;
}

function wireName(name: string): string {
  return name.replaceAll('.', '_');
}

const schemas = new WeakMap<Tool, McpTool['inputSchema']>();

function listTools(tools: ReadonlyMap<string, Tool>): McpTool[] {
  return [...tools.values()].map((tool) => ({ name: wireName(tool.name), title: tool.title, description: tool.description, inputSchema: inputSchemaOf(tool), annotations: { title: tool.title, ...tool.annotations } }));
}

function inputSchemaOf(tool: Tool): McpTool['inputSchema'] {
  const known = schemas.get(tool);
  if (known !== undefined) return known;
  const { $schema: _dialect, ...schema } = z.toJSONSchema(tool.input, { io: 'input', target: 'draft-7' });
  const made = { ...schema, type: 'object' as const } as McpTool['inputSchema'];
  schemas.set(tool, made);
  return made;
}

/** How an outcome reads for an agent: text first; refusals and failures also as structured content. */
export function resultOf(outcome: Outcome): CallToolResult {
  switch (outcome.kind) {
    case 'success':
      return { content: [{ type: 'text', text: outcome.text }], isError: false, ...(outcome.structured === undefined ? {} : { structuredContent: { ...outcome.structured } }) };
    case 'failure': {
      const { code, message, data, next } = outcome.error;
      const text = outcome.text ?? `Failed (${code}): ${message}\nNext: ${next}`;
      return failed(text, { ...outcome.structured, kind: 'failure', code, message, ...data });
    }
    case 'refused':
      return failed(refusalText(outcome.code, outcome.rule, outcome.reason), {
        kind: 'refused', code: outcome.code, rule: outcome.rule, reason: outcome.reason, next: advice[outcome.code], ...(outcome.retryAfterMs === undefined ? {} : { retryAfterMs: outcome.retryAfterMs }),
      });
  }
}

function refusalText(code: ErrorCode, rule: string, reason: string): string {
  return `Refused (${code}, ${rule}): ${reason}\nNext: ${advice[code]}`;
}

function failed(text: string, structured: Readonly<Record<string, unknown>>): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true, structuredContent: { ...structured } };
}

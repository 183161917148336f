import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { getPrompt, plainTools, prompts, readResource, resources, resourceTemplates, tool } from './conformanceContent';

/** A server without sessions (2026-07-28) for the conformance suite, by hand: so it depends on nobody's reading but ours and the suite's. */

type Json = Readonly<Record<string, unknown>>;
type Ask = Readonly<{ params: Json; capabilities: Json; notify(method: string, params: Json): void }>;
type Said = Readonly<{ result: Json }> | Readonly<{ error: Json; status?: number }>;

const version = '2026-07-28';
const names = { version: 'io.modelcontextprotocol/protocolVersion', capabilities: 'io.modelcontextprotocol/clientCapabilities', level: 'io.modelcontextprotocol/logLevel', subscription: 'io.modelcontextprotocol/subscriptionId' };
const form = (message: string, member: string, type = 'string'): Json => ({ method: 'elicitation/create', params: { message, requestedSchema: { type: 'object', properties: { [member]: { type } }, required: [member] } } });
const sampling = (words: string, maxTokens: number): Json => ({ method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: { type: 'text', text: words } }], maxTokens } });
const roots: Json = { method: 'roots/list', params: {} };

/** Rounds of each tool that asks its client. */
const rounds: Readonly<Record<string, readonly Json[]>> = {
  test_input_required_result_elicitation: [{ user_name: form('What is your name?', 'name') }],
  test_input_required_result_sampling: [{ capital_question: sampling('What is the capital of France?', 100) }],
  test_input_required_result_list_roots: [{ client_roots: roots }],
  test_input_required_result_request_state: [{ confirm: form('Please confirm', 'ok', 'boolean') }],
  test_input_required_result_tampered_state: [{ confirm: form('Please confirm', 'ok', 'boolean') }],
  test_input_required_result_multiple_inputs: [{ user_name: form('What is your name?', 'name'), greeting: sampling('Generate a greeting', 50), client_roots: roots }],
  test_input_required_result_multi_round: [{ step1: form('Step 1: What is your name?', 'name') }, { step2: form('Step 2: What is your favorite color?', 'color') }],
  test_streaming_elicitation: [{ user_name: form('What is your name?', 'name') }],
};
const stateful = new Set(['test_input_required_result_request_state', 'test_input_required_result_tampered_state', 'test_input_required_result_multiple_inputs', 'test_input_required_result_multi_round']);
const others = ['test_update_resource', 'test_tool_with_progress', 'test_logging_tool', 'test_missing_capability', 'test_input_required_result_capabilities', 'test_trigger_tool_change', 'test_trigger_prompt_change'];
const tools = [...[...Object.keys(plainTools), ...Object.keys(rounds), ...others, 'test_changing'].map((name) => tool(name)), tool('test_region', { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } })];
/** Whether `test_changing` is there. */
let changed = false;
const listeners = new Set<(method: string, params?: Json) => void>();

const error = (code: number, message: string, data?: Json, status?: number): Said => ({ error: { code, message, ...(data === undefined ? {} : { data }) }, ...(status === undefined ? {} : { status }) });
const said = (words: string): Said => ({ result: { content: [{ type: 'text', text: words }] } });
const stateOf = (step: number): string => `${String(step)}.${createHmac('sha256', 'key').update(String(step)).digest('hex')}`;
const needed = (method: string): string => (method.startsWith('elicitation') ? 'elicitation' : method.startsWith('sampling') ? 'sampling' : 'roots');

/** One round: asks what is still to be asked, or says what was answered. */
function round(name: string, steps: readonly Json[], params: Json, withState: boolean): Said {
  const { inputResponses: given, requestState } = params as { inputResponses?: Json; requestState?: string };
  let step = 0;
  if (withState && given !== undefined) {
    step = Number(/^\d+/.exec(String(requestState))?.[0] ?? NaN);
    if (requestState !== stateOf(step)) return error(-32_602, 'The state is not one of ours.');
  }
  const asked = steps[step] ?? {};
  const answered = given !== undefined && Object.keys(asked).every((key) => typeof given[key] === 'object' && given[key] !== null);
  const next = answered ? step + 1 : step;
  if (next < steps.length) return { result: { resultType: 'input_required', inputRequests: steps[next], ...(withState ? { requestState: stateOf(next) } : {}) } };
  return said(name === 'test_input_required_result_elicitation' ? `Hello, ${JSON.stringify(given)}!` : `state-ok ${JSON.stringify(given)}`);
}

async function call({ params, capabilities, notify }: Ask): Promise<Said> {
  const name = String(params['name']);
  const plain = plainTools[name];
  if (plain !== undefined) return { result: plain };
  if (name === 'test_missing_capability') return capabilities['sampling'] === undefined ? error(-32_021, 'The client cannot draw samples.', { requiredCapabilities: { sampling: {} } }, 400) : said('there');
  if (name === 'test_tool_with_progress') {
    const token = (params['_meta'] as Json)['progressToken'];
    for (const progress of [0, 50, 100]) {
      if (token !== undefined) notify('notifications/progress', { progressToken: token, progress, total: 100 });
      await sleep(50);
    }
    return said('progressed');
  }
  if (name === 'test_logging_tool') {
    if ((params['_meta'] as Json)[names.level] !== undefined) notify('notifications/message', { level: 'info', data: 'logged' });
    return said('logged');
  }
  if (name === 'test_update_resource') {
    for (const tell of listeners) tell('notifications/resources/updated', { uri: String((params['arguments'] as Json)['uri']) });
    return said('updated');
  }
  if (name === 'test_trigger_tool_change' || name === 'test_trigger_prompt_change') {
    if (name === 'test_trigger_tool_change') changed = !changed;
    for (const tell of listeners) tell(name === 'test_trigger_tool_change' ? 'notifications/tools/list_changed' : 'notifications/prompts/list_changed');
    return said('changed');
  }
  if (name === 'test_input_required_result_capabilities') {
    const can = Object.fromEntries(Object.entries({ user_name: form('What is your name?', 'name'), greeting: sampling('Hello', 50), client_roots: roots }).filter(([, { method }]) => capabilities[needed(String(method))] !== undefined));
    return Object.keys(can).length === 0 || params['inputResponses'] !== undefined ? said('nothing to ask') : { result: { resultType: 'input_required', inputRequests: can } };
  }
  if (name === 'test_region') return said('there');
  const steps = rounds[name];
  return steps === undefined ? error(-32_602, `There is no tool ${name}.`) : round(name, steps, params, stateful.has(name));
}

async function answer(method: string, ask: Ask): Promise<Said> {
  const { params } = ask;
  const listed = { ttlMs: 1000, cacheScope: 'private' };
  switch (method) {
    case 'server/discover':
      return { result: { supportedVersions: [version], capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { subscribe: true }, completions: {}, logging: {} }, ...listed } };
    case 'tools/list':
      return { result: { tools: tools.filter(({ name }) => !changed || name !== 'test_changing'), ...listed } };
    case 'tools/call':
      return await call(ask);
    case 'resources/list':
      return { result: { resources, ...listed } };
    case 'resources/templates/list':
      return { result: { resourceTemplates, ...listed } };
    case 'resources/read': {
      const read = readResource(String(params['uri']));
      return read === undefined ? error(-32_602, 'Resource not found', { uri: params['uri'] }) : { result: { ...read, ...listed } };
    }
    case 'prompts/list':
      return { result: { prompts: [...prompts, { name: 'test_input_required_result_prompt', description: 'Asks' }], ...listed } };
    case 'prompts/get': {
      if (params['name'] === 'test_input_required_result_prompt') {
        const asked = round('', [{ user_context: form('What context should the prompt use?', 'context') }], params, false);
        return 'result' in asked && 'content' in asked.result ? { result: { messages: [{ role: 'user', content: { type: 'text', text: JSON.stringify(params['inputResponses']) } }] } } : asked;
      }
      const prompt = getPrompt(String(params['name']), (params['arguments'] ?? {}) as Record<string, string>);
      return prompt === undefined ? error(-32_602, 'There is no such prompt.') : { result: prompt };
    }
    case 'completion/complete':
      return { result: { completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false } } };
    default:
      return error(-32_601, `Method not found: ${method}`, undefined, 404);
  }
}

/** What is wrong with the envelope of a request; undefined when nothing is. */
function wrong(headers: IncomingHttpHeaders, method: string, params: Json | undefined): Said | undefined {
  const given = params?.['_meta'] as Json | undefined;
  if (given?.[names.version] === undefined || given[names.capabilities] === undefined) return error(-32_602, 'The envelope is missing.', undefined, 400);
  const name = method === 'resources/read' ? params?.['uri'] : ['tools/call', 'prompts/get'].includes(method) ? params?.['name'] : undefined;
  if (headers['mcp-protocol-version'] !== given[names.version] || headers['mcp-method'] !== method || headers['mcp-name'] !== name) return error(-32_020, 'The headers say something else than the body.', undefined, 400);
  const region = params?.['name'] === 'test_region' ? (params['arguments'] as Json | undefined)?.['region'] : undefined;
  if (method === 'tools/call' && plainHeader(headers['mcp-param-region']) !== region) return error(-32_020, 'The header Mcp-Param-Region says something else than the arguments.', undefined, 400);
  return given[names.version] === version ? undefined : error(-32_022, 'Unsupported protocol version', { supported: [version], requested: given[names.version] }, 400);
}

function plainHeader(header: string | string[] | undefined): string | undefined {
  const coded = typeof header === 'string' ? /^=\?base64\?(.*)\?=$/.exec(header)?.[1] : undefined;
  return coded === undefined ? String(header ?? '') || undefined : Buffer.from(coded, 'base64').toString('utf8');
}

/** Keeps a subscription open until its client closes it. */
function listen(id: unknown, params: Json, response: ServerResponse): void {
  const wanted = (params['notifications'] ?? {}) as Json;
  const uris = Array.isArray(wanted['resourceSubscriptions']) ? (wanted['resourceSubscriptions'] as unknown[]).filter((uri) => readResource(String(uri)) !== undefined) : [];
  const granted = { ...Object.fromEntries(['toolsListChanged', 'promptsListChanged'].filter((one) => wanted[one] === true).map((one) => [one, true])), ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }) };
  const send = (method: string, more: Json = {}): void => void response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method, params: { ...more, _meta: { [names.subscription]: id } } })}\n\n`);
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  send('notifications/subscriptions/acknowledged', { notifications: granted });
  const hears = (method: string, { uri }: Json): boolean => (uri === undefined ? wanted[method.includes('tools') ? 'toolsListChanged' : 'promptsListChanged'] === true : uris.includes(uri));
  const tell = (method: string, more: Json = {}): void => { if (hears(method, more)) send(method, more); };
  listeners.add(tell);
  response.once('close', () => listeners.delete(tell));
}

async function serve(body: string, headers: IncomingHttpHeaders, response: ServerResponse): Promise<void> {
  const { id, method, params } = JSON.parse(body) as { id?: unknown; method: string; params?: Json };
  if (id === undefined) return void response.writeHead(202).end();
  const bad = wrong(headers, method, params);
  if (bad === undefined && method === 'subscriptions/listen') return listen(id, params ?? {}, response);
  const notify = (told: string, more: Json): void => {
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: told, params: more })}\n\n`);
  };
  const capabilities = ((params?.['_meta'] as Json | undefined)?.[names.capabilities] ?? {}) as Json;
  const reply = bad ?? (await answer(method, { params: params ?? {}, capabilities, notify }));
  const text = JSON.stringify({ jsonrpc: '2.0', id, ...('result' in reply ? { result: { resultType: 'complete', ...reply.result, _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'conformance', version: '1' } } } } : { error: reply.error }) });
  if (response.headersSent) return void response.end(`data: ${text}\n\n`);
  response.writeHead('status' in reply ? (reply.status ?? 200) : 200, { 'Content-Type': 'application/json' }).end(text);
}

/** Starts it on a port of the loopback address. */
export async function startConformanceServer2026(): Promise<{ port: number; tools: readonly string[]; followed(): number; close(): Promise<void> }> {
  let port = 0;
  changed = false;
  const http = createServer((request, response) => {
    const local = [`127.0.0.1:${String(port)}`, `localhost:${String(port)}`];
    const { host = '', origin } = request.headers;
    if (!local.includes(host) || (origin !== undefined && !local.some((one) => origin === `http://${one}`))) return void response.writeHead(403).end();
    if (request.method !== 'POST') return void response.writeHead(405).end();
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk)).once('end', () => { serve(body, request.headers, response).catch(() => response.writeHead(400).end()); });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, tools: tools.map(({ name }) => String(name)), followed: () => listeners.size, close: () => new Promise((resolve) => { http.close(() => resolve()); http.closeAllConnections(); }) };
}

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as mcp from '@modelcontextprotocol/sdk/types.js';
import { forms, getPrompt, plainTools, prompts, readResource, resources, resourceTemplates, tool, toolWith } from './conformanceContent';

/** A server with sessions for the conformance suite, on the official SDK. */

const tools = [
  ...Object.keys(plainTools).map((name) => tool(name)),
  ...['test_tool_with_logging', 'test_tool_with_progress', 'test_elicitation_sep1034_defaults', 'test_elicitation_sep1330_enums'].map((name) => tool(name)),
  toolWith('test_sampling', 'prompt'), toolWith('test_elicitation', 'message'),
];

type Result = mcp.ServerResult;
const found = (result: object | undefined, what: string): Result => {
  if (result === undefined) throw new mcp.McpError(mcp.ErrorCode.InvalidParams, `There is no ${what}.`);
  return result as Result;
};

function serve(): Server {
  const server = new Server({ name: 'conformance', version: '1' }, { capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} } });
  server.setRequestHandler(mcp.ListToolsRequestSchema, () => ({ tools }) as unknown as Result);
  server.setRequestHandler(mcp.ListResourcesRequestSchema, () => ({ resources }) as unknown as Result);
  server.setRequestHandler(mcp.ListResourceTemplatesRequestSchema, () => ({ resourceTemplates }) as unknown as Result);
  server.setRequestHandler(mcp.ReadResourceRequestSchema, ({ params: { uri } }) => found(readResource(uri), 'such resource'));
  server.setRequestHandler(mcp.SubscribeRequestSchema, () => ({}));
  server.setRequestHandler(mcp.UnsubscribeRequestSchema, () => ({}));
  server.setRequestHandler(mcp.ListPromptsRequestSchema, () => ({ prompts }) as unknown as Result);
  server.setRequestHandler(mcp.GetPromptRequestSchema, ({ params }) => found(getPrompt(params.name, params.arguments ?? {}), 'such prompt'));
  server.setRequestHandler(mcp.CompleteRequestSchema, () => ({ completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false } }));
  server.setRequestHandler(mcp.CallToolRequestSchema, async ({ params: { name, arguments: given = {}, _meta } }, extra) => {
    const plain = plainTools[name];
    if (plain !== undefined) return plain as Result;
    const said = (words: string): Result => ({ content: [{ type: 'text', text: words }] });
    if (name === 'test_tool_with_logging') {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
        await sleep(50);
      }
      return said('logged');
    }
    if (name === 'test_tool_with_progress') {
      for (const progress of [0, 50, 100]) {
        if (_meta?.progressToken !== undefined) await extra.sendNotification({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress, total: 100 } });
        await sleep(50);
      }
      return said('progressed');
    }
    if (name === 'test_sampling') {
      const answer = await extra.sendRequest({ method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: { type: 'text', text: String(given['prompt']) } }], maxTokens: 100 } }, mcp.CreateMessageResultSchema);
      return said(`LLM response: ${JSON.stringify(answer.content)}`);
    }
    const form = forms[name];
    if (form === undefined) throw new mcp.McpError(mcp.ErrorCode.InvalidParams, `There is no tool ${name}.`);
    const message = typeof given['message'] === 'string' ? given['message'] : 'Please fill in';
    const answer = await extra.sendRequest({ method: 'elicitation/create', params: { message, requestedSchema: form } } as unknown as mcp.ServerRequest, mcp.ElicitResultSchema);
    return said(`${name === 'test_elicitation' ? 'User response: ' : 'Elicitation completed: '}action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`);
  });
  return server;
}

/** Starts it on a port of the loopback address. */
export async function startConformanceServer2025(): Promise<{ port: number; tools: readonly string[]; close(): Promise<void> }> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  let port = 0;
  const http = createServer((request, response) => {
    const local = [`127.0.0.1:${String(port)}`, `localhost:${String(port)}`];
    const { host = '', origin } = request.headers;
    if (!local.includes(host) || (origin !== undefined && !local.some((one) => origin === `http://${one}`))) return void response.writeHead(403).end();
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (known !== undefined) return void known.handleRequest(request, response);
    if (id !== undefined) return void response.writeHead(404).end();
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID(), onsessioninitialized: (made) => void sessions.set(made, transport), onsessionclosed: (gone) => void sessions.delete(gone) });
    void serve().connect(transport as Parameters<Server['connect']>[0]).then(() => transport.handleRequest(request, response));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, tools: tools.map(({ name }) => String(name)), close: () => new Promise((resolve) => { http.close(() => resolve()); http.closeAllConnections(); }) };
}

import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import type { ClientLine, Outcome, ToolCall } from '../../../protocol/src/call';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import { rpc } from '../base/frames';
import type { Caller } from '../call/asking';
import type { Pipeline } from '../call/pipeline';
import type { AgentHouse, NewsListener } from '../doors/mcp/house';
import { serveAgent } from '../doors/mcp/serve';
import { dotted } from '../doors/mcp/toolList';
import type { Guest } from '../doors/socket';
import { wireName } from '../rules/backends/names';
import { answerOf, type Passage } from '../tools/backends/passage';
import { useName } from '../tools/backends/uses';
import type { Tool } from '../tools/tool';
import type { Redactor } from '../rules/redaction/redactor';
import { resolveProject } from './project';
import type { DoorRefusal } from './refusalLog';

/** What serving agents needs of the house. */
export type AgentRooms = Readonly<{
  version: string;
  pipeline: Pipeline;
  configDir: string;
  /** What may be sent of a value. */
  clean: Redactor['value'];
  /** Makes the id of a call. */
  newId(): string;
  /** Remembers a message that never became a call, or a call that had no project. */
  refused(refusal: DoorRefusal): void;
  /** Tells of lists of external servers that are others now; gives the function that stops it. */
  onNews(listener: NewsListener): () => void;
  /** What passes between an agent in a project and external servers besides tools. */
  passage(project: string, only?: string): Passage;
  /** An agent left. */
  ended(connection: number): void;
  /** Counts calls that run, so that leaving can wait for them. */
  running(change: 1 | -1): void;
}>;

/** Serves one agent: its calls carry its connection, its name for itself, and its project. */
export function welcomeAgent(rooms: AgentRooms, socket: Socket, guest: Guest): void {
  socket.on('close', () => rooms.ended(guest.connection));
  serveAgent(socket, agentHouse(rooms, guest), guest.session);
}

type Params = Readonly<Record<string, unknown>>;

/** All tools, or those of one server under the names that it gave them. */
function visible(tools: readonly Tool[], only: string | undefined): readonly Tool[] {
  if (only === undefined) return tools;
  return tools.flatMap((tool) => (tool.origin?.backend === only ? [{ ...tool, descriptor: { ...tool.descriptor, name: tool.origin.name } }] : []));
}

/** The house as one agent sees it. */
export function agentHouse(rooms: AgentRooms, guest: Pick<Guest, 'connection' | 'project' | 'window'> & { only?: string }): AgentHouse {
  const user = userInfo().username;
  let known: ToolCall['actor'] | undefined;
  // The same object while the client's name is the same: the log then renders it once.
  const actor = (client: string): ToolCall['actor'] => (known?.client === client ? known : (known = { role: 'agent', client, connection: guest.connection, ...(guest.window === undefined ? {} : { window: guest.window }), user }));
  const project = projectOf(guest.project, rooms.configDir);
  const passage = typeof project === 'string' ? rooms.passage(project, guest.only) : undefined;
  const run = async (tool: string, input: Params, client: string, caller: Caller, line: ClientLine | undefined): Promise<Outcome> => {
    // Without a project nothing can be inside of anything; the reason is told at the call, where an agent reads it.
    if (project instanceof ConductorError) {
      rooms.refused({ actor: actor(client), tool, input, rule: 'project.missing', reason: project.message });
      return { kind: 'refused', code: project.code, rule: 'project.missing', reason: project.message };
    }
    rooms.running(1);
    try {
      return await rooms.pipeline.run({ id: rooms.newId(), tool, input, project, actor: actor(client), ...(line === undefined ? {} : { line }) }, caller);
    } finally {
      rooms.running(-1);
    }
  };
  const call: AgentHouse['call'] = async (tool, input, client, { line: raw, ...caller }) => {
    if (raw === undefined || typeof project !== 'string') return await run(tool, input, client, caller, undefined);
    const line: ClientLine = { ...raw, key: String(guest.connection), project };
    // What a server asks of the client is a call of its own before the client hears of it.
    const ask: ClientLine['ask'] = async (from, method, params, signal) => answerOf(await run(useName(from, method), params, client, { signal, progress: () => undefined }, line));
    const elicit: ClientLine['elicit'] = (form, signal) => raw.ask?.('', 'elicitation/create', form, signal) ?? Promise.reject(new ConductorError('CANCELLED', 'This client can only be answered.'));
    const outcome = await run(tool, input, client, caller, raw.ask === undefined ? line : { ...line, ask, elicit });
    const backend = rooms.pipeline.tools.get(tool)?.origin?.backend;
    if (backend !== undefined && outcome.kind === 'success' && outcome.wire?.kind === 'result') passage?.began(backend, outcome.wire.result);
    return outcome;
  };
  return {
    version: rooms.version,
    clean: rooms.clean,
    // A slash stands in the names of uses only, which are no tools.
    toolNamed: (name) => (guest.only === undefined ? dotted(name.replaceAll('/', '_'), rooms.pipeline.tools) : wireName(guest.only, name)),
    listed: () => visible([...rooms.pipeline.tools.values()].filter((tool) => tool.listed === undefined || (typeof project === 'string' && tool.listed(project))), guest.only),
    promisesOutput: (tool) => rooms.pipeline.tools.get(tool)?.descriptor?.['outputSchema'] !== undefined,
    capabilities: () => passage?.capabilities() ?? {},
    instructions: () => passage?.instructions() ?? '',
    rootsChanged: () => passage?.rootsChanged(String(guest.connection)),
    serves: (method) => passage?.serves(method) === true,
    onNews: (listener) => rooms.onNews(listener),
    call,
    use: async (method, params, client, caller) => {
      if (passage === undefined) return { kind: 'error', error: { code: rpc.methodNotFound, message: 'Method not found' } };
      return await passage.request(method, params, (name, input) => call(name, input, client, caller));
    },
    refused(client, { method, reason }) {
      rooms.refused({ actor: actor(client), tool: 'mcp.message', input: method === undefined ? {} : { method: method.slice(0, 200) }, rule: 'mcp.refused', reason, ...(project instanceof ConductorError ? {} : { project }) });
    },
  };
}

function projectOf(given: string | undefined, configDir: string): string | ConductorError {
  try {
    return resolveProject(given, configDir);
  } catch (thrown) {
    return toConductorError(thrown, 'PROJECT_MISSING');
  }
}

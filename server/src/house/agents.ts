import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import type { ToolCall } from '../../../protocol/src/call';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { Pipeline } from '../call/pipeline';
import type { AgentHouse } from '../doors/mcp/house';
import { serveAgent } from '../doors/mcp/serve';
import type { Guest } from '../doors/socket';
import { resolveProject } from './project';
import type { DoorRefusal } from './refusalLog';

/** What serving agents needs of the house. */
export type AgentRooms = Readonly<{
  version: string;
  pipeline: Pipeline;
  configDir: string;
  /** Makes the id of a call. */
  newId(): string;
  /** Remembers a message that never became a call, or a call that had no project. */
  refused(refusal: DoorRefusal): void;
  /** Calls back when the tools are others; gives the function that stops it. */
  onListChanged(listener: () => void): () => void;
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

/** The house as one agent sees it. */
export function agentHouse(rooms: AgentRooms, guest: Pick<Guest, 'connection' | 'project' | 'window'>): AgentHouse {
  const user = userInfo().username;
  let known: ToolCall['actor'] | undefined;
  // The same object while the client's name is the same: the log then renders it once.
  const actor = (client: string): ToolCall['actor'] => (known?.client === client ? known : (known = { role: 'agent', client, connection: guest.connection, ...(guest.window === undefined ? {} : { window: guest.window }), user }));
  const project = projectOf(guest.project, rooms.configDir);
  return {
    version: rooms.version,
    tools: rooms.pipeline.tools,
    listed: () => [...rooms.pipeline.tools.values()].filter((tool) => tool.listed === undefined || (typeof project === 'string' && tool.listed(project))),
    onListChanged: (listener) => rooms.onListChanged(listener),
    async call(tool, input, client, { line, ...caller }) {
      // Without a project nothing can be inside of anything; the reason is told at the call, where an agent reads it.
      if (project instanceof ConductorError) {
        rooms.refused({ actor: actor(client), tool, input, rule: 'project.missing', reason: project.message });
        return { kind: 'refused', code: project.code, rule: 'project.missing', reason: project.message };
      }
      rooms.running(1);
      try {
        return await rooms.pipeline.run({ id: rooms.newId(), tool, input, project, actor: actor(client), ...(line === undefined ? {} : { line: { ...line, key: String(guest.connection) } }) }, caller);
      } finally {
        rooms.running(-1);
      }
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

import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import type { Connection } from 'vscode-languageserver';
import { brokerAddress } from '../../../link/src/address';
import { ensureControlKey } from '../../../link/src/controlKey';
import type { NewEntry } from '../../../protocol/src/audit/entry';
import type { Actor } from '../../../protocol/src/call';
import { configSentence } from '../../../protocol/src/configState';
import { toConductorError, type ConductorError } from '../../../protocol/src/errors';
import type { AuditHealth } from '../../../protocol/src/messages';
import { createDesk, type Desk } from '../approvals/desk';
import { eventIds } from '../audit/eventId';
import { openAuditWriter, type AuditWriter } from '../audit/writer';
import { createBreakers, type Breakers } from '../breaker/breakers';
import type { Logger, LogLevel } from '../base/logger';
import { createPipeline, type Pipeline, type Rooms } from '../call/pipeline';
import { createRecorder } from '../call/recorder';
import type { Tool } from '../tools/tool';
import { openConfig, type OpenConfig } from '../config/open';
import { serveTerminal } from '../doors/control';
import { serveEditor } from '../doors/editor';
import { proveAgentDoor, proveRequestDoor } from '../doors/proof';
import type { Handlers } from '../doors/requests';
import { openSocket, type Guest } from '../doors/socket';
import { attachLanguage } from '../language/attach';
import { filesystemTools } from '../tools/filesystem/tools';
import { shellTool } from '../tools/shell/tool';
import { version } from '../doors/cli/version';
import { agentHouse, welcomeAgent, type AgentRooms } from './agents';
import { createAudience, type Audience } from './audience';
import { createHandlers } from './handlers';

/** Builds every room and opens the doors; knows all, decides nothing. */

/** What the process gives the house. */
export type Ground = Readonly<{ configDir: string; logger: Logger; setLogLevel(level: LogLevel): void }>;

/** An open house. */
export type House = Readonly<{
  /** Registers who ends the process when nobody is left or somebody asked for it. */
  onLeave(leave: (why: string) => void): void;
  /** Denies what waits, lets running calls end (at most 10 s), records the end, and closes. */
  close(why: string): Promise<void>;
}>;

/** Milliseconds that running calls get to end when the broker leaves. */
const lastCalls = 10_000;

const schedule = (run: () => void, ms: number): (() => void) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Opens the house. Rejects when the socket cannot be opened; an unusable log or configuration opens a house that refuses and says why. */
export async function openHouse(ground: Ground): Promise<House> {
  const rooms = await buildRooms(ground);
  const presence = createPresence(rooms.config);
  const handlers = createHandlers({ ...rooms, ground, presence });
  const doors = await proveDoors(rooms, handlers);
  presence.doors = doors;
  for (const { door, open, message } of doors) if (!open) ground.logger.error('a door stays shut', { door, message });
  const key = ensureControlKey(ground.configDir);
  const socket = await openSocket({
    address: brokerAddress(ground.configDir), version, key,
    welcome: (connection, guest) => welcome(rooms, handlers, presence, connection, guest),
    turnedAway: (error) => turnedAway(rooms, ground, error),
    counted: (guests) => presence.counted(guests),
  });
  await record(rooms, ground, { phase: 'event', tool: 'broker.started', input: { version, pid: process.pid, node: process.versions.node }, result: 'ok', actor: rooms.self });
  ground.logger.info('the broker is open', { version, pid: process.pid, configDir: ground.configDir });
  presence.counted([]);
  return {
    onLeave: (leave) => { presence.leave = leave; },
    close: async (why) => {
      rooms.desk.close('The broker is ending.');
      await presence.quiet(lastCalls);
      // The last outcomes are on their way through the doors.
      await new Promise((resolve) => setImmediate(resolve));
      await socket.close();
      await record(rooms, ground, { phase: 'event', tool: 'broker.stopped', input: { why }, result: 'ok', actor: rooms.self });
      rooms.config.close();
      rooms.breakers.dispose();
      await rooms.writer.close();
    },
  };
}

/** Every room, built. */
export type Built = Readonly<{
  self: Actor;
  config: OpenConfig;
  writer: AuditWriter;
  desk: Desk;
  breakers: Breakers;
  tools: ReadonlyMap<string, Tool>;
  pipeline: Pipeline;
  /** The same decisions over rooms that leave no trace and ask nobody, for the proof of the doors. */
  proofPipeline: Pipeline;
  agents: Omit<AgentRooms, 'running'>;
  audience: Audience;
}>;

async function buildRooms(ground: Ground): Promise<Built> {
  const { configDir } = ground;
  const self: Actor = { role: 'broker', user: userInfo().username };
  const audience = createAudience();
  const newId = eventIds();
  const writer = await openAuditWriter({ path: join(configDir, 'audit.log'), createdBy: `conductor ${version}`, actor: self, nextId: newId });
  const tellHealth = (): void => audience.tellSoon('audit/appended', () => auditHealth(writer));
  writer.onAppended(tellHealth);
  writer.onHealth(tellHealth);
  const config = await openConfig({
    file: join(configDir, 'config.json'),
    onChange: ({ config: next, state }) => {
      ground.setLogLevel(next.server.logLevel);
      audience.tell('config/changed', state);
      breakers.settingsChanged();
      writer.append({ phase: 'event', tool: 'config.changed', input: { source: state.source, policyHash: state.policyHash, problems: state.problems.length }, result: 'ok', actor: self }).catch(() => undefined);
    },
  });
  ground.setLogLevel(config.current().config.server.logLevel);
  const tools = new Map<string, Tool>([shellTool, ...filesystemTools].map((tool) => [tool.name, tool as Tool]));
  const now = (): number => performance.now();
  const breakers = createBreakers({ tools: [...tools.keys()], settings: () => config.current().config.circuitBreaker, now, schedule, onChange: (views) => audience.tell('breakers/changed', { breakers: views }) });
  const desk = createDesk({ now, wallNow: Date.now, schedule, onChange: (pending) => audience.tell('approvals/changed', { pending }) });
  const policy: Rooms['policy'] = () => {
    const { config: present, state } = config.current();
    return { config: present, policyHash: state.policyHash, ...(state.source !== 'current' && state.problems.length > 0 ? { trouble: configSentence(state) } : {}) };
  };
  const shared = { tools, configDir, policy, now };
  const pipeline = createPipeline({
    ...shared, desk,
    admit: (tool) => breakers.admit(tool),
    openFor: (tool) => breakers.views().find((view) => view.tool === tool && view.state === 'open')?.retryAfterMs,
    recorder: createRecorder({ append: (entry) => writer.append(entry), enqueue: (entry) => writer.enqueue(entry) }),
  });
  const silent = () => Promise.resolve();
  const proofPipeline = createPipeline({
    ...shared,
    desk: { ask: () => Promise.resolve({ kind: 'unavailable' }) },
    admit: () => ({ kind: 'admitted', settle: () => undefined }),
    openFor: () => undefined,
    recorder: { admitted: () => Promise.reject(new Error('the proof must never be admitted')), finished: silent, refused: silent },
  });
  const agents: Built['agents'] = {
    version, pipeline, newId,
    refused: (actor, project, { method, reason }) => {
      const entry: NewEntry = { phase: 'denied', id: newId(), tool: 'mcp.message', input: { ...(method === undefined ? {} : { method }) }, result: 'denied', actor, verdict: { verdict: 'deny', rule: 'mcp.refused', reason }, ...(project === undefined ? {} : { project }) };
      writer.append(entry).catch((thrown: unknown) => ground.logger.warn('a refusal could not be recorded', { error: toConductorError(thrown).message }));
    },
  };
  return { self, config, writer, desk, breakers, tools, pipeline, proofPipeline, agents, audience };
}

/** Health of the log in the words of the message table. */
export function auditHealth(writer: AuditWriter): AuditHealth {
  const { entries, head, health } = writer.state();
  const common = { entries, head: head ?? '' };
  switch (health.state) {
    case 'healthy':
      return { ...common, health: 'ok', message: 'The audit log is written.' };
    case 'tampered':
      return { ...common, health: 'tampered', message: health.message };
    case 'failed':
      return { ...common, health: 'unavailable', message: health.message };
    case 'closed':
      return { ...common, health: 'unavailable', message: 'The broker is ending.' };
  }
}

/** Appends an entry of the house itself; a log that cannot be written is told to the broker's own log. */
async function record(rooms: Built, ground: Ground, entry: NewEntry): Promise<void> {
  try {
    await rooms.writer.append(entry);
  } catch (thrown) {
    ground.logger.error('the audit log cannot be written', { error: toConductorError(thrown).message });
  }
}

type DoorProof = Readonly<{ door: string; open: boolean; message: string }>;

async function proveDoors(rooms: Built, handlers: Handlers): Promise<DoorProof[]> {
  const proofHouse = agentHouse({ ...rooms.agents, pipeline: rooms.proofPipeline, refused: () => undefined, running: () => undefined }, { connection: 0, project: __dirname });
  const agent = await proveAgentDoor(proofHouse);
  const requests = await proveRequestDoor(handlers);
  return [doorProof('agent', agent), doorProof('editor', requests), doorProof('terminal', requests)];
}

function doorProof(door: string, open: boolean): DoorProof {
  return { door, open, message: open ? 'A forbidden call was refused at this door.' : 'A forbidden call was not refused at this door, so it stays shut. Please report this.' };
}

function welcome(rooms: Built, handlers: Handlers, presence: Presence, socket: Socket, guest: Guest): void {
  const door = guest.role === 'agent' ? 'agent' : guest.role === 'editor' ? 'editor' : 'terminal';
  if (presence.doors.find((one) => one.door === door)?.open !== true) return void socket.destroy();
  if (guest.role === 'agent') return welcomeAgent({ ...rooms.agents, running: (change) => presence.running(change) }, socket, guest);
  const language = { attach: (connection: Connection) => attachLanguage(connection, { configFile: rooms.config.current().state.file, tools: [...rooms.tools.keys()] }).capabilities };
  const wire = guest.role === 'editor' ? serveEditor(socket, guest, handlers, language, version) : serveTerminal(socket, guest, handlers);
  const left = rooms.audience.join(wire);
  socket.on('close', () => {
    left();
    rooms.desk.leave(guest.connection);
  });
}

function turnedAway(rooms: Built, ground: Ground, error: ConductorError): void {
  if (error.code !== 'UNAUTHORIZED' && error.code !== 'INVALID_REQUEST' && error.code !== 'TOO_LARGE') return;
  void record(rooms, ground, { phase: 'event', tool: 'broker.turnedAway', input: { code: error.code }, result: 'denied', actor: rooms.self, detail: { message: error.message } });
}

/** Who is here and what runs, and when to leave. */
export type Presence = {
  doors: readonly DoorProof[];
  leave: (why: string) => void;
  readonly startedAt: string;
  guests(): readonly Guest[];
  counted(guests: readonly Guest[]): void;
  running(change: 1 | -1): void;
  /** Resolves when no call runs, or after so many milliseconds. */
  quiet(ms: number): Promise<void>;
};

function createPresence(config: OpenConfig): Presence {
  let guests: readonly Guest[] = [];
  let running = 0;
  let idle: NodeJS.Timeout | undefined;
  let waiters: (() => void)[] = [];
  const presence: Presence = {
    doors: [],
    leave: () => undefined,
    startedAt: new Date().toISOString(),
    guests: () => guests,
    counted(present) {
      guests = present;
      clearTimeout(idle);
      if (guests.length === 0) idle = setTimeout(() => presence.leave('nobody is left'), config.current().config.server.idleMinutes * 60_000);
    },
    running(change) {
      running += change;
      if (running > 0) return;
      for (const wake of waiters) wake();
      waiters = [];
    },
    quiet: (ms) =>
      running === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiters.push(resolve);
            setTimeout(resolve, ms);
          }),
  };
  return presence;
}

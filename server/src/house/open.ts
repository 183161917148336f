import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Connection } from 'vscode-languageserver';
import { brokerAddress } from '../../../link/src/address';
import { ensureControlKey } from '../../../link/src/controlKey';
import type { Claims } from '../../../link/src/reception';
import type { NewEntry } from '../../../protocol/src/audit/entry';
import type { Actor } from '../../../protocol/src/call';
import type { CredentialState } from '../../../protocol/src/credentials';
import { toConductorError, type ConductorError } from '../../../protocol/src/errors';
import { createAuditReader } from '../audit/read/reader';
import { version } from '../base/version';
import { serveTerminal } from '../doors/control';
import { serveEditor } from '../doors/editor';
import { proveMessageDoor, proveReception, proveRequests } from '../doors/messageProof';
import { proveAgentDoor } from '../doors/proof';
import type { Handlers, Refused } from '../doors/requests';
import { openSocket, type Guest } from '../doors/socket';
import { permitNames } from '../tools/backends/methods';
import { isSaid } from '../tools/backends/said';
import { attachLanguage, type AttachedLanguage } from '../language/attach';
import type { ExternalKnowledge } from '../language/external';
import type { OpenRegistry } from '../tools/backends/openRegistry';
import { createAuditLogLanguage } from '../language/auditLog';
import { endOwnRuns } from '../tools/shell/runMark';
import { agentHouse, welcomeAgent, type AgentRooms } from './agents';
import { actorOf } from './actor';
import { createHandlers } from './handlers';
import { followHttp } from './http';
import { createVerifications, type Verifications } from './lastVerification';
import { createPresence, type DoorProof, type Presence } from './presence';
import { buildRooms, type Built, type Ground } from './rooms';
import { beginRun } from './run';

/** Builds every room and opens the doors; knows all, decides nothing. */

/** An open house. */
export type House = Readonly<{
  /** Registers who ends the process when nobody is left or somebody asked for it. */
  onLeave(leave: (why: string) => void): void;
  /** Denies what waits, lets running calls end (at most 10 s), ends the rest, records the end, and closes. */
  close(why: string): Promise<void>;
}>;

/** Milliseconds from the opening of the doors until the external servers are started. */
const firstStartsMs = 500;
/** Milliseconds that running calls get to end when the broker leaves. */
const lastCalls = 10_000;
/** Milliseconds that the outcomes of calls that were ended then get. */
const lastOutcomes = 1_000;

/** Opens the house. Rejects when the socket cannot be opened; an unusable log or configuration opens a house that refuses and says why. */
export async function openHouse(ground: Ground): Promise<House> {
  const rooms = await buildRooms(ground);
  const presence = createPresence(rooms.config);
  const verifications = createVerifications();
  const handlers = createHandlers({ ...rooms, ground, presence, verifications });
  const language = languageOf(rooms, ground, verifications);
  const doors = await proveDoors(rooms, ground, handlers);
  presence.doors = doors;
  for (const { door, open, message } of doors) {
    if (open) continue;
    ground.logger.error('a door stays shut', { door, why: message });
    rooms.refusals.note({ actor: rooms.self, tool: 'broker.door', input: { door }, rule: 'door.shut', reason: message });
  }
  const run = await beginRun(rooms.agents.newId(), createAuditReader(join(ground.configDir, 'audit.log')), rooms.self);
  const { policyHash } = rooms.config.current().state;
  await record(rooms, ground, { ...run.started, input: { ...run.started.input, policyHash, grants: rooms.grants.change() } });
  const key = ensureControlKey(ground.configDir);
  const here = headCount(presence);
  const socket = await openSocket({
    address: brokerAddress(ground.configDir), version, key,
    number: here.number,
    welcome: (connection, guest) => welcome(rooms, handlers, presence, language, connection, guest),
    turnedAway: (error, guest) => turnedAway(rooms, error, guest),
    counted: here.bySocket,
  });
  const http = await followHttp(rooms, ground, { presence, proof: proofRooms(rooms), number: here.number, counted: here.byHttp });
  // Approved tools are listed without their servers, so the first agent is answered before these compete with it; a call starts its server at once.
  const starting = setTimeout(() => void rooms.external.backends.start(), firstStartsMs);
  ground.logger.info('the broker is open', { version, pid: process.pid, configDir: ground.configDir });
  return {
    onLeave: (leave) => { presence.leave = leave; },
    close: async (why) => {
      clearTimeout(starting);
      presence.close();
      rooms.desk.close('The broker is ending.');
      await rooms.pipeline.close();
      await presence.quiet(lastCalls);
      // Nothing that was started here goes on without its time limit; what is ended now still gets its outcome.
      await rooms.external.backends.close();
      await endOwnRuns(ground.configDir);
      await presence.quiet(lastOutcomes);
      // The last outcomes are on their way through the doors.
      await new Promise((resolve) => setImmediate(resolve));
      // While the windows are still here, since they hold the better key.
      await rooms.refusals.close();
      const metrics = rooms.provenance.measured();
      await rooms.signing.seal(() => record(rooms, ground, run.stopped(why, metrics === undefined ? {} : { metrics: `sha256:${metrics}` })));
      await http.close();
      await socket.close();
      await rooms.signing.close();
      rooms.config.close();
      rooms.registry.close();
      rooms.logFiles.stop();
      rooms.breakers.dispose();
      rooms.grants.close();
      await rooms.credentials.store.close();
      await rooms.writer.close();
    },
  };
}

/** Appends an entry of the house itself; a log that cannot be written is told to the broker's own log. */
async function record(rooms: Built, ground: Ground, entry: NewEntry): Promise<void> {
  try {
    await rooms.writer.append(entry);
  } catch (thrown) {
    ground.logger.error('the audit log cannot be written', { error: toConductorError(thrown).message });
  }
}

async function proveDoors(rooms: Built, ground: Ground, handlers: Handlers): Promise<DoorProof[]> {
  const proofHouse = agentHouse(proofRooms(rooms), { connection: 0, project: __dirname });
  const nobody = (): void => undefined;
  // A proof that cannot be made is none.
  const [agent, editor, terminal, requests, introduction] = await Promise.all([
    proveAgentDoor(proofHouse, ground.configDir).then((proven) => proven && !rooms.proof.breached()),
    proveMessageDoor((stream, guest, served) => void serveEditor(stream, guest, served, { attach: () => ({}) }, version, nobody, rooms.cleanForPeople), handlers),
    proveMessageDoor((stream, guest, served) => void serveTerminal(stream, guest, served, nobody, rooms.cleanForPeople), handlers),
    proveRequests(handlers),
    proveReception(ensureControlKey(ground.configDir)),
  ].map((proof) => proof.catch(() => false))) as [boolean, boolean, boolean, boolean, boolean];
  return [doorProof('agent', agent), doorProof('editor', editor && requests), doorProof('terminal', terminal && requests), doorProof('introduction', introduction)];
}

/** Numbers connections, and adds up who came through which door. */
function headCount(presence: Presence): Readonly<{ number(): number; bySocket(guests: readonly Guest[]): void; byHttp(guests: readonly Guest[]): void }> {
  let count = 0;
  const present: Record<'socket' | 'http', readonly Guest[]> = { socket: [], http: [] };
  const counted = (door: 'socket' | 'http', guests: readonly Guest[]): void => {
    present[door] = guests;
    presence.counted([...present.socket, ...present.http]);
  };
  counted('socket', []);
  return { number: () => (count += 1), bySocket: (guests) => counted('socket', guests), byHttp: (guests) => counted('http', guests) };
}

/** What agents see of the house, over rooms that leave no trace. */
function proofRooms(rooms: Built): AgentRooms {
  return { ...rooms.agents, pipeline: rooms.proof.pipeline, refused: () => undefined, running: () => undefined, ended: () => undefined };
}

function doorProof(door: string, open: boolean): DoorProof {
  return { door, open, message: open ? 'A forbidden call was refused at this door.' : 'A forbidden call was not refused at this door, so it stays shut. Please report this.' };
}

/** What the files of external servers are held against. */
function knowledgeOf(registry: OpenRegistry, configDir: string): ExternalKnowledge {
  return {
    configDir,
    backends: () => new Map([...registry.known().keys()].map((name) => [name, { tools: registry.offered(name)?.map(({ name: tool }) => tool).filter((tool) => !isSaid(tool)).concat(permitNames), missingEnv: registry.missingEnv(name) }])),
    strict: () => registry.mode().strict,
  };
}

/** Windows and terminals come through the introduction, which only they have to prove something at. */
function isShut(presence: Presence, door: string): boolean {
  const shut = (name: string): boolean => presence.doors.find((one) => one.door === name)?.open !== true;
  return shut(door) || (door !== 'agent' && shut('introduction'));
}

/** What editors are told about the configuration and about files of the log. */
function languageOf(rooms: Built, ground: Ground, verifications: Verifications): (connection: Connection) => AttachedLanguage {
  const log = createAuditLogLanguage({ log: join(ground.configDir, 'audit.log'), verified: () => verifications.last() });
  const credentials = (): CredentialState => rooms.credentials.store.state();
  return (connection) => attachLanguage(connection, { configFile: rooms.config.current().state.file, tools: [...rooms.tools.keys()], credentials, external: { ...knowledgeOf(rooms.registry, ground.configDir), credentials }, onCredentials: (listener) => rooms.credentials.store.onKnown(listener), log, onVerified: (listener) => verifications.onMade(listener) });
}

function welcome(rooms: Built, handlers: Handlers, presence: Presence, languageAt: ReturnType<typeof languageOf>, socket: Socket, guest: Guest): void {
  const door = guest.role === 'agent' ? 'agent' : guest.role === 'editor' ? 'editor' : 'terminal';
  if (isShut(presence, door)) {
    rooms.refusals.note({ actor: actorOf(guest, rooms), tool: 'broker.turnedAway', input: { door }, rule: 'door.shut', reason: 'The proof of this door failed, so it stays shut.' });
    return void socket.destroy();
  }
  if (guest.role === 'agent') return welcomeAgent({ ...rooms.agents, running: (change) => presence.running(change) }, socket, guest);
  const refused: Refused = ({ method, reason }) => rooms.refusals.note({ actor: actorOf(guest, rooms), tool: `${door}.message`, input: method === undefined ? {} : { method }, rule: `${door}.refused`, reason });
  const language = {
    attach: (connection: Connection) => {
      const attached = languageAt(connection);
      socket.on('close', () => attached.dispose());
      return attached.capabilities;
    },
  };
  const editor = guest.role === 'editor' ? serveEditor(socket, guest, handlers, language, version, refused, rooms.cleanForPeople) : undefined;
  const left = rooms.audience.join(editor ?? serveTerminal(socket, guest, handlers, refused, rooms.cleanForPeople));
  const signerLeft = editor === undefined ? () => undefined : rooms.signing.joined(editor);
  socket.on('close', () => {
    left();
    signerLeft();
    rooms.desk.leave(guest.connection);
    rooms.approverKeys.left(guest.connection);
    void rooms.credentials.store.left(guest.connection);
  });
}

function turnedAway(rooms: Built, { code, message, data }: ConductorError, guest: Guest | undefined): void {
  // Whoever hung up by itself was not refused.
  if (code === 'BROKER_UNAVAILABLE' && data['late'] !== true) return;
  const claims = data['claims'] as Claims | undefined;
  const { client, window } = claims ?? {};
  const stranger: Actor = { role: 'stranger', ...(client === undefined ? {} : { client }), ...(window === undefined ? {} : { window }), user: rooms.self.user };
  const rule = guest !== undefined ? 'door.full' : code === 'UNAUTHORIZED' ? (claims === undefined ? 'door.crowded' : 'door.proof') : code === 'BROKER_UNAVAILABLE' ? 'door.late' : 'door.nonsense';
  rooms.refusals.note({ actor: guest === undefined ? stranger : actorOf(guest, rooms), tool: 'broker.turnedAway', input: { code, ...(claims === undefined ? {} : { role: claims.role }) }, rule, reason: message });
}

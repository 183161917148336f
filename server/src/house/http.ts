import { join } from 'node:path';
import type { Config } from '../../../protocol/src/config';
import { toConductorError } from '../../../protocol/src/errors';
import { httpDoor, listenOn } from '../doors/http/door';
import type { HttpHouse } from '../doors/http/house';
import { AgentLine } from '../doors/http/line';
import { proveHttpDoor } from '../doors/http/prove';
import { ensureHttpToken, httpTokenFile } from '../doors/http/token';
import type { Guest } from '../doors/socket';
import { agentHouse, type AgentRooms } from './agents';
import type { Presence } from './presence';
import type { Built, Ground } from './rooms';

/** Opens the HTTP door when the configuration says so, and closes it when it no longer does. */

/** What it needs besides the rooms. */
export type HttpNeeds = Readonly<{ presence: Presence; /** Rooms that take the real decisions but leave no trace and ask nobody. */ proof: AgentRooms; /** The next number of a connection. */ number(): number; /** Hears who is here by HTTP. */ counted(guests: readonly Guest[]): void }>;

type Settings = Pick<Config['server'], 'transport' | 'port' | 'allowedOrigins' | 'requestsPerMinute'>;

/** Follows the configuration until it is closed. Resolves when the door stands as the configuration of now says. Never rejects. */
export async function followHttp(rooms: Built, ground: Ground, needs: HttpNeeds): Promise<{ close(): Promise<void> }> {
  let open: { close(): Promise<void> } | undefined;
  let present = '';
  let ended = false;
  const apply = async (): Promise<void> => {
    const { transport, port, allowedOrigins, requestsPerMinute } = rooms.config.current().config.server;
    const settings = JSON.stringify({ transport, port, allowedOrigins, requestsPerMinute });
    needs.presence.settingsChanged();
    if (settings === present && !ended) return;
    present = settings;
    await open?.close();
    open = undefined;
    showDoor(needs.presence, undefined);
    if (transport === 'http' && !ended) open = await openOne(rooms, ground, needs, { transport, port, allowedOrigins, requestsPerMinute });
  };
  let last = apply();
  const soon = (): Promise<void> => (last = last.then(apply));
  const stop = rooms.onPolicyChange(() => void soon());
  await last;
  return {
    close: async () => {
      stop();
      ended = true;
      await soon();
    },
  };
}

async function openOne(rooms: Built, ground: Ground, needs: HttpNeeds, { port, allowedOrigins, requestsPerMinute }: Settings): Promise<{ close(): Promise<void> } | undefined> {
  try {
    const proven = await proveHttpDoor(houseOf(needs.proof, rooms, { number: () => 0, counted: () => undefined }, __dirname), ground.configDir).catch(() => false);
    if (!proven || rooms.proof.breached()) return void shut(rooms, ground, needs, 'A forbidden request was not refused at this door, so it stays shut. Please report this.');
    const token = ensureHttpToken(ground.configDir);
    rooms.hide(token);
    const running = { ...rooms.agents, running: (change: 1 | -1) => needs.presence.running(change) };
    const listening = await listenOn(httpDoor({ rules: { port, token, allowedOrigins, requestsPerMinute }, house: houseOf(running, rooms, needs), now: () => performance.now() }), port);
    showDoor(needs.presence, { open: true, message: `Open at http://127.0.0.1:${String(port)}/mcp with the token in ${join(ground.configDir, httpTokenFile)}. A forbidden call was refused at this door.` });
    return listening;
  } catch (thrown) {
    return void shut(rooms, ground, needs, `It cannot be opened at port ${String(port)}: ${toConductorError(thrown).message}`);
  }
}

function shut(rooms: Built, ground: Ground, { presence }: HttpNeeds, message: string): void {
  ground.logger.error('a door stays shut', { door: 'http', why: message });
  rooms.refusals.note({ actor: rooms.self, tool: 'broker.door', input: { door: 'http' }, rule: 'door.shut', reason: message });
  showDoor(presence, { open: false, message });
}

function showDoor(presence: Presence, shown: Readonly<{ open: boolean; message: string }> | undefined): void {
  presence.doors = [...presence.doors.filter(({ door }) => door !== 'http'), ...(shown === undefined ? [] : [{ door: 'http', ...shown }])];
}

/** The house as the door sees it. `folder` is the project of agents that name none. */
function houseOf(agents: AgentRooms, { registry, refusals, self }: Built, { number, counted }: Pick<HttpNeeds, 'number' | 'counted'>, folder?: string): HttpHouse {
  const guests = new Set<Guest>();
  return {
    knows: (backend) => registry.known().has(backend),
    line({ only, project = folder }, close) {
      const guest: Guest = { role: 'agent', version: '', connection: number(), ...(project === undefined ? {} : { project }) };
      guests.add(guest);
      counted([...guests]);
      const left = (): void => {
        guests.delete(guest);
        counted([...guests]);
        agents.ended(guest.connection);
      };
      return { line: new AgentLine(agentHouse(agents, { ...guest, ...(only === undefined ? {} : { only }) }), () => performance.now(), close), left };
    },
    schemaOf: (house, tool) => agents.pipeline.tools.get(house.toolNamed(tool))?.descriptor?.['inputSchema'],
    refused({ rule, reason, method }) {
      if (folder !== undefined) return; // a proof
      refusals.note({ actor: { role: 'stranger', user: self.user }, tool: 'http.request', input: method === undefined ? {} : { method: method.slice(0, 200) }, rule, reason });
    },
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { ConductorError } from '../../../../protocol/src/errors';
import { isRecord, type Answer } from '../../base/frames';
import { version } from '../../base/version';
import type { Peer } from './peer';

/** How a connection begins: with the newest revision of MCP that the backend accepts. */

/** Revisions with a session that are spoken, newest first. */
const sessionRevisions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'];
/** The revision without sessions. */
export const statelessRevision = '2026-07-28';

/** What a backend said of itself. */
export type Introduced = Readonly<{
  era: 'session' | 'stateless';
  revision: string;
  capabilities: Readonly<Record<string, unknown>>;
  info: Readonly<Record<string, unknown>>;
  instructions?: string;
}>;

/** Names of the stateless revision in `_meta`. */
const envelope = { version: 'io.modelcontextprotocol/protocolVersion', capabilities: 'io.modelcontextprotocol/clientCapabilities', client: 'io.modelcontextprotocol/clientInfo', server: 'io.modelcontextprotocol/serverInfo' } as const;

/** Who we say we are. */
const self = { name: 'conductor', title: 'Conductor', version };

/** Milliseconds of silence after the question that only newer backends know, before the older one is asked as well. */
const discoverMs = 3000;

/**
 * Asks for the newest revision first; a backend that does not know the question is introduced to in the older way, in place. `older` skips
 * the question, for one that took it badly. Rejects with INCOMPATIBLE, or with what the connection failed of.
 */
export async function introduce(peer: Peer, declared: Readonly<Record<string, unknown>>, timeoutMs: number, older: boolean): Promise<Introduced> {
  if (older) return await initialize(peer, declared, timeoutMs);
  const enough = new AbortController();
  const asked = peer.request('server/discover', { _meta: addressed({}, {}) }, { timeoutMs, signal: enough.signal }).then(discovered);
  try {
    const soon = await Promise.race([asked, sleep(discoverMs, 'silent' as const, { signal: enough.signal, ref: false })]);
    if (soon === undefined) return await initialize(peer, declared, timeoutMs);
    if (soon !== 'silent') return soon;
    // One that says nothing to what it does not know is asked in the older way; one that was only slow has answered the first question by then.
    const newer = asked.then((found) => found ?? new Promise<never>(() => undefined), () => new Promise<never>(() => undefined));
    return await Promise.race([newer, initialize(peer, declared, timeoutMs)]);
  } finally {
    asked.catch(() => undefined);
    enough.abort();
  }
}

async function initialize(peer: Peer, declared: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<Introduced> {
  const answer = await peer.request('initialize', { protocolVersion: sessionRevisions[0], capabilities: declared, clientInfo: self }, { timeoutMs });
  if (answer.kind === 'error') throw new ConductorError('INCOMPATIBLE', `The server refused to be introduced to: ${answer.error.message.slice(0, 300)}`);
  const { protocolVersion, capabilities, serverInfo, instructions } = answer.result;
  const revision = sessionRevisions.find((one) => one === protocolVersion);
  if (revision === undefined) throw new ConductorError('INCOMPATIBLE', `The server speaks a revision that is not known here: ${String(protocolVersion).slice(0, 50)}`);
  peer.agreed(revision);
  peer.notify('notifications/initialized', {});
  return introduced('session', revision, capabilities, serverInfo, instructions);
}

function discovered(answer: Answer): Introduced | undefined {
  if (answer.kind === 'error') return undefined;
  const { supportedVersions, capabilities, instructions, _meta } = answer.result;
  if (!Array.isArray(supportedVersions) || !supportedVersions.includes(statelessRevision)) return undefined;
  return introduced('stateless', statelessRevision, capabilities, isRecord(_meta) ? _meta[envelope.server] : undefined, instructions);
}

function introduced(era: Introduced['era'], revision: string, capabilities: unknown, info: unknown, instructions: unknown): Introduced {
  return { era, revision, capabilities: isRecord(capabilities) ? capabilities : {}, info: isRecord(info) ? info : {}, ...(typeof instructions === 'string' ? { instructions } : {}) };
}

/** `_meta` of a request to a backend without sessions: what the client sent, and what this revision wants of every request. */
export function addressed(given: Readonly<Record<string, unknown>>, capabilities: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { ...given, [envelope.version]: statelessRevision, [envelope.capabilities]: capabilities, [envelope.client]: self };
}

/** `_meta` of a request to a backend with a session: without what only the other revision knows. */
export function unaddressed(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => ![envelope.version, envelope.capabilities, envelope.client].some((one) => one === name)));
}

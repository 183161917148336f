import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { gate, type GateRefusal, type GateRules } from './gate';
import type { HttpHouse } from './house';
import { Lines, type Place } from './lines';
import { sessionOf, takePost } from './post';
import { Rate } from './rate';
import { sendJson, sendLast } from './reply';

/** The door for agents that speak MCP over HTTP: on the loopback address only, for who has the token. It translates and decides nothing. */

/** What the door needs. */
export type HttpDoorOptions = Readonly<{ rules: Omit<GateRules, 'knows'> & Readonly<{ /** Requests of those who have the token that are served in a minute. */ requestsPerMinute: number }>; house: HttpHouse; /** Monotonic milliseconds. */ now(): number }>;

/** A server that listens nowhere yet, and what ends the agents that came through it. */
export type HttpDoor = Readonly<{ server: Server; end(): void }>;

/** Most connections at a time. */
const connectionLimit = 256;
/** Milliseconds for the head of a request, and for all of it. */
const patience = { headersTimeout: 10_000, requestTimeout: 60_000 } as const;

/** Makes the door. */
export function httpDoor({ rules, house, now }: HttpDoorOptions): HttpDoor {
  const lines = new Lines(now);
  const rate = new Rate(rules.requestsPerMinute, now);
  const answer: RequestListener = (request, response) => {
    response.on('error', () => undefined);
    const gated = gate(request, { ...rules, knows: (backend) => house.knows(backend) });
    if (gated.kind === 'out') return turnAway(house, request, response, gated);
    const wait = rate.wait();
    if (wait > 0) return turnAway(house, request, response, { kind: 'out', status: 429, rule: 'http.rate', reason: `More than ${String(rules.requestsPerMinute)} requests came within a minute (server.requestsPerMinute).`, headers: { 'Retry-After': String(wait) } });
    serve({ request, response, place: { only: gated.only, project: projectOf(request) }, lines, house }).catch(() => response.destroy());
  };
  const server = createServer({ ...patience, maxHeaderSize: 16 * 1024 }, answer);
  server.maxConnections = connectionLimit;
  return { server, end: () => lines.end() };
}

/** Listens on the loopback address; the result closes the door and every connection. Rejects with the system's error, for instance when the port is taken. */
export async function listenOn({ server, end }: HttpDoor, port: number): Promise<{ close(): Promise<void> }> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ port, host: '127.0.0.1', exclusive: true }, resolve));
  return {
    close: () =>
      new Promise((resolve) => {
        end();
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 500).unref();
      }),
  };
}

async function serve(asked: Readonly<{ request: IncomingMessage; response: ServerResponse; place: Place; lines: Lines; house: HttpHouse }>): Promise<void> {
  const { request, response, place, lines } = asked;
  if (request.method === 'POST') return await takePost(asked);
  request.resume();
  // The revision without sessions has no other methods.
  if (request.headers['mcp-session-id'] === undefined) return sendJson(response, 405, failure('Without a session only POST is served.'), { Allow: 'POST' });
  const line = sessionOf(asked, null);
  if (line === undefined) return;
  if (request.method === 'GET') {
    if (!line.listen(response, heardLast(request))) sendJson(response, 409, failure('The stream of this session is open already.'));
    return;
  }
  lines.close(String(request.headers['mcp-session-id']), place);
  response.writeHead(204).end();
}

/** The number of the last event that a client heard of the stream of its session, before it lost it. */
function heardLast({ headers }: IncomingMessage): number | undefined {
  const given = headers['last-event-id'];
  return typeof given === 'string' && /^[0-9]{1,15}$/.test(given) ? Number(given) : undefined;
}

function turnAway(house: HttpHouse, request: IncomingMessage, response: ServerResponse, { status, rule, reason, headers }: GateRefusal): void {
  house.refused({ rule, reason });
  sendLast(request, response, status, failure(reason), headers);
}

/** Folder in which the agent works, as its configuration says; percent-encoded where it is not plain. */
function projectOf({ headers }: IncomingMessage): string | undefined {
  const given = headers['conductor-project'];
  if (typeof given !== 'string') return undefined;
  try {
    return decodeURIComponent(given);
  } catch {
    return given;
  }
}

function failure(message: string): object {
  return { jsonrpc: '2.0', id: null, error: { code: -32_600, message } };
}

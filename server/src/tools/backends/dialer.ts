import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { ConductorError } from '../../../../protocol/src/errors';
import { addressFlaw, destinationOf, isListed, type Destination } from '../../rules/backends/egress';

/** The only way out over HTTP: to listed hosts, at the very address that was checked, on each connection and after each redirect (T70). */

/** One request. */
export type Dialled = Readonly<{ method: 'GET' | 'POST' | 'DELETE'; url: string; headers: Readonly<Record<string, string>>; body?: string; signal?: AbortSignal }>;

/** Finds the addresses of a name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** Requests to the hosts of one list. */
export type Dialer = Readonly<{
  /** Resolves with the head of the answer; its body is still to be read. Rejects with DENIED for what the list does not allow, else with BACKEND_UNAVAILABLE. */
  dial(request: Dialled): Promise<IncomingMessage>;
  /** Closes what is kept open. */
  close(): void;
}>;

/** Redirects that are followed. Only those that keep method and body are. */
const mostRedirects = 3;
/** Milliseconds until the head of an answer must be there, for requests that set no limit of their own. */
const headMs = 300_000;

/** Asks the system. */
export const resolveBySystem: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/** Makes a dialer for a list of hosts. */
export function createDialer(allowed: readonly string[], resolve: Resolve = resolveBySystem): Dialer {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  const dial = async (request: Dialled, redirects: number): Promise<IncomingMessage> => {
    const to = destinationOf(request.url);
    if (to === undefined) throw new ConductorError('DENIED', `${request.url.slice(0, 200)} is no address that may be connected to.`);
    const address = await checkedAddress(allowed, to, resolve);
    const answer = await send(request, to, address, to.secure ? agents.https : agents.http);
    const { statusCode = 0, headers } = answer;
    if (![307, 308].includes(statusCode) || headers.location === undefined) return answer;
    answer.resume();
    if (redirects >= mostRedirects) throw new ConductorError('BACKEND_UNAVAILABLE', 'The server redirects in circles.');
    const next = new URL(headers.location, request.url);
    // What was meant for one host is not told to another.
    const kept = next.origin === new URL(request.url).origin ? request.headers : Object.fromEntries(Object.entries(request.headers).filter(([name]) => ['accept', 'content-type', 'mcp-protocol-version'].includes(name.toLowerCase())));
    return await dial({ ...request, url: next.href, headers: kept }, redirects + 1);
  };
  return { dial: (request) => dial(request, 0), close: () => (agents.http.destroy(), agents.https.destroy()) };
}

/** The one address that is connected to: every address of the name must be allowed, so that none can be slipped in. Rejects with DENIED, or BACKEND_UNAVAILABLE for a name that is not found. */
export async function checkedAddress(allowed: readonly string[], to: Destination, resolve: Resolve): Promise<string> {
  if (!isListed(allowed, to)) throw new ConductorError('DENIED', `The host ${to.host}:${String(to.port)} is not in the egress_allowlist of this server.`);
  const bare = to.host.replace(/^\[(.*)\]$/, '$1');
  const literal = bare !== to.host || /^[0-9.]+$/.test(bare);
  const addresses = literal ? [bare] : await resolve(to.host).catch((thrown: unknown) => Promise.reject(new ConductorError('BACKEND_UNAVAILABLE', `The host ${to.host} is not found.`, { cause: thrown })));
  const flaw = addresses.map((address) => addressFlaw(allowed, to, address)).find((one) => one !== undefined);
  const [first] = addresses;
  if (flaw !== undefined || first === undefined) throw new ConductorError('DENIED', `${flaw ?? `${to.host} has no address`}, which the egress_allowlist does not name.`);
  return first;
}

function send({ method, url, headers, body, signal }: Dialled, { host, secure }: Destination, address: string, agent: HttpAgent | HttpsAgent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { method, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) }, agent, lookup: pinnedTo(address), timeout: headMs, ...(signal === undefined ? {} : { signal }), ...(secure ? { servername: /^[0-9.]+$|:/.test(host) ? '' : host } : {}) };
    const outgoing = (secure ? httpsRequest : httpRequest)(url, options, resolve);
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', (error) => reject(new ConductorError(signal?.aborted === true ? 'CANCELLED' : 'BACKEND_UNAVAILABLE', `The server could not be reached: ${error.message}`, { cause: error })));
    outgoing.end(body);
  });
}

/** Asked by the socket: it gets the address that was checked and nothing is looked up again. */
export function pinnedTo(address: string): LookupFunction {
  return (_, options, done) => {
    const family = address.includes(':') ? 6 : 4;
    if (options.all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };
}

import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMessageConnection, ErrorCodes, ResponseError, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { receive } from '../../../link/src/reception';
import { requests, type RequestName } from '../../../protocol/src/messages';
import type { Role } from '../../../protocol/src/roles';
import { serveRequests, whenGone, type Handlers, type Wire } from './requests';
import type { Guest } from './socket';

/** At start the doors of windows and terminals, and the socket before them, show that they refuse who may not decide (T92). */

/** How long a proof may take, in milliseconds. */
const patience = 5000;

/** A door that serves our messages over a stream. */
export type MessageDoor = (stream: Duplex, guest: Guest, handlers: Handlers) => void;

/**
 * Sends through this door, in the place of somebody who only looks, every request that decides, in that of an agent one that looks, and one
 * that nobody serves. Each must come back as a refusal, before any handler saw it.
 */
export async function proveMessageDoor(serve: MessageDoor, handlers: Handlers): Promise<boolean> {
  let reached = false;
  const traps = new Proxy(handlers, { get: () => () => { reached = true; } });
  const names = Object.keys(requests) as RequestName[];
  const deciding = names.filter((name) => requests[name].right === 'decide');
  const proven = await Promise.all([refusesAll(serve, traps, 'viewer', deciding), refusesAll(serve, traps, 'agent', ['approvals/list', 'audit/page', 'approvals/decide'])]);
  return proven.every((one) => one) && !reached;
}

/** The same without a stream for every request that there is, in the place of an agent. */
export async function proveRequests(handlers: Handlers): Promise<boolean> {
  const served = new Map<string, Parameters<Wire['onRequest']>[1]>();
  let reached = false;
  const traps = new Proxy(handlers, { get: () => () => { reached = true; } });
  const wire: Wire = { onRequest: (name, handler) => served.set(name, handler), sendNotification: () => Promise.resolve() };
  const never = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose: () => undefined }) };
  serveRequests(wire, traps, { role: 'agent', version: '0', connection: 0 }, whenGone({ on: () => undefined }), () => undefined);
  const refused = await Promise.all(Object.keys(requests).map(async (name) => (await served.get(name)?.({}, never).then(() => undefined, (thrown: unknown) => thrown)) ?? undefined));
  return refused.every((error) => error instanceof ResponseError && isOfRole(error)) && !reached;
}

async function refusesAll(serve: MessageDoor, handlers: Handlers, role: Role, names: readonly RequestName[]): Promise<boolean> {
  const [ours, theirs] = streamPair();
  const connection = createMessageConnection(new StreamMessageReader(ours), new StreamMessageWriter(ours));
  const refused = async (method: string, fits: (error: ResponseError<unknown>) => boolean): Promise<boolean> => {
    const error = await connection.sendRequest(method, {}).then(() => undefined, (thrown: unknown) => thrown);
    return error instanceof ResponseError && fits(error);
  };
  try {
    serve(theirs, { role, version: '0', connection: 0 }, handlers);
    connection.listen();
    const all = Promise.all([...names.map((name) => refused(name, isOfRole)), refused('conductor/proof', ({ code }) => code === ErrorCodes.MethodNotFound)]);
    return await Promise.race([all.then((each) => each.every((one) => one)), sleep(patience, false, { ref: false })]);
  } finally {
    connection.dispose();
    ours.destroy();
    theirs.destroy();
  }
}

/** A request with senseless parameters is refused anyway; only the refusal of the role proves something. */
function isOfRole({ data }: ResponseError<unknown>): boolean {
  return typeof data === 'object' && data !== null && 'code' in data && data.code === 'UNAUTHORIZED';
}

/** Claims to be a window and a terminal with a proof that was made up: the socket must turn both away. */
export async function proveReception(key: Buffer, receiveOne: typeof receive = receive): Promise<boolean> {
  const tries = (['editor', 'cli', 'viewer'] as const).map(async (role) => {
    const [ours, theirs] = streamPair();
    ours.resume();
    ours.write(`${JSON.stringify({ role, version: '0', nonce: '0'.repeat(64), proof: '0'.repeat(64) })}\n`);
    const refused = receiveOne(theirs, { version: '0', key }).then(() => false, () => true);
    return await Promise.race([refused, sleep(patience, false, { ref: false })]).finally(() => (ours.destroy(), theirs.destroy()));
  });
  return (await Promise.all(tries)).every((one) => one);
}

/** Two ends of one connection without a socket: what is written to one is read from the other. */
function streamPair(): readonly [Duplex, Duplex] {
  const end = (other: () => Duplex): Duplex => new Duplex({ read: () => undefined, write: (chunk, _encoding, next) => { other().push(chunk); next(); }, final: (next) => { other().push(null); next(); } });
  const one: Duplex = end(() => two);
  const two: Duplex = end(() => one);
  return [one, two];
}

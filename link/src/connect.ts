import { connect as openSocket, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConductorError } from '../../protocol/src/errors';
import { brokerAddress } from './address';
import { readControlKey } from './controlKey';
import { introduce, type Introduction } from './handshake';
import { ensurePrivateFolder } from './privateFolder';
import { startBroker, type BrokerProgram, type Started } from './startBroker';

/** How to reach a broker. Without `program`, none is started. */
export type Route = Readonly<{
  configDir: string;
  who: Omit<Introduction, 'key'>;
  program?: BrokerProgram;
  /** Milliseconds until giving up. Default: 10000. */
  timeoutMs?: number;
  signal?: AbortSignal;
}>;

/** A connection after the introduction; it flows as soon as somebody reads it, so that nothing is lost before. */
export type Link = Readonly<{ socket: Socket; brokerVersion: string }>;

// Between attempts, in milliseconds: short, since a broker is up within a fraction of a second, and several starters may race.
const pause = 20;
// A broker that has not appeared after this many milliseconds is started once more: the first may have lost the race against one that was just ending.
const restartAfter = 1500;

/** Connects to the broker of the configuration folder, starting it when none answers. Throws BROKER_UNAVAILABLE after the time-out, UNAUTHORIZED or INCOMPATIBLE at once. */
export async function connectToBroker(route: Route): Promise<Link> {
  const deadline = performance.now() + (route.timeoutMs ?? 10_000);
  let lastStart = -Infinity;
  let started: Started | undefined;
  for (;;) {
    const failure = await attempt(route);
    if (!(failure instanceof ConductorError)) return failure;
    if (failure.code === 'INCOMPATIBLE' || failure.code === 'UNAUTHORIZED') throw failure;
    if (route.program === undefined || performance.now() > deadline || route.signal?.aborted === true) throw failure;
    const ended = started?.failure();
    if (ended !== undefined) throw new ConductorError('BROKER_UNAVAILABLE', `The broker does not start: ${ended}`, { cause: failure });
    if (performance.now() - lastStart > restartAfter) {
      ensurePrivateFolder(route.configDir);
      started = startBroker(route.program, route.configDir);
      lastStart = performance.now();
    }
    await sleep(pause);
  }
}

// A broker that has gone leaves its socket file behind; a refused connection means the same as a missing file.
async function attempt(route: Route): Promise<Link | ConductorError> {
  const opened = await open(brokerAddress(route.configDir));
  if (opened instanceof ConductorError) return opened;
  try {
    const key = route.who.role === 'agent' ? undefined : readControlKey(route.configDir);
    if (route.who.role !== 'agent' && key === undefined) throw new ConductorError('BROKER_UNAVAILABLE', 'There is no control key yet.');
    const brokerVersion = await introduce(opened, { ...route.who, ...(key === undefined ? {} : { key }) });
    flowWhenRead(opened);
    return { socket: opened, brokerVersion };
  } catch (error) {
    opened.destroy();
    if (error instanceof ConductorError) return error;
    throw error;
  }
}

// A socket that was paused by hand stays so when a reader is attached; libraries that take one over do not expect that.
function flowWhenRead(socket: Socket): void {
  const onListener = (event: string | symbol): void => {
    if (event !== 'data') return;
    socket.off('newListener', onListener);
    process.nextTick(() => socket.resume());
  };
  socket.on('newListener', onListener);
}

function open(address: string): Promise<Socket | ConductorError> {
  return new Promise((resolve) => {
    const socket = openSocket(address);
    socket.setNoDelay(true);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      // From here on every reader attaches its own handler; until then an error only ends the connection.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', (error) => resolve(new ConductorError('BROKER_UNAVAILABLE', `No broker answers at ${address} (${error.message}).`, { cause: error })));
  });
}

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ConductorError } from '../../protocol/src/errors';
import { helloLimit, proofText, readGreeting, readWelcome } from '../../protocol/src/hello';
import type { Hello } from '../../protocol/src/helloSchema';
import type { Role } from '../../protocol/src/roles';
import { LineCutter } from './lines';

/** Milliseconds that either side waits for the other's next line. */
const patience = 5000;

/** Who a client is. `key` (32 bytes) is needed for every role but `agent`. */
export type Introduction = Readonly<{ role: Role; version: string; key?: Buffer; client?: string; window?: string; project?: string; session?: Hello['session'] }>;

/** The client's half: answers the greeting and checks the broker's proof. Resolves with the broker's version. Throws UNAUTHORIZED, INCOMPATIBLE or BROKER_UNAVAILABLE. */
export async function introduce(socket: Duplex, who: Introduction): Promise<string> {
  const greeting = understood(readGreeting(parseJson(await readLine(socket))));
  const nonce = randomBytes(32).toString('hex');
  const proof = who.key === undefined ? undefined : proofOf(who.key, 'client', who.role, greeting.nonce, nonce);
  send(socket, {
    role: who.role,
    version: who.version,
    nonce,
    ...(proof === undefined ? {} : { proof }),
    ...(who.client === undefined ? {} : { client: who.client }),
    ...(who.window === undefined ? {} : { window: who.window }),
    ...(who.project === undefined ? {} : { project: who.project }),
    ...(who.session === undefined ? {} : { session: who.session }),
  });
  const welcome = understood(readWelcome(parseJson(await readLine(socket))));
  if (!welcome.welcome) throw new ConductorError(welcome.code === 'INCOMPATIBLE' ? 'INCOMPATIBLE' : 'UNAUTHORIZED', welcome.message);
  if (who.key !== undefined && !sameHex(welcome.proof ?? '', proofOf(who.key, 'broker', who.role, greeting.nonce, nonce)))
    throw new ConductorError('UNAUTHORIZED', 'Whoever listens on the broker address does not hold the control key.');
  return welcome.version;
}

/** Proof of the key for one side of one exchange: 64 hex digits. */
export function proofOf(key: Buffer, side: 'client' | 'broker', role: Role, brokerNonce: string, clientNonce: string): string {
  return createHmac('sha256', key).update(proofText(side, role, brokerNonce, clientNonce)).digest('hex');
}

/** Compares two hex texts in constant time. */
export function sameHex(given: string, expected: string): boolean {
  const a = Buffer.from(given, 'hex');
  const b = Buffer.from(expected, 'hex');
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Sends one line of the introduction. */
export function send(socket: Duplex, value: object): void {
  socket.write(`${JSON.stringify(value)}\n`);
}

/** The value of a line, undefined when it is not JSON. */
export function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function understood<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new ConductorError('INCOMPATIBLE', 'The other side speaks another version of the protocol. Update Conductor everywhere, then reload.');
  return value;
}

/** Reads exactly one line and leaves the socket paused with everything after it unread. */
export function readLine(socket: Duplex): Promise<string> {
  const cutter = new LineCutter(helloLimit);
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      socket.pause();
      socket.off('data', onData).off('error', onEnd).off('close', onEnd);
      act();
    };
    const onData = (chunk: Buffer): void => {
      const end = chunk.indexOf(0x0a);
      const head = end === -1 ? chunk : chunk.subarray(0, end + 1);
      for (const framed of cutter.push(head)) {
        finish(() => {
          if (end !== -1 && end + 1 < chunk.length) socket.unshift(chunk.subarray(end + 1));
          if (framed.kind === 'line') resolve(framed.line.toString('utf8'));
          else reject(new ConductorError('TOO_LARGE', 'The first line is too long.'));
        });
        return;
      }
    };
    const onEnd = (): void => finish(() => reject(new ConductorError('BROKER_UNAVAILABLE', 'The connection ended before it was established.')));
    const timer = setTimeout(() => finish(() => reject(new ConductorError('BROKER_UNAVAILABLE', 'The other side did not answer in time.', { data: { late: true } }))), patience);
    socket.on('data', onData).once('error', onEnd).once('close', onEnd);
    socket.resume();
  });
}

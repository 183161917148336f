import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ConductorError } from '../../protocol/src/errors';
import { helloVersion } from '../../protocol/src/hello';
import { helloSchema, type Hello } from '../../protocol/src/helloSchema';
import type { Role } from '../../protocol/src/roles';
import { parseJson, proofOf, readLine, sameHex, send } from './handshake';

/** What the broker learned of a new connection. */
export type Visitor = Readonly<{ role: Role; version: string; client?: string; window?: string; project?: string; session?: Hello['session'] }>;

/** What somebody who could not prove it says of itself; in `data.claims` of the refusal. */
export type Claims = Readonly<{ role: Role; client: string | undefined; window: string | undefined }>;

/** The broker's half: greets, checks role and proof, and welcomes. Resolves with the visitor; throws after a refusal was sent. */
export async function receive(socket: Duplex, broker: { version: string; key: Buffer }): Promise<Visitor> {
  const nonce = randomBytes(32).toString('hex');
  send(socket, { conductor: helloVersion, version: broker.version, nonce });
  const line = await readLine(socket);
  const parsed = helloSchema.safeParse(parseJson(line));
  if (!parsed.success) throw refuse(socket, 'INVALID_REQUEST', 'The first line is not a valid introduction.');
  const hello = parsed.data;
  if (hello.role === 'agent') {
    send(socket, { welcome: true, version: broker.version });
    return visitorOf(hello);
  }
  if (!sameHex(hello.proof ?? '', proofOf(broker.key, 'client', hello.role, nonce, hello.nonce)))
    throw refuse(socket, 'UNAUTHORIZED', `The role "${hello.role}" needs proof of the control key.`, { claims: { role: hello.role, client: hello.client, window: hello.window } satisfies Claims });
  send(socket, { welcome: true, version: broker.version, proof: proofOf(broker.key, 'broker', hello.role, nonce, hello.nonce) });
  return visitorOf(hello);
}

function visitorOf(hello: Hello): Visitor {
  const { role, version, client, window, project, session } = hello;
  return { role, version, ...(client === undefined ? {} : { client }), ...(window === undefined ? {} : { window }), ...(project === undefined ? {} : { project }), ...(session === undefined ? {} : { session }) };
}

function refuse(socket: Duplex, code: 'INVALID_REQUEST' | 'UNAUTHORIZED', message: string, data: Readonly<Record<string, unknown>> = {}): ConductorError {
  socket.end(`${JSON.stringify({ welcome: false, code, message })}\n`);
  return new ConductorError(code, message, { data });
}

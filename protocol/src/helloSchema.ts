import { z } from 'zod';
import { windowId } from './hello';
import { roles } from './roles';

const nonce = z.string().regex(/^[0-9a-f]{64}$/);

/** What the client answers: its role, and for every role but `agent` the proof of the control key. */
export const helloSchema = z.strictObject({
  role: z.enum(roles),
  version: z.string().max(64),
  /** Name and version of the program behind the connection, for instance `Visual Studio Code 1.106.0`. An agent gives its own in MCP instead. */
  client: z.string().max(200).optional(),
  /** Id of an editor window: the one that connects, or the one that started the agent. */
  window: z.string().regex(windowId).optional(),
  /** The client's own random value, answered with the broker's proof. */
  nonce,
  /** HMAC-SHA-256 hex over `proofText('client', ...)` under the control key. */
  proof: nonce.optional(),
  /** Only an agent: the folder it works in. */
  project: z.string().max(4096).optional(),
  /** Only an agent that reconnects after the broker ended: what it had negotiated. */
  session: z.strictObject({ protocolVersion: z.string().max(32), client: z.string().max(256) }).optional(),
});

/** What the client answers. */
export type Hello = z.infer<typeof helloSchema>;

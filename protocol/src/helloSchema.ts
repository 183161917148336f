import { z } from 'zod';
import { roles } from './roles';

const nonce = z.string().regex(/^[0-9a-f]{64}$/);

/** What the client answers: its role, and for every role but `agent` the proof of the control key. */
export const helloSchema = z.strictObject({
  role: z.enum(roles),
  version: z.string(),
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

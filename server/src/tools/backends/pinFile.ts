import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { sealedFileAt, type SealedFile } from '../../base/sealedFile';

/** The file of what people approved of external servers, sealed with a key made from the control key. */

/** Name of the file in the configuration folder. */
export const pinFileName = 'backend_pins.json';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const descriptor = z.object({ name: z.string() }).catchall(z.unknown());
const pin = z.strictObject({
  /** The approved way to start or reach it. */
  identity: hash,
  parts: z.array(z.tuple([z.string(), z.string()])),
  approvedAt: z.string(),
  by: z.string(),
  /** The approved tools, raw. */
  tools: z.array(descriptor),
});
const body = z.strictObject({ v: z.literal(1), /** One more with each change, so that an older file is known by it; files from before that have none. */ generation: z.number().int().min(0).default(0), backends: z.record(z.string(), pin) });

/** What was approved of one backend. */
export type BackendPin = z.output<typeof pin>;

/** What was approved of all. */
export type PinFileBody = z.output<typeof body>;

/** The file at a path; `controlKey` are the 32 bytes of the control key. */
export function pinFileAt(path: string, controlKey: Uint8Array): SealedFile<PinFileBody> {
  return sealedFileAt({ path, key: createHmac('sha256', controlKey).update('conductor backend pins 1').digest(), schema: body, maxBytes: 64 * 1_048_576 });
}

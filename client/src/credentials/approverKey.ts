import { keptSeed } from './keptSeed';
import type { Secrets } from './logKeys';

/** The secret seed, 32 bytes, with which the person at this editor signs answers, kept in its secret storage: one for all brokers. Rejects as `keptSeed` does. */
export function approverSeed(secrets: Secrets, fresh: () => Uint8Array, settle?: () => Promise<void>): Promise<Buffer> {
  return keptSeed(secrets, 'conductor.approver', fresh, settle);
}

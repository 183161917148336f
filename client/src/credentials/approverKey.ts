import type { Secrets } from './logKeys';

/** Keeps the key with which the person at this editor signs answers, in the editor's secret storage: one for all brokers. */

const name = 'conductor.approver';

/** Milliseconds after which two windows that began at once have both written. */
const settleMs = 400;

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, settleMs));

/** The secret seed, 32 bytes; made when there is none. Rejects when the storage cannot be read, or does not keep what it is given. */
export async function approverSeed(secrets: Secrets, fresh: () => Uint8Array, settle: () => Promise<void> = settled): Promise<Buffer> {
  const kept = await secrets.get(name);
  if (kept !== undefined) return seedOf(kept);
  await secrets.store(name, Buffer.from(fresh()).toString('hex'));
  // Read again: of two windows that begin at once one has won, and a storage that forgets is none.
  await settle();
  const now = await secrets.get(name);
  if (now === undefined) throw new Error('the secret storage of this editor does not keep what it is given');
  return seedOf(now);
}

function seedOf(text: string): Buffer {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error('the secret storage holds something that is no key');
  return Buffer.from(text, 'hex');
}

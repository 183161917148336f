import type { Secrets } from './logKeys';

/** Milliseconds after which two windows that began at once have both written. */
const settleMs = 400;

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, settleMs));

/** The 32 bytes that are kept under a name; undefined when nothing is. Rejects when the storage cannot be read, or holds something else. */
export async function readSeed(secrets: Secrets, name: string): Promise<Buffer | undefined> {
  const kept = await secrets.get(name);
  return kept === undefined ? undefined : seedOf(kept);
}

/** The 32 bytes that are kept under a name; made when there are none. Rejects when the storage cannot be read, or does not keep what it is given. */
export async function keptSeed(secrets: Secrets, name: string, fresh: () => Uint8Array, settle: () => Promise<void> = settled): Promise<Buffer> {
  const kept = await readSeed(secrets, name);
  if (kept !== undefined) return kept;
  await secrets.store(name, Buffer.from(fresh()).toString('hex'));
  // Read again: of two windows that begin at once one has won, and a storage that forgets is none.
  await settle();
  const now = await readSeed(secrets, name);
  if (now === undefined) throw new Error('the secret storage of this editor does not keep what it is given');
  return now;
}

function seedOf(text: string): Buffer {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error('the secret storage holds something that is no key');
  return Buffer.from(text, 'hex');
}

/**
 * The keys of one log in one place. The key of the log stays; the key of an epoch signs beside it, names its successor from
 * the first checkpoint on, and is forgotten when the epoch ends, so that who finds the keys later cannot rewrite what is closed.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { checkpointText, epochKeyName, originOf, type Checkpoint, type LogFacts, type SignerPlace, type SigningKeys } from './checkpoint';
import { publicKeyOf } from './ed25519';
import type { ClosedEpoch } from './signing';
import { noteText, signText, verifierKey, type VerifierKey } from './note';

const seed = z.string().regex(/^[0-9a-f]{64}$/);

/** The keys as they are kept: secret seeds in hex. Never leaves its place. */
export const logKeysSchema = z.strictObject({ log: seed, epoch: z.number().int().min(1), key: seed, next: seed });
/** The keys as they are kept. */
export type LogKeys = z.infer<typeof logKeysSchema>;

/** Fresh keys in their first epoch. */
export function newLogKeys(random: (bytes: number) => Buffer = randomBytes): LogKeys {
  const fresh = (): string => random(32).toString('hex');
  return { log: fresh(), epoch: 1, key: fresh(), next: fresh() };
}

/** The keys of the epoch after: its own key is the one that was announced; the old one is gone. */
export function nextEpoch({ log, epoch, next }: LogKeys, random: (bytes: number) => Buffer = randomBytes): LogKeys {
  return { log, epoch: epoch + 1, key: next, next: random(32).toString('hex') };
}

/** The keys to sign with when some epochs are closed: those of the next epoch when their own is among them. */
export function keysAfter(keys: LogKeys, closed: readonly ClosedEpoch[]): LogKeys {
  const own = publicKeyOf(Buffer.from(keys.log, 'hex')).toString('base64');
  return closed.some(({ logKey, epoch }) => logKey === own && epoch === keys.epoch) ? nextEpoch(keys) : keys;
}

/** The public key of the log that these keys speak for. */
export function logKeyOf(keys: LogKeys, logId: string): VerifierKey {
  return verifierKey(originOf(logId), publicKeyOf(Buffer.from(keys.log, 'hex')));
}

/** Signs a checkpoint over the facts, with the key of the log and the key of the epoch; gives the note. */
export function signCheckpoint(keys: LogKeys, facts: LogFacts, signer: SignerPlace): string {
  const [log, key] = [Buffer.from(keys.log, 'hex'), Buffer.from(keys.key, 'hex')];
  const text = checkpointText({ ...facts, ...publicKeysOf(keys), signer });
  return noteText({ text, signatures: [signText(text, originOf(facts.logId), log), signText(text, epochKeyName(facts.logId), key)] });
}

function publicKeysOf({ log, epoch, key, next }: LogKeys): Omit<SigningKeys, 'signer'> {
  const open = (seed: string): Buffer => publicKeyOf(Buffer.from(seed, 'hex'));
  return { logKey: open(log), epoch, epochKey: open(key), nextKey: open(next) };
}

/** The public key of the log as a checkpoint names it. */
export function namedLogKey({ logId, logKey }: Pick<Checkpoint, 'logId' | 'logKey'>): VerifierKey {
  return verifierKey(originOf(logId), logKey);
}

/** The public key under which the epoch of a checkpoint signs. */
export function epochKeyOf({ logId, epochKey }: Pick<Checkpoint, 'logId' | 'epochKey'>): VerifierKey {
  return verifierKey(epochKeyName(logId), epochKey);
}

/** Whether a checkpoint says exactly these facts. */
export function saysFacts(checkpoint: Checkpoint, facts: LogFacts): boolean {
  const { logKey, epoch, epochKey, nextKey, signer, note } = checkpoint;
  return checkpointText({ ...facts, logKey, epoch, epochKey, nextKey, signer }) === note.text;
}

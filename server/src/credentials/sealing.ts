import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** AES-256-GCM with 12 random bytes of nonce and a tag of 16 bytes that is never shorter; and the keys that come from a data key. */

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** Bytes that sealing adds. */
export const sealOverhead = nonceBytes + tagBytes;

/** Nonce, ciphertext and tag. `bound` must be given again, byte for byte, to open it. */
export function seal(key: Uint8Array, plain: Uint8Array, bound: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
  sealing.setAAD(bound);
  return Buffer.concat([nonce, sealing.update(plain), sealing.final(), sealing.getAuthTag()]);
}

/** What was sealed; undefined when the key, the bytes or what they were bound to is another. */
export function unseal(key: Uint8Array, sealed: Uint8Array, bound: Uint8Array): Buffer | undefined {
  if (sealed.length < sealOverhead) return undefined;
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  opening.setAAD(bound);
  opening.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const plain = opening.update(sealed.subarray(nonceBytes, sealed.length - tagBytes));
  try {
    return Buffer.concat([plain, opening.final()]);
  } catch {
    return undefined;
  } finally {
    plain.fill(0);
  }
}

/** What something is bound to: texts and numbers, each told apart from its neighbours. */
export function boundTo(...parts: readonly (string | number)[]): Buffer {
  return Buffer.from(JSON.stringify(parts));
}

/** The keys that a store uses, each for one purpose, all made from its data key. */
export type StoreKeys = Readonly<{ names: Buffer; values: Buffer; index: Buffer; slots: Buffer }>;

/** Makes them. `store` and `epoch` are hex. */
export function keysOf(dataKey: Uint8Array, store: string, epoch: string): StoreKeys {
  const made = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', dataKey, Buffer.from(`${store}${epoch}`, 'hex'), `conductor credentials 1 ${purpose}`, 32));
  return { names: made('names'), values: made('values'), index: made('index'), slots: made('slots') };
}

/** Overwrites them. */
export function forgetKeys(keys: StoreKeys): void {
  for (const key of Object.values(keys)) key.fill(0);
}

/** HMAC-SHA-256. */
export function mac(key: Uint8Array, bytes: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes).digest();
}

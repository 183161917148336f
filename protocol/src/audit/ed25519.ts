/** Ed25519 (RFC 8032) with keys as 32 raw bytes, as signed notes carry them. */
import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';

/** Bytes of a secret seed and of a public key. */
export const keyBytes = 32;
/** Bytes of a signature. */
export const signatureBytes = 64;

// The fixed beginnings of a PKCS #8 private key and of a SubjectPublicKeyInfo for Ed25519 (RFC 8410).
const secretFrame = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicFrame = Buffer.from('302a300506032b6570032100', 'hex');

/** The public key of a secret seed. Throws RangeError when the seed is not 32 bytes long. */
export function publicKeyOf(seed: Uint8Array): Buffer {
  // Working one out takes a hundred times longer than a signature with it, and a log has three. By a hash, so that no seed outlives its epoch here.
  const name = hash('sha256', seed, 'hex');
  const known = opened.get(name) ?? createPublicKey(secretKey(seed)).export({ format: 'der', type: 'spki' }).subarray(publicFrame.length);
  if (opened.size >= mostKept) opened.clear();
  opened.set(name, known);
  return Buffer.from(known);
}

const opened = new Map<string, Buffer>();
/** Public keys that are remembered. */
const mostKept = 100;

/** Signs bytes with a secret seed. Throws RangeError when the seed is not 32 bytes long. */
export function signBytes(seed: Uint8Array, bytes: Uint8Array): Buffer {
  return sign(null, bytes, rawSecretKey(seed, publicKeyOf(seed)));
}

/** Whether the signature over the bytes is one of this public key; false for keys and signatures of a wrong form. */
export function signatureFits(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== keyBytes || signature.length !== signatureBytes) return false;
  try {
    return verify(null, bytes, readPublicKey(publicKey), signature);
  } catch {
    return false;
  }
}

const lately = new Map<string, ReturnType<typeof createPublicKey>>();

/** Reading a key takes longer than checking a signature, and a person's is always the same. */
function readPublicKey(bytes: Uint8Array): ReturnType<typeof createPublicKey> {
  const name = Buffer.from(bytes).toString('base64');
  const known = lately.get(name);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(bytes).toString('base64url') }, format: 'jwk' });
  if (lately.size >= mostKept) lately.clear();
  lately.set(name, key);
  return key;
}

function secretKey(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  if (seed.length !== keyBytes) throw new RangeError('an Ed25519 seed is 32 bytes long');
  return createPrivateKey({ key: Buffer.concat([secretFrame, seed]), format: 'der', type: 'pkcs8' });
}

/** The same in the form that names both halves (RFC 8037), which is read ten times as fast. */
function rawSecretKey(seed: Uint8Array, open: Buffer): ReturnType<typeof createPrivateKey> {
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d: Buffer.from(seed).toString('base64url'), x: open.toString('base64url') }, format: 'jwk' });
}

/**
 * Whether the cryptography of this runtime is what it should be. Node.js, Electron and others bring different libraries (OpenSSL,
 * BoringSSL), and a wrong hash or signature would only be noticed when it is too late to record anything again.
 */
import { createHash } from 'node:crypto';
import { sha256 } from './bytes';
import { publicKeyOf, signatureFits, signBytes } from './ed25519';

/** What is tried: the two ways in which we hash, and signatures. */
export type Primitives = Readonly<{
  sha256(data: string | Uint8Array): string;
  sha256InParts(parts: readonly Uint8Array[]): string;
  publicKeyOf(seed: Uint8Array): Uint8Array;
  signBytes(seed: Uint8Array, bytes: Uint8Array): Uint8Array;
  signatureFits(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
}>;

const ours: Primitives = {
  sha256, publicKeyOf, signBytes, signatureFits,
  sha256InParts(parts) {
    const digest = createHash('sha256');
    for (const part of parts) digest.update(part);
    return digest.digest('hex');
  },
};

/** Examples of FIPS 180-4: a text, and its SHA-256. */
const hashes = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
] as const;
/** SHA-256 of a million times the letter a. */
const millionHash = 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0';

/** Test 3 of RFC 8032, section 7.1. */
const signed = {
  seed: Buffer.from('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7', 'hex'),
  publicKey: Buffer.from('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'hex'),
  bytes: Buffer.from('af82', 'hex'),
  signature: Buffer.from('6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a', 'hex'),
} as const;

/** What is wrong with the cryptography of this runtime, as a sentence; undefined when every published example comes out right. */
export function cryptoFlaw(primitives: Primitives = ours): string | undefined {
  try {
    if (!hashesRight(primitives)) return 'SHA-256 of this runtime does not give the published results.';
    return signsRight(primitives) ? undefined : 'Ed25519 of this runtime does not give the published results.';
  } catch (cause) {
    return `The cryptography of this runtime fails: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

function hashesRight({ sha256: whole, sha256InParts: inParts }: Primitives): boolean {
  const part = Buffer.alloc(250_000, 'a');
  return hashes.every(([text, hash]) => whole(text) === hash && whole(Buffer.from(text)) === hash && inParts([Buffer.from(text)]) === hash) && inParts([part, part, part, part]) === millionHash;
}

function signsRight(primitives: Primitives): boolean {
  const { seed, publicKey, bytes, signature } = signed;
  const other = Buffer.from(signature);
  other.writeUInt8(other.readUInt8(3) ^ 1, 3);
  return publicKey.equals(primitives.publicKeyOf(seed)) && signature.equals(primitives.signBytes(seed, bytes)) &&
    primitives.signatureFits(publicKey, bytes, signature) && !primitives.signatureFits(publicKey, Buffer.from('af83', 'hex'), signature) && !primitives.signatureFits(publicKey, bytes, other);
}

/**
 * Signed notes (c2sp.org/signed-note): a text, an empty line, and signature lines. Verifier keys are written
 * `<name>+<8 hex digits>+<base64 of type and key>`. Cosignatures of witnesses follow c2sp.org/tlog-cosignature, version 1.
 */
import { createHash } from 'node:crypto';
import { keyBytes, publicKeyOf, signatureBytes, signatureFits, signBytes } from './ed25519';

/** One signature line: who, which key (8 hex digits), and the bytes after the key id. */
export type NoteSignature = Readonly<{ name: string; keyId: string; bytes: Buffer }>;

/** A note taken apart; `text` ends with a newline and is what was signed. */
export type Note = Readonly<{ text: string; signatures: readonly NoteSignature[] }>;

/** A public key that signs notes (`ed25519`) or cosigns them with a time (`cosignature`). */
export type VerifierKey = Readonly<{ name: string; keyId: string; kind: 'ed25519' | 'cosignature'; publicKey: Buffer }>;

const types = { ed25519: 0x01, cosignature: 0x04 } as const;
/** Longest note that is read, in characters, and most signatures that are looked at. */
const mostCharacters = 65_536;
const mostSignatures = 64;

/** Makes the verifier key of a public key under a name. Throws RangeError for a name that a note cannot carry. */
export function verifierKey(name: string, publicKey: Uint8Array, kind: VerifierKey['kind'] = 'ed25519'): VerifierKey {
  if (!isKeyName(name)) throw new RangeError('the name of a key has no blanks and no plus sign');
  return { name, kind, publicKey: Buffer.from(publicKey), keyId: keyIdOf(name, types[kind], publicKey) };
}

/** A verifier key as text. */
export function verifierKeyText({ name, keyId, kind, publicKey }: VerifierKey): string {
  return `${name}+${keyId}+${Buffer.concat([Buffer.of(types[kind]), publicKey]).toString('base64')}`;
}

/** Reads a verifier key; undefined when it is none, is of a type that is not known here, or when its key id is not that of its key. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const [, name, keyId, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u.exec(text.trim()) ?? [];
  if (name === undefined || keyId === undefined || encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  const kind = bytes[0] === types.ed25519 ? 'ed25519' : bytes[0] === types.cosignature ? 'cosignature' : undefined;
  if (kind === undefined || bytes.length !== keyBytes + 1) return undefined;
  const key = verifierKey(name, bytes.subarray(1), kind);
  return key.keyId === keyId ? key : undefined;
}

/** Takes a note apart without believing anything in it; undefined when it is not one. */
export function parseNote(whole: string): Note | undefined {
  if (whole.length > mostCharacters || /[\u0000-\u0009\u000b-\u001f]/.test(whole) || !whole.endsWith('\n')) return undefined;
  const gap = whole.lastIndexOf('\n\n');
  if (gap < 0) return undefined;
  const lines = whole.slice(gap + 2, -1).split('\n');
  const signatures = lines.slice(0, mostSignatures).map(parseSignatureLine);
  if (lines.length > mostSignatures || signatures.some((one) => one === undefined)) return undefined;
  return { text: whole.slice(0, gap + 1), signatures: signatures.filter((one) => one !== undefined) };
}

/** Reads one signature line without its newline; undefined when it is none. */
export function parseSignatureLine(line: string): NoteSignature | undefined {
  const [, name, encoded] = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line) ?? [];
  if (name === undefined || encoded === undefined || !isKeyName(name)) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.length < 5 ? undefined : { name, keyId: bytes.toString('hex', 0, 4), bytes: bytes.subarray(4) };
}

/** A note as text. */
export function noteText({ text, signatures }: Note): string {
  return `${text}\n${signatures.map((one) => `${signatureLine(one)}\n`).join('')}`;
}

/** A signature line without its newline. */
export function signatureLine({ name, keyId, bytes }: NoteSignature): string {
  return `\u2014 ${name} ${Buffer.concat([Buffer.from(keyId, 'hex'), bytes]).toString('base64')}`;
}

/** Signs a text, which must end with a newline, under a name. */
export function signText(text: string, name: string, seed: Uint8Array): NoteSignature {
  const { keyId } = verifierKey(name, publicKeyOf(seed));
  return { name, keyId, bytes: signBytes(seed, Buffer.from(text)) };
}

/** Whether the note carries a valid signature of this key. A note that carries an invalid one of the same name and id is refused whole. */
export function isSignedBy(note: Note, key: VerifierKey): boolean {
  const own = note.signatures.filter((one) => one.name === key.name && one.keyId === key.keyId);
  return key.kind === 'ed25519' && own.length > 0 && own.every(({ bytes }) => signatureFits(key.publicKey, Buffer.from(note.text), bytes));
}

/** Cosigns the text of a note as a witness does, at a time in seconds since 1970. */
export function cosignText(text: string, name: string, seed: Uint8Array, seconds: number): NoteSignature {
  const { keyId } = verifierKey(name, publicKeyOf(seed), 'cosignature');
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(seconds));
  return { name, keyId, bytes: Buffer.concat([time, signBytes(seed, cosigned(text, BigInt(seconds)))]) };
}

/** When the witness with this key saw the note, in seconds since 1970; undefined when the note has no valid cosignature of it. */
export function cosignedAt(note: Note, key: VerifierKey): number | undefined {
  const times = note.signatures.flatMap(({ name, keyId, bytes }) => {
    if (key.kind !== 'cosignature' || name !== key.name || keyId !== key.keyId || bytes.length !== 8 + signatureBytes) return [];
    const seconds = bytes.readBigUInt64BE(0);
    return seconds <= BigInt(Number.MAX_SAFE_INTEGER) && signatureFits(key.publicKey, cosigned(note.text, seconds), bytes.subarray(8)) ? [Number(seconds)] : [];
  });
  return times.length === 0 ? undefined : Math.max(...times);
}

function cosigned(text: string, seconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);
}

function isKeyName(name: string): boolean {
  return /^[^\s+]+$/u.test(name) && name.length <= 255;
}

function keyIdOf(name: string, type: number, publicKey: Uint8Array): string {
  return createHash('sha256').update(`${name}\n`).update(Buffer.of(type)).update(publicKey).digest('hex').slice(0, 8);
}

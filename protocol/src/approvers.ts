/** The keys with which people sign their answers: what they are called, and what is said when one is added or removed. */
import { z } from 'zod';
import { sha256 } from './audit/bytes';
import { canonicalJson } from './audit/canonical';
import { signatureFits, signBytes, publicKeyOf } from './audit/ed25519';

/** Where the secret half lives: an editor's secret storage, or a file that every program of the user can read, which is the weaker place. */
export const approverPlaces = ['editor', 'terminal'] as const;

/** Where the secret half of a key lives. */
export type ApproverPlace = (typeof approverPlaces)[number];

const publicKey = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

/** One registered key. */
export const approverKeySchema = z.strictObject({
  /** First 32 hex digits of a SHA-256, see `approverId`. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  place: z.enum(approverPlaces),
  /** What its owner calls it, raw; at most 100 characters. */
  name: z.string().max(100),
  /** Ed25519, 32 bytes in base64. */
  publicKey,
  addedAt: z.iso.datetime({ precision: 3 }),
  /** `first use`: it came when there was none, and was believed. Else the id of the key that approved it. */
  trust: z.union([z.literal('first use'), z.string().regex(/^[0-9a-f]{32}$/)]),
});

/** One registered key. */
export type ApproverKey = z.infer<typeof approverKeySchema>;

/** What a window or terminal sends to have its key registered; the signature shows that it holds the secret half. */
export const registrationSchema = z.strictObject({ publicKey, name: z.string().min(1).max(100), possession: z.string().regex(/^[A-Za-z0-9+/]{86}==$/) });

/** What a window or terminal sends to have its key registered. */
export type Registration = z.infer<typeof registrationSchema>;

/** How a key stands with the broker. `asked`: a registered key must approve it first, and somebody is being asked. */
export const registrationStateSchema = z.strictObject({ state: z.enum(['first use', 'registered', 'asked', 'refused']), key: z.string(), message: z.string() });

/** How a key stands with the broker. */
export type RegistrationState = z.infer<typeof registrationStateSchema>;

/** The id of a public key: the first 32 hex digits of a SHA-256 over a line of ours and the key. */
export function approverId(key: Uint8Array): string {
  return sha256(Buffer.concat([Buffer.from('conductor.local/approver/v1\n'), key])).slice(0, 32);
}

/** An id as people compare it. */
export function fingerprintText(id: string): string {
  return (id.match(/.{1,4}/g) ?? []).join(' ');
}

/** Makes a registration for the key of this seed. */
export function registrationOf(seed: Uint8Array, place: ApproverPlace, name: string): Registration {
  const key = publicKeyOf(seed);
  return { publicKey: key.toString('base64'), name, possession: signBytes(seed, Buffer.from(possessionText(key, place, name))).toString('base64') };
}

/** Whether a registration was made by who holds the secret half, for this place. */
export function holdsKey({ publicKey: given, name, possession }: Registration, place: ApproverPlace): boolean {
  const key = Buffer.from(given, 'base64');
  return signatureFits(key, Buffer.from(possessionText(key, place, name)), Buffer.from(possession, 'base64'));
}

/** A change to the registered keys, as a person is asked about it. */
export type KeyChange = 'approvals.addKey' | 'approvals.removeKey';

/** The digest (64 hex digits) that an approval of such a change binds to. */
export function keyChangeDigest(change: KeyChange, { place, name, publicKey: key }: Pick<ApproverKey, 'place' | 'name' | 'publicKey'>): string {
  return sha256(canonicalJson([['Change', change], ['Place', place], ['Name', name], ['Public key', key]]).text);
}

function possessionText(key: Uint8Array, place: ApproverPlace, name: string): string {
  return `conductor.local/approver-possession/v1\nkey ${Buffer.from(key).toString('base64')}\nplace ${place}\nname sha256:${sha256(name)}\n`;
}

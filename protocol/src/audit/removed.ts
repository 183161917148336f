/**
 * What redaction took out of an entry. Each removed text is committed to by HMAC-SHA-256 under a salt of its own, so that whoever reads the
 * log can guess nothing, and whoever holds the secret behind the salts can later prove what stood there, one text at a time.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { sha256 } from './bytes';

/** What stands in the place of a removed text. An agent can write the same; only `removed.parts` says what was removed. */
export const removedMarker = '[removed]';

/** Most texts of one entry that are committed to; further ones are removed without. */
export const mostCommitments = 64;

/** One removed text. */
export type RemovedPart = Readonly<{
  /** JSON pointer (RFC 6901) to the string from the root of the entry; `/output` for what was released, which the log has as a digest only. */
  at: string;
  /** Where the marker begins in that string, in UTF-16 units. */
  from: number;
  /** Set when the marker is in the name of the member and not in its value. */
  name?: true;
  /** What it looked like, for instance `password`. */
  kind: string;
  /** HMAC-SHA-256 of the UTF-8 text under the salt of this place, 64 hex digits. */
  hmac: string;
}>;

/** All that was removed from an entry. */
export type Removed = Readonly<{
  /** Names the secret behind the salts: 8 hex digits. */
  secret: string;
  parts: readonly RemovedPart[];
  /** Texts beyond `mostCommitments`. */
  more?: number;
}>;

/** `removed` as it stands in the log. */
export const removedSchema = z.looseObject({
  secret: z.string(),
  parts: z.array(z.looseObject({ at: z.string(), from: z.number().int().nonnegative(), name: z.literal(true).optional(), kind: z.string(), hmac: z.string() })),
  more: z.number().int().optional(),
});

/** Which entry a part stands in: input and output are those of the call, all else is the entry's own. */
export type PartOwner = Readonly<{ id: string; call?: string | undefined }>;

/** The salt of one place, 32 bytes: to whoever does not hold the secret it is random, and it says nothing about any other salt. */
export function saltOf(secret: Buffer, { id, call }: PartOwner, { at, from, name }: Pick<RemovedPart, 'at' | 'from' | 'name'>): Buffer {
  // Decision and outcome of a call hold the same input, and must hold the same commitments: else their input hashes would differ.
  const owner = /^\/(?:input|output)(?:\/|$)/.test(at) ? (call ?? id) : id;
  return createHmac('sha256', secret).update(['conductor-audit/1 salt', owner, at, String(from), name === true ? 'name' : 'value'].join('\n')).digest();
}

/** The commitment to a text under a salt: 64 hex digits. */
export function commitmentTo(salt: Buffer, text: string): string {
  return createHmac('sha256', salt).update(text, 'utf8').digest('hex');
}

/** The name of a secret: it tells two apart and says nothing about either. */
export function secretName(secret: Buffer): string {
  return sha256(Buffer.concat([Buffer.from('conductor-audit/1 secret\n'), secret])).slice(0, 8);
}

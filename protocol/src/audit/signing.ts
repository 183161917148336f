/** What the broker asks an editor to sign, what an editor answers, and how the signing of the log stands. */
import { z } from 'zod';

const hex = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const count = z.number().int().nonnegative();

/** The facts of a checkpoint as they cross between processes; see `LogFacts`. */
export const logFactsSchema = z.strictObject({
  logId: hex(16), size: count, root: hex(32), head: hex(32), segment: count, bytes: count, segmentDigest: hex(32), previous: hex(32).optional(), time: z.iso.datetime({ precision: 3 }),
});

/** An epoch that has its last checkpoint: whoever holds these keys goes on to the next. `logKey` is the public key in base64. */
export const closedEpochSchema = z.strictObject({ logKey: z.string(), epoch: count });
/** An epoch that has its last checkpoint. */
export type ClosedEpoch = z.infer<typeof closedEpochSchema>;

/** A request to sign. */
export const signRequestSchema = z.strictObject({ facts: logFactsSchema, closed: z.array(closedEpochSchema).max(1000) });
/** A request to sign. */
export type SignRequest = z.infer<typeof signRequestSchema>;

/** `refused`: the signer remembers this log differently, which is an alarm. `unavailable`: it has no key at hand. */
export const signAnswerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('signed'), note: z.string().max(65_536) }),
  z.strictObject({ kind: z.literal('refused'), reason: z.string() }),
  z.strictObject({ kind: z.literal('unavailable'), reason: z.string() }),
]);
/** What a signer answers. */
export type SignAnswer = z.infer<typeof signAnswerSchema>;

/** How one place outside the log keeps up: the last checkpoint that it has, when, and why not a newer one. */
export const anchorStateSchema = z.strictObject({ name: z.string(), entries: count.nullable(), at: z.string().nullable(), problem: z.string().nullable() });
/** How one place outside the log keeps up. */
export type AnchorState = z.infer<typeof anchorStateSchema>;

/** How the signing of the log stands, for status lines and the doctor. */
export const signingStateSchema = z.strictObject({
  /** From the genesis entry; null before the first checkpoint. */
  logId: z.string().nullable(),
  /** Entries that the newest checkpoint covers; null when there is none. */
  signedTo: count.nullable(),
  at: z.string().nullable(),
  /** Where the key of the newest checkpoint lives. A key file beside the log is the weaker place. */
  place: z.enum(['editor', 'file']).nullable(),
  /** The key of the log as a verifier key. */
  publicKey: z.string().nullable(),
  /** What keeps the log from being signed, or what is wrong with its checkpoints. */
  problem: z.string().nullable(),
  anchors: z.array(anchorStateSchema),
});
/** How the signing of the log stands. */
export type SigningState = z.infer<typeof signingStateSchema>;

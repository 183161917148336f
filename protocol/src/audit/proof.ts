/**
 * The proof that one entry stands in a log, without any of the others: the line, the path to the root of a checkpoint
 * (RFC 6962), the checkpoint, and the key that signed it. It verifies offline, by anyone.
 */
import { z } from 'zod';
import { hashOfLine, maxLineBytes, readTail } from './bytes';
import { parseCheckpoint, type Checkpoint } from './checkpoint';
import { readHead } from './head';
import { namedLogKey } from './keys';
import { leafOf, rootByInclusion } from './merkle';
import { noteText, verifierKeyText, type VerifierKey } from './note';
import { pinHolds, signatureFlaw } from './series';

/** Name and version of the format. */
export const proofFormat = 'conductor-audit-proof/1';

/** A proof as it is written to a file, in JSON. */
export const entryProofSchema = z.strictObject({
  format: z.literal(proofFormat),
  /** The line of the log, verbatim, without its newline. */
  entry: z.string().max(maxLineBytes),
  /** Number of the entry, from 1; its leaf in the tree is number `seq` − 1. */
  seq: z.number().int().min(1),
  /** The hash of the line, 64 hex digits, which is what the leaf is made from. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** The neighbours on the way from the leaf to the root, 64 hex digits each, lowest first. */
  path: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(63),
  /** The signed note. */
  checkpoint: z.string().max(65_536),
  /** The key of the log that the checkpoint names; compare it with what you know from elsewhere. */
  publicKey: z.string(),
});
/** A proof as it is written to a file. */
export type EntryProof = z.infer<typeof entryProofSchema>;

/** What a proof shows: the entry's number, the checkpoint, and whether a key from elsewhere vouches for it. */
export type ProofVerdict = Readonly<{ kind: 'valid'; seq: number; checkpoint: Checkpoint; pinned: boolean }> | Readonly<{ kind: 'invalid'; reason: string }>;

/** Puts a proof together. */
export function entryProof(entry: string, facts: Readonly<{ seq: number; hash: string }>, path: readonly Buffer[], checkpoint: Checkpoint): EntryProof {
  const publicKey = verifierKeyText(namedLogKey(checkpoint));
  return { format: proofFormat, entry, ...facts, path: path.map((one) => one.toString('hex')), checkpoint: noteText(checkpoint.note), publicKey };
}

/** Checks everything in a proof against itself, and its checkpoint against keys from elsewhere, when there are any. */
export function checkEntryProof(proof: EntryProof, pins: readonly VerifierKey[]): ProofVerdict {
  const invalid = (reason: string): ProofVerdict => ({ kind: 'invalid', reason });
  const line = Buffer.from(`${proof.entry}\n`);
  const newline = line.length - 1;
  const tail = readTail(line, 0, newline);
  if (tail === undefined || proof.entry.includes('\n')) return invalid('What it calls an entry is not a line of an audit log.');
  if (hashOfLine(line, 0, newline) !== tail.hash || tail.hash !== proof.hash) return invalid('The entry was changed: its content does not give its hash.');
  if (readHead(line, 0, newline)?.seq !== proof.seq) return invalid('The entry has another number than the proof says.');
  const checkpoint = parseCheckpoint(proof.checkpoint);
  if (checkpoint === undefined) return invalid('It holds no checkpoint of a Conductor log.');
  const root = rootByInclusion(leafOf(Buffer.from(tail.hash, 'hex')), proof.seq - 1, checkpoint.size, proof.path.map((one) => Buffer.from(one, 'hex')));
  if (root?.toString('hex') !== checkpoint.root) return invalid('The path does not lead from the entry to the root that was signed: the entry is not in that log.');
  const flaw = signatureFlaw(checkpoint);
  if (flaw !== undefined) return invalid(flaw);
  if (verifierKeyText(namedLogKey(checkpoint)) !== proof.publicKey) return invalid('It names another key than its checkpoint.');
  const pinned = pins.some((pin) => pinHolds(pin, checkpoint));
  if (pins.length > 0 && !pinned) return invalid('The checkpoint is signed, but not by the key that you gave.');
  return { kind: 'valid', seq: proof.seq, checkpoint, pinned };
}

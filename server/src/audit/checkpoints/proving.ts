/** Makes the proof that one entry stands in a log, from the log and its checkpoints. */
import type { Checkpoint } from '../../../../protocol/src/audit/checkpoint';
import { proveInclusion, rootsOver } from '../../../../protocol/src/audit/merkle';
import type { VerifierKey } from '../../../../protocol/src/audit/note';
import { entryProof, type EntryProof } from '../../../../protocol/src/audit/proof';
import { judgeSeries, pinHolds, signatureFlaw } from '../../../../protocol/src/audit/series';
import { ConductorError } from '../../../../protocol/src/errors';
import { readBefore, type Places } from './grading';
import { readLeaves, type Wanted } from './leaves';

/** Proves an entry under the newest checkpoint, of one of the keys when there are any. Throws NOT_FOUND, or CONFLICT when log and checkpoint disagree. */
export async function proveEntry(wanted: Wanted, places: Places, pins: readonly VerifierKey[]): Promise<EntryProof> {
  const checkpoint = await newest(places, pins);
  const { leaves, found } = await readLeaves(places.log, checkpoint.size, places.disk, wanted).catch((cause: unknown) => {
    throw new ConductorError('CONFLICT', `The log does not hold what was signed: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause, next: 'Run "conductor audit verify".' });
  });
  if (found === undefined) {
    throw new ConductorError('NOT_FOUND', `There is no such entry among the ${checkpoint.size} that are signed.`, { next: 'Look for it with "conductor audit list". An entry of the last seconds is signed soon; then try again.' });
  }
  const rootOf = rootsOver(leaves);
  if (rootOf(0, checkpoint.size).toString('hex') !== checkpoint.root) throw new ConductorError('CONFLICT', 'The log does not hold what was signed.', { next: 'Run "conductor audit verify".' });
  return entryProof(found.line, { seq: found.seq, hash: found.hash }, proveInclusion(found.seq - 1, checkpoint.size, rootOf), checkpoint);
}

async function newest(places: Places, pins: readonly VerifierKey[]): Promise<Checkpoint> {
  const { checkpoints } = await readBefore(places);
  const [first] = judgeSeries(checkpoints).problems;
  if (first !== undefined) throw new ConductorError('CONFLICT', first.message, { next: 'Run "conductor audit verify".' });
  const usable = checkpoints.filter((one) => pins.length === 0 || pins.some((pin) => pinHolds(pin, one))).filter((one) => signatureFlaw(one) === undefined);
  // One of an editor's key says more than a later one of the key file.
  const best = usable.filter(({ signer }) => signer === 'editor').at(-1) ?? usable.at(-1);
  if (best === undefined) throw new ConductorError('NOT_FOUND', pins.length === 0 ? 'The log has no signed checkpoint yet.' : 'The log has no checkpoint of the key that you gave.', { next: 'Checkpoints are made some seconds after activity while the broker runs.' });
  return best;
}

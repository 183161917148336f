/** Judges the checkpoints of a log against each other and against keys that come from elsewhere. What they say of the log is compared by others. */
import { noteHash, type Checkpoint } from './checkpoint';
import { epochKeyOf, namedLogKey } from './keys';
import { isSignedBy, verifierKeyText, type VerifierKey } from './note';

/** Something about the checkpoint of this size, in a sentence. */
export type SeriesRemark = Readonly<{ size: number; message: string }>;

/** The newest checkpoint of one key. `pinned` when that key was given from outside; else it is only what the file itself names. */
export type SignedTo = Readonly<{ checkpoint: Checkpoint; key: string; pinned: boolean }>;

/** The newest checkpoint of each key that counts, newest first; what is wrong; and what is only odd. */
export type SeriesVerdict = Readonly<{ signed: readonly SignedTo[]; problems: readonly SeriesRemark[]; warnings: readonly SeriesRemark[] }>;

/** How far one key of the log has come. */
type Line = Readonly<{ last: Checkpoint; pinned: boolean }>;

/**
 * Judges a series. Each checkpoint must be larger than the one before and name it, and carry on the epochs of its key.
 * Signatures are checked of the newest checkpoint of each epoch, since the ones before it are named by it. A pin is the key of
 * the log, or the key of an epoch, from which on the following epochs count; without pins every key is taken at its word.
 */
export function judgeSeries(checkpoints: readonly Checkpoint[], pins: readonly VerifierKey[] = []): SeriesVerdict {
  const closing = lastOfEpochs(checkpoints);
  const lines = new Map<string, Line>();
  const problems: SeriesRemark[] = [];
  const warnings: SeriesRemark[] = [];
  let before: Checkpoint | undefined;
  for (const one of checkpoints) {
    const id = one.logKey.toString('hex');
    const line = lines.get(id);
    const flaw = linkFlaw(before, one) ?? epochFlaw(line?.last, one) ?? (closing.has(one) ? signatureFlaw(one) : undefined);
    if (flaw !== undefined) problems.push({ size: one.size, message: flaw });
    else lines.set(id, { last: one, pinned: line?.pinned === true || pins.some((pin) => pinHolds(pin, one)) });
    if (before !== undefined && one.previous === undefined) warnings.push({ size: one.size, message: `The checkpoints begin anew at #${one.size}; earlier ones were not there any more.` });
    before = one;
  }
  const signed = [...lines.values()].filter(({ pinned }) => pinned || pins.length === 0);
  return {
    signed: signed.map(({ last, pinned }) => ({ checkpoint: last, key: verifierKeyText(namedLogKey(last)), pinned })).sort((a, b) => b.checkpoint.size - a.checkpoint.size),
    problems,
    warnings,
  };
}

/** Why a single checkpoint does not carry the signatures that it must; undefined when it does. */
export function signatureFlaw(one: Checkpoint): string | undefined {
  if (!isSignedBy(one.note, namedLogKey(one))) return `Checkpoint #${one.size} is not signed by the key of the log that it names: it was forged or changed.`;
  if (!isSignedBy(one.note, epochKeyOf(one))) return `Checkpoint #${one.size} is not signed by the key of its epoch ${one.epoch}: it was forged or changed.`;
  return undefined;
}

/** Whether this checkpoint speaks for a pinned key. */
export function pinHolds(pin: VerifierKey, one: Checkpoint): boolean {
  return [namedLogKey(one), epochKeyOf(one)].some((key) => key.name === pin.name && key.publicKey.equals(pin.publicKey) && isSignedBy(one.note, key));
}

function linkFlaw(before: Checkpoint | undefined, one: Checkpoint): string | undefined {
  if (before === undefined) return one.previous === undefined ? undefined : `Checkpoints before #${one.size} were removed: it names one that is not there.`;
  if (one.logId !== before.logId) return `Checkpoint #${one.size} is of another log (${one.logId}) than the one before it (${before.logId}).`;
  if (one.size <= before.size) return `Checkpoint #${one.size} follows #${before.size}: the log went back, or checkpoints were repeated.`;
  if (one.previous !== undefined && one.previous !== noteHash(before)) return `Checkpoint #${one.size} does not follow #${before.size}: checkpoints between them were removed or changed.`;
  return undefined;
}

function epochFlaw(last: Checkpoint | undefined, one: Checkpoint): string | undefined {
  if (last === undefined) return undefined;
  const same = one.epoch === last.epoch && one.epochKey.equals(last.epochKey) && one.nextKey.equals(last.nextKey);
  const next = one.epoch === last.epoch + 1 && one.epochKey.equals(last.nextKey);
  return same || next ? undefined : `Checkpoint #${one.size} claims epoch ${one.epoch} with a key that epoch ${last.epoch} did not announce.`;
}

/** The last checkpoint of each epoch of each key. */
function lastOfEpochs(checkpoints: readonly Checkpoint[]): ReadonlySet<Checkpoint> {
  const last = new Map<string, Checkpoint>();
  for (const one of checkpoints) last.set(`${one.logKey.toString('hex')} ${one.epoch}`, one);
  return new Set(last.values());
}

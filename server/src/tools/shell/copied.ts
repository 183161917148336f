import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConductorError } from '../../../../protocol/src/errors';

/**
 * A descriptor of a copy that has no name, with the bytes that were approved: what is written to the file afterwards does not reach who
 * reads. `sha256` is the hash of the approved bytes, `temporary` a private folder. Throws APPROVAL_STALE when the file holds other bytes.
 */
export function copyApproved(descriptor: number, sha256: string, shown: string, temporary: string): number {
  const bytes = readFileSync(descriptor);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new ConductorError('APPROVAL_STALE', `"${shown}" no longer holds what it held when it was approved, so nothing was run.`);
  closeSync(descriptor);
  const copy = join(temporary, randomBytes(8).toString('hex'));
  writeFileSync(copy, bytes, { mode: 0o400, flag: 'wx' });
  try {
    return openSync(copy, 'r');
  } finally {
    unlinkSync(copy);
  }
}

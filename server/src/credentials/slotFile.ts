import { join } from 'node:path';
import { ConductorError } from '../../../protocol/src/errors';
import type { Files } from './files';
import { mostSlotsBytes, parseSlots, slotsName, slotsText, type Slots } from './slots';

/** The file of slots in the folder of a store: the word on which data key holds. */

/** Where it lies. */
export type SlotPlace = Readonly<{ folder: string; files: Files }>;

/** What it says. Throws CREDENTIALS_REFUSED when it is missing or none of ours. */
export function readSlots({ folder, files }: SlotPlace): ReturnType<typeof parseSlots> {
  const path = join(folder, slotsName);
  const bytes = files.read(path, mostSlotsBytes);
  if (bytes === undefined) throw new ConductorError('CREDENTIALS_REFUSED', `${path} is missing, without which nothing opens the credentials beside it.`, { next: 'Put it back from a copy, or move the folder away and begin anew with "conductor secrets accept".' });
  return parseSlots(bytes.toString('utf8'));
}

/** Puts another in its place. After a failure in the middle nobody knows which one holds, so it is looked at: the new one holds when it is there. */
export function writeSlots({ folder, files }: SlotPlace, next: Slots, key: Uint8Array): void {
  const path = join(folder, slotsName);
  const text = slotsText(next, key);
  try {
    files.write(path, Buffer.from(text));
  } catch (thrown) {
    if (files.read(path, mostSlotsBytes)?.toString('utf8') !== text) throw thrown;
  }
}

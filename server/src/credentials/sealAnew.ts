import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Files } from './files';
import type { Made } from './making';
import { keysOf, type StoreKeys } from './sealing';
import { writeSlots, type SlotPlace } from './slotFile';
import { saltNameOf, slotsName, slotsText, wrap, type Slot, type Slots } from './slots';
import { Vault } from './vault';

/** Data keys: the first one of a store, and the next one, under which everything is sealed anew. */

/** A store whose data key is known. */
export type Unlocked = Readonly<{ slots: Slots; dataKey: Buffer; keys: StoreKeys; vault: Vault }>;

const newEpoch = (): string => randomBytes(8).toString('hex');

/** Makes a store that one slot opens. It is made beside its place and moved there: it is whole or not there. */
export function createStore({ folder, files }: SlotPlace, { head, key, salt }: Made): Readonly<{ slot: Slot; slots: Slots; dataKey: Buffer }> {
  const [store, epoch] = [randomBytes(16).toString('hex'), newEpoch()];
  const dataKey = randomBytes(32);
  const keys = keysOf(dataKey, store, epoch);
  const slot = wrap(head, key, dataKey, { store, epoch });
  const slots: Slots = { v: 1, store, epoch, slots: [slot] };
  const fresh = `${folder}.${randomBytes(6).toString('hex')}.new`;
  files.makeFolder(fresh);
  writeSalts(files, fresh, [{ head: slot, key, ...(salt === undefined ? {} : { salt }) }]);
  Vault.create({ folder: join(fresh, epoch), store, epoch, keys, files }, 0);
  files.write(join(fresh, slotsName), Buffer.from(slotsText(slots, keys.slots)));
  files.removeFolder(folder);
  files.rename(fresh, folder);
  return { slot, slots, dataKey };
}

/** Seals everything with a new data key, for these slots; what holds changes with the file of slots, in one step. */
export function sealAnew({ folder, files }: SlotPlace, { slots: { store }, vault }: Unlocked, fresh: readonly Made[]): Unlocked {
  const epoch = newEpoch();
  const dataKey = randomBytes(32);
  const keys = keysOf(dataKey, store, epoch);
  const slots: Slots = { v: 1, store, epoch, slots: fresh.map(({ head, key }) => wrap(head, key, dataKey, { store, epoch })) };
  const copy = vault.copyTo({ folder: join(folder, epoch), store, epoch, keys, files });
  writeSalts(files, folder, fresh);
  writeSlots({ folder, files }, slots, keys.slots);
  return { slots, dataKey, keys, vault: copy };
}

/** Puts the salts of machine slots into their files. */
export function writeSalts(files: Files, folder: string, made: readonly Made[]): void {
  for (const { head, salt } of made) if (salt !== undefined) files.write(join(folder, saltNameOf(head)), salt);
}

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { NewSlot, OfferedKey } from '../../../protocol/src/credentials';
import { ConductorError } from '../../../protocol/src/errors';
import type { SlotPlace } from './slotFile';
import { derive, derivedHead, keptHead, keyMark, saltMark, saltNameOf, unwrap, type Cost, type Slot, type SlotHead, type Slots } from './slots';

/** The keys of slots: made for new ones, found for those that there are. */

/** What they are made from. */
export type KeyGround = Readonly<{ machineId(): Promise<string | undefined>; costs: Readonly<{ machine: Cost; passphrase: Cost }>; now(): string }>;

/** A slot before the data key is wrapped for it, with its key; a salt goes into a file of its own. */
export type Made = Readonly<{ head: SlotHead; key: Buffer; salt?: Buffer }>;

const saltBytes = 32;

/** Makes one. Throws CREDENTIALS_REFUSED where there is no machine that it could be bound to. */
export async function makeSlot(asked: NewSlot, { machineId, costs, now }: KeyGround): Promise<Made> {
  switch (asked.kind) {
    case 'machine': {
      const id = await machineId();
      if (id === undefined) throw new ConductorError('CREDENTIALS_REFUSED', 'This machine has no id that could bind a store of credentials to it (/etc/machine-id is missing or empty).', { next: 'Begin with another slot: "conductor secrets slots add passphrase", or open VS Code with Conductor.' });
      const salt = randomBytes(saltBytes);
      return { head: derivedHead('machine', salt, costs.machine, now()), key: await derive(id, salt, costs.machine), salt };
    }
    case 'passphrase': {
      const salt = randomBytes(saltBytes);
      return { head: derivedHead('passphrase', salt, costs.passphrase, now()), key: await derive(asked.passphrase, salt, costs.passphrase) };
    }
    case 'editor':
    case 'keyring': {
      const key = Buffer.from(asked.key, 'hex');
      return { head: keptHead(asked.kind, key, now()), key };
    }
  }
}

/** What a slot will be under the next data key: the same with the same key, but that of the machine, which gets a new salt. */
export async function renewedSlot(slot: Slot, key: Uint8Array, ground: KeyGround): Promise<Made> {
  if (slot.kind === 'machine') return await makeSlot({ kind: 'machine' }, ground);
  const { wrapped: _, ...head } = slot;
  return { head, key: Buffer.from(key) };
}

/** The key by which an offer would open a slot; undefined when it is not meant for it. */
export async function keyFor(slot: Slot, offered: OfferedKey): Promise<Buffer | undefined> {
  if ('passphrase' in offered) return slot.kind === 'passphrase' ? await derive(offered.passphrase, Buffer.from(slot.salt, 'hex'), slot.cost) : undefined;
  const key = Buffer.from(offered.key, 'hex');
  return 'key' in slot && slot.key === keyMark(key) ? key : undefined;
}

/** What the slot of this machine opens, or why it opens nothing here. */
export async function openMachine(slot: Extract<Slot, { kind: 'machine' }>, slots: Slots, { folder, files }: SlotPlace, machineId: KeyGround['machineId']): Promise<Readonly<{ key: Buffer; dataKey: Buffer }> | Readonly<{ trouble: string }>> {
  const salt = files.read(join(folder, saltNameOf(slot)), saltBytes);
  if (salt?.length !== saltBytes || saltMark(salt) !== slot.salt) return { trouble: `Its salt file ${saltNameOf(slot)} is missing or was changed.` };
  const id = await machineId();
  const key = id === undefined ? undefined : await derive(id, salt, slot.cost);
  const dataKey = key === undefined ? undefined : unwrap(slot, key, slots);
  if (key === undefined || dataKey === undefined) return { trouble: 'It was made on another machine, or the id of this machine is another one now.' };
  return { key, dataKey };
}

import { join } from 'node:path';
import type { NewSlot, OfferedKey, SlotView } from '../../../protocol/src/credentials';
import { ConductorError } from '../../../protocol/src/errors';
import { KeysAtHand, type Bringer } from './atHand';
import { makePrivate, type Files } from './files';
import { sweepBeside, tidyFolder } from './leavings';
import { keyFor, makeSlot, openMachine, renewedSlot, type KeyGround, type Made } from './making';
import { createStore, sealAnew, writeSalts, type Unlocked } from './sealAnew';
import { forgetKeys, keysOf } from './sealing';
import { anotherStore, fitsNoSlot, locked, missing, notAtHand, nothingThere, refusedFor, rolledBack } from './shut';
import { readSlots, writeSlots } from './slotFile';
import { changed, keyMark, unwrap, wrap, type Slot, type Slots } from './slots';
import { Vault } from './vault';

/**
 * The folder of the store: who can open it, with what it is sealed, and the sealed files. `slots.json` names the epoch of the data key that
 * holds, so that everything is exchanged in one step: it is written last when something comes, and read first.
 */

/** What a box needs of its surroundings. */
export type BoxGround = KeyGround & Readonly<{
  /** The folder of the store; need not exist. */
  folder: string;
  files: Files;
  /** The store that was here last, as it is known from elsewhere; undefined when none is. */
  remembered(): Promise<RememberedStore | undefined>;
}>;

/** A store, and the highest generation that is known of it. */
export type RememberedStore = Readonly<{ store: string; generation: number }>;

type Phase =
  | Readonly<{ kind: 'empty' }>
  | Readonly<{ kind: 'refused'; error: ConductorError; /** What can be used when a person says so: this store, or none. */ acceptable?: Unlocked | 'nothing' }>
  | Readonly<{ kind: 'locked'; slots: Slots }>
  | (Readonly<{ kind: 'open' }> & Unlocked);
/** The next form of a slot, and which one it is of. */
type Renewed = Made & Readonly<{ before: string }>;

/** One store on the disk. Its methods must be called one after the other. */
export class Box {
  #phase: Phase = { kind: 'empty' };
  readonly #atHand = new KeysAtHand();
  /** Why slots do not open the store, by the slot. */
  readonly #troubles = new Map<string, string>();
  #remarks: readonly string[] = [];
  #remembered: RememberedStore | undefined;

  constructor(readonly ground: BoxGround) {}

  get phase(): Phase['kind'] {
    return this.#phase.kind;
  }

  /** What was found and repaired when the folder was opened. */
  get remarks(): readonly string[] {
    return this.#remarks;
  }

  get store(): string | undefined {
    return 'slots' in this.#phase ? this.#phase.slots.store : undefined;
  }

  /** The open vault. Throws the reason why it is not open. */
  get vault(): Vault {
    return this.#unlocked().vault;
  }

  /** Why nothing can be read now. */
  shut(): ConductorError {
    switch (this.#phase.kind) {
      case 'refused':
        return this.#phase.error;
      case 'locked':
        return locked(this.#phase.slots, this.#troubles);
      case 'empty':
      case 'open':
        return nothingThere();
    }
  }

  slots(): readonly SlotView[] {
    if (!('slots' in this.#phase)) return [];
    return this.#phase.slots.slots.map(({ id, kind, createdAt }) => ({ id, kind, createdAt, atHand: this.#atHand.has(id), trouble: this.#troubles.get(id) ?? null }));
  }

  /** Looks at the folder, repairs rights, and opens it with the slot of this machine if it has one. Never throws; `phase` says how it went. */
  async open(): Promise<void> {
    const { ground } = this;
    this.#troubles.clear();
    try {
      sweepBeside(ground);
      this.#remarks = makePrivate(ground.folder);
      this.#remembered = await ground.remembered();
      if (ground.files.list(ground.folder).length === 0) return this.#findNothing();
      const slots = readSlots(ground).body;
      this.#phase = { kind: 'locked', slots };
      for (const slot of slots.slots) if (slot.kind === 'machine') await this.#tryMachine(slot);
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  /** Opens the store with a key; the slot that it fits. Throws CREDENTIALS_LOCKED when it fits none, and CREDENTIALS_REFUSED when what it opens is not sound. */
  async offer(offered: OfferedKey, by: Bringer): Promise<Slot> {
    const phase = this.#phase;
    const found = phase.kind === 'refused' ? phase.acceptable : phase;
    if (typeof found !== 'object' || !('slots' in found)) throw this.shut();
    const { slots } = found;
    for (const slot of slots.slots) {
      const key = await keyFor(slot, offered);
      if (key === undefined) continue;
      const dataKey = unwrap(slot, key, slots);
      if (dataKey === undefined) {
        key.fill(0);
        if (slot.kind === 'passphrase') continue;
        throw changed();
      }
      this.#atHand.hold(slot.id, key, by);
      if (phase.kind === 'locked') this.#unlock(slots, dataKey);
      else dataKey.fill(0);
      return slot;
    }
    throw fitsNoSlot('passphrase' in offered ? 'passphrase' : 'key');
  }

  /** A window left with its key; whether the store is locked now. */
  left(by: number): boolean {
    this.#atHand.left(by);
    return this.#atHand.isEmpty && this.lock();
  }

  /** Forgets every key; whether anything had been opened. */
  lock(): boolean {
    this.#atHand.forgetAll();
    const phase = this.#phase;
    const unlocked = phase.kind === 'open' ? phase : phase.kind === 'refused' && typeof phase.acceptable === 'object' ? phase.acceptable : undefined;
    if (unlocked === undefined) return false;
    if (phase.kind === 'open') {
      unlocked.vault.keepUses();
      this.#remembered = { store: unlocked.slots.store, generation: unlocked.vault.generation };
    }
    unlocked.dataKey.fill(0);
    forgetKeys(unlocked.keys);
    this.#phase = { kind: 'locked', slots: unlocked.slots };
    return true;
  }

  /** Makes the store if there is none, with the slot of this machine. */
  async ensure(): Promise<void> {
    if (this.#phase.kind === 'empty') await this.#create({ kind: 'machine' }, 'stays');
  }

  /** Adds a slot; on an empty place, makes a store that only this slot opens. */
  async addSlot(asked: NewSlot, by: Bringer): Promise<Slot> {
    if (this.#phase.kind === 'empty') return await this.#create(asked, by);
    const { slots, dataKey, keys } = this.#unlocked();
    if ('key' in asked && slots.slots.some((slot) => 'key' in slot && slot.key === keyMark(Buffer.from(asked.key, 'hex')))) throw new ConductorError('CONFLICT', 'This key opens the store already.');
    if (slots.slots.length >= 20) throw new ConductorError('TOO_LARGE', 'The store has 20 key slots, which is all that it can.', { next: 'Remove one first.' });
    const made = await makeSlot(asked, this.ground);
    writeSalts(this.ground.files, this.ground.folder, [made]);
    const slot = wrap(made.head, made.key, dataKey, slots);
    const next = { ...slots, slots: [...slots.slots, slot] };
    writeSlots(this.ground, next, keys.slots);
    this.#phase = { kind: 'open', ...this.#unlocked(), slots: next };
    this.#atHand.hold(slot.id, made.key, by);
    return slot;
  }

  /** Takes a slot away and seals everything anew, so that what it opened once tells nothing of what comes later. */
  async removeSlot(id: string): Promise<Slot> {
    const { slots } = this.#unlocked();
    const slot = slots.slots.find((one) => one.id === id);
    if (slot === undefined) throw new ConductorError('NOT_FOUND', `There is no key slot ${id}.`, { next: 'See "conductor secrets slots list".' });
    if (slots.slots.length === 1) throw new ConductorError('CONFLICT', 'This is the only key slot; without one nothing opens the store any more.', { next: 'Add another slot first.' });
    await this.renew(new Set([id]));
    return slot;
  }

  /**
   * Seals everything with a new data key, under all slots but those that are dropped; machine slots get a new salt. Throws CONFLICT, and changes
   * nothing, when the key of a slot is not at hand, and CREDENTIAL_DAMAGED when a value cannot be read.
   */
  async renew(dropped: ReadonlySet<string> = new Set()): Promise<void> {
    const { slots } = this.#unlocked();
    const kept = slots.slots.filter(({ id }) => !dropped.has(id));
    const absent = kept.filter(({ id }) => !this.#atHand.has(id));
    if (absent.length > 0) throw notAtHand(absent);
    const fresh = await Promise.all(kept.map(async (slot): Promise<Renewed> => ({ ...(await renewedSlot(slot, this.#atHand.keyOf(slot.id) ?? Buffer.alloc(0), this.ground)), before: slot.id })));
    this.#exchange(this.#unlocked(), fresh);
  }

  /** Takes what is there as what holds: a store that was put back, or none. Throws CONFLICT when nothing was wrong, and why it cannot be used when it cannot. */
  async accept(): Promise<void> {
    // Somebody may have mended it, or moved it away.
    if (this.#phase.kind === 'refused' && this.#phase.acceptable === undefined) await this.open();
    const phase = this.#phase;
    if (phase.kind === 'open' || phase.kind === 'locked') return;
    if (phase.kind === 'empty') throw new ConductorError('CONFLICT', 'Nothing is wrong with the store of credentials: there is none.');
    if (phase.acceptable === undefined) throw phase.error;
    if (phase.acceptable === 'nothing') {
      this.#remembered = undefined;
      this.#phase = { kind: 'empty' };
      return;
    }
    const { slots, vault } = phase.acceptable;
    if (slots.store === this.#remembered?.store) vault.raise(this.#remembered.generation + 1);
    this.#phase = { kind: 'open', ...phase.acceptable };
    this.#settle();
  }

  async #create(asked: NewSlot, by: Bringer): Promise<Slot> {
    const made = await makeSlot(asked, this.ground);
    const { slot, slots, dataKey } = createStore(this.ground, made);
    this.#atHand.hold(slot.id, made.key, by);
    this.#unlock(slots, dataKey);
    return slot;
  }

  #exchange(old: Unlocked, fresh: readonly Renewed[]): void {
    const next = sealAnew(this.ground, old, fresh);
    this.#atHand.exchange(fresh.map(({ head, key, before }) => ({ id: head.id, key, before })));
    old.dataKey.fill(0);
    forgetKeys(old.keys);
    this.#phase = { kind: 'open', ...next };
    this.#settle();
  }

  async #tryMachine(slot: Extract<Slot, { kind: 'machine' }>): Promise<void> {
    if (this.#phase.kind !== 'locked') return;
    const { slots } = this.#phase;
    const opened = await openMachine(slot, slots, this.ground, this.ground.machineId);
    if ('trouble' in opened) return void this.#troubles.set(slot.id, opened.trouble);
    this.#atHand.hold(slot.id, opened.key, 'stays');
    this.#unlock(slots, opened.dataKey);
  }

  /** Opens the vault with a data key that a slot gave; afterwards the store is open or refused. */
  #unlock(slots: Slots, dataKey: Buffer): void {
    const { folder, files } = this.ground;
    const keys = keysOf(dataKey, slots.store, slots.epoch);
    try {
      if (this.#phase.kind === 'locked' && !readSlots(this.ground).isWrittenWith(keys.slots)) throw changed();
      const vault = Vault.open({ folder: join(folder, slots.epoch), store: slots.store, epoch: slots.epoch, keys, files });
      const unlocked: Unlocked = { slots, dataKey, keys, vault };
      const error = suspicion(unlocked, this.#remembered);
      this.#phase = error === undefined ? { kind: 'open', ...unlocked } : { kind: 'refused', error, acceptable: unlocked };
    } catch (thrown) {
      this.#refuse(thrown);
      throw this.shut();
    }
    if (this.#phase.kind === 'refused') throw this.shut();
    this.#settle();
  }

  /** Removes what an interrupted change left, now that it is sure what holds. */
  #settle(): void {
    const { slots, vault } = this.#unlocked();
    this.#remembered = { store: slots.store, generation: vault.generation };
    try {
      vault.tidy();
      tidyFolder(this.ground, slots);
    } catch (thrown) {
      this.#remarks = [...this.#remarks, `What an interrupted change left in ${this.ground.folder} could not be removed: ${thrown instanceof Error ? thrown.message : String(thrown)}`];
    }
  }

  /** An empty place, where none was or one is missing. */
  #findNothing(): void {
    const { folder } = this.ground;
    this.#phase = this.#remembered === undefined ? { kind: 'empty' } : { kind: 'refused', error: missing(folder, this.#remembered.generation), acceptable: 'nothing' };
  }

  #unlocked(): Unlocked {
    if (this.#phase.kind !== 'open') throw this.shut();
    return this.#phase;
  }

  #refuse(thrown: unknown): void {
    if (this.#phase.kind === 'refused' && this.#phase.error === thrown) return;
    this.#phase = { kind: 'refused', error: refusedFor(thrown) };
  }
}

/** Why a store that opens is not the one that is to be here. */
function suspicion({ slots, vault }: Unlocked, remembered: RememberedStore | undefined): ConductorError | undefined {
  if (remembered === undefined) return undefined;
  if (slots.store !== remembered.store) return anotherStore();
  return vault.generation < remembered.generation ? rolledBack(vault.generation, remembered.generation) : undefined;
}

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join, basename } from 'node:path';
import type { NewSlot, OfferedKey, SlotView } from '../../../protocol/src/credentials';
import { ConductorError } from '../../../protocol/src/errors';
import { makePrivate, type Files } from './files';
import { forgetKeys, keysOf, type StoreKeys } from './sealing';
import { changed, derive, derivedHead, keptHead, keyMark, mostSlotsBytes, parseSlots, saltMark, saltNameOf, slotsName, slotsText, unwrap, wrap, type Cost, type Slot, type SlotHead, type Slots } from './slots';
import { Vault } from './vault';

/**
 * The folder of the store: who can open it, with what it is sealed, and the sealed files. `slots.json` names the epoch of the data key that
 * holds, so that everything is exchanged in one step: it is written last when something comes, and read first.
 */

/** What a box needs of its surroundings. */
export type BoxGround = Readonly<{
  /** The folder of the store; need not exist. */
  folder: string;
  files: Files;
  machineId(): Promise<string | undefined>;
  costs: Readonly<{ machine: Cost; passphrase: Cost }>;
  now(): string;
  /** The highest generation that is known from elsewhere for a store; undefined when none is. */
  newest(store: string): Promise<number | undefined>;
}>;

/** Who brought a key: a window that takes it along when it leaves, or somebody whose key stays until the broker ends. */
export type Bringer = number | 'stays';

type AtHand = Readonly<{ key: Buffer; by: ReadonlySet<Bringer> }>;
type Phase =
  | Readonly<{ kind: 'empty' }>
  | Readonly<{ kind: 'refused'; error: ConductorError; restorable?: Unlocked }>
  | Readonly<{ kind: 'locked'; slots: Slots }>
  | (Readonly<{ kind: 'open' }> & Unlocked);
type Unlocked = Readonly<{ slots: Slots; dataKey: Buffer; keys: StoreKeys; vault: Vault }>;

const saltBytes = 32;

/** One store on the disk. Its methods must be called one after the other. */
export class Box {
  #phase: Phase = { kind: 'empty' };
  /** Keys of slots that are here, by the slot. */
  readonly #atHand = new Map<string, AtHand>();
  readonly #troubles = new Map<string, string>();
  #remarks: readonly string[] = [];
  #newest: number | undefined;

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
    if (this.#phase.kind !== 'open') throw this.shut();
    return this.#phase.vault;
  }

  /** Why nothing can be read now. */
  shut(): ConductorError {
    switch (this.#phase.kind) {
      case 'refused':
        return this.#phase.error;
      case 'locked':
        return new ConductorError('CREDENTIALS_LOCKED', `The store of credentials is locked: ${this.#lockedBecause(this.#phase.slots)}`, { next: this.#wayIn(this.#phase.slots) });
      case 'empty':
      case 'open':
        return new ConductorError('NOT_FOUND', 'There are no credentials yet.', { next: 'Set one with "conductor secrets set SERVICE.KEY".' });
    }
  }

  slots(): readonly SlotView[] {
    if (!('slots' in this.#phase)) return [];
    return this.#phase.slots.slots.map(({ id, kind, createdAt }) => ({ id, kind, createdAt, atHand: this.#atHand.has(id), trouble: this.#troubles.get(id) ?? null }));
  }

  /** Looks at the folder, repairs rights, and opens it with the slot of this machine if it has one. Never throws; `phase` says how it went. */
  async open(): Promise<void> {
    const { folder, files } = this.ground;
    try {
      this.#sweep();
      this.#remarks = makePrivate(folder);
      const names = files.list(folder);
      if (names.length === 0) return void (this.#phase = { kind: 'empty' });
      const slots = this.#readSlots().body;
      this.#phase = { kind: 'locked', slots };
      this.#newest = await this.ground.newest(slots.store);
      for (const slot of slots.slots) if (slot.kind === 'machine') await this.#tryMachine(slot);
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  /** Opens the store with a key; the slot that it fits. Throws CREDENTIALS_LOCKED when it fits none, and CREDENTIALS_REFUSED when what it opens is not sound. */
  async offer(offered: OfferedKey, by: Bringer): Promise<Slot> {
    const phase = this.#phase;
    if (phase.kind === 'empty' || (phase.kind === 'refused' && phase.restorable === undefined)) throw this.shut();
    const { slots } = 'slots' in phase ? phase : (phase.restorable as Unlocked);
    for (const slot of slots.slots) {
      const key = await keyFor(slot, offered);
      if (key === undefined) continue;
      const dataKey = unwrap(slot, key, slots);
      if (dataKey === undefined && slot.kind === 'passphrase') continue;
      if (dataKey === undefined) throw changed();
      this.#hold(slot.id, key, by);
      if (phase.kind === 'locked') this.#unlock(slots, dataKey);
      else dataKey.fill(0);
      return slot;
    }
    throw new ConductorError('CREDENTIALS_LOCKED', 'passphrase' in offered ? 'This passphrase opens no slot of the store of credentials.' : 'The key that was offered opens no slot of the store of credentials.', { next: 'passphrase' in offered ? 'Try again; passphrases cannot be recovered.' : 'Add the key as a slot while the store is open; see "conductor secrets slots list".' });
  }

  /** A window left with its key; whether the store is locked now. */
  left(by: number): boolean {
    for (const [id, held] of this.#atHand) {
      const others = new Set([...held.by].filter((one) => one !== by));
      if (others.size === 0) this.#forget(id);
      else this.#atHand.set(id, { ...held, by: others });
    }
    return this.#atHand.size === 0 && this.lock();
  }

  /** Forgets every key; whether the store was open. */
  lock(): boolean {
    for (const id of [...this.#atHand.keys()]) this.#forget(id);
    const phase = this.#phase;
    if (phase.kind !== 'open') return false;
    phase.vault.keepUses();
    phase.dataKey.fill(0);
    forgetKeys(phase.keys);
    this.#phase = { kind: 'locked', slots: phase.slots };
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
    const made = await this.#make(asked);
    if (made.salt !== undefined) this.ground.files.write(join(this.ground.folder, saltNameOf(made.head)), made.salt);
    const slot = wrap(made.head, made.key, dataKey, slots);
    this.#keepSlots({ ...slots, slots: [...slots.slots, slot] }, keys.slots);
    this.#hold(slot.id, made.key, by);
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
    const fresh = await Promise.all(kept.map((slot) => this.#renewed(slot)));
    const now = this.#unlocked();
    this.#exchange(now, fresh);
  }

  /** Takes a restored store as the one that holds. */
  accept(): void {
    const phase = this.#phase;
    if (phase.kind !== 'refused' || phase.restorable === undefined) throw new ConductorError('CONFLICT', 'There is no store that was put back.');
    phase.restorable.vault.raise((this.#newest ?? 0) + 1);
    this.#phase = { kind: 'open', ...phase.restorable };
    this.#settle();
  }

  // Everything below changes what is on the disk or who may open it.

  async #create(asked: NewSlot, by: Bringer): Promise<Slot> {
    const { folder, files } = this.ground;
    const made = await this.#make(asked);
    const [store, epoch] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
    const dataKey = randomBytes(32);
    const keys = keysOf(dataKey, store, epoch);
    const slot = wrap(made.head, made.key, dataKey, { store, epoch });
    const slots: Slots = { v: 1, store, epoch, slots: [slot] };
    // Made beside it and moved there: a store is whole or not there.
    const fresh = `${folder}.${randomBytes(6).toString('hex')}.new`;
    files.makeFolder(fresh);
    if (made.salt !== undefined) files.write(join(fresh, saltNameOf(slot)), made.salt);
    Vault.create({ folder: join(fresh, epoch), store, epoch, keys, files }, 0);
    files.write(join(fresh, slotsName), Buffer.from(slotsText(slots, keys.slots)));
    files.removeFolder(folder);
    files.rename(fresh, folder);
    this.#hold(slot.id, made.key, by);
    this.#unlock(slots, dataKey);
    return slot;
  }

  #exchange({ slots, vault }: Unlocked, fresh: readonly Made[]): void {
    const { folder, files } = this.ground;
    const { store } = slots;
    const epoch = randomBytes(8).toString('hex');
    const dataKey = randomBytes(32);
    const keys = keysOf(dataKey, store, epoch);
    const next: Slots = { v: 1, store, epoch, slots: fresh.map(({ head, key }) => wrap(head, key, dataKey, { store, epoch })) };
    const copy = vault.copyTo({ folder: join(folder, epoch), store, epoch, keys, files });
    for (const { head, salt } of fresh) if (salt !== undefined) files.write(join(folder, saltNameOf(head)), salt);
    this.#writeSlots(next, keys.slots);
    const before = new Map(this.#atHand);
    this.#atHand.clear();
    for (const { head, key, from } of fresh) this.#atHand.set(head.id, { key, by: before.get(from)?.by ?? new Set(['stays']) });
    const old = this.#unlocked();
    old.dataKey.fill(0);
    forgetKeys(old.keys);
    this.#phase = { kind: 'open', slots: next, dataKey, keys, vault: copy };
    this.#settle();
  }

  /** What a slot will be under the next data key. */
  async #renewed(slot: Slot): Promise<Made> {
    if (slot.kind === 'machine') return { ...(await this.#make({ kind: 'machine' })), from: slot.id };
    const { wrapped: _, ...head } = slot;
    return { head, key: Buffer.from(this.#atHand.get(slot.id)?.key ?? []), from: slot.id };
  }

  async #make(asked: NewSlot): Promise<Made> {
    const { costs, machineId, now } = this.ground;
    switch (asked.kind) {
      case 'machine': {
        const id = await machineId();
        if (id === undefined) throw new ConductorError('CREDENTIALS_REFUSED', 'This machine has no id that could bind a store of credentials to it (/etc/machine-id is missing or empty).', { next: 'Begin with another slot: "conductor secrets slots add passphrase", or open VS Code with Conductor.' });
        const salt = randomBytes(saltBytes);
        return { head: derivedHead('machine', salt, costs.machine, now()), key: await derive(id, salt, costs.machine), salt, from: '' };
      }
      case 'passphrase': {
        const salt = randomBytes(saltBytes);
        return { head: derivedHead('passphrase', salt, costs.passphrase, now()), key: await derive(asked.passphrase, salt, costs.passphrase), from: '' };
      }
      case 'editor':
      case 'keyring': {
        const key = Buffer.from(asked.key, 'hex');
        return { head: keptHead(asked.kind, key, now()), key, from: '' };
      }
    }
  }

  async #tryMachine(slot: Extract<Slot, { kind: 'machine' }>): Promise<void> {
    if (this.#phase.kind !== 'locked') return;
    const { slots } = this.#phase;
    const salt = this.ground.files.read(join(this.ground.folder, saltNameOf(slot)), saltBytes);
    if (salt?.length !== saltBytes || saltMark(salt) !== slot.salt) return void this.#troubles.set(slot.id, `Its salt file ${saltNameOf(slot)} is missing or was changed.`);
    const id = await this.ground.machineId();
    const key = id === undefined ? undefined : await derive(id, salt, slot.cost);
    const dataKey = key === undefined ? undefined : unwrap(slot, key, slots);
    if (key === undefined || dataKey === undefined) return void this.#troubles.set(slot.id, 'It was made on another machine, or the id of this machine is another one now.');
    this.#hold(slot.id, key, 'stays');
    this.#unlock(slots, dataKey);
  }

  /** Opens the vault with a data key that a slot gave; afterwards the store is open or refused. */
  #unlock(slots: Slots, dataKey: Buffer): void {
    const { folder, files } = this.ground;
    const keys = keysOf(dataKey, slots.store, slots.epoch);
    try {
      if (this.#phase.kind === 'locked' && !this.#readSlots().isWrittenWith(keys.slots)) throw changed();
      const vault = Vault.open({ folder: join(folder, slots.epoch), store: slots.store, epoch: slots.epoch, keys, files });
      const unlocked: Unlocked = { slots, dataKey, keys, vault };
      if (vault.generation < (this.#newest ?? 0)) this.#phase = { kind: 'refused', error: rolledBack(vault.generation, this.#newest ?? 0), restorable: unlocked };
      else this.#phase = { kind: 'open', ...unlocked };
    } catch (thrown) {
      this.#refuse(thrown);
      throw this.shut();
    }
    if (this.#phase.kind === 'refused') throw this.shut();
    this.#settle();
  }

  /** Removes what an interrupted change left, now that it is sure what holds. */
  #settle(): void {
    if (this.#phase.kind !== 'open') return;
    const { slots, vault } = this.#phase;
    const { folder, files } = this.ground;
    this.#newest = Math.max(this.#newest ?? 0, vault.generation);
    const named = new Set([slotsName, slots.epoch, ...slots.slots.map(saltNameOf)]);
    try {
      vault.tidy();
      for (const name of files.list(folder)) {
        if (named.has(name)) continue;
        if (!/^[0-9a-f]{16}$/.test(name)) files.remove(join(folder, name));
        else {
          for (const inner of files.list(join(folder, name))) files.remove(join(folder, name, inner));
          files.removeFolder(join(folder, name));
        }
      }
    } catch (thrown) {
      this.#remarks = [...this.#remarks, `What an interrupted change left in ${folder} could not be removed: ${thrown instanceof Error ? thrown.message : String(thrown)}`];
    }
  }

  #keepSlots(next: Slots, key: Uint8Array): void {
    this.#writeSlots(next, key);
    this.#phase = { kind: 'open', ...this.#unlocked(), slots: next };
  }

  /** After a failure in the middle nobody knows which list holds, so it is looked at: the new one holds when it is there. */
  #writeSlots(next: Slots, key: Uint8Array): void {
    const path = join(this.ground.folder, slotsName);
    const text = slotsText(next, key);
    try {
      this.ground.files.write(path, Buffer.from(text));
    } catch (thrown) {
      if (this.ground.files.read(path, mostSlotsBytes)?.toString('utf8') !== text) throw thrown;
    }
  }

  #readSlots(): ReturnType<typeof parseSlots> {
    const bytes = this.ground.files.read(join(this.ground.folder, slotsName), mostSlotsBytes);
    if (bytes === undefined) throw new ConductorError('CREDENTIALS_REFUSED', `${join(this.ground.folder, slotsName)} is missing, without which nothing opens the credentials beside it.`, { next: 'Put it back from a copy, or move the folder away and set the credentials again.' });
    return parseSlots(bytes.toString('utf8'));
  }

  /** Stores that were never finished lie beside the folder. */
  #sweep(): void {
    const { folder, files } = this.ground;
    const [parent, own] = [dirname(folder), basename(folder)];
    if (!existsSync(parent)) return;
    for (const name of files.list(parent)) {
      if (!name.startsWith(`${own}.`) || !/\.[0-9a-f]{12}\.new$/.test(name)) continue;
      const left = join(parent, name);
      for (const inner of files.list(left)) {
        const path = join(left, inner);
        if (/^[0-9a-f]{16}$/.test(inner)) {
          for (const innermost of files.list(path)) files.remove(join(path, innermost));
          files.removeFolder(path);
        } else files.remove(path);
      }
      files.removeFolder(left);
    }
  }

  #unlocked(): Unlocked {
    if (this.#phase.kind !== 'open') throw this.shut();
    return this.#phase;
  }

  #hold(id: string, key: Buffer, by: Bringer): void {
    this.#atHand.set(id, { key, by: new Set([...(this.#atHand.get(id)?.by ?? []), by]) });
  }

  #forget(id: string): void {
    this.#atHand.get(id)?.key.fill(0);
    this.#atHand.delete(id);
  }

  #refuse(thrown: unknown): void {
    if (this.#phase.kind === 'refused' && this.#phase.error === thrown) return;
    const error = thrown instanceof ConductorError ? thrown : new ConductorError('CREDENTIALS_REFUSED', `The store of credentials cannot be used: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
    this.#phase = { kind: 'refused', error };
  }

  #lockedBecause({ slots }: Slots): string {
    const troubles = slots.flatMap(({ id, kind }) => (this.#troubles.has(id) ? [`The ${kind} slot ${id} does not open it: ${this.#troubles.get(id) ?? ''}`] : []));
    return [...troubles, `It opens with ${slots.filter(({ id }) => !this.#troubles.has(id)).map(({ kind }) => keeper[kind]).join(' or ') || 'nothing that is here'}.`].join(' ');
  }

  #wayIn({ slots }: Slots): string {
    const kinds = new Set(slots.filter(({ id }) => !this.#troubles.has(id)).map(({ kind }) => kind));
    if (kinds.has('editor')) return 'Open VS Code with Conductor, whose secret storage has the key.';
    if (kinds.has('passphrase') || kinds.has('keyring')) return 'Run "conductor secrets unlock" in a terminal.';
    return 'On the machine that it comes from, add a passphrase ("conductor secrets slots add passphrase") and copy the folder again; or move the folder credentials/ away and set the credentials again.';
  }
}

type Made = Readonly<{ head: SlotHead; key: Buffer; salt?: Buffer; from: string }>;

const keeper = { machine: 'this machine', editor: 'the editor that has its key', passphrase: 'a passphrase', keyring: 'the keyring of this system' } as const;

/** The key by which an offer would open a slot; undefined when it is not meant for it. */
async function keyFor(slot: Slot, offered: OfferedKey): Promise<Buffer | undefined> {
  if ('passphrase' in offered) return slot.kind === 'passphrase' ? await derive(offered.passphrase, Buffer.from(slot.salt, 'hex'), slot.cost) : undefined;
  const key = Buffer.from(offered.key, 'hex');
  return 'key' in slot && slot.key === keyMark(key) ? key : undefined;
}

function notAtHand(absent: readonly Slot[]): ConductorError {
  return new ConductorError('CONFLICT', `The data key cannot be changed, because the keys of these slots are not at hand: ${absent.map(({ id, kind }) => `${id} (${kind})`).join(', ')}.`, {
    next: 'Open the editor that has the key, or run "conductor secrets unlock", or remove the slot ("conductor secrets slots remove ID").',
  });
}

function rolledBack(found: number, known: number): ConductorError {
  return new ConductorError('CREDENTIALS_REFUSED', `An older copy of the store of credentials was put back: it is at change ${String(found)}, and the audit log knows of change ${String(known)}.`, {
    data: { found, known }, next: 'If you restored it yourself, say so with "conductor secrets accept". If not, somebody else did: look at the audit log.',
  });
}

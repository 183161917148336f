import { isUtf8 } from 'node:buffer';
import { credentialNameSchema, credentialValueSchema, type CredentialState, type CredentialView, type NewSlot, type OfferedKey } from '../../../protocol/src/credentials';
import { ConductorError } from '../../../protocol/src/errors';
import type { Bringer } from './atHand';
import { Box, type BoxGround } from './box';
import { KnownValues, type KnownValue } from './known';
import { leaseOf, type CredentialLease } from './lease';
import type { Slot } from './slots';

/** Credentials: set and deleted by people, leased by tools and backends that declared them, shown by name alone. */

/** What the store needs of the house. */
export type StoreGround = BoxGround & Readonly<{
  /** Records a use by names; a lease is given only once this has resolved. */
  used(use: CredentialUse): Promise<void>;
  /** Hears of a lease that was refused. */
  refused(use: CredentialUse, error: ConductorError): void;
  /** Hears that what `state` gives is another. */
  changed(): void;
  /** Calls back after milliseconds; the result takes it back. */
  schedule(run: () => void, ms: number): () => void;
}>;

/** Who asks for which credentials. */
export type CredentialUse = Readonly<{ holder: string; names: readonly string[] }>;

/** The store as the rest of the house sees it. */
export type CredentialStore = Readonly<{
  state(): CredentialState;
  /** Names that there are, sorted; undefined while the store is locked or refused, since nobody can know. */
  names(): readonly string[] | undefined;
  /** Whether there is one of this name. Throws CREDENTIALS_LOCKED and CREDENTIALS_REFUSED while nobody can know. */
  has(name: string): boolean;
  /** What may be shown of each. Throws as `has` does. */
  list(): readonly CredentialView[];
  /** Keeps a value; durable when it resolves. The caller overwrites its own copy. */
  set(name: string, value: Uint8Array): Promise<'created' | 'changed'>;
  /** Whether there was one. */
  delete(name: string): Promise<boolean>;
  /** Says which credentials a tool or backend (`holder`, its id) may lease, in place of what it declared before; the result takes it back. */
  declare(holder: string, names: readonly string[]): () => void;
  /**
   * Values for one use by a holder; release them in a `finally`. Rejects with DENIED for names that the holder did not declare, NOT_FOUND,
   * CREDENTIALS_LOCKED, CREDENTIALS_REFUSED, CREDENTIAL_DAMAGED, and with what kept the use from being recorded.
   */
  lease(names: readonly string[], holder: string): Promise<CredentialLease>;
  /** Values that must not get out; see `KnownValues`. */
  known(): readonly KnownValue[];
  /** Hears that `known` gives others now; the result takes it back. */
  onKnown(listener: () => void): () => void;
  /** Opens the store with a key, or notes that it is here. */
  offer(offered: OfferedKey, by: Bringer): Promise<Slot>;
  /** A window left, and takes its key along. */
  left(by: number): Promise<void>;
  addSlot(asked: NewSlot, by: Bringer): Promise<Slot>;
  removeSlot(id: string): Promise<Slot>;
  /** Seals everything with a new data key. */
  renew(): Promise<void>;
  /** Takes what is there as what holds, see `Box.accept`. */
  accept(): Promise<void>;
  /** Keeps the times of use, and forgets every key and value but those that were leased. */
  close(): Promise<void>;
}>;

/** Milliseconds that times of use are gathered for before they are written. */
const gatheringMs = 30_000;

const sentences = { empty: 'There are no credentials yet.', open: 'The store of credentials is open.' } as const;

/** Opens the store of a folder. A store that cannot be used is there all the same, refuses, and says why. */
export async function openCredentials(ground: StoreGround): Promise<CredentialStore> {
  const store = new Store(ground);
  await store.open();
  return store;
}

class Store implements CredentialStore {
  readonly #box: Box;
  readonly #known = new KnownValues();
  readonly #declared = new Map<string, ReadonlySet<string>>();
  #troubles: ReadonlyMap<string, string> = new Map();
  #turn: Promise<unknown> = Promise.resolve();
  #keeping: (() => void) | undefined;

  constructor(readonly ground: StoreGround) {
    this.#box = new Box(ground);
  }

  async open(): Promise<void> {
    await this.#box.open();
    this.#reload();
  }

  state(): CredentialState {
    const { phase, remarks } = this.#box;
    const open = phase === 'open';
    return {
      state: phase,
      message: phase === 'open' || phase === 'empty' ? sentences[phase] : `${this.#box.shut().message} ${this.#box.shut().next}`,
      store: this.#box.store ?? null,
      generation: open ? this.#box.vault.generation : null,
      slots: [...this.#box.slots()],
      credentials: open ? [...this.list()] : [],
      remarks: [...remarks],
    };
  }

  names(): readonly string[] | undefined {
    if (this.#box.phase === 'empty') return [];
    return this.#box.phase === 'open' ? this.#box.vault.entries().map(({ name }) => name).sort() : undefined;
  }

  has(name: string): boolean {
    return this.#box.phase !== 'empty' && this.#box.vault.entry(name) !== undefined;
  }

  list(): readonly CredentialView[] {
    if (this.#box.phase === 'empty') return [];
    const holders = [...this.#declared].sort(([one], [other]) => (one < other ? -1 : 1));
    return this.#box.vault.entries().map(({ name, createdAt, changedAt, lastUsedAt }) => ({
      name, createdAt, changedAt, lastUsedAt,
      usableBy: holders.filter(([, names]) => names.has(name)).map(([holder]) => holder),
      trouble: this.#troubles.get(name) ?? null,
    })).sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  set(name: string, value: Uint8Array): Promise<'created' | 'changed'> {
    return this.#inTurn(async () => {
      requireName(name);
      requireValue(value);
      await this.#box.ensure();
      return this.#box.vault.put(name, value, this.ground.now());
    });
  }

  delete(name: string): Promise<boolean> {
    return this.#inTurn(() => this.#box.phase !== 'empty' && this.#box.vault.remove(name));
  }

  declare(holder: string, names: readonly string[]): () => void {
    names.forEach(requireName);
    const declared = new Set(names);
    this.#declared.set(holder, declared);
    this.ground.changed();
    return () => {
      if (this.#declared.get(holder) !== declared) return;
      this.#declared.delete(holder);
      this.ground.changed();
    };
  }

  async lease(names: readonly string[], holder: string): Promise<CredentialLease> {
    const use = { holder, names: [...new Set(names)] };
    try {
      this.#requireUsable(use);
      await this.ground.used(use);
      // What was so before the log was written may be otherwise now.
      this.#requireUsable(use);
      return this.#give(use);
    } catch (thrown) {
      if (thrown instanceof ConductorError) this.ground.refused(use, thrown);
      throw thrown;
    }
  }

  known(): readonly KnownValue[] {
    return this.#known.list();
  }

  onKnown(listener: () => void): () => void {
    return this.#known.onChange(listener);
  }

  offer(offered: OfferedKey, by: Bringer): Promise<Slot> {
    return this.#inTurn(() => this.#box.offer(offered, by));
  }

  left(by: number): Promise<void> {
    return this.#inTurn(() => void this.#box.left(by));
  }

  addSlot(asked: NewSlot, by: Bringer): Promise<Slot> {
    return this.#inTurn(() => this.#box.addSlot(asked, by));
  }

  removeSlot(id: string): Promise<Slot> {
    return this.#inTurn(() => this.#box.removeSlot(id));
  }

  renew(): Promise<void> {
    return this.#inTurn(() => this.#box.renew());
  }

  accept(): Promise<void> {
    return this.#inTurn(() => this.#box.accept());
  }

  close(): Promise<void> {
    return this.#inTurn(() => {
      this.#keeping?.();
      this.#box.lock();
    });
  }

  #requireUsable({ holder, names }: CredentialUse): void {
    const declared = this.#declared.get(holder);
    const foreign = names.filter((name) => declared?.has(name) !== true);
    if (foreign.length > 0) throw new ConductorError('DENIED', `${holder} did not declare the credential ${foreign.join(', ')}, so it does not get it.`, { next: 'Name it in the configuration of that backend if it should.' });
    for (const name of names) {
      if (this.#box.vault.entry(name) === undefined) throw new ConductorError('NOT_FOUND', `There is no credential ${name}, which ${holder} needs.`, { next: `Ask the user to run "conductor secrets set ${name}".` });
    }
  }

  #give({ names }: CredentialUse): CredentialLease {
    const values = new Map<string, Buffer>();
    try {
      for (const name of names) values.set(name, this.#box.vault.read(name));
    } catch (thrown) {
      for (const value of values.values()) value.fill(0);
      throw thrown;
    }
    const at = this.ground.now();
    for (const [name, value] of values) {
      this.#known.leased(name, value);
      this.#box.vault.used(name, at);
    }
    this.#keeping ??= this.ground.schedule(() => void this.#keepUses(), gatheringMs);
    return leaseOf(values);
  }

  async #keepUses(): Promise<void> {
    this.#keeping = undefined;
    await this.#inTurn(() => {
      if (this.#box.phase === 'open') this.#box.vault.keepUses();
    }).catch(() => undefined); // the times come with the next change
  }

  /** One change at a time, each seen by everybody when it is done, also when it failed half way. */
  #inTurn<Value>(work: () => Promise<Value> | Value): Promise<Value> {
    const done = this.#turn.then(work).finally(() => this.#reload());
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #reload(): void {
    this.#troubles = this.#known.reload(this.#box.phase === 'open' ? this.#box.vault : undefined);
    this.ground.changed();
  }
}

function requireName(name: string): void {
  if (!credentialNameSchema.safeParse(name).success) throw new ConductorError('INVALID_INPUT', `${JSON.stringify(name.slice(0, 140))} is no name of a credential.`, { next: 'Write SERVICE.KEY: two parts of at most 64 letters, digits, "_" and "-".' });
}

/** The failure never quotes the value. */
function requireValue(value: Uint8Array): void {
  const parsed = credentialValueSchema.safeParse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'));
  if (parsed.success && isUtf8(value)) return;
  throw new ConductorError('INVALID_INPUT', `The value ${parsed.error?.issues[0]?.message ?? 'must be UTF-8'}.`, { next: 'A credential is text; encode other bytes as base64 first.' });
}

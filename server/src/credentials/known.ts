import type { Vault } from './vault';

/** A value that must not get out, and the credential that it is of. The bytes belong to the store: read them, never change or keep them. */
export type KnownValue = Readonly<{ name: string; value: Buffer }>;

/**
 * The values that redaction looks for: everything that is stored, as long as the store is open, and everything that was leased in this run,
 * to its end, since a program that got it may say it at any time.
 */
export class KnownValues {
  #stored = new Map<string, Buffer>();
  readonly #leased: KnownValue[] = [];
  readonly #listeners = new Set<() => void>();

  /** All of them now; ask again after each change. */
  list(): readonly KnownValue[] {
    return [...[...this.#stored].map(([name, value]) => ({ name, value })), ...this.#leased];
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Reads what is stored anew; gives what is wrong with those that cannot be read, by name. */
  reload(vault: Vault | undefined): ReadonlyMap<string, string> {
    const old = this.#stored;
    const troubles = new Map<string, string>();
    this.#stored = new Map();
    for (const { name } of vault?.entries() ?? []) {
      try {
        this.#stored.set(name, vault?.read(name) ?? Buffer.alloc(0));
      } catch (thrown) {
        troubles.set(name, thrown instanceof Error ? thrown.message : String(thrown));
      }
    }
    for (const listener of this.#listeners) listener();
    for (const value of old.values()) value.fill(0);
    return troubles;
  }

  /** A holder is given this value now. */
  leased(name: string, value: Buffer): void {
    if (this.#leased.some((known) => known.name === name && known.value.equals(value))) return;
    this.#leased.push({ name, value: Buffer.from(value) });
    for (const listener of this.#listeners) listener();
  }
}

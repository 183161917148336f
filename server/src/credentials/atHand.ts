/** Who brought a key: a window that takes it along when it leaves, or somebody whose key stays until the broker ends. */
export type Bringer = number | 'stays';

type Held = Readonly<{ key: Buffer; by: ReadonlySet<Bringer> }>;

/** Keys of slots that are here, by the slot, each with all who brought it. */
export class KeysAtHand {
  #held = new Map<string, Held>();

  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  keyOf(id: string): Buffer | undefined {
    return this.#held.get(id)?.key;
  }

  /** Takes a key, which belongs to this from now on. */
  hold(id: string, key: Buffer, by: Bringer): void {
    const before = this.#held.get(id);
    this.#held.set(id, { key, by: new Set([...(before?.by ?? []), by]) });
    before?.key.fill(0);
  }

  /** Takes the keys of the slots of the next data key in place of all others, which are overwritten; each was brought by whoever brought that of the slot before it. */
  exchange(next: readonly Readonly<{ id: string; key: Buffer; before: string }>[]): void {
    const old = this.#held;
    this.#held = new Map(next.map(({ id, key, before }) => [id, { key, by: old.get(before)?.by ?? new Set<Bringer>(['stays']) }]));
    for (const { key } of old.values()) key.fill(0);
  }

  /** Forgets what only this one brought. */
  left(by: Bringer): void {
    for (const [id, held] of this.#held) {
      const others = new Set([...held.by].filter((one) => one !== by));
      if (others.size === 0) this.#forget(id);
      else this.#held.set(id, { ...held, by: others });
    }
  }

  forgetAll(): void {
    for (const id of [...this.#held.keys()]) this.#forget(id);
  }

  #forget(id: string): void {
    this.#held.get(id)?.key.fill(0);
    this.#held.delete(id);
  }
}

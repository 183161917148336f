import type { Pending } from '../../../../protocol/src/approvals';

/** What waits, as a terminal goes through it. */
export class WatchQueue {
  #pending: readonly Pending[] = [];
  #changed = new AbortController();
  #chosen: string | undefined;
  readonly #skipped = new Set<string>();

  get all(): readonly Pending[] {
    return this.#pending;
  }

  replace(pending: readonly Pending[]): void {
    this.#pending = pending;
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  skip(call: Pending): void {
    this.#skipped.add(call.id);
  }

  isSkipped(call: Pending): boolean {
    return this.#skipped.has(call.id);
  }

  /** Makes this one the next, also when it was skipped. */
  choose(call: Pending): void {
    this.#chosen = call.id;
    this.#skipped.delete(call.id);
  }

  /** Begins anew with what was skipped. */
  unskip(): void {
    this.#skipped.clear();
  }

  /** The chosen one, or else the one that waits longest, as soon as there is one; undefined once `leaving` is aborted. */
  async next(leaving: AbortSignal): Promise<Pending | undefined> {
    while (!leaving.aborted) {
      const call = this.#pending.find((one) => one.id === this.#chosen) ?? this.#pending.find((one) => !this.#skipped.has(one.id));
      if (call !== undefined) return call;
      await aborted(AbortSignal.any([this.#changed.signal, leaving]));
    }
    return undefined;
  }

  /** Aborts when the call no longer waits. */
  gone(call: Pending): AbortSignal {
    const gone = new AbortController();
    const look = (): void => {
      if (!this.#pending.some((one) => one.id === call.id)) gone.abort();
      else this.#changed.signal.addEventListener('abort', () => queueMicrotask(look), { once: true });
    };
    look();
    return gone.signal;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

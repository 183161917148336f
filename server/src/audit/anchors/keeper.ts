/** Puts checkpoints into places outside the log: one at a time for each place, the newest only, not too often, and never in anybody's way. */
import type { Checkpoint } from '../../../../protocol/src/audit/checkpoint';
import type { NoteSignature } from '../../../../protocol/src/audit/note';
import type { Frontier } from '../../../../protocol/src/audit/merkle';
import type { AnchorState } from '../../../../protocol/src/audit/signing';

/** A checkpoint that is durable, and the edge of the tree at its size. */
export type Offer = Readonly<{ checkpoint: Checkpoint; edge: Frontier }>;

/** A place outside the log. Gives signatures of others under the checkpoint, if it is of that kind; rejects with the reason when the place cannot be reached or does not take it. */
export type Anchor = Readonly<{ name: string; put(offer: Offer): Promise<readonly NoteSignature[]> }>;

/** What the keeper is made of. */
export type KeeperOptions = Readonly<{
  /** Monotonic, in milliseconds, and wall clock in milliseconds since 1970. */
  now: () => number;
  wallNow: () => number;
  schedule: (run: () => void, ms: number) => () => void;
  /** Takes signatures of others. */
  signed: (checkpoint: Checkpoint, signatures: readonly NoteSignature[]) => Promise<void>;
  changed: () => void;
  /** Least milliseconds between two visits to the same place. Default: a minute. */
  everyMs?: number;
}>;

type Place = { readonly anchor: Anchor; pending: Offer | undefined; busy: boolean; nextAt: number; cancel: (() => void) | undefined; visit: Promise<void> | undefined; state: AnchorState };

/** Keeps several places up to date. */
export class AnchorKeeper {
  #places: Place[] = [];
  readonly #options: KeeperOptions;
  #latest: Offer | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Says which places there are from now on; those of the same name keep their state. */
  use(anchors: readonly Anchor[]): void {
    const before = new Map(this.#places.map((place) => [place.anchor.name, place]));
    for (const { cancel } of this.#places) cancel?.();
    this.#places = anchors.map((anchor) => {
      const known = before.get(anchor.name);
      const state = known?.state ?? { name: anchor.name, entries: null, at: null, problem: null };
      return { anchor, pending: this.#latest, busy: false, nextAt: known?.nextAt ?? Number.NEGATIVE_INFINITY, cancel: undefined, visit: undefined, state };
    });
    for (const place of this.#places) this.#visitSoon(place);
  }

  /** Hands over a newer checkpoint; returns at once. */
  offer(offer: Offer): void {
    this.#latest = offer;
    for (const place of this.#places) {
      place.pending = offer;
      this.#visitSoon(place);
    }
  }

  states(): AnchorState[] {
    return this.#places.map(({ state }) => state);
  }

  /** Visits every place that lacks the newest once more, however soon after the last time; resolves when all were, or after so many milliseconds. */
  async finish(patienceMs: number): Promise<void> {
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => { cancel = this.#options.schedule(resolve, patienceMs); });
    await Promise.race([late, Promise.all(this.#places.map((place) => this.#finish(place)))]);
    cancel();
  }

  close(): void {
    for (const { cancel } of this.#places) cancel?.();
    this.#places = [];
  }

  async #finish(place: Place): Promise<void> {
    await place.visit;
    place.cancel?.();
    place.cancel = undefined;
    if (place.pending === undefined) return;
    place.nextAt = Number.NEGATIVE_INFINITY;
    this.#visitSoon(place);
    await place.visit;
  }

  #visitSoon(place: Place): void {
    if (place.busy || place.pending === undefined || place.cancel !== undefined) return;
    const wait = place.nextAt - this.#options.now();
    if (wait <= 0) {
      place.visit = this.#visit(place);
      return;
    }
    place.cancel = this.#options.schedule(() => {
      place.cancel = undefined;
      this.#visitSoon(place);
    }, wait);
  }

  async #visit(place: Place): Promise<void> {
    const { pending: offer, anchor } = place;
    if (offer === undefined) return;
    const { now, wallNow, signed, changed, everyMs = 60_000 } = this.#options;
    place.pending = undefined;
    place.busy = true;
    try {
      const signatures = await anchor.put(offer);
      if (signatures.length > 0) await signed(offer.checkpoint, signatures);
      place.state = { name: anchor.name, entries: offer.checkpoint.size, at: new Date(wallNow()).toISOString(), problem: null };
    } catch (cause) {
      place.state = { ...place.state, problem: cause instanceof Error ? cause.message : String(cause) };
      // The next checkpoint replaces it; without one it is tried again.
      place.pending ??= offer;
    } finally {
      place.busy = false;
      place.nextAt = now() + everyMs;
      changed();
      this.#visitSoon(place);
    }
  }
}

import type { Fate } from './reviewText';

/** Most calls whose fate is remembered; a review that stays open longer than that says that its call no longer waits, which is true. */
export const mostFates = 500;

/** What became of the calls that were answered at this window, the newest of them. */
export class Fates {
  private readonly known = new Map<string, Fate>();

  of(id: string): Fate {
    return this.known.get(id) ?? 'no longer waiting';
  }

  set(id: string, fate: Fate): void {
    this.known.set(id, fate);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= mostFates) return;
      this.known.delete(oldest);
    }
  }
}

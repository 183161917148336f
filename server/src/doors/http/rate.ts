/** How many requests come in: a bucket that fills evenly and holds one minute's worth. */
export class Rate {
  #left: number;
  #at: number;

  /** `now` is monotonic milliseconds. */
  constructor(readonly perMinute: number, readonly now: () => number) {
    this.#left = perMinute;
    this.#at = now();
  }

  /** Takes one; 0 when there was one, else the whole seconds until there is. */
  wait(): number {
    const now = this.now();
    this.#left = Math.min(this.perMinute, this.#left + ((now - this.#at) * this.perMinute) / 60_000);
    this.#at = now;
    if (this.#left < 1) return Math.max(1, Math.ceil(((1 - this.#left) * 60) / this.perMinute));
    this.#left -= 1;
    return 0;
  }
}

/**
 * How long things have been in sight. When an answered review closes, another may come to stand in its place, under the same key and the same
 * button: an answer that was on its way to the first must not reach the second, and neither must a key that is held down.
 */
export class Standing {
  private readonly since = new Map<string, number>();

  /** `now` is a monotonic clock in milliseconds. */
  constructor(private readonly now: () => number) {}

  /** Takes over what is in sight now; what was there before keeps its time. */
  see(inSight: readonly string[]): void {
    for (const key of this.since.keys()) if (!inSight.includes(key)) this.since.delete(key);
    for (const key of inSight) if (!this.since.has(key)) this.since.set(key, this.now());
  }

  /** Whether this stood so many milliseconds. Asked too soon, it has to stand as long again. */
  settled(key: string, ms: number): boolean {
    const at = this.since.get(key);
    if (at !== undefined && this.now() - at >= ms) return true;
    this.since.set(key, this.now());
    return false;
  }
}

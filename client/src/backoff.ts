/** Milliseconds to wait before attempt `failures` + 1 to reach the broker: 250 ms, doubled each time, at most 10 s. */
export function backoffMs(failures: number): number {
  return Math.min(10_000, 250 * 2 ** Math.min(failures, 10));
}

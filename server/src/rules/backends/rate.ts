import type { Rate } from '../../../../protocol/src/externalPolicy';

/** Whether one more call fits a rate, by the monotonic milliseconds of earlier ones, oldest first. Gives the times to keep, or the milliseconds to wait. */
export function withinRate(earlier: readonly number[], now: number, { calls, per_s }: Rate): Readonly<{ kind: 'fits'; times: readonly number[] }> | Readonly<{ kind: 'full'; retryAfterMs: number }> {
  const recent = earlier.filter((at) => at > now - per_s * 1000);
  const [oldest] = recent.slice(-calls);
  if (recent.length < calls || oldest === undefined) return { kind: 'fits', times: [...recent, now] };
  return { kind: 'full', retryAfterMs: Math.max(1, Math.ceil(oldest + per_s * 1000 - now)) };
}

/** Small arithmetic of measurements. */

/** Median of a non-empty list. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Quantile of a non-empty list by nearest rank; `q` from 0 to 1. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
  if (value === undefined) throw new RangeError('a quantile needs at least one value');
  return value;
}

/** One line of the results: what was measured, the figure, and what was asked for. */
export type Figure = Readonly<{ what: string; baseline: string; value: string; goal: string; met: boolean }>;

/** A ratio against a named baseline of the same run: median of the rounds' ratios, with the smallest and the largest. */
export function ratioFigure(what: string, baseline: string, ratios: readonly number[], goal: number): Figure {
  const middle = median(ratios);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  return { what, baseline, value: `${middle.toFixed(2)}x [${least.toFixed(2)}-${most.toFixed(2)}]`, goal: goal === Infinity ? 'none' : `at most ${String(goal)}x`, met: middle <= goal };
}

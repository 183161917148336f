/** The candidate that a misspelled word most likely meant: its beginning or end is missing or surplus, or few letters differ. Undefined when none is near. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined; // Nobody misspells that much, and the table below would grow.
  const limit = word.length <= 4 ? 1 : word.length <= 9 ? 2 : 3;
  let best: string | undefined;
  let least = limit + 1;
  for (const candidate of candidates) {
    const slips = slipsBetween(word.toLowerCase(), candidate.toLowerCase());
    if (slips < least) [best, least] = [candidate, slips];
  }
  return best;
}

function slipsBetween(word: string, candidate: string): number {
  const shorter = word.length < candidate.length ? word : candidate;
  const within = shorter.length >= 4 && (word.includes(candidate) || candidate.includes(word));
  return within ? 1 : distance(word, candidate);
}

// Letters inserted, dropped, replaced, or swapped with their neighbour.
function distance(from: string, to: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (older[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [older, previous] = [previous, current];
  }
  return previous[to.length] ?? 0;
}

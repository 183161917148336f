/** Regular expressions that a server wrote, for text that an agent wrote: what could take long is never tried (ReDoS). */

/** Longest pattern, and most repetitions that one may count, for which anything is said. */
const most = { pattern: 1000, count: 1000, work: 5_000_000 } as const;

/**
 * Steps that the pattern may take on a text of this length, by a bound that is never too low: the product of the choices at each repetition
 * and alternative, and of the places to begin at. Undefined for what repeats groups, looks around or refers back, where choices multiply
 * with each other, and for more than five million.
 */
export function patternWork(pattern: string, length: number): number | undefined {
  if (pattern.length > most.pattern) return undefined;
  let ways = pattern.startsWith('^') ? 1 : length + 1;
  let pieces = 1;
  for (const [token] of pattern.matchAll(tokens)) {
    pieces += 1;
    const choice = choices(token, length);
    ways *= choice ?? Infinity;
    if (ways * pieces > most.work) return undefined;
  }
  return ways * pieces + length;
}

/** Whether the pattern is found in the text; undefined where it is no pattern. Ask `patternWork` before. */
export function patternFits(pattern: string, text: string): boolean | undefined {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    return undefined;
  }
}

/** One piece of a pattern with the repetition behind it: a class, an escape, a bracket of a group, or any other character. */
const tokens = /(?:\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\.|\(\?<?[:=!a-zA-Z]?|[^\\])(?:[*+?]\??|\{[0-9]+(?:,[0-9]*)?\}\??)?/gsu;

/** In how many ways one piece can be laid; undefined where nobody can say. */
function choices(token: string, length: number): number | undefined {
  if (/^\\[1-9k]/.test(token) || /^\(\?(?!:)/.test(token)) return undefined;
  if (token === '|') return 2;
  const repetition = token.length === 1 ? undefined : /(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??$/.exec(token)?.[0];
  if (repetition === undefined || /^(?:\(\?:?|\\.)$/su.test(token)) return 1;
  const [, least, comma, greatest] = /^\{([0-9]+)(,?)([0-9]*)\}/.exec(repetition) ?? [];
  if (least === undefined && repetition.startsWith('?')) return 2;
  if (token.startsWith(')') || Number(least ?? 0) > most.count || Number(greatest ?? 0) > most.count) return undefined;
  if (least === undefined) return length + 1;
  return comma === '' ? 1 : (greatest === '' ? length : Math.min(Number(greatest) - Number(least), length)) + 1;
}

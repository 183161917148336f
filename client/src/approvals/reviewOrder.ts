/** Orders what a review says of a call: what decides comes first and short, what only binds comes last and in full. */

/** One remark or fact as a question carries it. */
export type Detail = readonly [label: string, value: string];

/** `first` is read by everybody, `last` by whoever wants to know exactly. What `first` shortens stands in full in `last`. */
export type Arranged = Readonly<{ first: readonly Detail[]; last: readonly Detail[] }>;

// What follows from the machine or the settings and is the same for most calls. A label that is not known here counts as one that decides.
const usual: ReadonlySet<string> = new Set(['Folder', 'Limits', 'Time limit', 'Usual environment', 'Configuration', 'Sandbox layout', 'Content', 'Content now', 'Content afterwards', 'Begins', 'Difference', 'Path']);
const parsed = /^Arguments \d+$/;
const absent = /, not there and to stay so$/;

/** Divides details by what they are for; nothing is lost. */
export function arrange(details: readonly Detail[]): Arranged {
  // The arguments of a line with one command repeat it; of several they say which words belong to which.
  const commands = details.filter(([label]) => parsed.test(label)).length;
  const isLast = ([label]: Detail): boolean => usual.has(label) || absent.test(label) || (commands === 1 && parsed.test(label));
  const decisive = details.filter((detail) => !isLast(detail));
  const reasons = decisive.filter(([label]) => label.startsWith('Why ('));
  const first = [...reasons, ...decisive.filter((detail) => !reasons.includes(detail))].map(([label, value]): Detail => [label, shorten(value)]);
  return { first, last: [...decisive.filter(([, value]) => shorten(value) !== value), ...details.filter(isLast)] };
}

/** What is taken away of a file, only where we wrote it ourselves at the end: a hash, a size, and the numbers by which the system knows it. */
export const identity = /( sha256:[0-9a-f]{64})?( \d+ bytes)? \(\d+(:\d+)+\)$/;

function shorten(value: string): string {
  return value.replace(identity, '');
}

/** Where in a long text something that looks like a secret may begin, in one pass: the expressions that decide are then tried at those places only. */

import { gramAt, Stops, withLowBytes } from './lowBytes';

/** Places in UTF-16 units, in order and each once. */
export type Beginnings = Readonly<{ shapes: readonly number[]; places: readonly number[] }>;

/** A run of three characters by which a beginning is found, and how many characters before it that is. `named`: the name of a password, which may stand in the midst of a flag. */
type Clue = Readonly<{ back: number; kind: 'shapes' | 'places'; named?: boolean }>;

const shapeClues: readonly (readonly [gram: string, back: number])[] = [['--B', 3], ['sk-', 0], ['eyJ', 0], ['Iza', 1], ['AKI', 0], ['ASI', 0], ['lpa', 1], ['pyp', 0], ['xox', 0]];
const placeClues: readonly (readonly [gram: string, back: number])[] = [['aut', 0], ['rer', 3], ['sic', 2], ['://', 0]];
const nameClues: readonly (readonly [gram: string, back: number])[] = [['pas', 0], ['pwd', 0], ['sec', 0], ['tok', 0], ['api', 0], ['acc', 0], ['pri', 0], ['cre', 0]];

const clues = new Map<number, Clue[]>();
function know(gram: number, clue: Clue): void {
  clues.set(gram, [...(clues.get(gram) ?? []), clue]);
}
for (const [gram, back] of shapeClues) know(numberOf(gram), { back, kind: 'shapes' });
for (const [gram, back] of placeClues) for (const each of inBothCases(gram)) know(each, { back, kind: 'places' });
for (const [gram, back] of nameClues) for (const each of inBothCases(gram)) know(each, { back, kind: 'places', named: true });

const [underscore, dash, letterU, capitalU] = [0x5f, 0x2d, 0x75, 0x55];
/** What stands before the first `_` of a token's beginning. */
const beforeUnderscore: ReadonlySet<number> = new Set([...'pousrtbmfkc'].map((char) => char.charCodeAt(0)));
const stops = new Stops([underscore, dash], clues.keys(), (unit, before, after) => (unit === underscore ? before === -1 || beforeUnderscore.has(before) : after === -1 || isU(after)));

const beginningOfToken = /(?:gh[pousr]|github|npm|hf|[sr]k|whsec|dop|shpat)$/;
const longestBeginning = 6;

/** Longest run of a flag before the name in it, with its dashes. */
const longestFlag = 32;

/** Every place of `text` at which one of the expressions may match; `names` tells where the name of a password stands (sticky). */
export function beginningsIn(text: string, names: RegExp): Beginnings {
  const found = { shapes: [] as number[], places: [] as number[] };
  const single = (at: number): void => {
    if (text.charCodeAt(at) === underscore) {
      const beginning = beginningOfToken.exec(text.slice(Math.max(0, at - longestBeginning), at))?.[0];
      if (beginning !== undefined) found.shapes.push(at - beginning.length);
    } else if (isU(text.charCodeAt(at + 1))) found.places.push(userFlagAt(text, at));
  };
  const gram = (bytes: DataView, at: number): void => {
    for (const { back, kind, named } of clues.get(gramAt(bytes, at)) ?? []) {
      if (at < back) continue;
      if (named === true) found.places.push(...nameAt(text, at - back, names));
      else found[kind].push(at - back);
    }
  };
  withLowBytes(text, (bytes) => stops.each(bytes, text.length, single, (at) => gram(bytes, at)));
  return { shapes: inOrder(found.shapes), places: inOrder(found.places) };
}

/** `-u` or `--user` begins with the blank before it, or with the text. */
function userFlagAt(text: string, at: number): number {
  const first = text.charCodeAt(at - 1) === dash ? at - 1 : at;
  return Math.max(0, first - 1);
}

function isU(unit: number): boolean {
  return unit === letterU || unit === capitalU;
}

/** A name begins a place itself, or the flag does in whose run of letters it stands. */
function nameAt(text: string, at: number, names: RegExp): readonly number[] {
  names.lastIndex = at;
  if (!names.test(text)) return [];
  let start = at;
  while (start > 0 && at - start <= longestFlag && isWord(text.charCodeAt(start - 1))) start -= 1;
  return start < at && text.charCodeAt(start) === dash ? [start, at] : [at];
}

/** `[\w-]` */
function isWord(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x30 && unit <= 0x39) || unit === underscore || unit === dash;
}

function inOrder(numbers: number[]): readonly number[] {
  if (numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? 0))) return numbers;
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function numberOf(gram: string): number {
  return [...gram].reduce((number, char, place) => number | (char.charCodeAt(0) << (8 * place)), 0);
}

/** A run of three in every mixture of cases. */
function inBothCases(gram: string): readonly number[] {
  return [...gram].reduce<readonly string[]>((runs, char) => runs.flatMap((run) => [...new Set([char.toLowerCase(), char.toUpperCase()])].map((one) => run + one)), ['']).map(numberOf);
}

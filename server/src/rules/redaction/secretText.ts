/**
 * Finds what looks like a secret in a text, for the log: keys and tokens by their shapes, generously, and values that stand where a password
 * stands. It has no side effects and takes no time that an agent could stretch: every repetition is bounded.
 */

import { gramAt, Stops, withLowBytes } from './lowBytes';

/** A span of a text, in UTF-16 units, and what it looks like. */
export type SecretSpan = Readonly<{ from: number; to: number; kind: string }>;

// Shapes with a beginning of their own. The name of the group is the kind.
const shapes = new RegExp(
  [
    '(?<key>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:(?!-----END )[\\s\\S]){0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?)',
    // Not in the middle of a run: each run is looked at once.
    '(?<![\\w-])(?<token>(?:gh[pousr]_|github_pat_|glpat-|npm_(?!config_|package_|lifecycle_)|pypi-|hf_|sk-|[sr]k_(?:live|test)_|xox[abeoprs]-|whsec_|dop_v1_|shpat_)[\\w-]{16,400}|AIza[\\w-]{35}|(?:AKIA|ASIA)[A-Z0-9]{16}|eyJ[\\w-]{8,400}\\.eyJ[\\w-]{8,4000}\\.[\\w-]{0,1000})',
  ].join('|'),
  'dg',
);

const names = 'pass(?:w(?:or)?d|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential';
const types = '(?!(?:string|number|boolean|undefined|null|true|false|any|unknown|object|none|str|int|bool)\\b)';

// Values that stand where a password stands: quoted after a name, bare after NAME=, after a flag, in a header, in an address.
const places = new RegExp(
  [
    `(?:${names})[\\w-]{0,30}(?:["']?\\s{0,3}[:=]\\s{0,3}(?:"(?<password>[^"\\n]{3,500})"|'(?<password2>[^'\\n]{3,500})')|=(?<password3>[^\\s"'\`,;&|()<>{}$]{3,500})|:\\s{1,3}${types}(?<password4>[^\\s"'\`,;&|()<>{}$:]{3,500})(?=\\s|$))`,
    `(?<![\\w-])--?[\\w-]{0,30}(?:${names})\\s{1,3}["']?(?<flag>[^\\s"'\`-][^\\s"'\`]{2,500})`,
    '\\bauthorization["\']?\\s{0,3}[:=]\\s{0,3}["\']?(?:[a-z]{1,20}\\s{1,3})?(?<header>[^\\s"\'`]{6,2000})',
    '\\b(?:bearer|basic)\\s{1,3}(?<header2>[\\w.~+/=-]{8,2000})',
    '(?:^|\\s)(?:-u|--user)[\\s=]{1,3}["\']?[^\\s:"\']{1,100}:(?<userinfo>[^\\s"\'`]{1,300})',
    '://[^\\s/:@"\']{0,100}:(?<userinfo2>[^\\s/@"\']{1,300})@',
  ].join('|'),
  'dgi',
);

const secretName = new RegExp(`^[\\w-]{0,30}(?:${names}|authorization)s?$`, 'i');

// Cheap to look for, and at least one of them is in every text in which one of the above finds something. Each with the place of three
// characters of it that are rare in texts.
const hintWords: readonly (readonly [word: string, rare: number])[] = [
  ['-----BEGIN', 3], ['sk-', 0], ['eyJ', 0], ['AIza', 1], ['AKIA', 0], ['ASIA', 0], ['glpat-', 1], ['pypi-', 0], ['xox', 0], ['pass', 0], ['pwd', 0],
  ['secret', 1], ['token', 1], ['key', 0], ['credential', 3], ['authori', 0], ['bearer', 3], ['basic', 2], ['://', 0],
];
const hint = new RegExp(['[a-z\\d]_', '-u', ...hintWords.map(([word]) => word)].join('|'), 'i');

type HintWord = Readonly<{ rare: number; word: RegExp }>;
const hintsByGram = new Map<number, HintWord[]>();
for (const [word, rare] of hintWords) for (const gram of bothCases(word.slice(rare, rare + 3))) hintsByGram.set(gram, [...(hintsByGram.get(gram) ?? []), { rare, word: new RegExp(word, 'iy') }]);
const hintStops = new Stops(bytesIn('_-'), hintsByGram.keys());
const briefHint = /[a-z\d]_|-u/iy;

/** Characters from which on a text is looked at by three characters at a time. */
const longText = 1024;

/** Whether `hint` finds anything; in a long text that is asked only where a piece of it stands. */
function hints(text: string): boolean {
  if (text.length < longText) return hint.test(text);
  let found = false;
  const stands = (word: RegExp, at: number): boolean => ((word.lastIndex = at), word.test(text));
  const single = (at: number): void => { found ||= stands(briefHint, at) || (at > 0 && stands(briefHint, at - 1)); };
  const gram = (bytes: DataView, at: number): void => { found ||= (hintsByGram.get(gramAt(bytes, at)) ?? []).some(({ rare, word }) => at >= rare && stands(word, at - rare)); };
  withLowBytes(text, (bytes) => hintStops.each(bytes, text.length, single, (at) => gram(bytes, at)));
  return found;
}

function bytesIn(ascii: string): number[] {
  return [...ascii].map((char) => char.charCodeAt(0));
}

/** A run of three in every mixture of cases, as numbers, see `gramAt`. */
function bothCases(gram: string): number[] {
  return [...gram].reduce<number[]>((numbers, char, place) => [...new Set([char.toLowerCase(), char.toUpperCase()])].flatMap((one) => numbers.map((number) => number | (one.charCodeAt(0) << (8 * place)))), [0]);
}

const none: readonly SecretSpan[] = [];
/** No text that is shorter holds anything that is looked for. */
const shortest = 7;

/** Everything in `text` that looks like a secret, with what else was found in it, in order and without overlaps. */
export function findSecrets(text: string, found: readonly SecretSpan[] = none): readonly SecretSpan[] {
  if (text.length < shortest) return found;
  const spans = [...found];
  if (hints(text)) {
    collect(text, shapes, spans);
    collect(text, places, spans);
  }
  return spans.length < 2 ? spans : merged(spans);
}

/** Whether a text, or any part of it, may hold something that is found above or named below: cheap, and right in saying no. */
export function mayHoldSecrets(text: string): boolean {
  return hints(text);
}

/** Whether the value of a member, or of the argument after a flag, of this name is a secret whatever it looks like. */
export function namesSecret(name: string): boolean {
  return name.length <= 64 && secretName.test(name);
}

function collect(text: string, pattern: RegExp, spans: SecretSpan[]): void {
  for (const { indices } of text.matchAll(pattern)) {
    for (const [kind, place] of Object.entries(indices?.groups ?? {})) {
      // A group that took no part has no place.
      if (place !== undefined) spans.push({ from: place[0], to: place[1], kind: kind.replace(/\d$/, '') });
    }
  }
}

function merged(spans: SecretSpan[]): SecretSpan[] {
  const result: SecretSpan[] = [];
  for (const span of spans.sort((a, b) => a.from - b.from || b.to - a.to)) {
    const last = result.at(-1);
    if (last === undefined || span.from >= last.to) result.push(span);
    else if (span.to > last.to) result[result.length - 1] = { ...last, to: span.to };
  }
  return result;
}

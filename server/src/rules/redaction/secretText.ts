/**
 * Finds what looks like a secret in a text, for the log: keys and tokens by their shapes, generously, and values that stand where a password
 * stands. It has no side effects and takes no time that an agent could stretch: every repetition is bounded.
 */

import { beginningsIn } from './beginnings';

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

// Cheap to look for, and at least one of them is in every text in which one of the above finds something.
const hint = /[a-z\d]_|-u|-----BEGIN|sk-|eyJ|AIza|AKIA|ASIA|glpat-|pypi-|xox|pass|pwd|secret|token|key|credential|authori|bearer|basic|:\/\//i;

/** Characters from which on a text is looked at in one pass, and the expressions are tried where that stops. */
const longText = 1024;

const namesThere = new RegExp(names, 'iy');
const shapesThere = new RegExp(shapes.source, 'dy');
const placesThere = new RegExp(places.source, 'diy');

const none: readonly SecretSpan[] = [];
/** No text that is shorter holds anything that is looked for. */
const shortest = 7;

/** Everything in `text` that looks like a secret, with what else was found in it, in order and without overlaps. */
export function findSecrets(text: string, found: readonly SecretSpan[] = none): readonly SecretSpan[] {
  if (text.length < shortest) return found;
  const spans = [...found];
  if (text.length >= longText) {
    const beginnings = beginningsIn(text, namesThere);
    collectAt(text, beginnings.shapes, shapesThere, spans);
    collectAt(text, beginnings.places, placesThere, spans);
  } else if (hint.test(text)) {
    collect(text, shapes, spans);
    collect(text, places, spans);
  }
  return spans.length < 2 ? spans : merged(spans);
}

/** Whether a text, or any part of it, may hold something that is found above or named below: cheap, and right in saying no. */
export function mayHoldSecrets(text: string): boolean {
  if (text.length < longText) return hint.test(text);
  const { shapes: shaped, places: placed } = beginningsIn(text, namesThere);
  return shaped.length > 0 || placed.length > 0;
}

/** Whether the value of a member, or of the argument after a flag, of this name is a secret whatever it looks like. */
export function namesSecret(name: string): boolean {
  return name.length <= 64 && secretName.test(name);
}

function collect(text: string, pattern: RegExp, spans: SecretSpan[]): void {
  for (const match of text.matchAll(pattern)) add(match, spans);
}

/** What `collect` finds, where all places at which it may begin are known; `pattern` is sticky. */
function collectAt(text: string, beginnings: readonly number[], pattern: RegExp, spans: SecretSpan[]): void {
  let end = 0;
  for (const at of beginnings) {
    if (at < end) continue;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) continue;
    add(match, spans);
    end = pattern.lastIndex;
  }
}

function add({ indices }: RegExpMatchArray, spans: SecretSpan[]): void {
  for (const [kind, place] of Object.entries(indices?.groups ?? {})) {
    // A group that took no part has no place.
    if (place !== undefined) spans.push({ from: place[0], to: place[1], kind: kind.replace(/\d$/, '') });
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

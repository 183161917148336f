/** Canonical JSON text (RFC 8785, "JCS"), and the escapes that keep a log line harmless on a screen. */
import { quoted } from './json';

/** What `canonicalJson` found: the text, and how many levels of objects and arrays it nests (0 for a plain value). */
export type Canonical = Readonly<{ text: string; depth: number }>;

/** A piece of work that is still to be written: text as it is, or a value at its depth. */
type Piece = string | Readonly<{ value: unknown; depth: number }>;

/**
 * Writes a JSON value in RFC 8785 order: members sorted by UTF-16 code units, no spaces, numbers as ECMAScript prints them.
 * It works without recursion below some depth, because an agent chooses how deep its input nests. Values that JSON cannot carry never stop
 * the record: `undefined` members are left out, and infinities become the strings "Infinity" and "-Infinity".
 * Throws TypeError for things that only a bug can put there (functions, symbols, BigInt, Map, Set, Date).
 */
export function canonicalJson(root: unknown): Canonical {
  const found = { depth: 0 };
  const text = shallow(root, 0, found);
  return text === undefined ? anyDepth(root) : { text, depth: found.depth };
}

/** The same for the input of a call, which nobody changes: a large one is written once. */
export function canonicalInput(input: object): Canonical {
  const known = inputs.get(input);
  if (known !== undefined) return known;
  const made = canonicalJson(input);
  if (made.text.length >= largeInput) inputs.set(input, made);
  return made;
}

const inputs = new WeakMap<object, Canonical>();
/** Characters from which on a text is kept. */
const largeInput = 4096;

/** Values that nest no deeper than this are written by recursion, which is several times quicker. */
const recursionDepth = 32;

/** The text of a value that nests no deeper than `recursionDepth`; undefined when it does. */
function shallow(value: unknown, depth: number, found: { depth: number }): string | undefined {
  if (typeof value !== 'object' || value === null) return scalar(value);
  if (depth === recursionDepth) return undefined;
  if (depth + 1 > found.depth) found.depth = depth + 1;
  let text = '';
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      const item = shallow(value[i], depth + 1, found);
      if (item === undefined) return undefined;
      text += i === 0 ? item : `,${item}`;
    }
    return `[${text}]`;
  }
  const members = plain(value);
  for (const name of sortedNames(members)) {
    const member = members[name];
    if (member === undefined) continue;
    const item = shallow(member, depth + 1, found);
    if (item === undefined) return undefined;
    text += `${text === '' ? '' : ','}${quoted(name)}:${item}`;
  }
  return `{${text}}`;
}

function plain(value: object): Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('only plain objects can be recorded');
  return value as Readonly<Record<string, unknown>>;
}

/** Names in the order of UTF-16 code units, which is how JavaScript compares strings. */
function sortedNames(members: Readonly<Record<string, unknown>>): readonly string[] {
  const names = Object.keys(members);
  for (let i = 1; i < names.length; i += 1) if ((names[i - 1] ?? '') > (names[i] ?? '')) return names.sort();
  return names;
}

function anyDepth(root: unknown): Canonical {
  const work: Piece[] = [{ value: root, depth: 0 }];
  let text = '';
  let deepest = 0;
  for (let piece = work.pop(); piece !== undefined; piece = work.pop()) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    const { value, depth } = piece;
    if (typeof value === 'object' && value !== null) {
      if (depth + 1 > deepest) deepest = depth + 1;
      unfold(value, depth + 1, work);
    } else {
      text += scalar(value);
    }
  }
  return { text, depth: deepest };
}

/** Pushes the pieces of an array or object in reverse, so that they are popped in order. */
function unfold(value: object, depth: number, work: Piece[]): void {
  if (Array.isArray(value)) {
    work.push(']');
    for (let i = value.length - 1; i >= 0; i -= 1) work.push({ value: value[i] ?? null, depth }, i > 0 ? ',' : '');
    work.push('[');
    return;
  }
  const members = plain(value);
  const names = sortedNames(members).filter((name) => members[name] !== undefined).reverse();
  work.push('}');
  names.forEach((name, i) => {
    work.push({ value: members[name], depth }, `${i === names.length - 1 ? '' : ','}${quoted(name)}:`);
  });
  work.push('{');
}

function scalar(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'boolean':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${String(value)}"`;
    case 'undefined':
      return 'null';
    case 'object':
      return 'null';
    default:
      throw new TypeError(`a ${typeof value} cannot be recorded`);
  }
}

/**
 * Everything that a terminal or an editor may act on instead of showing: C1 controls, direction marks, zero-width
 * characters, line and paragraph separators, tag characters. JSON.stringify already escapes the C0 controls.
 */
const invisible =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** Replaces characters that could disguise a line by their JSON escapes; the parsed value stays the same (T85). */
export function escapeInvisible(json: string): string {
  return json.replace(invisible, (found) =>
    Array.from({ length: found.length }, (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}

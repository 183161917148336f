/**
 * Reads escapes: of URLs (`%41`), of JSON, C and shells (`\u0041`, `\x41`, `\101`, `\/`), of HTML (`&#65;`, `&amp;`), and breaks of lines in
 * the middle of a run, as base64 has them. Secrets are looked for in what such text means.
 */

/** One escape: where it ends, and the unit that it stands for; -1 when it stands for nothing, like a break. */
export type Escape = Readonly<{ to: number; unit: number }>;

/** Breaks that are read as one. */
const mostBreaks = 4;
/** Blanks after a break that belong to it. */
const mostIndent = 40;

const letters: Readonly<Record<string, number>> = { b: 8, t: 9, v: 11, f: 12, a: 7, e: 27 };
const entities: Readonly<Record<string, number>> = { amp: 0x26, lt: 0x3c, gt: 0x3e, quot: 0x22, apos: 0x27, sol: 0x2f, plus: 0x2b, equals: 0x3d, lowbar: 0x5f, nbsp: 0x20 };

/** The escape that begins at `at`; undefined where none does. Never looks farther than a few characters, besides the indent after a break. */
export function escapeAt(text: string, at: number): Escape | undefined {
  switch (text.charCodeAt(at)) {
    case 0x25: // %
      return hexAt(text, at + 1, 2);
    case 0x5c: // \
      return backslashAt(text, at);
    case 0x26: // &
      return entityAt(text, at);
    case 0x0a:
    case 0x0d:
      return breakFrom(text, at);
    default:
      return undefined;
  }
}

/** Characters with which escapes begin. */
export const leads = [0x25, 0x5c, 0x26, 0x0a, 0x0d];

/** Whether an escape may begin with this character. */
export function isLead(unit: number): boolean {
  return unit === 0x5c || unit === 0x0a || unit === 0x25 || unit === 0x26 || unit === 0x0d;
}

/** Escapes of escapes that are read at once. */
const mostNested = 4;

/** Like `escapeAt`, and through escapes of escapes, such as `%252F` or `\\u0041`; what `literal` marks is what it is. */
export function flatEscapeAt(text: string, at: number, literal: Uint8Array, nested = mostNested): Escape | undefined {
  const escape = escapeAt(text, at);
  if (escape === undefined || nested === 0 || !isLead(escape.unit) || literal[escape.unit] === 1) return escape;
  const inner = flatEscapeAt(String.fromCharCode(escape.unit) + text.slice(escape.to, escape.to + 12), 0, literal, nested - 1);
  return inner === undefined ? escape : { to: escape.to + inner.to - 1, unit: inner.unit };
}

/** A stretch of text with its escapes read, and where each unit of it stands in the original. */
export type Meaning = Readonly<{ text: string; starts: Int32Array; ends: Int32Array }>;

/** Reads the escapes of a stretch; undefined when it has none. Places are those in the original of `within`, when the text is one. */
export function readEscapes(text: string, from: number, to: number, within?: Meaning): Meaning | undefined {
  const units = new Uint16Array(to - from);
  const starts = new Int32Array(to - from);
  const ends = new Int32Array(to - from);
  let count = 0;
  let found = false;
  for (let at = from; at < to; ) {
    const escape = isLead(text.charCodeAt(at)) ? escapeAt(text, at) : undefined;
    const read = escape !== undefined && escape.to <= to;
    const unit = read ? escape.unit : text.charCodeAt(at);
    const end = read ? escape.to : at + 1;
    found ||= read;
    // What stands for nothing belongs to neither side.
    if (unit >= 0) {
      units[count] = unit;
      starts[count] = within?.starts[at] ?? at;
      ends[count] = within?.ends[end - 1] ?? end;
      count += 1;
    }
    at = end;
  }
  return found ? { text: textOf(units.subarray(0, count)), starts: starts.subarray(0, count), ends: ends.subarray(0, count) } : undefined;
}

function textOf(units: Uint16Array): string {
  let text = '';
  for (let at = 0; at < units.length; at += 8192) text += String.fromCharCode(...units.subarray(at, at + 8192));
  return text;
}

function hexAt(text: string, at: number, digits: number): Escape | undefined {
  let unit = 0;
  for (let i = 0; i < digits; i += 1) {
    const digit = digitOf(text.charCodeAt(at + i));
    if (digit > 15) return undefined;
    unit = unit * 16 + digit;
  }
  return { to: at + digits, unit };
}

function digitOf(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const folded = unit | 0x20;
  return folded >= 0x61 && folded <= 0x66 ? folded - 0x57 : 99;
}

function backslashAt(text: string, at: number): Escape | undefined {
  const next = text.charAt(at + 1);
  if (next === 'u') return hexAt(text, at + 2, 4) ?? bracedAt(text, at + 2);
  if (next === 'x') return hexAt(text, at + 2, 2);
  if (next === 'n' || next === 'r') return breakFrom(text, at);
  if (next >= '0' && next <= '7') return octalAt(text, at + 1);
  const letter = letters[next];
  if (letter !== undefined) return { to: at + 2, unit: letter };
  if (next === '\n' || next === '\r') return breakFrom(text, at + 1);
  return next === '' || /[\w\t\v\f]/.test(next) ? undefined : { to: at + 2, unit: next.charCodeAt(0) };
}

function bracedAt(text: string, at: number): Escape | undefined {
  const code = /^\{([0-9a-f]{1,4})\}/i.exec(text.slice(at, at + 6))?.[1];
  return code === undefined ? undefined : { to: at + code.length + 2, unit: Number.parseInt(code, 16) };
}

function octalAt(text: string, at: number): Escape {
  const digits = /^(?:[0-3][0-7]{2}|[0-7]{1,2})/.exec(text.slice(at, at + 3))?.[0] ?? '';
  return { to: at + digits.length, unit: Number.parseInt(digits, 8) };
}

function entityAt(text: string, at: number): Escape | undefined {
  const [whole, decimal, hex, name] = /^&(?:#(\d{1,6})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/i.exec(text.slice(at, at + 10)) ?? [];
  if (whole === undefined) return undefined;
  const unit = decimal !== undefined ? Number(decimal) : hex !== undefined ? Number.parseInt(hex, 16) : entities[(name ?? '').toLowerCase()];
  return unit === undefined || unit > 0xffff ? undefined : { to: at + whole.length, unit };
}

/** Breaks, written out or escaped, with the blanks after them: so many at once. */
function breakFrom(text: string, from: number): Escape {
  let at = from;
  for (let count = 0, more = true; more && count < mostBreaks; count += 1) {
    const unit = text.charCodeAt(at);
    const next = unit === 0x5c ? text.charAt(at + 1) : '';
    const step = unit === 0x0a || unit === 0x0d ? 1 : next === 'n' || next === 'r' ? 2 : 0;
    at += step;
    more = step > 0;
  }
  const most = at + mostIndent;
  while (at < most && (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09)) at += 1;
  return { to: at, unit: -1 };
}

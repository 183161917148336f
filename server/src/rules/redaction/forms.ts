/**
 * The forms in which a secret value is looked for: as it is, reversed, and as programs usually write it (base64, base32, hex, lists of
 * bytes). Escapes of URLs, JSON, HTML and C are not listed here: they are read while searching, since each character may or may not be
 * escaped. Forms are arrays of UTF-16 units and never strings, so that they can be overwritten.
 */

import { isLead, readEscapes } from './escapes';

/** One form of one secret. */
export type Form = Readonly<{
  units: Uint16Array;
  /** Which secret of the list. */
  secret: number;
  /** `base64`: the characters at both ends hold bits of the neighbours, too, and go with it. `alone`: too short to be removed from inside a word. */
  edges: 'exact' | 'base64' | 'alone' | /** With something between the bytes: such a list is never escaped. */ 'list';
}>;

/** UTF-16 units from which on a value is looked for in every form. */
export const shortestEverywhere = 6;
/** UTF-16 units from which on a value is looked for at all, as it is and standing alone. */
export const shortestAlone = 4;

const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const base64url = `${base64.slice(0, 62)}-_`;
const isCoded = new Uint8Array(128);
for (const char of `${base64}=`) isCoded[char.charCodeAt(0)] = 1;
const shortestLine = 24;
const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const lower = '0123456789abcdef';
const upper = '0123456789ABCDEF';

/** Every form of a value, each once. `given` holds UTF-8 text or any bytes, and is not kept; blanks around it are not part of it. */
export function formsOf(given: Uint8Array, secret: number): Form[] {
  const value = trimmed(given);
  const raw = unitsOf(value);
  if (raw.length < shortestEverywhere) return raw.length < shortestAlone ? [] : [{ units: raw, secret, edges: 'alone' }];
  const wide = new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  const once = bytesOf(bits(value, 6, base64, 0, true));
  const exact = [
    raw, Uint16Array.from(value), Uint16Array.from(raw).reverse(), raw.map((unit) => (unit === 0x20 ? 0x2b : unit)), hex(value, lower, '', 1), hex(value, upper, '', 1),
    // Breaks are read over while searching.
    raw.filter((unit) => unit !== 0x0a && unit !== 0x0d), ...longLines(raw), ...meanings(raw),
  ];
  const lists = [
    hex(value, lower, ' ', 1), hex(value, upper, ' ', 1), hex(value, lower, ':', 1), hex(value, upper, ':', 1), decimal(value, ','), decimal(value, ', '),
    // As xxd writes it, in pairs of bytes.
    hex(value, lower, ' ', 2), hex(value.subarray(1), lower, ' ', 2),
  ];
  const coded = [0, 1, 2].flatMap((lead) => [value, wide, once].flatMap((bytes) => [bits(bytes, 6, base64, lead), bits(bytes, 6, base64url, lead)]));
  const rest = [0, 1, 2, 3, 4].map((lead) => bits(value, 5, base32, lead));
  wipe(once);
  const as = (edges: Form['edges'], all: readonly Uint16Array[]): Form[] => different(all).map((units) => ({ units, secret, edges }));
  return [...as('exact', exact), ...as('base64', [...coded, ...rest]), ...as('list', lists)];
}

/** Overwrites what is not needed any more. */
export function wipe(array: Uint8Array | Uint16Array): void {
  array.fill(0);
}

function trimmed(value: Uint8Array): Uint8Array {
  let from = 0;
  let to = value.length;
  while (from < to && isBlank(value[from])) from += 1;
  while (to > from && isBlank(value[to - 1])) to -= 1;
  return value.subarray(from, to);
}

function isBlank(unit: number | undefined): boolean {
  return unit === 0x20 || (unit !== undefined && unit >= 0x09 && unit <= 0x0d);
}

/** What a value means that looks escaped itself: whoever reads the escapes around it reads those as well. */
function meanings(raw: Uint16Array): Uint16Array[] {
  const found: Uint16Array[] = [];
  if (!raw.some(isLead)) return found;
  let text: string | undefined = Array.from(raw, (unit) => String.fromCharCode(unit)).join('');
  for (let level = 0; level < 3 && text !== undefined; level += 1) {
    text = readEscapes(text, 0, text.length)?.text;
    if (text !== undefined) found.push(unitsIn(text));
  }
  return found;
}

function unitsIn(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}

/** Lines of a value of several lines that mean nothing to anybody, as in a key: one of them is enough to be removed. */
function longLines(raw: Uint16Array): Uint16Array[] {
  if (!raw.includes(0x0a)) return [];
  const lines: Uint16Array[] = [];
  for (let from = 0; from < raw.length; ) {
    const end = raw.indexOf(0x0a, from);
    const line = raw.slice(from, end === -1 ? raw.length : end).filter((unit) => unit !== 0x0d);
    if (line.length >= shortestLine && line.every((unit) => unit < 0x80 && isCoded[unit] === 1)) lines.push(line);
    else wipe(line);
    from = end === -1 ? raw.length : end + 1;
  }
  return lines;
}

/** UTF-8 as UTF-16 units, byte by byte where it is none. */
function unitsOf(value: Uint8Array): Uint16Array {
  const units = new Uint16Array(value.length);
  let count = 0;
  for (let i = 0; i < value.length; ) {
    const { point, length } = pointAt(value, i);
    if (point >= 0x10000) {
      units[count++] = 0xd7c0 + (point >> 10);
      units[count++] = 0xdc00 + (point & 0x3ff);
    } else units[count++] = point;
    i += length;
  }
  const exact = units.slice(0, count);
  wipe(units);
  return exact;
}

function pointAt(bytes: Uint8Array, at: number): Readonly<{ point: number; length: number }> {
  const first = bytes[at] ?? 0;
  const length = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
  let point = length === 1 ? first : first & (0x7f >> length);
  for (let i = 1; i < length; i += 1) {
    const next = bytes[at + i] ?? 0;
    if ((next & 0xc0) !== 0x80) return { point: first, length: 1 };
    point = (point << 6) | (next & 0x3f);
  }
  return { point, length };
}

/**
 * The characters of a code of `width` bits a character that hold bits of the value only, when the value begins `lead` bytes into what is
 * encoded; with `all` also the last one, filled with zeros.
 */
function bits(value: Uint8Array, width: number, alphabet: string, lead: number, all = false): Uint16Array {
  const from = Math.ceil((lead * 8) / width) * width - lead * 8;
  const count = Math.max(0, all ? Math.ceil((value.length * 8 - from) / width) : Math.floor((value.length * 8 - from) / width));
  const units = new Uint16Array(count);
  for (let i = 0; i < count; i += 1) {
    const bit = from + i * width;
    const pair = ((value[bit >> 3] ?? 0) << 8) | (value[(bit >> 3) + 1] ?? 0);
    units[i] = alphabet.charCodeAt((pair >> (16 - width - (bit & 7))) & ((1 << width) - 1));
  }
  return units;
}

function hex(value: Uint8Array, digits: string, between: string, each: number): Uint16Array {
  const units: number[] = [];
  value.forEach((byte, i) => {
    if (between !== '' && i > 0 && i % each === 0) units.push(between.charCodeAt(0));
    units.push(digits.charCodeAt(byte >> 4), digits.charCodeAt(byte & 15));
  });
  return moved(units);
}

function decimal(value: Uint8Array, between: string): Uint16Array {
  const units: number[] = [];
  value.forEach((byte, i) => {
    if (i > 0) for (const char of between) units.push(char.charCodeAt(0));
    for (const char of String(byte)) units.push(char.charCodeAt(0));
  });
  return moved(units);
}

function moved(units: number[]): Uint16Array {
  const array = Uint16Array.from(units);
  units.fill(0);
  return array;
}

function bytesOf(units: Uint16Array): Uint8Array {
  return Uint8Array.from(units);
}

/** Each array once, without those that are too short to mean anything. */
function different(all: readonly Uint16Array[]): Uint16Array[] {
  const kept: Uint16Array[] = [];
  for (const units of all) {
    if (units.length >= shortestEverywhere && !kept.some((other) => other.length === units.length && other.every((unit, i) => unit === units[i]))) kept.push(units);
    else wipe(units);
  }
  return kept;
}

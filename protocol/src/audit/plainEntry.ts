/**
 * Looks at a whole line in place, the way `plain.ts` looks at its beginning: JSON, no member twice, every member as the schema wants
 * it, and an input that gives its hash. It says yes only where a full reading would find nothing wrong; where it says no, a full
 * reading decides. So it knows no more of JSON than what our own writer makes: members in its order, inputs in canonical form.
 */
import { isUtf8 } from 'node:buffer';
import { hasLayout, sha256, tailBytes } from './bytes';
import { standsAt, type PlainLine } from './plain';

/** Deeper inputs are left to the full reading, which needs no stack. */
const mostDepth = 32;
const [quote, backslash, comma, colon, openBrace, closeBrace, openBracket, closeBracket, minus, dot, zero] = [0x22, 0x5c, 0x2c, 0x3a, 0x7b, 0x7d, 0x5b, 0x5d, 0x2d, 0x2e, 0x30];

/** Every reader takes the place where something should begin and gives the place after it, or `no`. */
type Reader = (bytes: Uint8Array, at: number) => number;
const no = -1;

/** A member as it stands in a line, `"name":`, and what must follow. */
type Member = Readonly<{ text: Uint8Array; read: Reader; required: boolean }>;

function member(name: string, read: Reader, need: 'required' | 'optional' = 'optional'): Member {
  return { text: Buffer.from(`"${name}":`), read, required: need === 'required' };
}

/** Bytes above ASCII seen since this was set to false; they must be UTF-8. One line is looked at at a time. */
let beyondAscii = false;
/** Members that were seen since all of this was set to false: an approval, a verdict that asks, a detail. */
const has = { approval: false, asks: false, detail: false };

/** What the line has that `isPlainEntry` said yes to last. */
export function plainMembers(): Readonly<typeof has> {
  return has;
}

/** Whether the line of which `line` was read, and which ends before `newline`, is an entry without a flaw. */
export function isPlainEntry(bytes: Buffer, start: number, newline: number, line: PlainLine): boolean {
  const end = newline - tailBytes;
  if (!hasLayout(bytes, newline) || !areHex(bytes, end + 20, 64) || !areHex(bytes, newline - 66, 64) || !isTime(bytes, line.timestamp)) return false;
  beyondAscii = false;
  has.approval = has.asks = has.detail = false;
  const input = afterText(bytes, line.toolEnd + 1, beforeInput);
  const inputEnd = input === no ? no : readRecord(bytes, input);
  const inputHash = inputEnd === no ? no : afterText(bytes, inputEnd, beforeHash);
  const rest = inputHash === no ? no : readHash(bytes, inputHash);
  if (rest === no || readRest(bytes, rest) !== end || (beyondAscii && !isUtf8(bytes.subarray(start, end)))) return false;
  return isDigestOf(bytes, input, inputHash) || carriesHash(bytes, inputHash, sha256(new Uint8Array(bytes.buffer, bytes.byteOffset + input, inputEnd - input)));
}

const beforeInput = Buffer.from(',"input":');
const beforeHash = Buffer.from(',"inputHash":');
const digestMember = Buffer.from('{"$sha256":');

function afterText(bytes: Uint8Array, at: number, text: Uint8Array): number {
  return standsAt(bytes, at, text) ? at + text.length : no;
}

function readRest(bytes: Uint8Array, from: number): number {
  let at = from;
  for (const { text, read, required } of afterInput) {
    if (bytes[at] === comma && standsAt(bytes, at + 1, text)) at = read(bytes, at + 1 + text.length);
    else if (required) return no;
    if (at === no) return no;
  }
  return at;
}

/** Whether the input at `at` is the digest of one that was too large, and the same as the hash that follows it. */
function isDigestOf(bytes: Uint8Array, at: number, inputHash: number): boolean {
  if (!standsAt(bytes, at, digestMember)) return false;
  for (let i = 0; i < 73; i += 1) if (bytes[at + digestMember.length + i] !== bytes[inputHash + i]) return false;
  return true;
}

function carriesHash(bytes: Buffer, at: number, hex: string): boolean {
  return bytes.toString('latin1', at + 8, at + 72) === hex;
}

/** An object in canonical form: members in ascending order, which also means that none stands twice. */
function readRecord(bytes: Uint8Array, at: number): number {
  return bytes[at] === openBrace ? readObject(bytes, at, 0) : no;
}

function readObject(bytes: Uint8Array, from: number, depth: number): number {
  if (depth > mostDepth) return no;
  if (bytes[from + 1] === closeBrace) return from + 2;
  let before = no;
  let at = from;
  do {
    const name = at + 1;
    const end = readName(bytes, name);
    if (end === no || bytes[end] !== colon || (before !== no && !isBefore(bytes, before, name))) return no;
    before = name;
    at = readValue(bytes, end + 1, depth);
  } while (at !== no && bytes[at] === comma);
  return at !== no && bytes[at] === closeBrace ? at + 1 : no;
}

function readArray(bytes: Uint8Array, from: number, depth: number): number {
  if (depth > mostDepth) return no;
  if (bytes[from + 1] === closeBracket) return from + 2;
  let at = from;
  do at = readValue(bytes, at + 1, depth);
  while (at !== no && bytes[at] === comma);
  return at !== no && bytes[at] === closeBracket ? at + 1 : no;
}

function readValue(bytes: Uint8Array, at: number, depth: number): number {
  switch (bytes[at]) {
    case quote: return readText(bytes, at);
    case openBrace: return readObject(bytes, at, depth + 1);
    case openBracket: return readArray(bytes, at, depth + 1);
    case 0x74: return standsAt(bytes, at, yes) ? at + 4 : no;
    case 0x66: return standsAt(bytes, at, not) ? at + 5 : no;
    case 0x6e: return standsAt(bytes, at, nothing) ? at + 4 : no;
    default: return readNumber(bytes, at);
  }
}

const [yes, not, nothing] = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')];

/** The name of a member: printable ASCII without escapes, so that the order of bytes is the canonical one. */
function readName(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== quote) return no;
  for (let i = at + 1; ; i += 1) {
    const byte = bytes[i] ?? 0;
    if (byte === quote) return i + 1;
    if (byte < 0x20 || byte > 0x7e || byte === backslash) return no;
  }
}

/** Whether the name at `a` comes before the one at `b`; both begin and end with quotes, which come before all but two characters of names. */
function isBefore(bytes: Uint8Array, a: number, b: number): boolean {
  for (let i = 1; ; i += 1) {
    const [x = 0, y = 0] = [bytes[a + i], bytes[b + i]];
    if (x === quote) return y !== quote;
    if (x !== y) return y !== quote && x < y;
  }
}

/** A string with canonical escapes only. */
function readText(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== quote) return no;
  for (let i = at + 1; ; i += 1) {
    const byte = bytes[i] ?? 0;
    if (byte === quote) return i + 1;
    if (byte < 0x20) return no;
    if (byte >= 0x80) beyondAscii = true;
    if (byte !== backslash) continue;
    i = afterEscape(bytes, i + 1);
    if (i === no) return no;
  }
}

/** Which characters may follow a backslash in canonical text, but for `u`. */
const escapes = new Set(Buffer.from('"\\bfnrt'));
/** Control characters that have a shorter escape. */
const short = new Set([8, 9, 10, 12, 13]);

/** The last byte of the escape whose backslash stands before `at`. */
function afterEscape(bytes: Uint8Array, at: number): number {
  const letter = bytes[at] ?? 0;
  if (escapes.has(letter)) return at;
  const [high = 0, low = 0] = [bytes[at + 3], bytes[at + 4]];
  if (letter !== 0x75 || bytes[at + 1] !== zero || bytes[at + 2] !== zero || (high !== zero && high !== zero + 1) || !isHex(low)) return no;
  const code = (high - zero) * 16 + (low > 0x60 ? low - 0x57 : low - zero);
  return short.has(code) ? no : at + 4;
}

/** A number that ECMAScript prints just so: at most 15 digits, no exponent, no zero at the end of a fraction. */
function readNumber(bytes: Uint8Array, from: number): number {
  const first = bytes[from] === minus ? from + 1 : from;
  let at = afterDigits(bytes, first);
  const whole = at - first;
  if (whole === 0 || (bytes[first] === zero && whole > 1)) return no;
  if (bytes[at] === dot) {
    const fraction = at + 1;
    at = afterDigits(bytes, fraction);
    if (at === fraction || bytes[at - 1] === zero || (bytes[first] === zero && bytes[fraction] === zero)) return no;
  } else if (first > from && bytes[first] === zero) return no;
  return at - first > 15 || (bytes[at] ?? 0) === 0x65 || (bytes[at] ?? 0) === 0x45 ? no : at;
}

function afterDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at] ?? 0)) at += 1;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHex(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x61 && byte <= 0x66);
}

function areHex(bytes: Uint8Array, from: number, length: number): boolean {
  for (let i = from; i < from + length; i += 1) if (!isHex(bytes[i] ?? 0)) return false;
  return true;
}

function readAmount(bytes: Uint8Array, at: number): number {
  return bytes[at] === minus ? no : readNumber(bytes, at);
}

function readCount(bytes: Uint8Array, at: number): number {
  const end = afterDigits(bytes, at);
  return readAmount(bytes, at) === end ? end : no;
}

const hashPrefix = Buffer.from('"sha256:');

function readHash(bytes: Uint8Array, at: number): number {
  return standsAt(bytes, at, hashPrefix) && areHex(bytes, at + 8, 64) && bytes[at + 72] === quote ? at + 73 : no;
}

/** A word of small letters and hyphens, such as results are. */
function readWord(bytes: Uint8Array, at: number): number {
  let end = at + 1;
  for (let byte = bytes[end] ?? 0; (byte >= 0x61 && byte <= 0x7a) || (byte === minus && end > at + 1); byte = bytes[end] ?? 0) end += 1;
  return bytes[at] === quote && bytes[end] === quote && end > at + 1 && end - at <= 33 ? end + 1 : no;
}

const asking = Buffer.from('"approve"');
const decisions = [Buffer.from('"allow"'), asking, Buffer.from('"deny"')];

function readDecision(bytes: Uint8Array, at: number): number {
  const word = decisions.find((one) => standsAt(bytes, at, one));
  has.asks = word === asking;
  return word === undefined ? no : at + word.length;
}

function seen(name: keyof typeof has, read: Reader): Reader {
  return (bytes, at) => {
    has[name] = true;
    return read(bytes, at);
  };
}

/** An object that has these members and no others, in any order. */
function readMembers(members: readonly Member[]): Reader {
  const required = members.reduce((mask, one, i) => mask | (one.required ? 1 << i : 0), 0);
  return (bytes, from) => {
    let seen = 0;
    let at = from;
    if (bytes[at] !== openBrace) return no;
    do {
      const i = indexOfMember(members, bytes, at + 1);
      const found = members[i];
      if (found === undefined || (seen & (1 << i)) !== 0) return no;
      seen |= 1 << i;
      at = found.read(bytes, at + 1 + found.text.length);
    } while (at !== no && bytes[at] === comma);
    return at !== no && bytes[at] === closeBrace && (seen & required) === required ? at + 1 : no;
  };
}

function indexOfMember(members: readonly Member[], bytes: Uint8Array, at: number): number {
  for (let i = 0; i < members.length; i += 1) {
    const one = members[i];
    if (one !== undefined && standsAt(bytes, at, one.text)) return i;
  }
  return no;
}

/** The members that may follow the input and its hash, in the order of our writer. */
const afterInput: readonly Member[] = [
  member('result', readWord, 'required'),
  member('verdict', readMembers([member('verdict', readDecision, 'required'), member('rule', readText, 'required'), member('reason', readText, 'required'), member('policyHash', readText)])),
  member('approval', seen('approval', readMembers([member('id', readText, 'required'), member('decision', readText, 'required'), member('by', readText, 'required'), member('window', readText), member('user', readText), member('waitedMs', readAmount, 'required'), member('reason', readText)]))),
  member('actor', readMembers([member('role', readText, 'required'), member('client', readText), member('connection', readNumber), member('window', readText), member('user', readText, 'required')])),
  member('project', readText),
  member('durationMs', readAmount),
  member('output', readMembers([member('sha256', readHash, 'required'), member('bytes', readCount, 'required')])),
  member('detail', seen('detail', readRecord)),
];

/** Days that every year has in each month; what is beyond is left to the full reading. */
const daysOf = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether a time stands there, `2026-11-21T20:53:17.123Z`, on a day that there is. */
function isTime(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 24; i += 1) if (!(i === 4 || i === 7 || i === 10 || i === 13 || i === 16 || i === 19 || i === 23) && !isDigit(bytes[at + i] ?? 0)) return false;
  if (bytes[at + 4] !== minus || bytes[at + 7] !== minus || bytes[at + 10] !== 0x54 || bytes[at + 13] !== colon || bytes[at + 16] !== colon || bytes[at + 19] !== dot || bytes[at + 23] !== 0x5a) return false;
  const [month, day] = [twoDigits(bytes, at + 5), twoDigits(bytes, at + 8)];
  return day >= 1 && day <= (daysOf[month] ?? 0) && twoDigits(bytes, at + 11) < 24 && twoDigits(bytes, at + 14) < 60 && twoDigits(bytes, at + 17) < 60;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) - zero) * 10 + (bytes[at + 1] ?? 0) - zero;
}

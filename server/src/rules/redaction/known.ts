import { flatEscapeAt, isLead, leads, readEscapes, type Meaning } from './escapes';
import { formsOf, type Form } from './forms';
import { Stops, withLowBytes, type Worth } from './lowBytes';
import { Needles } from './needles';
import { findTokens, FoundTokens, tokenGrams, type TokenSpan } from './tokens';

/** Finds known secret values in texts, in every form of `forms.ts` and behind escapes. */

/** A value with the name that stands in its place, such as `github.token`. */
export type KnownSecret = Readonly<{ name: string; value: Uint8Array }>;

/** A span of a text, in UTF-16 units, that holds a known value. `common`: the value could stand there by chance. */
export type KnownSpan = Readonly<{ from: number; to: number; name: string; common: boolean }>;

/** Escapes within escapes that are read. */
const deepest = 3;
const mostAround = 10;
/** Characters that are looked at for them. */
const mostLooked = 160;
/** Characters that are looked up at once. */
const look = 4;
/** Blanks behind a break that are passed over at once: a few breaks and an indent. */
const mostBlanks = 48;
/** Characters that one unit of a form can take: an escape of an escape, and a break with its indent. */
const mostStretched = 64;
const allEscape = new Uint8Array(65_536);

type Named = Readonly<{ name: string; common: boolean }>;

/** Known values made ready to be looked for. */
export class Known {
  readonly #needles: Needles;
  /** Looked for one by one at every place. */
  readonly #short: Needles;
  /** Units that forms are made of: an escape that means another one hides nothing. */
  readonly #alphabet = new Uint8Array(65_536);
  /** The same for low bytes. */
  readonly #low = new Uint8Array(256);
  readonly #ambiguous: boolean;
  /** Whether bytes tell what stands in forms, and each of them is long enough to be told by four of its characters. */
  readonly #isPlain: boolean;
  /** Units around an escape that are looked at first. */
  readonly #around: number;
  readonly #row: Uint16Array;
  /** Where escapes are worth a look, and where tokens may begin. */
  readonly #stops: Stops;

  constructor(readonly names: readonly Named[], forms: readonly Form[]) {
    this.#needles = new Needles(forms.filter(({ edges }) => edges !== 'alone'));
    this.#short = new Needles(forms.filter(({ edges }) => edges === 'alone'));
    for (const { units, edges } of forms) if (edges === 'exact' || edges === 'base64') for (const unit of units) this.#alphabet[unit] = this.#low[unit & 255] = 1;
    this.#ambiguous = leads.some((lead) => lead > 0x20 && this.#alphabet[lead] === 1);
    this.#isPlain = this.#needles.shortest >= 2 * look - 1 && this.#alphabet.indexOf(1, 256) === -1;
    this.#around = Math.max(1, Math.min(mostAround, this.#needles.shortest));
    this.#row = new Uint16Array(2 * this.#around);
    this.#stops = new Stops(leads, tokenGrams, this.#worth());
  }

  /** UTF-16 units of the longest form; 0 when nothing is known. */
  get longest(): number {
    return Math.max(this.#needles.longest, this.#short.longest);
  }

  /** UTF-16 units over which a form can stretch in a text, with each of its units escaped and a break before it. */
  get reach(): number {
    return mostStretched * this.longest;
  }

  /** Overwrites the values; nothing is found any more. */
  wipe(): void {
    this.#needles.wipe();
    this.#short.wipe();
    this.#alphabet.fill(0);
    this.#low.fill(0);
    this.#row.fill(0);
  }

  /** Every span that holds a value, in no order; they may overlap. */
  find(text: string): KnownSpan[] {
    const spans: KnownSpan[] = [];
    if (this.longest > 0) this.#searchIn(text, undefined, deepest, spans, undefined);
    return spans;
  }

  /** The same, and in the same pass every token by its format. */
  findWithTokens(text: string): Readonly<{ spans: KnownSpan[]; tokens: readonly TokenSpan[] }> {
    const spans: KnownSpan[] = [];
    const tokens = new FoundTokens(text);
    if (this.longest === 0) return { spans, tokens: findTokens(text) };
    this.#searchIn(text, undefined, deepest, spans, tokens);
    return { spans, tokens: tokens.spans };
  }

  /** Where the last piece of a value that may go on after `text` begins; its length when there is none. */
  begunAt(text: string, least: number): number {
    const from = Math.max(0, text.length - 6 * this.longest);
    const direct = text.length - this.#needles.begun(text, least);
    const meaning = readEscapes(text, from, text.length);
    const escaped = meaning === undefined ? text.length : (meaning.starts[meaning.text.length - this.#needles.begun(meaning.text, least)] ?? text.length);
    return Math.min(direct, escaped);
  }

  /** Where the first piece of a value that may have begun before `text` ends; 0 when there is none. */
  endedAt(text: string, least: number): number {
    if (text.length >= least && this.#needles.within(text)) return text.length;
    const direct = this.#needles.ended(text, least);
    const meaning = readEscapes(text, 0, Math.min(text.length, 6 * this.longest));
    return Math.max(direct, meaning === undefined ? 0 : (meaning.ends[this.#needles.ended(meaning.text, least) - 1] ?? 0));
  }

  /** Looks for forms in a text as it stands, and in what it means where escapes could hide one. */
  #searchIn(text: string, within: Meaning | undefined, depth: number, spans: KnownSpan[], tokens: FoundTokens | undefined): void {
    const add = (from: number, to: number, { edges, secret }: Form): void => {
      const [begin, end] = edges === 'base64' ? widened(text, from, to, within) : [from, to];
      spans.push({ from: within?.starts[begin] ?? begin, to: within?.ends[end - 1] ?? end, name: this.names[secret]?.name ?? '', common: this.names[secret]?.common === true });
    };
    const windows = withLowBytes(text, (bytes) => {
      this.#needles.search(text, bytes, ({ from, to, form }) => add(from, to, form));
      this.#short.search(text, bytes, ({ from, to, form }) => add(from, to, form));
      return depth === 0 ? [] : this.#windows(text, bytes, tokens);
    });
    for (const { from, to } of windows) {
      const meaning = readEscapes(text, from, to, within);
      if (meaning !== undefined) this.#searchIn(meaning.text, meaning, depth - 1, spans, undefined);
    }
  }

  /** Stretches around escapes in which a form may stand. Tokens are looked for on the way. */
  #windows(text: string, bytes: DataView, tokens: FoundTokens | undefined): readonly Window[] {
    const windows: Window[] = [];
    let safe = 0;
    const escape = (at: number): void => {
      if (at < safe || !this.#mayReach(bytes, at, text.length) || !this.#mayHide(text, at)) return;
      const last = windows.at(-1);
      const from = Math.max(0, at - this.longest);
      // Farther than one form, so that where escapes are dense not each of them is followed.
      safe = this.#reach(text, at, 3 * this.longest);
      const to = this.#reach(text, safe, this.longest);
      if (last !== undefined && from <= last.to) Object.assign(last, { to });
      else windows.push({ from, to });
    };
    this.#stops.each(bytes, text.length, escape, (at) => tokens?.lookAt(bytes, at));
    return windows;
  }

  /** Most lines end with something that no value holds, or the next ones begin with it. */
  #worth(): Worth {
    const low = this.#low;
    return (unit, before, after) => unit >= 0x20 || (before >= 0 ? low[before] === 1 : after < 0 || low[after] === 1 || isLead(after) || isBlankByte(after));
  }

  /**
   * Whether a break, written out or escaped, may stand in a form: either four characters of it stand before the break, or as many behind it.
   * Cheaper than `#mayHide`, and as right in saying no.
   */
  #mayReach(bytes: DataView, at: number, length: number): boolean {
    if (this.#meansNothing(bytes, at, length)) return false;
    const width = breakWidth(bytes, at, length);
    if (width === 0 || !this.#isPlain || (width > 1 && this.#ambiguous)) return true;
    if (at >= look && this.#needles.mayStandAt(bytes, at - look)) return true;
    let next = at + width;
    for (const most = Math.min(length, at + mostBlanks); next < most && isBlankByte(bytes.getUint8(next)); ) next += 1;
    if (next + look > length) return false;
    for (let i = next; i < next + look; i += 1) {
      if (isLead(bytes.getUint8(i))) return true;
      if (this.#low[bytes.getUint8(i)] !== 1) return false;
    }
    return this.#needles.mayStandAt(bytes, next);
  }

  /** Whether a backslash stands before a sign, or for a tabulator, that no form holds: what text in JSON is full of. */
  #meansNothing(bytes: DataView, at: number, length: number): boolean {
    if (bytes.getUint8(at) !== 0x5c || at + 1 >= length) return false;
    const next = bytes.getUint8(at + 1);
    if (next === 0x74) return this.#low[0x09] !== 1;
    return next > 0x20 && next < 0x7f && !isWordByte(next) && !isLead(next) && this.#low[next] !== 1;
  }

  /** Whether a form may go over this place, of which it is the first escape: cheap, and right in saying no. */
  #mayHide(text: string, at: number): boolean {
    // Where values hold signs that begin escapes, such a sign is itself or the beginning of an escape.
    return this.#mayHideAs(text, at, this.#alphabet) || (this.#ambiguous && this.#mayHideAs(text, at, allEscape));
  }

  #mayHideAs(text: string, at: number, literal: Uint8Array): boolean {
    const first = flatEscapeAt(text, at, literal);
    if (first === undefined || (first.unit >= 0 && this.#alphabet[first.unit] !== 1)) return false;
    // Most lines end with something that no value holds.
    if (text.charCodeAt(at) < 0x20 && this.#alphabet[text.charCodeAt(at - 1)] !== 1) return false;
    const row = this.#row;
    let count = 0;
    let begin = at;
    while (begin > 0 && at - begin < this.#around - 1 && this.#alphabet[text.charCodeAt(begin - 1)] === 1) begin -= 1;
    for (let i = begin; i < at; i += 1) row[count++] = text.charCodeAt(i);
    for (let i = at, units = 0; units < this.#around && i < Math.min(text.length, at + mostLooked); ) {
      const escape = isLead(text.charCodeAt(i)) ? flatEscapeAt(text, i, literal) : undefined;
      const unit = escape?.unit ?? text.charCodeAt(i);
      i = escape?.to ?? i + 1;
      if (unit < 0) continue;
      if (this.#alphabet[unit] !== 1) break;
      row[count++] = unit;
      units += 1;
    }
    return count >= this.#around && this.#needles.mayHold(row, count, this.#around);
  }

  /** Where so many units end that begin here. */
  #reach(text: string, at: number, most: number): number {
    let to = at;
    for (let units = 0; units < most && to < text.length; units += 1) to = (isLead(text.charCodeAt(to)) ? flatEscapeAt(text, to, this.#alphabet)?.to : undefined) ?? to + 1;
    return to;
  }
}

type Window = { from: number; to: number };

/** Bytes of a break that begins here; 0 for every other escape. */
function breakWidth(bytes: DataView, at: number, length: number): number {
  const byte = bytes.getUint8(at);
  if (byte === 0x0a || byte === 0x0d) return 1;
  if (byte !== 0x5c || at + 1 >= length) return 0;
  const next = bytes.getUint8(at + 1);
  return next === 0x6e || next === 0x72 ? 2 : 0;
}

function isWordByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f;
}

function isBlankByte(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Makes values ready; the buffers are read and not kept. */
export function makeKnown(secrets: readonly KnownSecret[]): Known {
  const different = secrets.filter(({ name, value }, index) => secrets.findIndex((other) => other.name === name && equal(other.value, value)) === index);
  return new Known(different.map(({ name, value }) => ({ name, common: isCommon(value) })), different.flatMap(({ value }, index) => formsOf(value, index)));
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** Bytes from which on a value is taken for one that stands nowhere by chance. */
const uncommonFrom = 10;

/** Whether a value is short, or a single word or number, so that texts may hold it without meaning it. */
export function isCommon(value: Uint8Array): boolean {
  const kind = (byte: number): number => (byte >= 0x61 && byte <= 0x7a ? 1 : byte >= 0x41 && byte <= 0x5a ? 2 : byte >= 0x30 && byte <= 0x39 ? 3 : 4);
  return value.length < uncommonFrom || (value.length < 24 && new Set([...value].map(kind)).size === 1);
}

const coded = /[A-Za-z0-9+/_-]/;

/** The characters at the ends hold a few bits of the value as well. */
function widened(text: string, from: number, to: number, within: Meaning | undefined): readonly [number, number] {
  // What a break parts may be something else.
  const joined = (at: number): boolean => within === undefined || within.ends[at - 1] === within.starts[at];
  const begin = from > 0 && coded.test(text.charAt(from - 1)) && joined(from) ? from - 1 : from;
  let end = to < text.length && coded.test(text.charAt(to)) && joined(to) ? to + 1 : to;
  while (end < text.length && text.charAt(end) === '=' && joined(end)) end += 1;
  return [begin, end];
}

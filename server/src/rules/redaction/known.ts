import { flatEscapeAt, isLead, leads, readEscapes, type Meaning } from './escapes';
import { formsOf, type Form } from './forms';
import { Marks, withLowBytes } from './lowBytes';
import { Needles } from './needles';

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
const leadMarks = new Marks(leads);
const allEscape = new Uint8Array(65_536);

type Named = Readonly<{ name: string; common: boolean }>;

/** Known values made ready to be looked for. */
export class Known {
  readonly #needles: Needles;
  /** Looked for one by one at every place. */
  readonly #short: Needles;
  /** Units that forms are made of: an escape that means another one hides nothing. */
  readonly #alphabet = new Uint8Array(65_536);
  readonly #ambiguous: boolean;
  /** Units around an escape that are looked at first. */
  readonly #around: number;
  readonly #row: Uint16Array;

  constructor(readonly names: readonly Named[], forms: readonly Form[]) {
    this.#needles = new Needles(forms.filter(({ edges }) => edges !== 'alone'));
    this.#short = new Needles(forms.filter(({ edges }) => edges === 'alone'));
    for (const { units, edges } of forms) if (edges === 'exact' || edges === 'base64') for (const unit of units) this.#alphabet[unit] = 1;
    this.#ambiguous = leads.some((lead) => lead > 0x20 && this.#alphabet[lead] === 1);
    this.#around = Math.max(1, Math.min(mostAround, this.#needles.shortest));
    this.#row = new Uint16Array(2 * this.#around);
  }

  /** UTF-16 units of the longest form; 0 when nothing is known. */
  get longest(): number {
    return Math.max(this.#needles.longest, this.#short.longest);
  }

  /** Overwrites the values; nothing is found any more. */
  wipe(): void {
    this.#needles.wipe();
    this.#short.wipe();
    this.#alphabet.fill(0);
    this.#row.fill(0);
  }

  /** Every span that holds a value, in no order; they may overlap. */
  find(text: string): KnownSpan[] {
    const spans: KnownSpan[] = [];
    if (this.longest === 0) return spans;
    this.#searchIn(text, undefined, deepest, spans);
    return spans;
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
  #searchIn(text: string, within: Meaning | undefined, depth: number, spans: KnownSpan[]): void {
    const add = (from: number, to: number, { edges, secret }: Form): void => {
      const [begin, end] = edges === 'base64' ? widened(text, from, to, within) : [from, to];
      spans.push({ from: within?.starts[begin] ?? begin, to: within?.ends[end - 1] ?? end, name: this.names[secret]?.name ?? '', common: this.names[secret]?.common === true });
    };
    const windows = withLowBytes(text, (bytes) => {
      this.#needles.search(text, bytes, ({ from, to, form }) => add(from, to, form));
      this.#short.search(text, bytes, ({ from, to, form }) => add(from, to, form));
      return depth === 0 ? [] : this.#windows(text, bytes);
    });
    for (const { from, to } of windows) {
      const meaning = readEscapes(text, from, to, within);
      if (meaning !== undefined) this.#searchIn(meaning.text, meaning, depth - 1, spans);
    }
  }

  /** Stretches around escapes in which a form may stand. */
  #windows(text: string, bytes: DataView): readonly Window[] {
    const windows: Window[] = [];
    leadMarks.each(bytes, text.length, (at) => {
      const last = windows.at(-1);
      if ((last !== undefined && at < last.safe) || !this.#mayHide(text, at)) return at + 1;
      const from = Math.max(0, at - this.longest);
      // Farther than one form, so that where escapes are dense not each of them is followed.
      const safe = this.#reach(text, at, 3 * this.longest);
      const to = this.#reach(text, safe, this.longest);
      if (last !== undefined && from <= last.to) Object.assign(last, { to, safe });
      else windows.push({ from, to, safe });
      return at + 1;
    });
    return windows;
  }

  /** Whether a form may go over this place, of which it is the first escape: cheap, and right in saying no. */
  #mayHide(text: string, at: number): boolean {
    // Where values hold signs that begin escapes, such a sign is itself or the beginning of an escape.
    return this.#mayHideAs(text, at, this.#alphabet) || (this.#ambiguous && this.#mayHideAs(text, at, allEscape));
  }

  #mayHideAs(text: string, at: number, literal: Uint8Array): boolean {
    const before = text.charCodeAt(at - 1);
    const isBreak = text.charCodeAt(at) < 0x20;
    // Most lines end with something that no value holds.
    if (isBreak && this.#alphabet[before] !== 1) return false;
    const row = this.#row;
    let count = 0;
    let begin = at;
    while (begin > 0 && at - begin < this.#around - 1 && this.#alphabet[text.charCodeAt(begin - 1)] === 1) begin -= 1;
    for (let i = begin; i < at; i += 1) row[count++] = text.charCodeAt(i);
    for (let i = at, units = 0; units < this.#around && i < Math.min(text.length, at + mostLooked); ) {
      const escape = isLead(text.charCodeAt(i)) ? flatEscapeAt(text, i, literal) : undefined;
      if (i === at && escape === undefined) return false;
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

/** A form that begins before `safe` ends before `to`. */
type Window = { from: number; to: number; safe: number };

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

import { wipe, type Form } from './forms';

/**
 * Finds many forms in one pass. Every few characters it looks four of them up; the step is so wide that each occurrence of a form holds at
 * least one look, and a form is known by the four characters at each of its first places. What is found so is compared whole.
 */

/** Where a form stands, in UTF-16 units. */
export type Hit = Readonly<{ from: number; to: number; form: Form }>;

/** Characters of one look. */
const look = 4;
/** Wider steps save nothing more. */
const widest = 24;
/** Bits of the first, coarse tables: 32 KiB for few forms, which stay in the fastest memory, and at most 512 KiB. */
const fewestBits = 18;
const mostBits = 22;

/** Forms made ready to be looked for. */
export class Needles {
  /** UTF-16 units of the longest form, and of the shortest. */
  readonly longest: number;
  readonly shortest: number;
  readonly #step: number;
  readonly #coarse: Uint32Array;
  /** The same for every place in a form. */
  readonly #anywhere: Uint32Array;
  /** The same for the last characters of forms. */
  readonly #tails: Uint32Array;
  /** Bits of a product that are no part of its hash. */
  readonly #shift: number;
  /** Chains of entries by hash; 0 ends one. An entry is a form and a place in it. */
  readonly #heads: Uint32Array;
  readonly #next: Uint32Array;
  readonly #entries: Uint32Array;
  readonly #mask: number;

  constructor(readonly forms: readonly Form[]) {
    const lengths = forms.map(({ units }) => units.length);
    this.longest = Math.max(0, ...lengths);
    this.shortest = Math.min(...lengths);
    this.#step = Math.max(1, Math.min(widest, this.shortest - look + 1));
    // So many that one place in sixteen is marked by chance.
    const bits = Math.min(mostBits, Math.max(fewestBits, 4 + Math.ceil(Math.log2(1 + lengths.reduce((sum, length) => sum + length, 0)))));
    this.#shift = 32 - bits;
    this.#coarse = new Uint32Array(1 << (bits - 5));
    this.#anywhere = new Uint32Array(1 << (bits - 5));
    this.#tails = new Uint32Array(1 << (bits - 5));
    const count = forms.length * this.#step;
    this.#mask = (1 << Math.max(8, Math.ceil(Math.log2(count + 1)) + 1)) - 1;
    this.#heads = new Uint32Array(this.#mask + 1);
    this.#next = new Uint32Array(count + 1);
    this.#entries = new Uint32Array(2 * (count + 1));
    forms.forEach((form, index) => this.#enter(form, index));
  }

  /** Overwrites the forms; nothing is found any more. */
  wipe(): void {
    for (const { units } of this.forms) wipe(units);
    for (const table of [this.#coarse, this.#anywhere, this.#tails, this.#heads, this.#next, this.#entries]) table.fill(0);
  }

  /** Every form in `text`, whose low bytes are in `bytes`. A form that overlaps itself is found once. */
  search(text: string, bytes: DataView, hit: (hit: Hit) => void): void {
    const coarse = this.#coarse;
    const step = this.#step;
    const shift = this.#shift;
    const end = text.length - look;
    if (this.forms.length === 0) return;
    for (let at = 0; at <= end; at += step) {
      const hash = Math.imul(bytes.getUint32(at, true), factor) >>> shift;
      if ((((coarse[hash >>> 5] ?? 0) >>> (hash & 31)) & 1) !== 0) this.#compare(text, at, hash, hit);
    }
  }

  /** Whether the four characters here may stand anywhere in a form. */
  mayStandAt(bytes: DataView, at: number): boolean {
    return marked(this.#anywhere, this.#hashOf(bytes.getUint32(at, true)));
  }

  /** Whether so many units that follow each other may stand anywhere in a form, with `least` of them or more. */
  mayHold(units: Uint16Array, count: number, least: number): boolean {
    let run = 0;
    for (let at = 0; at + look <= count && run < least - look + 1; at += 1) run = marked(this.#anywhere, this.#hashOf(gramOfUnits(units, at))) ? run + 1 : 0;
    return run >= least - look + 1;
  }

  /** Characters at the end of `text` with which a form may begin that goes on: at least `least`, or 0. */
  begun(text: string, least: number): number {
    const from = Math.max(0, text.length - this.longest + 1);
    for (let at = from; at <= text.length - least; at += 1) {
      const rest = text.length - at;
      if (this.#formsAt(text, at).some(({ units }) => units.length > rest && equalAt(text, at, units, 0, rest))) return rest;
    }
    return 0;
  }

  /** Characters at the start of `text` that may end a form that began before it: at least `least`, or 0. */
  ended(text: string, least: number): number {
    const most = Math.min(text.length, this.longest - 1);
    if (most < least || !this.#mayGoOn(text)) return 0;
    for (let length = most; length >= Math.max(least, look); length -= 1) {
      if (marked(this.#tails, this.#hashOf(gramOf(text, length - look))) && this.forms.some(({ units }) => units.length > length && equalAt(text, 0, units, units.length - length, length))) return length;
    }
    return 0;
  }

  /** Whether all of `text` stands inside of one form. */
  within(text: string): boolean {
    if (text.length >= this.longest || !this.#mayGoOn(text)) return false;
    return this.forms.some(({ units }) => {
      for (let offset = 1; offset + text.length < units.length; offset += 1) if (equalAt(text, 0, units, offset, text.length)) return true;
      return false;
    });
  }

  #hashOf(gram: number): number {
    return Math.imul(gram, factor) >>> this.#shift;
  }

  #mayGoOn(text: string): boolean {
    return text.length < look || marked(this.#anywhere, this.#hashOf(gramOf(text, 0)));
  }

  #enter({ units, edges }: Form, index: number): void {
    for (let offset = 0; offset + look <= units.length; offset += 1) {
      const hash = this.#hashOf(gramOfUnits(units, offset));
      if (edges !== 'list') mark(this.#anywhere, hash);
      if (offset + look === units.length) mark(this.#tails, hash);
      if (offset >= this.#step) continue;
      mark(this.#coarse, hash);
      const entry = index * this.#step + offset + 1;
      this.#entries[2 * entry] = index;
      this.#entries[2 * entry + 1] = offset;
      this.#next[entry] = this.#heads[hash & this.#mask] ?? 0;
      this.#heads[hash & this.#mask] = entry;
    }
  }

  #compare(text: string, at: number, hash: number, hit: (hit: Hit) => void): void {
    for (let entry = this.#heads[hash & this.#mask] ?? 0; entry !== 0; entry = this.#next[entry] ?? 0) {
      const form = this.forms[this.#entries[2 * entry] ?? 0];
      const from = at - (this.#entries[2 * entry + 1] ?? 0);
      if (form === undefined || from < 0 || from + form.units.length > text.length || !equalAt(text, from, form.units, 0, form.units.length)) continue;
      if (form.edges !== 'alone' || standsAlone(text, from, from + form.units.length)) hit({ from, to: from + form.units.length, form });
    }
  }

  #formsAt(text: string, at: number): readonly Form[] {
    if (at + look > text.length) return this.forms;
    const found: Form[] = [];
    for (let entry = this.#heads[this.#hashOf(gramOf(text, at)) & this.#mask] ?? 0; entry !== 0; entry = this.#next[entry] ?? 0) {
      const form = this.forms[this.#entries[2 * entry] ?? 0];
      if (form !== undefined && this.#entries[2 * entry + 1] === 0) found.push(form);
    }
    return found;
  }
}

/** The low bytes of four characters. */
function gramOf(text: string, at: number): number {
  return (text.charCodeAt(at) & 255) | ((text.charCodeAt(at + 1) & 255) << 8) | ((text.charCodeAt(at + 2) & 255) << 16) | ((text.charCodeAt(at + 3) & 255) << 24);
}

function gramOfUnits(units: Uint16Array, at: number): number {
  const low = (offset: number): number => (units[at + offset] ?? 0) & 255;
  return low(0) | (low(1) << 8) | (low(2) << 16) | (low(3) << 24);
}

const factor = 0x9e3779b1;

function mark(table: Uint32Array, hash: number): void {
  table[hash >>> 5] = (table[hash >>> 5] ?? 0) | (1 << (hash & 31));
}

function marked(table: Uint32Array, hash: number): boolean {
  return (((table[hash >>> 5] ?? 0) >>> (hash & 31)) & 1) !== 0;
}

function equalAt(text: string, at: number, units: Uint16Array, offset: number, length: number): boolean {
  for (let i = 0; i < length; i += 1) if (text.charCodeAt(at + i) !== units[offset + i]) return false;
  return true;
}

function standsAlone(text: string, from: number, to: number): boolean {
  return !isWord(text.charCodeAt(from - 1)) && !isWord(text.charCodeAt(to));
}

function isWord(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a) || unit === 0x5f;
}

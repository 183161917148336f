/** Which triples of characters stand in which stretches of a log, coarsely: enough to pass over stretches in which a text cannot stand. */
import { hasLayout, tailBytes } from '../../../../protocol/src/audit/bytes';

/** Whole lines of a log, and the triples in them as bits of a table. */
export type GramStretch = Readonly<{ from: number; to: number; bits: Uint8Array }>;

/** Bytes from which on a stretch is full. */
const stretchBytes = 262_144;
/** Bits of a table: some 400 entries of ids and words fill a third of it. */
const tableBits = 15;
/** Bytes of a table. */
export const tableBytes = 1 << (tableBits - 3);

/** Bytes with letters of ASCII in lower case. */
const folded = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte));
/** 1 for what no hexadecimal number holds: triples of digits stand everywhere, since each line has two hashes, and tell nothing. */
const telling = Uint8Array.from({ length: 256 }, (_, byte) => (/[0-9a-f]/i.test(String.fromCharCode(byte)) ? 0 : 1));
/** The table of no text at all but what the last bytes of every line hold, whatever their hashes are. */
const tails = tailTable();

/** Gathers the triples of lines that come in order. */
export class Grams {
  readonly #full: GramStretch[] = [];
  #open: { from: number; to: number; bits: Uint8Array } | undefined;

  /** Every stretch so far, the first first. */
  get stretches(): readonly GramStretch[] {
    return this.#open === undefined ? this.#full : [...this.#full, this.#open];
  }

  /** Adds the line `bytes[start, newline)`, which stands at `offset` of the log. */
  add(bytes: Buffer, start: number, newline: number, offset: number): void {
    const open = (this.#open ??= { from: offset, to: offset, bits: tails.slice() });
    mark(open.bits, bytes, start, newline - start > tailBytes && hasLayout(bytes, newline) ? newline - tailBytes + 3 : newline);
    open.to = offset + newline - start + 1;
    if (open.to - open.from < stretchBytes) return;
    this.#full.push(open);
    this.#open = undefined;
  }
}

/** Makes the test whether a text, in any case of its letters, may stand in a stretch; undefined when triples cannot tell. */
export function gramTest(text: string): ((stretch: Pick<GramStretch, 'bits'>) => boolean) | undefined {
  const bytes = Buffer.from(text);
  const wanted: number[] = [];
  for (let at = 2; at < bytes.length; at += 1) {
    const triple = [...bytes.subarray(at - 2, at + 1)];
    // What is beyond ASCII has more than one case that is not known here.
    if (triple.some((byte) => byte >= 0x80) || triple.every((byte) => telling[byte] === 0)) continue;
    const [first = 0, second = 0, third = 0] = triple.map((byte) => folded[byte] ?? 0);
    wanted.push(placeOf(first, second, third));
  }
  return wanted.length === 0 ? undefined : ({ bits }) => wanted.every((place) => ((bits[place >>> 3] ?? 0) & (1 << (place & 7))) !== 0);
}

function tailTable(): Uint8Array {
  const bits = new Uint8Array(tableBytes);
  const digits = [...'0123456789abcdef'];
  for (const text of digits.flatMap((one) => digits.map((other) => `,"prevHash":"sha256:${one}${other}","hash":"sha256:${one}${other}"}`))) mark(bits, Buffer.from(text), 0, text.length);
  return bits;
}

/** Marks every triple in `bytes[from, to)`. All bytes of a log go through here, so nothing is looked up twice. */
function mark(bits: Uint8Array, bytes: Uint8Array, from: number, to: number): void {
  let [first, second] = [folded[bytes[from] ?? 0] ?? 0, folded[bytes[from + 1] ?? 0] ?? 0];
  let [firstTells, secondTells] = [telling[bytes[from] ?? 0] ?? 0, telling[bytes[from + 1] ?? 0] ?? 0];
  for (let at = from + 2; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    const third = folded[byte] ?? 0;
    const tells = telling[byte] ?? 0;
    if ((firstTells | secondTells | tells) !== 0) {
      const place = placeOf(first, second, third);
      bits[place >>> 3] = (bits[place >>> 3] ?? 0) | (1 << (place & 7));
    }
    first = second;
    second = third;
    firstTells = secondTells;
    secondTells = tells;
  }
}

function placeOf(first: number, second: number, third: number): number {
  return Math.imul(first | (second << 8) | (third << 16), 0x9e3779b1) >>> (32 - tableBits);
}

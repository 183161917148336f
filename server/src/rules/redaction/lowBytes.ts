/** The low bytes of texts, in one room that is used again for the next text: tables of bytes are searched several times as fast as strings. */

let room = new DataView(new ArrayBuffer(65_536));
/** Larger rooms are not kept, in bytes. */
const mostKept = 4_194_304;

/** Gives the low byte of each UTF-16 unit of `text` to `use`, and overwrites them afterwards. `use` must not call this again. */
export function withLowBytes<Result>(text: string, use: (bytes: DataView) => Result): Result {
  const fits = text.length <= room.byteLength;
  const view = fits ? room : new DataView(new ArrayBuffer(text.length));
  if (!fits && text.length <= mostKept) room = view;
  const bytes = Buffer.from(view.buffer, 0, text.length);
  bytes.write(text, 'latin1');
  try {
    return use(view);
  } finally {
    bytes.fill(0);
  }
}

/** Three low bytes that stand beside each other, as one number. */
export function gramAt(bytes: DataView, at: number): number {
  return bytes.getUint16(at, true) | (bytes.getUint8(at + 2) << 16);
}

const gramBits = 16;

function hashOf(gram: number): number {
  return Math.imul(gram, 0x9e3779b1) >>> (32 - gramBits);
}

/** Whether a single character with this neighbour is worth a stop; `before` is -1 where it stands first in its pair, and `after` where it stands second. */
export type Worth = (unit: number, before: number, after: number) => boolean;

/** What one pass over bytes stops at: single characters, and runs of three. It looks at two bytes at a time, the lower one first as on every machine that we run on. */
export class Stops {
  readonly #pairs = new Uint8Array(65_536);
  readonly #grams = new Uint8Array(1 << gramBits);

  constructor(singles: Iterable<number>, grams: Iterable<number> = [], worth: Worth = () => true) {
    for (const single of singles) {
      for (let other = 0; other < 256; other += 1) {
        if (worth(single, -1, other)) this.#mark(single | (other << 8), 1);
        if (worth(single, other, -1)) this.#mark(other | (single << 8), 2);
      }
    }
    for (const gram of grams) {
      this.#grams[hashOf(gram)] = 1;
      this.#mark(gram & 0xffff, 4);
      this.#mark(gram >>> 8, 8);
    }
  }

  /** Visits each place, in order, at which a single character may stand, and each at which a run of three may begin. */
  each(bytes: DataView, length: number, single: (at: number) => void, gram: (at: number) => void): void {
    const pairs = this.#pairs;
    const words = new Uint16Array(bytes.buffer, 0, length >> 1);
    // Four pairs at a time, most of which are nothing: several times as fast as one by one.
    for (let i = 0; i < words.length; i += 4) {
      if (i + 4 <= words.length && ((pairs[words[i] ?? 0] ?? 0) | (pairs[words[i + 1] ?? 0] ?? 0) | (pairs[words[i + 2] ?? 0] ?? 0) | (pairs[words[i + 3] ?? 0] ?? 0)) === 0) continue;
      for (let each = i; each < i + 4 && each < words.length; each += 1) {
        const marked = pairs[words[each] ?? 0] ?? 0;
        if (marked === 0) continue;
        const at = 2 * each;
        if ((marked & 8) !== 0 && at > 0 && this.#isGram(bytes, at - 1)) gram(at - 1);
        if ((marked & 1) !== 0) single(at);
        if ((marked & 4) !== 0 && at + 2 < length && this.#isGram(bytes, at)) gram(at);
        if ((marked & 2) !== 0) single(at + 1);
      }
    }
    if (length % 2 === 1 && ((pairs[bytes.getUint8(length - 1)] ?? 0) & 1) !== 0) single(length - 1);
  }

  #isGram(bytes: DataView, at: number): boolean {
    return this.#grams[hashOf(gramAt(bytes, at))] === 1;
  }

  #mark(pair: number, flag: number): void {
    this.#pairs[pair] = (this.#pairs[pair] ?? 0) | flag;
  }
}

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

/** Characters to stop at, by pairs, so that a text is passed in steps of two. */
export class Marks {
  readonly #single = new Uint8Array(256);
  readonly #pairs = new Uint8Array(65_536);

  constructor(codes: Iterable<number>) {
    for (const code of codes) this.#single[code] = 1;
    for (let pair = 0; pair < 65_536; pair += 1) this.#pairs[pair] = (this.#single[pair & 255] ?? 0) | ((this.#single[pair >> 8] ?? 0) << 1);
  }

  /** Visits each place whose low byte is marked; `visit` gives the place to go on from, which is behind it. */
  each(bytes: DataView, length: number, visit: (at: number) => number): void {
    let next = 0;
    const last = length - 1;
    for (let at = 0; at <= last; at += 2) {
      const marked = at === last ? (this.#single[bytes.getUint8(at)] ?? 0) : (this.#pairs[bytes.getUint16(at, true)] ?? 0);
      if (marked === 0) continue;
      if ((marked & 1) !== 0 && at >= next) next = visit(at);
      if ((marked & 2) !== 0 && at + 1 >= next) next = visit(at + 1);
      if (next > at + 2) at = next - 2 - ((next - at) & 1);
    }
  }
}

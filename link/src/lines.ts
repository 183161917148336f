/** Lines out of a byte stream, with a bound: what an attacker controls never makes the buffer grow past the limit. */

const newline = 0x0a;

/** What a stream yields: a whole line without its newline, or word of one that was longer than the limit and is skipped to its end; `head` are its first 256 bytes. */
export type Framed = Readonly<{ kind: 'line'; line: Buffer }> | Readonly<{ kind: 'tooLong'; head: string }>;

/** Cuts a byte stream into lines of at most `limit` bytes. A longer line is reported once, as soon as it is too long, and then dropped up to its newline. */
export class LineCutter {
  #parts: Buffer[] = [];
  #length = 0;
  #skipping = false;

  constructor(readonly limit: number) {}

  /** Bytes of an unfinished line held at present. */
  get held(): number {
    return this.#length;
  }

  /** Takes the next bytes and yields what they complete, in order. */
  *push(chunk: Buffer): Generator<Framed, void, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const framed = this.#finish(chunk.subarray(start, end));
      start = end + 1;
      if (framed !== undefined) yield framed;
    }
    const head = start < chunk.length ? this.#hold(chunk.subarray(start)) : undefined;
    if (head !== undefined) yield { kind: 'tooLong', head };
  }

  /** The bytes after the last newline, and forgets them: what follows belongs to another protocol. */
  takeRest(): Buffer {
    const rest = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return rest;
  }

  #finish(tail: Buffer): Framed | undefined {
    if (this.#skipping) {
      this.#skipping = false;
      return undefined;
    }
    if (this.#length + tail.length > this.limit) {
      const head = this.#dropped(tail);
      return { kind: 'tooLong', head };
    }
    if (this.#parts.length === 0) return { kind: 'line', line: tail };
    this.#parts.push(tail);
    return { kind: 'line', line: this.takeRest() };
  }

  // The head of the line when this made it too long.
  #hold(part: Buffer): string | undefined {
    if (this.#skipping) return undefined;
    if (this.#length + part.length > this.limit) {
      this.#skipping = true;
      return this.#dropped(part);
    }
    this.#parts.push(part);
    this.#length += part.length;
    return undefined;
  }

  #dropped(tail: Buffer): string {
    const [first = tail] = this.#parts;
    this.takeRest();
    return first.subarray(0, 256).toString('latin1');
  }
}

/** Lines out of a byte stream, with a bound: what an attacker controls never makes the buffer grow past the limit. */

const newline = 0x0a;

/** What a stream yields: a whole line without its newline, or word of one that was longer than the limit and is skipped to its end. */
export type Framed = Readonly<{ kind: 'line'; line: Buffer }> | Readonly<{ kind: 'tooLong' }>;

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
    if (start < chunk.length && this.#hold(chunk.subarray(start))) yield { kind: 'tooLong' };
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
      this.takeRest();
      return { kind: 'tooLong' };
    }
    if (this.#parts.length === 0) return { kind: 'line', line: tail };
    this.#parts.push(tail);
    return { kind: 'line', line: this.takeRest() };
  }

  // True when this made the line too long.
  #hold(part: Buffer): boolean {
    if (this.#skipping) return false;
    if (this.#length + part.length > this.limit) {
      this.takeRest();
      this.#skipping = true;
      return true;
    }
    this.#parts.push(part);
    this.#length += part.length;
    return false;
  }
}

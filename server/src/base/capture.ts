/** Keeps the beginning and the end of a stream of bytes, and counts what lies between. */

/** What was kept of one stream. */
export type Captured = Readonly<{
  head: Buffer;
  /** The last bytes after the head; together with it the whole stream when nothing was omitted. */
  tail: Buffer;
  /** Bytes that the stream held in all, as far as it was read. */
  bytes: number;
  /** Bytes between head and tail that were not kept. */
  omitted: number;
}>;

/** Takes chunks as they come. Memory stays below head plus twice the tail, however much arrives. */
export class Capture {
  private readonly head: Buffer[] = [];
  private headBytes = 0;
  private tail: Buffer[] = [];
  private tailBytes = 0;
  private bytes = 0;

  constructor(
    private readonly maxHead: number,
    private readonly maxTail: number,
  ) {}

  /** Takes one chunk and returns how many bytes have come in all. */
  add(chunk: Buffer): number {
    this.bytes += chunk.length;
    const first = chunk.subarray(0, this.maxHead - this.headBytes);
    if (first.length > 0) this.head.push(Buffer.from(first));
    this.headBytes += first.length;
    const rest = chunk.subarray(first.length);
    if (rest.length > 0) this.addToTail(rest);
    return this.bytes;
  }

  /** What has been kept until now. */
  take(): Captured {
    const head = Buffer.concat(this.head);
    const all = Buffer.concat(this.tail);
    const tail = all.subarray(Math.max(0, all.length - this.maxTail));
    return { head, tail, bytes: this.bytes, omitted: this.bytes - head.length - tail.length };
  }

  private addToTail(chunk: Buffer): void {
    this.tail.push(Buffer.from(chunk.subarray(Math.max(0, chunk.length - this.maxTail))));
    this.tailBytes += Math.min(chunk.length, this.maxTail);
    while (this.tail.length > 1 && this.tailBytes - (this.tail[0]?.length ?? 0) >= this.maxTail) {
      this.tailBytes -= this.tail.shift()?.length ?? 0;
    }
  }
}

/** The call of a decision whose outcome is likely to stand in the next line: kept as bytes, since a text for each of both lines would cost more than to check them. */
import { idLength, type PlainLine } from './plain';

const mostTool = 100;

/** One call or none. */
export class HeldCall {
  readonly #bytes = new Uint8Array(idLength + mostTool);
  #toolLength = -1;

  /** Whether a call is held. */
  get holds(): boolean {
    return this.#toolLength >= 0;
  }

  /** The held id and tool as texts. */
  get texts(): Readonly<{ call: string; tool: string }> {
    const text = Buffer.from(this.#bytes.subarray(0, idLength + Math.max(0, this.#toolLength))).toString('latin1');
    return { call: text.slice(0, idLength), tool: text.slice(idLength) };
  }

  /** Takes the call of a line, which must have one. */
  hold(bytes: Uint8Array, { call, tool, toolEnd }: PlainLine): void {
    const own = this.#bytes;
    for (let i = 0; i < idLength; i += 1) own[i] = bytes[call + i] ?? 0;
    for (let from = tool, to = idLength; from < toolEnd; from += 1, to += 1) own[to] = bytes[from] ?? 0;
    this.#toolLength = toolEnd - tool;
  }

  /** Whether a line belongs to the held call. */
  isOf(bytes: Uint8Array, { call }: PlainLine): boolean {
    if (this.#toolLength < 0) return false;
    // Ids differ at their end.
    for (let i = idLength - 1; i >= 0; i -= 1) if (this.#bytes[i] !== bytes[call + i]) return false;
    return true;
  }

  /** Whether a line names the held tool. */
  hasTool(bytes: Uint8Array, { tool, toolEnd }: PlainLine): boolean {
    if (toolEnd - tool !== this.#toolLength) return false;
    for (let at = tool, own = idLength; at < toolEnd; at += 1, own += 1) if (this.#bytes[own] !== bytes[at]) return false;
    return true;
  }

  /** Holds none any more. */
  drop(): void {
    this.#toolLength = -1;
  }
}

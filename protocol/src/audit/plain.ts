/**
 * Reads the beginning of a line in place when it stands as our own writer lays it out, without making a single object. Whatever
 * stands otherwise is no worse for it: it is read in full elsewhere (`head.ts`), with the same result.
 */
import { tailBytes } from './bytes';

/** The phases as bytes; a place in this list stands for a phase. */
const phaseWords = ['intent', 'done', 'denied', 'event', 'genesis', 'recover', 'rotate', 'segment'] as const;
const phaseBytes = phaseWords.map((word) => Buffer.from(word));

const beforeSeq = Buffer.from('{"v":1,"seq":');
const beforeId = Buffer.from(',"id":"evt_');
const beforeTime = Buffer.from('","timestamp":"');
const beforePhase = Buffer.from('","phase":"');
const beforeCall = Buffer.from('","call":"evt_');
const beforeTool = Buffer.from('","tool":"');
const ulidLength = 26;
/** Characters of an id, `evt_` included. */
export const idLength = ulidLength + 4;
/** Characters of a timestamp. */
export const timeLength = 24;

/** 1 for what a ULID is made of, 2 for the other characters of tool names, 4 for those of a timestamp. */
const kinds = new Uint8Array(256);
for (const char of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') kinds[char.charCodeAt(0)] = 1 | 2;
for (const char of 'ILOUabcdefghijklmnopqrstuvwxyz_.-') kinds[char.charCodeAt(0)] = 2;
for (const char of '0123456789T:.Z-') kinds[char.charCodeAt(0)] = (kinds[char.charCodeAt(0)] ?? 0) | 4;

/** Whether `text` stands in `bytes` at `at`. */
export function standsAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text[i]) return false;
  return true;
}

/** Whether `length` bytes from `at` on are all of a kind. */
function areOf(bytes: Uint8Array, at: number, length: number, kind: number): boolean {
  for (let i = at; i < at + length; i += 1) if (((kinds[bytes[i] ?? 0] ?? 0) & kind) === 0) return false;
  return true;
}

/** One line after the other, each read into the same fields. Offsets count in the bytes that were given. */
export class PlainLine {
  seq = 0;
  /** Where the id's `evt_` stands. */
  id = 0;
  timestamp = 0;
  phase: (typeof phaseWords)[number] = 'event';
  /** Where the call's `evt_` stands; -1 when the entry belongs to none. */
  call = -1;
  tool = 0;
  toolEnd = 0;

  /** Reads the line `bytes[start, newline)` up to its tool; false when it stands otherwise, and then the fields mean nothing. */
  read(bytes: Uint8Array, start: number, newline: number): boolean {
    if (!standsAt(bytes, start, beforeSeq)) return false;
    let at = this.#readSeq(bytes, start + beforeSeq.length);
    if (at === -1 || !standsAt(bytes, at, beforeId)) return false;
    this.id = at + beforeId.length - 4;
    at = this.id + idLength;
    if (!areOf(bytes, this.id + 4, ulidLength, 1) || !standsAt(bytes, at, beforeTime)) return false;
    this.timestamp = at + beforeTime.length;
    at = this.timestamp + timeLength;
    if (!areOf(bytes, this.timestamp, timeLength, 4) || !standsAt(bytes, at, beforePhase)) return false;
    at = this.#readPhase(bytes, at + beforePhase.length);
    at = at === -1 ? -1 : this.#readCall(bytes, at);
    return at !== -1 && this.#readTool(bytes, at) && this.toolEnd + tailBytes < newline;
  }

  #readSeq(bytes: Uint8Array, from: number): number {
    let at = from;
    let seq = 0;
    for (let digit = (bytes[at] ?? 0) - 0x30; digit >= 0 && digit <= 9; digit = (bytes[at] ?? 0) - 0x30) {
      seq = seq * 10 + digit;
      at += 1;
      if (at - from > 15) return -1;
    }
    this.seq = seq;
    return at === from || bytes[from] === 0x30 ? -1 : at;
  }

  #readPhase(bytes: Uint8Array, at: number): number {
    for (let i = 0; i < phaseWords.length; i += 1) {
      const word = phaseBytes[i];
      if (word === undefined || bytes[at] !== word[0] || bytes[at + word.length] !== 0x22 || !standsAt(bytes, at, word)) continue;
      this.phase = phaseWords[i] ?? 'event';
      return at + word.length;
    }
    return -1;
  }

  #readCall(bytes: Uint8Array, at: number): number {
    this.call = -1;
    if (!standsAt(bytes, at, beforeCall)) return at;
    this.call = at + beforeCall.length - 4;
    return areOf(bytes, this.call + 4, ulidLength, 1) ? this.call + idLength : -1;
  }

  #readTool(bytes: Uint8Array, at: number): boolean {
    if (!standsAt(bytes, at, beforeTool)) return false;
    this.tool = at + beforeTool.length;
    let end = this.tool;
    while (((kinds[bytes[end] ?? 0] ?? 0) & 2) !== 0) end += 1;
    this.toolEnd = end;
    return bytes[end] === 0x22 && end > this.tool && end - this.tool <= 100;
  }
}

/** The times of entries one after the other: the first, the last, and whether one is earlier than the one before. */
export class Times {
  #first: string | undefined;
  /** The last one, as text or in `#bytes`, which spares a text per line. */
  #last: string | undefined;
  #inBytes = false;
  readonly #bytes = new Uint8Array(timeLength);

  /** `before` is the time of the entry before the first one, when that is known. */
  constructor(before?: string) {
    this.#last = before;
  }

  get first(): string | undefined {
    return this.#first;
  }

  get last(): string | undefined {
    if (this.#inBytes) this.#last = Buffer.from(this.#bytes).toString('latin1');
    return this.#last;
  }

  /** Takes the next time; gives the one before when that is later. */
  take(text: string): string | undefined {
    const before = this.last;
    this.#first ??= text;
    this.#last = text;
    this.#inBytes = false;
    return before !== undefined && text < before ? before : undefined;
  }

  /** The same for a time that stands at `at`. */
  takeAt(bytes: Buffer, at: number): string | undefined {
    if (!this.#inBytes) {
      const before = this.take(bytes.toString('latin1', at, at + timeLength));
      this.#keep(bytes, at, 0);
      return before;
    }
    for (let i = 0; i < timeLength; i += 1) {
      const [now = 0, then = 0] = [bytes[at + i], this.#bytes[i]];
      if (now === then) continue;
      const before = now < then ? this.last : undefined;
      this.#keep(bytes, at, i);
      return before;
    }
    return undefined;
  }

  #keep(bytes: Uint8Array, at: number, from: number): void {
    for (let i = from; i < timeLength; i += 1) this.#bytes[i] = bytes[at + i] ?? 0;
    this.#inBytes = true;
  }
}

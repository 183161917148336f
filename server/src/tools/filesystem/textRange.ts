import { createHash } from 'node:crypto';
import { ConductorError } from '../../../../protocol/src/errors';
import { readSlice } from '../../base/heldFile';
import type { Pin, Pins } from '../../base/pin';
import { wrongInput } from './answers';
import { binaryFile, decodeText, newlineOf, scriptOf, type Script, type TextEncoding } from './encoding';

/** Takes a range of lines, or of bytes, out of a held file of any size. */

/** Most bytes of a file that one answer carries. */
export const maxReadBytes = 1_048_576;

/** How bytes become text; `base64` always counts in bytes. */
export type Encoding = TextEncoding | 'base64';

/** What to take: `offset` units are skipped, at most `limit` follow. Without an encoding the byte order mark decides, else UTF-8. */
export type Range = Readonly<{ encoding: Encoding | undefined; unit: 'lines' | 'bytes'; offset: number; limit: number | undefined }>;

/** A piece of a file. `next` is the offset of what follows, when something does. */
export type Piece = Readonly<{
  text: string;
  size: number;
  encoding: Encoding;
  /** Where the piece begins, in the unit of the range: later than asked when that lay within a character or before the text. */
  offset: number;
  count: number;
  next: number | undefined;
  /** True when the file begins with a byte order mark, which is no part of the text. */
  mark: boolean;
  /** SHA-256 hex of the whole file, when the piece holds all of it. */
  sha256?: string;
}>;

/** Reads a range; `changed` when the path no longer leads to the held file. Throws ConductorError for content that is no such text. */
export async function readRange(pin: Pin, path: string, range: Range, signal: AbortSignal, pins: Pins): Promise<Piece | 'changed'> {
  if (range.encoding === 'base64') return readBytes(pin, range, pins);
  const fromTheTop = range.unit === 'lines' && range.offset === 0;
  const first = await readSlice(pin, 0, fromTheTop ? maxReadBytes + 8 : headBytes, pins);
  if (first === undefined) return 'changed';
  const head = first.bytes.subarray(0, headBytes);
  const script = scriptOf(head, range.encoding);
  const file: File = { pin, path, pins, head, script };
  if (fromTheTop) return cutLines(file, first.bytes.subarray(script.mark), Math.max(Number(first.stat.size), first.bytes.length), script.mark, range);
  return range.unit === 'bytes' ? readTextBytes(file, range) : readLines(file, range, signal);
}

/** Enough for every byte order mark and every sign of a kind of file. */
const headBytes = 512;

type File = Readonly<{ pin: Pin; path: string; pins: Pins; head: Buffer; script: Script }>;

async function readBytes(pin: Pin, range: Range, pins: Pins): Promise<Piece | 'changed'> {
  const most = Math.min(range.limit ?? maxReadBytes, (maxReadBytes / 4) * 3);
  const slice = await readSlice(pin, range.offset, most + 1, pins);
  if (slice === undefined) return 'changed';
  const bytes = slice.bytes.subarray(0, most);
  const next = slice.bytes.length > most ? range.offset + most : undefined;
  return { text: bytes.toString('base64'), size: Number(slice.stat.size), encoding: 'base64', offset: range.offset, count: bytes.length, next, mark: false, ...hashOfAll(bytes, range.offset, next) };
}

/** Text by bytes: the piece begins and ends between characters, so that pieces add up to the whole. */
async function readTextBytes(file: File, range: Range): Promise<Piece | 'changed'> {
  const { pin, path, pins, head, script } = file;
  const asked = Math.max(range.offset, script.mark);
  const most = Math.min(range.limit ?? maxReadBytes, maxReadBytes);
  const slice = await readSlice(pin, asked, most + 1, pins);
  if (slice === undefined) return 'changed';
  const size = Math.max(Number(slice.stat.size), asked + slice.bytes.length);
  const whole = slice.bytes.length <= most;
  const from = asked === script.mark ? 0 : characterStart(slice.bytes, script, asked);
  const to = whole ? slice.bytes.length : Math.max(from, characterEnd(slice.bytes.subarray(0, most), script, asked));
  if (to === from && !whole) throw wrongInput(`No character of ${path} fits into ${most} bytes. Raise limit.`);
  const bytes = slice.bytes.subarray(from, to);
  const text = decodeText(bytes, script.encoding, { path, size, start: asked + from, head });
  return { text, size, encoding: script.encoding, offset: asked + from, count: bytes.length, next: whole ? undefined : asked + to, mark: script.mark > 0 };
}

/** Continuation bytes belong to the character before; at most three follow each other in UTF-8. */
function characterStart(bytes: Buffer, { encoding, mark }: Script, position: number): number {
  if (encoding === 'latin1') return 0;
  if (encoding !== 'utf8') return (position - mark) % 2;
  let at = 0;
  while (at < 3 && isContinuation(bytes[at])) at += 1;
  return at;
}

/** Where the last whole character ends. */
function characterEnd(bytes: Buffer, { encoding, mark }: Script, position: number): number {
  if (encoding === 'latin1') return bytes.length;
  if (encoding !== 'utf8') return utf16End(bytes, encoding, bytes.length - ((position + bytes.length - mark) % 2));
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function utf16End(bytes: Buffer, encoding: TextEncoding, end: number): number {
  if (end < 2) return end;
  const last = encoding === 'utf16le' ? bytes.readUInt16LE(end - 2) : bytes.readUInt16BE(end - 2);
  return last >= 0xd800 && last < 0xdc00 ? end - 2 : end;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

async function readLines(file: File, range: Range, signal: AbortSignal): Promise<Piece | 'changed'> {
  const start = await skipLines(file, range.offset, signal);
  if (start === 'changed') return 'changed';
  if (start === 'past') throw wrongInput(`${file.path} has fewer than ${range.offset + 1} lines.`);
  const slice = await readSlice(file.pin, start, maxReadBytes + 2, file.pins);
  return slice === undefined ? 'changed' : cutLines(file, slice.bytes, Math.max(Number(slice.stat.size), start + slice.bytes.length), start, range);
}

/** Byte position after so many lines; `past` when the file ends earlier. Reads in pieces, so that a huge file needs no more memory. */
async function skipLines({ pin, path, pins, head, script }: File, lines: number, signal: AbortSignal): Promise<number | 'changed' | 'past'> {
  let left = lines;
  let position = script.mark;
  while (left > 0) {
    signal.throwIfAborted();
    const slice = await readSlice(pin, position, maxReadBytes, pins);
    if (slice === undefined) return 'changed';
    if (slice.bytes.length === 0) return 'past';
    // Else somebody who asks for a late line of an image waits until all of it is read.
    if (script.encoding === 'utf8' && slice.bytes.includes(0)) throw binaryFile({ path, size: Number(slice.stat.size), start: position, head });
    const end = endOfLines(slice.bytes, left, script);
    if (end.lines === left) return position + end.position;
    left -= end.lines;
    position += slice.bytes.length;
  }
  return position;
}

/** Where the n-th line ends in these bytes, and how many lines end at all before that. */
function endOfLines(bytes: Buffer, most: number, { encoding }: Script): { position: number; lines: number } {
  const newline = newlineOf(encoding);
  let position = 0;
  let lines = 0;
  for (let at = bytes.indexOf(newline); at >= 0 && lines < most; at = bytes.indexOf(newline, at + 1)) {
    // Two halves of neighbouring characters can look like a line feed.
    if (at % newline.length !== 0) continue;
    position = at + newline.length;
    lines += 1;
  }
  return { position, lines };
}

function cutLines({ path, head, script }: File, all: Buffer, size: number, start: number, range: Range): Piece {
  const source = { path, size, start, head };
  if (all.length === 0 && range.offset > 0) throw wrongInput(`${path} has fewer than ${range.offset + 1} lines.`);
  const whole = all.length <= maxReadBytes;
  const most = range.limit ?? Number.MAX_SAFE_INTEGER;
  const end = endOfLines(all.subarray(0, maxReadBytes), most, script);
  const toTheEnd = whole && end.lines < most;
  const bytes = toTheEnd ? all : all.subarray(0, end.position);
  if (script.encoding === 'utf8' && bytes.length === 0 && all.includes(0)) throw binaryFile(source);
  if (!toTheEnd && end.lines === 0) throw longLine(path, start);
  const text = decodeText(bytes, script.encoding, source);
  const rest = toTheEnd && end.position < bytes.length ? 1 : 0;
  const next = !whole || bytes.length < all.length ? range.offset + end.lines : undefined;
  const marked = script.mark > 0 ? Buffer.concat([head.subarray(0, script.mark), bytes]) : bytes;
  return { text, size, encoding: script.encoding, offset: range.offset, count: end.lines + rest, next, mark: script.mark > 0, ...hashOfAll(marked, range.offset, next) };
}

function hashOfAll(bytes: Buffer, offset: number, next: number | undefined): Readonly<{ sha256?: string }> {
  return offset === 0 && next === undefined ? { sha256: createHash('sha256').update(bytes).digest('hex') } : {};
}

function longLine(path: string, start: number): ConductorError {
  return new ConductorError('TOO_LARGE', `A line in ${path} is longer than ${maxReadBytes} bytes. Read it in pieces with unit "bytes", from offset ${start}.`);
}

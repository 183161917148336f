import type { Pin, Pins } from '../../base/pin';
import { readSlice, type Slice } from '../../base/heldFile';
import { ConductorError } from '../../../../protocol/src/errors';
import { wrongInput } from './answers';

/** Takes a range of lines, or of bytes, out of a held file of any size. */

/** Most bytes of a file that one answer carries. */
export const maxReadBytes = 1_048_576;

/** How bytes become text. `base64` counts in bytes, the others in lines. */
export type Encoding = 'utf8' | 'latin1' | 'base64';

/** What to take: `offset` lines (bytes with base64) are skipped, at most `limit` follow. */
export type Range = Readonly<{ encoding: Encoding; offset: number; limit: number | undefined }>;

/** A piece of a file. `next` is the offset of what follows, when something does. */
export type Piece = Readonly<{ text: string; size: number; count: number; next: number | undefined }>;

/** Reads a range; `changed` when the path no longer leads to the held file. Throws ConductorError for content that is no such text. */
export async function readRange(pin: Pin, path: string, range: Range, signal: AbortSignal, pins: Pins): Promise<Piece | 'changed'> {
  if (range.encoding === 'base64') return readBytes(pin, range, pins);
  const start = await skipLines(pin, range.offset, signal, pins);
  if (start === 'changed') return 'changed';
  if (start === 'past') throw wrongInput(`${path} has fewer than ${range.offset + 1} lines.`);
  const slice = await readSlice(pin, start, maxReadBytes + 1, pins);
  return slice === undefined ? 'changed' : cutLines(slice, start, path, range);
}

async function readBytes(pin: Pin, range: Range, pins: Pins): Promise<Piece | 'changed'> {
  const most = Math.min(range.limit ?? maxReadBytes, (maxReadBytes / 4) * 3);
  const slice = await readSlice(pin, range.offset, most + 1, pins);
  if (slice === undefined) return 'changed';
  const bytes = slice.bytes.subarray(0, most);
  const next = slice.bytes.length > most ? range.offset + most : undefined;
  return { text: bytes.toString('base64'), size: Number(slice.stat.size), count: bytes.length, next };
}

const newline = 0x0a;

/** Byte position after so many lines; `past` when the file ends earlier. Reads in pieces, so that a huge file needs no more memory. */
async function skipLines(pin: Pin, lines: number, signal: AbortSignal, pins: Pins): Promise<number | 'changed' | 'past'> {
  let left = lines;
  let position = 0;
  while (left > 0) {
    signal.throwIfAborted();
    const slice = await readSlice(pin, position, maxReadBytes, pins);
    if (slice === undefined) return 'changed';
    if (slice.bytes.length === 0) return 'past';
    const end = endOfLines(slice.bytes, left);
    if (end.lines === left) return position + end.position;
    left -= end.lines;
    position += slice.bytes.length;
  }
  return position;
}

/** Where the n-th line ends in these bytes, and how many lines end at all before that. */
function endOfLines(bytes: Buffer, most: number): { position: number; lines: number } {
  let position = 0;
  let lines = 0;
  while (lines < most) {
    const at = bytes.indexOf(newline, position);
    if (at < 0) break;
    position = at + 1;
    lines += 1;
  }
  return { position, lines };
}

function cutLines(slice: Slice, start: number, path: string, range: Range): Piece {
  const size = Math.max(Number(slice.stat.size), start + slice.bytes.length);
  if (slice.bytes.length === 0 && range.offset > 0) throw wrongInput(`${path} has fewer than ${range.offset + 1} lines.`);
  const whole = slice.bytes.length <= maxReadBytes;
  const most = range.limit ?? Number.MAX_SAFE_INTEGER;
  const end = endOfLines(slice.bytes.subarray(0, maxReadBytes), most);
  const toTheEnd = whole && end.lines < most;
  const bytes = toTheEnd ? slice.bytes : slice.bytes.subarray(0, end.position);
  if (range.encoding === 'utf8' && bytes.length === 0 && slice.bytes.includes(0)) throw binary(path, size);
  if (!toTheEnd && end.lines === 0) throw longLine(path);
  const text = decode(bytes, path, size, range.encoding);
  const rest = toTheEnd && end.position < bytes.length ? 1 : 0;
  const more = !whole || bytes.length < slice.bytes.length;
  return { text, size, count: end.lines + rest, next: more ? range.offset + end.lines : undefined };
}

function longLine(path: string): ConductorError {
  return new ConductorError('TOO_LARGE', `A line in ${path} is longer than ${maxReadBytes} bytes. Read it in pieces with encoding "base64", offset and limit in bytes.`);
}

function binary(path: string, size: number): ConductorError {
  return wrongInput(`${path} is a binary file of ${size} bytes. Read it with encoding "base64" if you need its bytes.`);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Buffer, path: string, size: number, encoding: Encoding): string {
  if (encoding === 'latin1') return bytes.toString('latin1');
  if (bytes.includes(0)) throw binary(path, size);
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw wrongInput(`${path} is not UTF-8 text. Read it with encoding "latin1", or "base64" for its bytes.`);
  }
}

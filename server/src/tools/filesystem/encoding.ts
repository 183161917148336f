import { isUtf8 } from 'node:buffer';
import type { ConductorError } from '../../../../protocol/src/errors';
import { wrongInput } from './answers';
import { kindOfBytes } from './magic';

/** Text of files to and from bytes. Nothing is guessed: without a byte order mark a file is UTF-8 unless the caller says otherwise. */

/** The encodings of text, as agents name them. */
export const textEncodings = ['utf8', 'utf16le', 'utf16be', 'latin1'] as const;

/** One of them. */
export type TextEncoding = (typeof textEncodings)[number];

/** What is known of a file before its text is read. */
export type Script = Readonly<{
  encoding: TextEncoding;
  /** Bytes of the byte order mark at the beginning; 0 without one. */
  mark: number;
}>;

const marks: readonly (readonly [TextEncoding, Buffer])[] = [
  ['utf8', Buffer.from([0xef, 0xbb, 0xbf])],
  ['utf16le', Buffer.from([0xff, 0xfe])],
  ['utf16be', Buffer.from([0xfe, 0xff])],
];

/** The encoding of a file by its first bytes; what the caller says counts more, and then only its own mark is one. */
export function scriptOf(head: Buffer, wanted: TextEncoding | undefined): Script {
  const found = marks.find(([encoding, bytes]) => (wanted === undefined || wanted === encoding) && head.subarray(0, bytes.length).equals(bytes));
  return found === undefined ? { encoding: wanted ?? 'utf8', mark: 0 } : { encoding: found[0], mark: found[1].length };
}

/** The bytes of a line feed. */
export function newlineOf(encoding: TextEncoding): Buffer {
  if (encoding === 'utf16le') return Buffer.from([0x0a, 0]);
  return encoding === 'utf16be' ? Buffer.from([0, 0x0a]) : Buffer.from([0x0a]);
}

/** Where bytes come from, for messages. */
export type Source = Readonly<{ path: string; size: number; /** Position of the first byte in the file. */ start: number; /** The first bytes of the file. */ head: Buffer }>;

/** Bytes as text. Throws what is wrong with them, with the place of the first byte that is no text. */
export function decodeText(bytes: Buffer, encoding: TextEncoding, source: Source): string {
  switch (encoding) {
    case 'latin1':
      return bytes.toString('latin1');
    case 'utf8':
      if (bytes.includes(0)) throw binaryFile(source);
      if (!isUtf8(bytes)) throw notText(source, source.start + firstBadByte(bytes), 'UTF-8');
      return bytes.toString('utf8');
    case 'utf16le':
    case 'utf16be':
      return decodeUtf16(bytes, encoding, source);
  }
}

/** Text as bytes; without a byte order mark. An error names the first character that the encoding does not have. */
export function encodeText(text: string, encoding: TextEncoding): Buffer | ConductorError {
  if (/\p{Surrogate}/u.test(text)) return wrongInput('The text contains half of a surrogate pair, which no encoding can hold.');
  if (encoding === 'utf8') return Buffer.from(text);
  if (encoding === 'utf16le') return Buffer.from(text, 'utf16le');
  if (encoding === 'utf16be') return Buffer.from(text, 'utf16le').swap16();
  const odd = /[^\u0000-\u00ff]/u.exec(text)?.[0];
  return odd === undefined ? Buffer.from(text, 'latin1') : wrongInput(`Latin-1 has no character U+${(odd.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}.`);
}

/** What a file is that is no text in the encoding at hand. */
export function binaryFile({ path, size, head }: Source): ConductorError {
  const kind = kindOfBytes(head);
  const utf16 = kind?.includes('UTF-16') === true;
  return wrongInput(`${path} is a binary file of ${size} bytes${kind === undefined ? '' : ` (${kind})`}. Read it with encoding ${utf16 ? '"utf16le" or "utf16be"' : '"base64" if you need its bytes'}.`);
}

function decodeUtf16(bytes: Buffer, encoding: 'utf16le' | 'utf16be', source: Source): string {
  if (bytes.length % 2 === 1) throw notText(source, source.start + bytes.length - 1, 'UTF-16');
  const text = (encoding === 'utf16le' ? bytes : Buffer.from(bytes).swap16()).toString('utf16le');
  const bad = text.search(/\p{Surrogate}/u);
  if (bad >= 0) throw notText(source, source.start + 2 * bad, 'UTF-16');
  return text;
}

function notText(source: Source, at: number, name: string): ConductorError {
  const kind = kindOfBytes(source.head);
  const is = kind === undefined ? '' : ` It looks like a ${kind}.`;
  return wrongInput(`${source.path} is not ${name} text: the byte at position ${at} does not fit.${is} Read it with encoding "latin1", which takes every byte for a character, or "base64" for its bytes.`);
}

/** Decoding replaces what is wrong, so that the first difference lies in the first bad sequence; it begins where the text before is still whole. */
function firstBadByte(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString('utf8'));
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at += 1;
  for (let start = at; start > at - 4 && start > 0; start -= 1) if (isUtf8(bytes.subarray(0, start))) return start;
  return Math.max(0, at - 3);
}

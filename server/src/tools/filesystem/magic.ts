/** Names the kind of a binary file by its first bytes, so that nobody has to read it to learn what it is. */

type Sign = readonly [kind: string, offset: number, bytes: string];

/** Bytes as Latin-1 text, at an offset. The first that fits counts. */
const signs: readonly Sign[] = [
  ['PNG image', 0, '\x89PNG\r\n\x1a\n'], ['JPEG image', 0, '\xff\xd8\xff'], ['GIF image', 0, 'GIF8'], ['WebP image', 8, 'WEBP'], ['WAV audio', 8, 'WAVE'], ['AVI video', 8, 'AVI '],
  ['TIFF image', 0, 'II*\0'], ['TIFF image', 0, 'MM\0*'], ['icon', 0, '\0\0\x01\0'], ['PDF document', 0, '%PDF-'], ['ZIP archive, or a document or package in that form', 0, 'PK\x03\x04'],
  ['gzip archive', 0, '\x1f\x8b'], ['bzip2 archive', 0, 'BZh'], ['xz archive', 0, '\xfd7zXZ\0'], ['Zstandard archive', 0, '\x28\xb5\x2f\xfd'], ['7-Zip archive', 0, '7z\xbc\xaf\x27\x1c'], ['tar archive', 257, 'ustar'],
  ['ELF program or library', 0, '\x7fELF'], ['Windows program or library', 0, 'MZ'], ['Mach-O program or library', 0, '\xcf\xfa\xed\xfe'], ['Mach-O program or Java class', 0, '\xca\xfe\xba\xbe'],
  ['WebAssembly module', 0, '\0asm'], ['SQLite database', 0, 'SQLite format 3\0'], ['OpenType font', 0, 'OTTO'], ['TrueType font', 0, '\0\x01\0\0'], ['WOFF font', 0, 'wOFF'], ['WOFF2 font', 0, 'wOF2'],
  ['MP4 or QuickTime video', 4, 'ftyp'], ['Matroska or WebM video', 0, '\x1aE\xdf\xa3'], ['MP3 audio', 0, 'ID3'], ['Ogg audio or video', 0, 'OggS'], ['FLAC audio', 0, 'fLaC'],
  ['git pack', 0, 'PACK'], ['git index', 0, 'DIRC'],
];

/** What a file is by its first bytes (512 are enough); undefined when they say nothing. */
export function kindOfBytes(head: Buffer): string | undefined {
  const text = head.toString('latin1', 0, 512);
  return signs.find(([, offset, bytes]) => text.startsWith(bytes, offset))?.[0] ?? (looksLikeUtf16(head) ? 'it looks like UTF-16 text without a byte order mark' : undefined);
}

/** Western text in UTF-16 has a NUL in every second byte. */
function looksLikeUtf16(head: Buffer): boolean {
  const pairs = Math.min(256, head.length >> 1);
  if (pairs < 4) return false;
  const nulls = [0, 0];
  for (let at = 0; at < 2 * pairs; at += 1) if (head[at] === 0) nulls[at % 2] = (nulls[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = nulls;
  return Math.max(even, odd) > 0.7 * pairs && Math.min(even, odd) === 0;
}

import { readdirSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { readSmallFile } from '../../base/smallFile';

/** What a Makefile includes, so that an approval of `make` rests on these as well. */

/** Bytes of one Makefile that is looked through, and Makefiles that may include each other. */
const most = { bytes: 256 * 1024, files: 48 } as const;

/**
 * Absolute places of all that these Makefiles include, itself or through others, whether it is there or not. Names count from the folder that make
 * works in. Where a name is put together from variables or patterns, all `*.mk` of the folders that it could mean count.
 */
export function includedBy(makefiles: readonly string[], folder: string): readonly string[] {
  const pending = [...makefiles];
  const seen = new Set<string>();
  for (let file = pending.shift(); file !== undefined && seen.size < most.files; file = pending.shift()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const text = readSmallFile(file, most.bytes)?.replace(/\\\r?\n/g, ' ') ?? '';
    for (const [, words = ''] of text.matchAll(/^[\t ]*[-s]?include[\t ]+([^#\n]*)/gm)) pending.push(...words.trim().split(/\s+/).flatMap((word) => meantBy(word, folder)));
  }
  return [...seen].filter((file) => !makefiles.includes(file));
}

function meantBy(word: string, folder: string): readonly string[] {
  const odd = word.search(/[$*?[({]/);
  const literal = odd < 0 ? word : word.slice(0, odd);
  const path = isAbsolute(literal) ? literal : join(folder, literal);
  if (odd < 0) return [path];
  const folders = new Set([folder, literal.endsWith('/') || literal === '' ? path : dirname(path)]);
  return [...folders].flatMap((each) => namesIn(each).filter((name) => /\.(mk|make)$/i.test(name)).map((name) => join(each, name)));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

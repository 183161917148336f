import type { SecretMove } from '../../../protocol/src/secretMove';

/** What becomes of a document in which somebody typed a secret. The value is read here and nowhere else. */

/** The value as it is meant; undefined where the document does not hold a text there. */
export function valueOf(raw: string, { escaped }: Pick<SecretMove, 'escaped'>): string | undefined {
  if (!escaped) return raw === '' ? undefined : raw;
  try {
    const value: unknown = JSON.parse(`"${raw}"`);
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined; // Something else was typed there meanwhile.
  }
}

/** A name that is free: the proposed one, or with a number. */
export function freeName(proposed: string, taken: ReadonlySet<string>): string {
  // Each of the two parts has 64 characters at most.
  const most = proposed.indexOf('.') + 1 + 64;
  for (let number = 1; ; number += 1) {
    const tail = number === 1 ? '' : `_${number}`;
    const name = `${proposed.slice(0, most - tail.length)}${tail}`;
    if (!taken.has(name)) return name;
  }
}

/** What a person must know after it: what holds the value still, and where the reference belongs. */
export function afterwards(name: string, reference: string, { remove, belongs }: Pick<SecretMove, 'remove' | 'belongs'>): string {
  const there = remove === undefined ? `${reference} stands in its place.` : `It is taken out of the file. Write ${reference} where it is read${belongs === undefined ? '' : `. ${belongs}`}`;
  return `${name} is in the credential store. ${there} The file on the disk has the value until you save. The undo history of this editor, local history, backups and earlier commits may hold it after that: change it where it was issued, and set the new one.`;
}

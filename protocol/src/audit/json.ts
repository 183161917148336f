/** The text of small JSON values exactly as `JSON.stringify` writes it, at a fraction of its cost: every entry has a dozen of them. */

/** What JSON escapes, and what is not ASCII. */
const special = /[^ !#-[\]-~]/;

/** A string as JSON text. */
export function quoted(text: string): string {
  return special.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** A JSON value as text, members in their own order; members that are undefined are left out. */
export function jsonText(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return JSON.stringify(value);
}

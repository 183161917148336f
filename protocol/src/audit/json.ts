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
  return (isPlainObject(value) ? flatText(value) : undefined) ?? JSON.stringify(value);
}

/** The text of an object whose members are strings, numbers and truths; undefined when it holds anything else. */
function flatText(members: Readonly<Record<string, unknown>>): string | undefined {
  let text = '{';
  for (const name of Object.keys(members)) {
    const member = members[name];
    if (member === undefined) continue;
    const item = typeof member === 'string' ? quoted(member) : typeof member === 'boolean' || Number.isFinite(member) ? String(member) : undefined;
    if (item === undefined) return undefined;
    text += `${text === '{' ? '' : ','}${quoted(name)}:${item}`;
  }
  return `${text}}`;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

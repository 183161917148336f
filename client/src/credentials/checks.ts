import type { Finding } from '../steps';

/** What is told while a name or a value is typed. The rules are those of `protocol/src/credentials.ts`, which the broker holds; a test compares them. */

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}\.[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/;
const mostBytes = 65_536;
const leastPassphrase = 12;
const mostPassphrase = 1_000;
/** Shorter values may stand in other text by chance, so that they cannot be kept out of it. */
const recognisable = 8;

/** What is wrong with a name of a credential; `taken` are those that there are. */
export function checkName(text: string, taken: ReadonlySet<string>): Finding | undefined {
  if (!namePattern.test(text)) return { kind: 'error', text: 'Write service.key, for instance github.token: two parts of at most 64 letters, digits, "_" and "-".' };
  return taken.has(text) ? { kind: 'remark', text: `${text} is set already. Its value will be replaced.` } : undefined;
}

/** What is wrong with a value. The words never repeat any of it. */
export function checkValue(text: string): Finding | undefined {
  if (text === '') return { kind: 'error', text: 'A value must not be empty.' };
  if (/[\0\p{Surrogate}]/u.test(text) || Buffer.byteLength(text) > mostBytes) return { kind: 'error', text: `A value is text of at most ${mostBytes.toLocaleString('en-US')} bytes without NUL. Encode other bytes as base64 first.` };
  if (text.trim() !== text) return { kind: 'warning', text: 'It begins or ends with white space, which is kept. Is that meant?' };
  if (text.length < recognisable) return { kind: 'warning', text: 'It is so short that it may not be recognised where it must not appear. Use a longer one if you can.' };
  return undefined;
}

/** What is wrong with a new passphrase. */
export function checkPassphrase(text: string): Finding | undefined {
  return text.length < leastPassphrase || text.length > mostPassphrase ? { kind: 'error', text: `A passphrase has ${leastPassphrase} to ${mostPassphrase.toLocaleString('en-US')} characters.` } : undefined;
}

/** Secrets that somebody typed where only references belong: one rule for every file of the configuration. */

import { referencePattern } from '../../../../protocol/src/credentials';
import { findSecrets, namesSecret, type SecretSpan } from './secretText';
import { findTokens } from './tokens';

/**
 * Where a secret stands in a text that belongs to a name, in UTF-16 units; undefined when none does. Generous: whatever stands under the
 * name of a secret and is no reference is one. For places that are made for secrets, such as variables and headers.
 */
export function secretUnder(name: string, text: string): SecretSpan | undefined {
  // Blanks, so that what stands around a reference keeps its place.
  const plain = text.replace(referencePattern, (reference) => ' '.repeat(reference.length));
  if (schemeOnly.test(plain) || (namesSecret(name) && isHarmless(name, text) && findTokens(text).length === 0)) return undefined;
  if (namesSecret(name) && plain === text) {
    const from = /^\s*(?:(?:bearer|basic|token)\s+)?/i.exec(text)?.[0].length ?? 0;
    return { from, to: text.trimEnd().length, kind: 'named' };
  }
  const lead = name === '' ? '' : `${name}=`;
  const [first] = findSecrets(lead + plain, findTokens(lead + plain)).filter(({ to }) => to > lead.length);
  return first === undefined ? undefined : { ...first, from: Math.max(0, first.from - lead.length), to: first.to - lead.length };
}

/** The same for every other place, where words of people stand: a token by its published format or its shape, or what no person makes up under the name of a secret. */
export function likelySecretUnder(name: string, text: string): SecretSpan | undefined {
  const found = secretUnder(name, text);
  if (found === undefined || isShape(found.kind)) return found;
  if (looksRandom(text.slice(found.from, found.to))) return found;
  // A token may stand behind something that only looks like a password.
  const [token] = findTokens(text);
  return token;
}

/**
 * Whether a text at a place of a file is better not quoted by what is said about that place, which goes to windows, terminals, the log and, when the
 * file cannot be used, to agents. Generous: variables, headers, names of secrets, and whatever nobody made up.
 */
export function isBetterUnsaid(path: readonly PropertyKey[], text: string): boolean {
  const called = path.findLast((part) => typeof part === 'string');
  return (path.length > 3 && ['env', 'headers', 'secrets'].includes(String(path[2]))) || secretUnder(typeof called === 'string' ? called : '', text) !== undefined || looksRandom(text);
}

/** The same for a key, which is quoted unless it has the form of a token. */
export function isKeyBetterUnsaid(key: string): boolean {
  return likelySecretUnder('', key) !== undefined;
}

/** Whether a text has so much chance in it that nobody made it up: at least 10 characters without blanks, letters with digits or both cases, 2.5 bits each. */
export function looksRandom(text: string): boolean {
  if (text.length < 10 || /\s/.test(text) || /^(?:https?:|[~.]{0,2}[\\/]|[A-Za-z]:[\\/])/.test(text)) return false;
  const mixed = /[A-Za-z]/.test(text) && (/[0-9]/.test(text) || (/[a-z]/.test(text) && /[A-Z]{2}|[a-z][A-Z].*[a-z][A-Z]/.test(text)));
  return mixed && bitsEach(text) >= 2.5;
}

/** What stands under such a name and is no secret: a switch, a count of tokens, the place of a file. */
function isHarmless(name: string, text: string): boolean {
  return /^\s*(?:true|false)?\s*$/i.test(text) || (/tokens$/i.test(name) && /^\d{1,9}$/.test(text)) || /^(?:~|\.{1,2}|[A-Za-z]:)?[\\/][^\0-\x1f"'=&?#@:]{1,300}\.[A-Za-z]{1,8}$/.test(text);
}

const schemeOnly = /^\s*(?:bearer|basic|token)?\s*$/i;

function isShape(kind: string): boolean {
  return !/^(?:named|password|flag|header|userinfo)$/.test(kind);
}

/** Shannon's entropy of the characters, in bits. */
function bitsEach(text: string): number {
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}

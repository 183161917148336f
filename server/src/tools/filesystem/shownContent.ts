import { mostShownCharacters, type FileContent } from '../../../../protocol/src/fileChanges';

/** A text as it can be shown to a person: whole, or not at all and why. */

/** A text whose bytes are known. */
export type KnownText = Readonly<{ text: string; bytes: number; /** 64 hex digits. */ sha256: string }>;

/** Nothing lies there. */
export const nothing: FileContent = { kind: 'none' };

/** A text for a difference, or the reason why it is too long for one. */
export function contentOf({ text, bytes, sha256 }: KnownText): FileContent {
  return text.length <= mostShownCharacters ? { kind: 'text', text, bytes, sha256 } : tooLong(bytes, `It has ${text.length} characters, more than the ${mostShownCharacters} that can be shown.`);
}

/** What is there and cannot be shown. */
export function tooLong(bytes: number, why: string): FileContent {
  return { kind: 'unshown', why, bytes };
}

import { z } from 'zod';
import { sha256 } from './audit/bytes';

/** What a call would make of a file, for the difference that a person is shown. Texts are raw: whoever draws them escapes (see display.ts). */

/** Characters up to which one side of a difference is handed out; what is longer is told of instead. */
export const mostShownCharacters = 1_048_576;

/** One side of a change: nothing lies there, a text, or something that cannot be shown, and why. */
export const fileContentSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('text'), text: z.string().max(mostShownCharacters), bytes: z.number().int(), /** Of the bytes, 64 hex digits. */ sha256: z.string() }),
  z.strictObject({ kind: z.literal('unshown'), why: z.string(), bytes: z.number().int() }),
]);

/** One side of a change. */
export type FileContent = z.infer<typeof fileContentSchema>;

/** Both sides of one file as a question carries them: whoever shows the texts holds them against these, so that a signature under the question covers what was shown. */
export const contentMarksSchema = z.strictObject({ before: z.string(), after: z.string() });

/** Both sides of one file as a question carries them. */
export type ContentMarks = z.infer<typeof contentMarksSchema>;

/** One side in a few characters: SHA-256 (64 hex digits) over the text in UTF-8, or why there is none to show. */
export function contentMark(content: FileContent): string {
  switch (content.kind) {
    case 'none':
      return 'none';
    case 'text':
      return sha256(content.text);
    case 'unshown':
      return `unshown ${String(content.bytes)} ${sha256(content.why)}`;
  }
}

/** Whether texts are those that a question is about, in the order of its files. */
export function fitMarks(changes: readonly Pick<FileChange, 'before' | 'after'>[], marks: readonly ContentMarks[]): boolean {
  return changes.length === marks.length && changes.every(({ before, after }, index) => contentMark(before) === marks[index]?.before && contentMark(after) === marks[index]?.after);
}

/** One group of lines that a change replaces; a person may leave it out. */
export const hunkSchema = z.strictObject({
  /** Where it begins in the new text, counting lines from 1. */
  line: z.number().int(),
  removed: z.number().int(),
  added: z.number().int(),
  /** Its first line that differs, raw and cut. */
  begins: z.string().max(200),
});

/** One group of lines that a change replaces. */
export type Hunk = z.infer<typeof hunkSchema>;

/** A file before and after. */
export const fileChangeSchema = z.strictObject({
  /** Absolute. */
  path: z.string(),
  before: fileContentSchema,
  after: fileContentSchema,
  /** In the order of the file. Empty where the texts are not both known or differ too much to compare. */
  hunks: z.array(hunkSchema),
  /** Whether a person may choose among the hunks. */
  divisible: z.boolean(),
});

/** A file before and after. */
export type FileChange = z.infer<typeof fileChangeSchema>;

/** Names one question, by its id and the digest of what would run. */
export const questionRefSchema = z.strictObject({ id: z.string().max(100), digest: z.string().max(100) });

/** Which hunks to keep of the one file that a question is about, by their place in `hunks`. */
export const narrowingSchema = questionRefSchema.extend({ keep: z.array(z.number().int().min(0)).min(1).max(1000) });

/** Which hunks to keep. */
export type Narrowing = z.infer<typeof narrowingSchema>;

/** Says that a person made a call smaller before it is asked about: some of its changes were left out. */
export const narrowedSchema = z.strictObject({
  /** Id of the question about the whole call, which was withdrawn. */
  after: z.string(),
  kept: z.number().int(),
  of: z.number().int(),
});

/** Says that a person made a call smaller. */
export type Narrowed = z.infer<typeof narrowedSchema>;

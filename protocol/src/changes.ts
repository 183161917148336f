import { z } from 'zod';

/** One fact that is another than when it was approved. Strings are raw, like those of the call. */
export const changeSchema = z.strictObject({
  /** What kind of fact, for instance `File`. */
  label: z.string(),
  /** Which one, for instance a path; empty where there is only one. */
  key: z.string(),
  /** What it was; null when there was none. */
  before: z.string().nullable(),
  /** What it is now; null when there is none any more. */
  after: z.string().nullable(),
  /** For small text files: the lines that differ, as hunks of a unified diff. */
  diff: z.string().optional(),
  /** Set where the log keeps the name only, since values may be private: the environment. */
  unlogged: z.literal(true).optional(),
});

/** One fact that is another than when it was approved. */
export type Change = z.infer<typeof changeSchema>;

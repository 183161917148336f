import { z } from 'zod';
import { narrowedSchema } from './fileChanges';
import { ladderSchema, rungSchema } from './grants';

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

/** Why a call is asked about again: what was approved changed before it ran. */
export const askedAgainSchema = z.strictObject({
  /** Which question about this call it is: 2 for the first that is asked again. */
  round: z.number().int().min(2),
  /** Id under which the earlier question was asked and approved. */
  after: z.string(),
  /** At least one. */
  changes: z.array(changeSchema).min(1),
});

/** Why a call is asked about again. */
export type AskedAgain = z.infer<typeof askedAgainSchema>;

/** One call that waits for a person. Strings come from agents and are raw: whoever draws them escapes (see display.ts). */
export const pendingSchema = z.strictObject({
  /** `evt_` and a ULID; a question that is asked again has an id of its own. */
  id: z.string(),
  tool: z.string(),
  /** SHA-256 hex of what will run; an answer must repeat it. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  title: z.string(),
  raw: z.string(),
  cwd: z.string(),
  project: z.string(),
  details: z.array(z.tuple([z.string(), z.string()])),
  rule: z.string(),
  reason: z.string(),
  /** The client's own words about itself. */
  client: z.string(),
  /** RFC 3339 times by the broker's clock. */
  /** Set when this was approved before and changed since. */
  again: askedAgainSchema.optional(),
  /** Set when a person left out some of the changes of a call, and is asked about the rest. */
  narrowed: narrowedSchema.optional(),
  /** Absolute paths of files whose contents before and after can be had with `approvals/content`. */
  files: z.array(z.string()).optional(),
  /** Why not everything about this call can be shown; whoever approves it nevertheless does so once only. */
  notWhole: z.string().optional(),
  /** How far an answer may reach; without it only this call is answered. */
  ladder: ladderSchema.optional(),
  /** Set when something like it was granted, and what the grant is tied to is another now. */
  outgrown: z.strictObject({ grant: z.string(), title: z.string(), changes: z.array(changeSchema) }).optional(),
  askedAt: z.string(),
  expiresAt: z.string(),
});

/** One call that waits for a person. */
export type Pending = z.infer<typeof pendingSchema>;

/** A person's answer. `digest` is that of what was shown, so that an answer never lands on another action. */
export const decisionSchema = z.strictObject({
  id: z.string(),
  digest: z.string(),
  decision: z.enum(['approve', 'deny']),
  /** What the person wants the agent to know; at most 2000 characters. */
  reason: z.string().max(2000).optional(),
  /** How far the answer reaches; only what the question's ladder offers. Default: this call. */
  rung: rungSchema.optional(),
});

/** A person's answer. */
export type Decision = z.infer<typeof decisionSchema>;

/** What became of an answer: `accepted`, or too late because it was `answered` by somebody else, is `gone`, or is about `other` bytes. */
export const decisionResultSchema = z.strictObject({ outcome: z.enum(['accepted', 'answered', 'gone', 'other']), message: z.string() });

/** What became of an answer. */
export type DecisionResult = z.infer<typeof decisionResultSchema>;

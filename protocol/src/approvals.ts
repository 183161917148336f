import { z } from 'zod';

/** One call that waits for a person. Strings come from agents and are raw: whoever draws them escapes (see display.ts). */
export const pendingSchema = z.strictObject({
  /** The call's id, `evt_` and a ULID. */
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
});

/** A person's answer. */
export type Decision = z.infer<typeof decisionSchema>;

/** What became of an answer: `accepted`, or too late because it was `answered` by somebody else, is `gone`, or is about `other` bytes. */
export const decisionResultSchema = z.strictObject({ outcome: z.enum(['accepted', 'answered', 'gone', 'other']), message: z.string() });

/** What became of an answer. */
export type DecisionResult = z.infer<typeof decisionResultSchema>;

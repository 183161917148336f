import { z } from 'zod';

/** Answers that last: what a person can allow or forbid from one prompt, and what of it is in force. */

/**
 * How far an answer reaches, narrowest first: this call alone; exactly this, until the agent leaves; exactly this in this project; the
 * same program with the same options; the same subcommand; changes of the same file, until the agent leaves; the program as a whole,
 * or a tool without command lines as a whole, which can only be forbidden.
 */
export const rungNames = ['once', 'session', 'exact', 'flags', 'subcommand', 'file', 'program'] as const;

/** One of `rungNames`. */
export type RungName = (typeof rungNames)[number];

/** How far an answer reaches. */
export const rungSchema = z.enum(rungNames);

/** One rung that a call offers. Texts may hold words of an agent and are raw. */
export const offerSchema = z.strictObject({
  rung: rungSchema,
  /** What it is called, for instance `Same options: rm -f`. */
  title: z.string(),
  /** What it covers, in one sentence. */
  covers: z.string(),
  /** How long it holds, in words such as `at most 8 hours`. */
  lasts: z.string(),
});

/** One rung that a call offers. */
export type Offer = z.infer<typeof offerSchema>;

/** What one prompt offers besides this call alone. */
export const ladderSchema = z.strictObject({
  /** Rungs that allow, narrowest first; `once` is always there and is not listed. */
  allow: z.array(offerSchema),
  /** Rungs that forbid. */
  deny: z.array(offerSchema),
  /** Why nothing wider is offered, where that is so. */
  limit: z.string().optional(),
  /** Calls with the same text here are alike: same agent, project, program, options and reasons to ask. Absent when it is like no other. */
  alike: z.string().optional(),
});

/** What one prompt offers besides this call alone. */
export type Ladder = z.infer<typeof ladderSchema>;

/** A rung measured by the log: how many past calls that had to ask it would have covered, and one that it would newly allow. */
export const measuredSchema = z.strictObject({
  rung: rungSchema,
  past: z.strictObject({ covered: z.number().int(), /** Past calls of this tool in this project that were asked about, of those looked at. */ asked: z.number().int() }),
  /** A line that it would newly allow; raw. */
  example: z.string(),
  /** True when the example is a past call, false when it was made up. */
  real: z.boolean(),
});

/** A rung measured by the log. */
export type Measured = z.infer<typeof measuredSchema>;

/** One answer that is in force, as people see it. Texts are raw. */
export const grantSchema = z.strictObject({
  id: z.string(),
  effect: z.enum(['allow', 'deny']),
  rung: rungSchema,
  title: z.string(),
  covers: z.string(),
  tool: z.string(),
  project: z.string(),
  /** The agent's own name for itself, without its version. Empty: any agent. */
  agent: z.string(),
  /** Ends with the connection of the agent and with the broker. */
  session: z.boolean(),
  /** What the person was told about why it asks; exactly these reasons are covered. */
  reasons: z.array(z.string()),
  /** Programs with path and hash that it is bound to. */
  programs: z.array(z.string()),
  /** Who gave it: role and client. */
  by: z.string(),
  /** Id of the call from whose prompt it was given. */
  call: z.string(),
  createdAt: z.string(),
  expiresAt: z.string().optional(),
  uses: z.number().int(),
  lastUsedAt: z.string().optional(),
});

/** One answer that is in force. */
export type GrantView = z.infer<typeof grantSchema>;

/** All that is in force, oldest first, and what is wrong with the file of grants, when something is. */
export const grantsStateSchema = z.strictObject({ grants: z.array(grantSchema), trouble: z.string().optional() });

/** All that is in force. */
export type GrantsState = z.infer<typeof grantsStateSchema>;

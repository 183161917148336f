import { z } from 'zod';
import { callArgumentsSchema } from './callArguments';
import { changeSchema } from './changes';
import { contentMarksSchema, narrowedSchema } from './fileChanges';
import { ladderSchema, rungSchema } from './grants';

export { changeSchema, type Change } from './changes';

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

/** What an answer binds to, beside the digest of what will run. All three are 64 hex digits. */
export const bindingSchema = z.strictObject({
  /** Random and of one use: an answer fits one question of one broker. No agent ever sees it. */
  nonce: z.string().regex(/^[0-9a-f]{64}$/),
  /** SHA-256 of the rules in force when the question was asked. */
  policy: z.string().regex(/^[0-9a-f]{64}$/),
  /** SHA-256 of what the tool says of itself: name, words, schema of its arguments, hints. */
  tool: z.string().regex(/^[0-9a-f]{64}$/),
});

/** What an answer binds to, beside the digest of what will run. */
export type Binding = z.infer<typeof bindingSchema>;

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
  /** Set when this was approved before and changed since. */
  again: askedAgainSchema.optional(),
  /** Set when a person left out some of the changes of a call, and is asked about the rest. */
  narrowed: narrowedSchema.optional(),
  /** Absolute paths of files whose contents before and after can be had with `approvals/content`. */
  files: z.array(z.string()).optional(),
  /** What those contents are, in the same order; never show others. */
  contents: z.array(contentMarksSchema).optional(),
  /** For calls of external servers: the arguments held against the schema of the tool, and against the last call of it that was approved. */
  arguments: callArgumentsSchema.optional(),
  /** Why not everything about this call can be shown; whoever approves it nevertheless does so once only. */
  notWhole: z.string().optional(),
  /** How far an answer may reach; without it only this call is answered. */
  ladder: ladderSchema.optional(),
  /** Set when something like it was granted, and what the grant is tied to is another now. */
  outgrown: z.strictObject({ grant: z.string(), title: z.string(), changes: z.array(changeSchema) }).optional(),
  binding: bindingSchema,
  /** Set when only an answer counts that is signed with a registered key. */
  signedOnly: z.literal(true).optional(),
  /** RFC 3339 times in UTC by the broker's clock. */
  askedAt: z.string(),
  expiresAt: z.string(),
});

/** One call that waits for a person. */
export type Pending = z.infer<typeof pendingSchema>;

/** The signature under an answer; what it covers is written down in statement.ts. */
export const answerSignatureSchema = z.strictObject({
  /** Id of the approver key. */
  key: z.string().regex(/^[0-9a-f]{32}$/),
  /** When it was given, by the signer's clock. */
  given: z.iso.datetime({ precision: 3 }),
  /** Ed25519, 64 bytes in base64. */
  bytes: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
});

/** The signature under an answer. */
export type AnswerSignature = z.infer<typeof answerSignatureSchema>;

/** A person's answer. `digest` is that of what was shown, so that an answer never lands on another action. */
export const decisionSchema = z.strictObject({
  id: z.string(),
  digest: z.string(),
  decision: z.enum(['approve', 'deny']),
  /** What the person wants the agent to know; at most 2000 characters. */
  reason: z.string().max(2000).optional(),
  /** How far the answer reaches; only what the question's ladder offers. Default: this call. */
  rung: rungSchema.optional(),
  /** Absent where the window or terminal has no registered key, which is the weaker level. */
  signature: answerSignatureSchema.optional(),
});

/** A person's answer. */
export type Decision = z.infer<typeof decisionSchema>;

/**
 * How far an answer is vouched for, strongest first: signed by a key in an editor's secret storage; signed by a key in a file, which every
 * program of the user can read; unsigned, from a window or terminal that proved the control key; passed on by the agent's own client.
 */
export const approvalLevels = ['editor key', 'terminal key', 'unsigned', 'client'] as const;

/** How far an answer is vouched for. */
export type ApprovalLevel = (typeof approvalLevels)[number];

/**
 * What became of an answer: `accepted`, or too late because it was `answered` by somebody else, is `gone`, is about `other` bytes, or was
 * `refused` because its signature is missing or does not count; the question goes on waiting then.
 */
export const decisionResultSchema = z.strictObject({ outcome: z.enum(['accepted', 'answered', 'gone', 'other', 'refused']), message: z.string(), level: z.enum(approvalLevels).optional(), /** The agent was told to call again: what was approved waits until it does, and runs only then. */ parked: z.literal(true).optional() });

/** What became of an answer. */
export type DecisionResult = z.infer<typeof decisionResultSchema>;

import { z } from 'zod';
import type { Actor, Verdict } from '../call';
import { removedSchema, type Removed } from './removed';

/** What an entry tells of: the start of a log, a decision to run, an outcome, a refusal, an event, a repair at start-up, the end of a file, the start of the next. */
export const phases = ['genesis', 'intent', 'done', 'denied', 'event', 'recover', 'rotate', 'segment'] as const;
/** One of `phases`. */
export type Phase = (typeof phases)[number];

/** How the thing that an entry tells of ended; `admitted` stands on intents, `unknown` on calls that a crash cut off. */
export const results = ['admitted', 'success', 'error', 'timeout', 'cancelled', 'denied', 'unknown', 'ok'] as const;
/** One of `results`. */
export type Result = (typeof results)[number];

/** `sha256:` and 64 lower-case hex digits, as every hash in the log is written. */
export const hashText = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be "sha256:" and 64 lower-case hex digits');
/** `evt_` and a ULID: 26 characters of Crockford's base 32, sortable by time. */
export const eventId = z.string().regex(/^evt_[0-9A-HJKMNP-TV-Z]{26}$/, 'must be "evt_" and a ULID');

const storedVerdict = z.looseObject({
  verdict: z.enum(['allow', 'approve', 'deny']),
  rule: z.string(),
  reason: z.string(),
  policyHash: z.string().optional(),
});
const storedApproval = z.looseObject({
  id: z.string(),
  decision: z.string(),
  by: z.string(),
  waitedMs: z.number().nonnegative(),
  /** How far the answer is vouched for: `editor key`, `terminal key`, `unsigned` or `client`. */
  level: z.string().optional(),
  /** The statement that was signed, and the signature in base64. */
  signed: z.looseObject({ statement: z.string(), signature: z.string() }).optional(),
});
const storedActor = z.looseObject({
  role: z.string(),
  client: z.string().optional(),
  connection: z.number().optional(),
  window: z.string().optional(),
  user: z.string(),
});

/**
 * One line of the log, parsed. Unknown members, phases and results are accepted: an older reader must be able to show
 * what a newer writer recorded, and the hash covers them all the same.
 */
export const storedEntry = z.looseObject({
  v: z.literal(1),
  seq: z.number().int().positive(),
  id: eventId,
  /** Wall clock in UTC with milliseconds; informative, because clocks can be set back. */
  timestamp: z.iso.datetime({ precision: 3 }),
  phase: z.string().regex(/^[a-z][a-z-]{0,31}$/),
  /** The id of the call that the entry belongs to: the id of its first entry. */
  call: eventId.optional(),
  /** Dotted, for instance `filesystem.read`; Conductor's own entries use `audit.*` and `broker.*`. */
  tool: z.string(),
  input: z.record(z.string(), z.unknown()),
  /** SHA-256 of the whole input in RFC 8785 form, also where `input` holds only its digest. */
  inputHash: hashText.optional(),
  result: z.string().regex(/^[a-z][a-z-]{0,31}$/),
  verdict: storedVerdict.optional(),
  approval: storedApproval.optional(),
  actor: storedActor.optional(),
  project: z.string().optional(),
  durationMs: z.number().nonnegative().optional(),
  output: z.looseObject({ sha256: hashText, bytes: z.number().int().nonnegative() }).optional(),
  removed: removedSchema.optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
  prevHash: hashText,
  hash: hashText,
});
/** One line of the log, parsed. */
export type StoredEntry = z.infer<typeof storedEntry>;

/** Stands in for an input that is too large for the log: its digest and its size in bytes of RFC 8785 text. */
export type InputDigest = Readonly<{ $sha256: string; bytes: number }>;

/** What every entry tells. Secrets must be gone from all of it before it comes here. */
type Told = Readonly<{
  /** Dotted tool name. */
  tool: string;
  input: Readonly<Record<string, unknown>>;
  verdict?: Verdict & Readonly<{ policyHash?: string }>;
  /** Who answered, how, and after how many milliseconds. */
  approval?: Readonly<{ id: string; decision: string; by: string; window?: string; user?: string; waitedMs: number; reason?: string; level?: string; signed?: Readonly<{ statement: string; signature: string }> }>;
  actor?: Actor;
  /** Absolute project root. */
  project?: string;
  /** Monotonic duration of the work in milliseconds. */
  durationMs?: number;
  /** Digest (`sha256:` and hex) and size of what was released to the agent. */
  output?: Readonly<{ sha256: string; bytes: number }>;
  /** What redaction took out. */
  removed?: Removed;
  detail?: Readonly<Record<string, unknown>>;
}>;

/** The decision to run a call; `id` is the call's id. Durable before the tool runs (T87). */
export type NewIntent = Told & Readonly<{ phase: 'intent'; id: string; result: 'admitted' }>;
/** The outcome of a call whose intent was recorded. */
export type NewDone = Told & Readonly<{ phase: 'done'; call: string; result: Exclude<Result, 'admitted' | 'ok'> }>;
/** A call that never ran; `id` is the call's id. */
export type NewDenied = Told & Readonly<{ phase: 'denied'; id: string; result: 'denied' | 'timeout' | 'cancelled' | 'error' }>;
/** Anything else worth remembering: a breaker reset, a changed policy, a broker that started. */
export type NewEvent = Told & Readonly<{ phase: 'event'; id?: string; call?: string; result: Result }>;

/** What a caller hands to the writer. Sequence number, time and hashes are the writer's own, and so are genesis and repairs. */
export type NewEntry = NewIntent | NewDone | NewDenied | NewEvent;

/** Entries that only the writer itself makes: the start of a log, what a repair found, and the seams between its files. */
export type OwnEntry = Told &
  Readonly<{
    phase: 'genesis' | 'recover' | 'rotate' | 'segment';
    call?: string;
    result: Result;
    /** Hash of the whole input, when `input` is a digest that another entry already carried. */
    inputHash?: string;
  }>;

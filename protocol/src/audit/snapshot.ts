/** What entries rest on and name by its hash: the policy that judged a call, the counts of a moment, and what a person was shown. */
import { z } from 'zod';

/** Kinds of snapshots. `policy`: a complete configuration; `metrics`: calls and breakers at one moment; `question`: what a person was shown who signed an answer. */
export const snapshotKinds = ['policy', 'metrics', 'question'] as const;
/** One of `snapshotKinds`. */
export type SnapshotKind = (typeof snapshotKinds)[number];

/** The hash that an entry carries: 64 hex digits, as in `verdict.policyHash`, or with `sha256:` before them. */
export const snapshotHash = z.string().regex(/^(?:sha256:)?[0-9a-f]{64}$/, 'must be 64 lower-case hex digits');

/** A snapshot as people read it: `text` is JSON with an indent of two; the SHA-256 is over its RFC 8785 form. */
export const snapshotSchema = z.strictObject({ kind: z.enum(snapshotKinds), /** 64 hex digits. */ hash: z.string(), text: z.string() });
/** A snapshot as people read it. */
export type Snapshot = z.infer<typeof snapshotSchema>;

/** Counts of one broker's life up to a moment. */
export const metricsSchema = z.strictObject({
  /** When the broker began, RFC 3339. */
  since: z.string(),
  /** Ends of calls by tool and result. */
  calls: z.record(z.string(), z.record(z.string(), z.number().int())),
  /** Breakers that are not as they were at the start. */
  breakers: z.array(z.strictObject({ tool: z.string(), state: z.string(), failures: z.number().int() })),
  /** Calls that wait for a person. */
  pending: z.number().int(),
  /** Entries of the log. */
  entries: z.number().int(),
});
/** Counts of one broker's life up to a moment. */
export type Metrics = z.infer<typeof metricsSchema>;

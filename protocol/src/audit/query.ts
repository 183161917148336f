import { z } from 'zod';

/** Which entries a reader wants; every given condition must hold. */
export const auditFilterSchema = z.strictObject({
  /** Dotted tool name, or a prefix that ends in a dot such as `filesystem.`. */
  tool: z.string().optional(),
  result: z.string().optional(),
  /** Part of the client's name or of the user, without case. */
  actor: z.string().optional(),
  /** The call's id. */
  call: z.string().optional(),
  /** Any part of the line, without case. */
  text: z.string().optional(),
  /** RFC 3339 times; `since` inclusive, `until` exclusive. */
  since: z.string().optional(),
  until: z.string().optional(),
});

/** Which entries a reader wants. */
export type AuditFilter = z.infer<typeof auditFilterSchema>;

/** One entry as a row of a list. */
export const auditRowSchema = z.strictObject({
  seq: z.number().int(),
  id: z.string(),
  timestamp: z.string(),
  phase: z.string(),
  call: z.string().optional(),
  tool: z.string(),
  result: z.string(),
  client: z.string().optional(),
  /** What was asked, on one line, at most 200 characters, raw. */
  summary: z.string(),
  durationMs: z.number().optional(),
  /** Id of the grant that the entry tells of, or that covered its call. */
  grant: z.string().optional(),
});

/** One entry as a row of a list. */
export type AuditRow = z.infer<typeof auditRowSchema>;

/** Rows newest first; `next` is the number to ask before, absent at the end. */
export const auditEntryPageSchema = z.strictObject({ rows: z.array(auditRowSchema), next: z.number().int().optional() });

/** Rows newest first. */
export type AuditPage = z.infer<typeof auditEntryPageSchema>;

/** A day or an hour in UTC, `2026-11-21` or `2026-11-21T05`, and how many entries fit. */
export const auditBucketSchema = z.strictObject({ key: z.string(), count: z.number().int() });

/** A day or an hour and how many entries fit. */
export type AuditBucket = z.infer<typeof auditBucketSchema>;

const counted = z.array(z.strictObject({ name: z.string(), count: z.number().int() }));

/** Values that a filter can ask for, as they stand in the log, and how many entries have each. */
export const auditValuesSchema = z.strictObject({ tools: counted, results: counted, /** Names of clients and users. */ actors: counted });

/** Values that a filter can ask for. */
export type AuditValues = z.infer<typeof auditValuesSchema>;

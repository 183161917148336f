import { z } from 'zod';

/** What a verification can conclude. `torn` is a crash that the next start repairs; `unverifiable` says nothing either way. */
export const verdicts = ['intact', 'tampered', 'torn', 'unverifiable'] as const;

/** How thoroughly a log is verified: closed files by their digest and the one in use by the line; every line; or every line and what it says. */
export const depths = ['default', 'deep', 'strict'] as const;

/** Kinds of damage. `truncation`, `rollback` and `fork` need a head that was kept elsewhere (or an empty file), `signature` and `unsigned` checkpoints. */
export const damageClasses = [
  'hash',
  'link',
  'seq',
  'format',
  'truncation',
  'rollback',
  'fork',
  'signature',
  'unsigned',
  'corrupt',
  'crash',
  'schema',
  'pairing',
  'approval',
  'missing',
  'unreadable',
  'aborted',
] as const;
/** One of `damageClasses`. */
export type DamageClass = (typeof damageClasses)[number];

const optionalText = z.string().nullable();
const optionalCount = z.number().int().nonnegative().nullable();

/** One place where a log is not as it was written. */
export const finding = z.strictObject({
  class: z.enum(damageClasses),
  /** The first line, counted from 1, at which a check fails; the same line that any chain verifier names. */
  line: optionalCount,
  /** Byte offset of that line. */
  offset: optionalCount,
  /** What must stand there, as `sha256:` and hex for hashes. */
  expected: optionalText,
  /** What does stand there. */
  found: optionalText,
  /** What happened and where, in a sentence for a person. */
  message: z.string(),
  /** Name of the file in which the line stands, when it is not the one in use. */
  file: z.string().optional(),
  /** Number that the entry of this line has in an undamaged log, when that is not the number of the line: in all files but the first. */
  entry: z.number().int().positive().optional(),
});
/** One place where a log is not as it was written. */
export type Finding = z.infer<typeof finding>;

/** A call that was admitted and whose outcome is not in the log. */
export const orphanCall = z.strictObject({
  call: z.string(),
  tool: z.string(),
  /** Line and byte offset of the intent. */
  line: z.number().int().positive(),
  offset: z.number().int().nonnegative(),
});
/** A call that was admitted and whose outcome is not in the log. */
export type OrphanCall = z.infer<typeof orphanCall>;

/** A place outside the log that holds a head of it which fits: up to which entry, where, and when it was put there, if that is known. */
export const anchorFound = z.strictObject({ entries: z.number().int().nonnegative(), place: z.string(), at: optionalText });
/** A place outside the log that holds a head of it which fits. */
export type AnchorFound = z.infer<typeof anchorFound>;

/** How far a log is vouched for by more than itself. */
/** Entries that were not signed yet when the run began whose first entry is `run`: of a broker that was cut off, or of another program. */
export const signedLate = z.strictObject({ from: z.number().int().positive(), to: z.number().int().positive(), run: z.number().int().positive() });
/** Entries that were signed late. */
export type SignedLate = z.infer<typeof signedLate>;

export const trustReport = z.strictObject({
  /** Entries up to which a signed checkpoint fits; null when none does. */
  signedTo: optionalCount,
  signedAt: optionalText,
  /** The key, as a verifier key, and where it lives: an editor's secret storage, or a file beside the log, which is weaker. */
  key: optionalText,
  place: z.enum(['editor', 'file']).nullable(),
  /** Whether the key was given from outside. Else it is only the one that the log names itself. */
  pinned: z.boolean(),
  /** Entries up to which the key of an editor signed, when a key file signed later ones. */
  editorTo: optionalCount,
  /** Places outside, the one that reaches farthest first. */
  anchors: z.array(anchorFound),
  /** Entries among the signed ones that were signed late, oldest first; the newest hundred. */
  late: z.array(signedLate),
  /** The level in words. */
  words: z.string(),
});
/** How far a log is vouched for by more than itself. */
export type TrustReport = z.infer<typeof trustReport>;

/** The result of a verification; the members of the first finding stand at the top, null when there is none. */
export const verificationReport = z.strictObject({
  verdict: z.enum(verdicts),
  /** How far the proof reaches; null unless the verdict is `intact`. A chain alone detects accidents, not a full rewrite. */
  level: z.enum(['chain intact', 'signed', 'anchored']).nullable(),
  /** What checkpoints and anchors say; absent when they were not looked at, null when they could not be or the log is not intact. */
  trust: trustReport.nullable().optional(),
  depth: z.enum(depths),
  /** Files that were verified. */
  files: z.number().int().nonnegative(),
  /** Number of the first entry that was verified: 1, unless earlier files were removed by the user's own setting or verified before. */
  from: z.number().int().positive(),
  /** Only what came after an earlier verification was read: that one was full, came to this entry, and ended then. Absent when everything was read. */
  since: z.strictObject({ entries: z.number().int().positive(), at: z.string() }).optional(),
  /** What limits the statement, in sentences: files that were removed, entries that were verified an earlier time. */
  notes: z.array(z.string()),
  /** Lines read or covered by a digest; for a torn log the intact entries before the tear. */
  entries: z.number().int().nonnegative(),
  /** Bytes that were read. */
  bytes: z.number().int().nonnegative(),
  /** Hash of the last entry that fits, as `sha256:` and hex. */
  head: optionalText,
  firstTimestamp: optionalText,
  lastTimestamp: optionalText,
  ...finding.shape,
  class: z.enum(damageClasses).nullable(),
  /** The first findings, at most 100. */
  findings: z.array(finding),
  findingCount: z.number().int().nonnegative(),
  /** The first calls without outcome, at most 100. Calls that are still running appear here as well. */
  orphans: z.array(orphanCall),
  orphanCount: z.number().int().nonnegative(),
  /** Oddities that prove nothing, such as a clock that was set back; at most 20. */
  warnings: z.array(z.strictObject({ line: z.number().int().positive(), message: z.string() })),
});
/** The result of a verification. */
export type VerificationReport = z.infer<typeof verificationReport>;

/** The exit code of `conductor audit verify`: 0 intact, 1 tampered, 2 could not verify, 3 torn by a crash and repairable. */
export function exitCodeOf(report: Pick<VerificationReport, 'verdict'>): 0 | 1 | 2 | 3 {
  switch (report.verdict) {
    case 'intact':
      return 0;
    case 'tampered':
      return 1;
    case 'torn':
      return 3;
    case 'unverifiable':
      return 2;
  }
}

import { z } from 'zod';
import { decisionResultSchema, decisionSchema, pendingSchema } from './approvals';
import { approverKeySchema, registrationSchema, registrationStateSchema } from './approvers';
import { auditBucketSchema, auditEntryPageSchema, auditFilterSchema, auditValuesSchema } from './audit/query';
import { depths, verificationReport } from './audit/report';
import { snapshotHash, snapshotSchema } from './audit/snapshot';
import { signAnswerSchema, signingStateSchema, signRequestSchema } from './audit/signing';
import { credentialNameSchema, credentialStateSchema, credentialValueSchema, importedSchema, newSlotSchema, offeredKeySchema, slotIdSchema, slotViewSchema } from './credentials';
import { askedCallSchema, backendApprovalSchema, backendChangeSchema, backendDifferenceSchema, backendNeedsSchema, backendsStateSchema, callCheckSchema, changeResultSchema, importDoneSchema, importPlanSchema, importSourceSchema, preflightReportSchema } from './externalServers';
import { fileChangeSchema, narrowingSchema, questionRefSchema } from './fileChanges';
import { grantsStateSchema, measuredSchema } from './grants';
import { toldSchema } from './queue';
import type { Right } from './roles';
import { proofSchema, vectorProblemSchema, vectorSummarySchema } from './vectors';

/** Every message between a client (editor, terminal) and the broker. Nothing else crosses; both ends parse. */

const empty = z.strictObject({});

/** State of one breaker as shown to people. */
export const breakerSchema = z.strictObject({
  tool: z.string(),
  state: z.enum(['closed', 'open', 'halfOpen']),
  failures: z.number().int(),
  threshold: z.number().int(),
  retryAfterMs: z.number().int().optional(),
  lastFailure: z.string().optional(),
  /** The latest failures that counted, newest first, at most five; absent when there are none. */
  recent: z.array(z.strictObject({ agoMs: z.number().int(), message: z.string() })).optional(),
});

/** State of one breaker as shown to people. */
export type BreakerView = z.infer<typeof breakerSchema>;

/** Where and why the configuration file could not be used; lines and columns count from 1. */
export const configProblemSchema = z.strictObject({ message: z.string(), path: z.string(), line: z.number().int(), column: z.number().int() });

/** Which configuration is in force. */
export const configStateSchema = z.strictObject({
  file: z.string(),
  /** `current`: the file as it is; `lastGood`: the file is broken and an earlier one holds; `defaults`: no usable file yet. */
  source: z.enum(['current', 'lastGood', 'defaults']),
  problems: z.array(configProblemSchema),
  /** SHA-256 hex of the policy in force. */
  policyHash: z.string(),
});

/** Health of the audit log in one word and a sentence. */
export const auditHealthSchema = z.strictObject({
  entries: z.number().int(),
  head: z.string(),
  health: z.enum(['ok', 'unavailable', 'tampered']),
  message: z.string(),
});

/** Health of the audit log. */
export type AuditHealth = z.infer<typeof auditHealthSchema>;

/** Everything that a status line or `conductor doctor` shows of the broker. */
export const statusSchema = z.strictObject({
  version: z.string(),
  pid: z.number().int(),
  startedAt: z.string(),
  configDir: z.string(),
  pathIsolation: z.string(),
  connections: z.strictObject({ agent: z.number(), viewer: z.number(), editor: z.number(), cli: z.number() }),
  pending: z.number().int(),
  audit: auditHealthSchema,
  signing: signingStateSchema,
  config: configStateSchema,
  memoryMb: z.number(),
  doors: z.array(z.strictObject({ door: z.string(), open: z.boolean(), message: z.string() })),
});

/** Everything that a status line shows of the broker. */
export type Status = z.infer<typeof statusSchema>;

/** The registered approver keys, what keeps them from being used, and whether the rules want every approval signed. */
const approverKeysSchema = z.strictObject({ keys: z.array(approverKeySchema), problem: z.string().nullable(), requireSigned: z.boolean() });

const headSchema = z.strictObject({ entries: z.number().int(), head: z.string() });

/** Requests that a client sends: the right each needs, and both shapes. */
export const requests = {
  'conductor/status': { right: 'look', params: empty, result: statusSchema },
  'conductor/drain': { right: 'decide', params: empty, result: z.strictObject({ draining: z.boolean() }) },
  /** Says that whoever sits at this connection can answer approvals (an open window, a watching terminal); `false` withdraws it. */
  'approvals/attend': { right: 'decide', params: z.strictObject({ attending: z.boolean() }), result: z.strictObject({ pending: z.array(pendingSchema) }) },
  'approvals/list': { right: 'look', params: empty, result: z.strictObject({ pending: z.array(pendingSchema) }) },
  /** What a call that waits would make of files. NOT_FOUND when it no longer waits or changes none. */
  'approvals/content': { right: 'look', params: questionRefSchema, result: z.strictObject({ files: z.array(fileChangeSchema) }) },
  /** Leaves out some changes of a call that waits: it is withdrawn, and what is left is judged and asked about as a question of its own. Approves nothing. */
  'approvals/narrow': { right: 'decide', params: narrowingSchema, result: decisionResultSchema },
  'approvals/decide': { right: 'decide', params: decisionSchema, result: decisionResultSchema },
  /** What each rung of a waiting call's ladder would have covered, by the newest entries of the log. */
  'approvals/weigh': { right: 'look', params: z.strictObject({ id: z.string(), digest: z.string() }), result: z.strictObject({ rungs: z.array(measuredSchema) }) },
  'grants/list': { right: 'look', params: empty, result: grantsStateSchema },
  /** Takes a lasting answer back; calls that it covered ask again. */
  'grants/undo': { right: 'decide', params: z.strictObject({ id: z.string().max(60) }), result: z.strictObject({ undone: z.boolean() }) },
  /** The store of credentials: how it is, its slots, and the names of what it holds. No message ever answers with a value. */
  'credentials/list': { right: 'look', params: empty, result: credentialStateSchema },
  /** Keeps a value. The first one makes the store, bound to this machine, unless a slot made it before. */
  'credentials/set': { right: 'decide', params: z.strictObject({ name: credentialNameSchema, value: credentialValueSchema }), result: z.strictObject({ done: z.enum(['created', 'changed']) }) },
  'credentials/delete': { right: 'decide', params: z.strictObject({ name: credentialNameSchema }), result: z.strictObject({ deleted: z.boolean() }) },
  /** Seals everything with a new data key, and gives machine slots a new salt. */
  'credentials/rotate': { right: 'decide', params: empty, result: z.strictObject({ credentials: z.number().int() }) },
  /**
   * Opens the store with a key that a window keeps in its secret storage, or with that of a keyring or a passphrase. A window's key is forgotten
   * when the window leaves; offer it each time that it connects. CREDENTIALS_LOCKED when it fits no slot, NOT_FOUND while there is no store.
   */
  'credentials/offerKey': { right: 'decide', params: offeredKeySchema, result: z.strictObject({ slot: slotViewSchema }) },
  /** Adds a slot. Where there is no store yet, makes one that only this slot opens. */
  'credentials/addSlot': { right: 'decide', params: newSlotSchema, result: z.strictObject({ slot: slotViewSchema }) },
  /** Removes a slot and seals everything anew. CONFLICT for the last one, and when the key of another is not at hand. */
  'credentials/removeSlot': { right: 'decide', params: z.strictObject({ id: slotIdSchema }), result: z.strictObject({ removed: slotViewSchema }) },
  /** Takes over files of the published format from the folder `keychain`, and sets them aside when all of them are in the store. */
  'credentials/import': { right: 'decide', params: empty, result: importedSchema },
  /** Says that an older copy of the store was put back on purpose. */
  'credentials/accept': { right: 'decide', params: z.strictObject({ reason: z.string().min(1).max(500) }), result: z.strictObject({ generation: z.number().int() }) },
  /** Has a key of this window or terminal registered. The first key of all is believed; further ones a registered key must approve. */
  'approvals/register': { right: 'decide', params: registrationSchema, result: registrationStateSchema },
  'approvals/keys': { right: 'look', params: empty, result: approverKeysSchema },
  /** Asks the holders of registered keys to approve that one of them no longer counts. */
  'approvals/removeKey': { right: 'decide', params: z.strictObject({ id: z.string() }), result: z.strictObject({ message: z.string() }) },
  /** Forgets all keys, so that the next one is believed again; recorded for good. */
  'approvals/resetKeys': { right: 'decide', params: z.strictObject({ reason: z.string().min(1).max(500) }), result: z.strictObject({ removed: z.number().int() }) },
  'audit/page': {
    right: 'look',
    params: z.strictObject({ filter: auditFilterSchema, /** Only entries before this number. */ before: z.number().int().optional(), limit: z.number().int().min(1).max(1000) }),
    result: auditEntryPageSchema,
  },
  /** One entry, verbatim as it stands in the log. */
  'audit/entry': { right: 'look', params: z.strictObject({ seq: z.number().int().min(1) }), result: z.strictObject({ line: z.string() }) },
  /** What an entry names by hash: the policy that judged a call (`verdict.policyHash`), or the counts of a moment (`input.metrics`). */
  'audit/snapshot': { right: 'look', params: z.strictObject({ hash: snapshotHash }), result: snapshotSchema },
  /** Keeps the counts of this moment and names them in an entry of the log. */
  'audit/measure': { right: 'decide', params: empty, result: z.strictObject({ /** 64 hex digits. */ hash: z.string() }) },
  /** How many entries fit, by day or by hour, the newest first. With `withinMs` what is counted soon after that; `counting` says that older ones are not counted yet: asked again, more are. */
  'audit/buckets': {
    right: 'look',
    params: z.strictObject({ filter: auditFilterSchema, by: z.enum(['day', 'hour']), withinMs: z.number().int().nonnegative().max(60_000).optional() }),
    result: z.strictObject({ buckets: z.array(auditBucketSchema), counting: z.literal(true).optional() }),
  },
  /** What there is to filter by. */
  'audit/values': { right: 'look', params: empty, result: auditValuesSchema },
  'audit/verify': {
    right: 'look',
    params: z.strictObject({
      /** Entries and head that the client kept itself. */
      expected: headSchema.optional(),
      /** The head that the client signed last, kept with its key, and when: an anchor outside the log. */
      anchor: headSchema.extend({ place: z.string().max(200), at: z.string() }).optional(),
      /** Verifier keys that the client knows from elsewhere; given, a log without a checkpoint of one of them fails. */
      publicKeys: z.array(z.string().max(500)).max(20).optional(),
      /** How thoroughly; `default` when absent. */
      depth: z.enum(depths).optional(),
      /** `last`: read only what came after the last verification of this broker, when that is possible; the report then has `since`. */
      since: z.enum(['last']).optional(),
      /** Any text of the asker: while the verification runs, the asker alone hears `audit/progress` with it. Cancelling the request ends it. */
      progress: z.string().max(100).optional(),
    }),
    result: verificationReport,
  },
  'audit/startNew': { right: 'decide', params: z.strictObject({ reason: z.string().min(1).max(500) }), result: z.strictObject({ /** Where the earlier log is kept. */ movedTo: z.string() }) },
  /** A command of a terminal says that it refused to go on, because no person sits there; the log keeps it (T40). */
  'cli/refused': { right: 'decide', params: z.strictObject({ command: z.string().regex(/^[a-z-]{1,20}(?: [a-z-]{1,20})?$/) }), result: z.strictObject({ noted: z.boolean() }) },
  'backends/list': { right: 'look', params: empty, result: backendsStateSchema },
  /** Runs the checks of a backend, which is started or reached for it; no tool is called. */
  'backends/preflight': { right: 'decide', params: z.strictObject({ backend: z.string().max(64), timeoutMs: z.number().int().min(100).max(600_000).optional() }), result: preflightReportSchema },
  /** What the profiles need that a person has to set. */
  'backends/needs': { right: 'look', params: empty, result: backendNeedsSchema },
  /** What was approved of a backend beside what is there now. */
  'backends/difference': { right: 'look', params: z.strictObject({ backend: z.string().max(64) }), result: backendDifferenceSchema },
  /** Starts or reaches a backend now, whatever pause follows its last failure. BACKEND_UNAVAILABLE and BACKEND_QUARANTINED say why not. */
  'backends/start': { right: 'decide', params: z.strictObject({ backend: z.string().max(64) }), result: z.strictObject({ tools: z.number().int() }) },
  /** Ends its connection; the next use starts it again. To keep it off, disable it. */
  'backends/stop': { right: 'decide', params: z.strictObject({ backend: z.string().max(64) }), result: z.strictObject({ stopped: z.boolean() }) },
  /** A person's yes to how a backend is started and to tools of it. CONFLICT when either is another by now. */
  'backends/approve': { right: 'decide', params: backendApprovalSchema, result: z.strictObject({ approved: z.boolean() }) },
  /** Takes it back: the backend waits for approval again. */
  'backends/withdraw': { right: 'decide', params: z.strictObject({ backend: z.string().max(64) }), result: z.strictObject({ withdrawn: z.boolean() }) },
  /** What a change of the two files would mean; nothing is written. */
  'backends/plan': { right: 'look', params: backendChangeSchema, result: changeResultSchema },
  'backends/change': { right: 'decide', params: backendChangeSchema, result: changeResultSchema },
  /** What taking over the servers of other programs would do; without `sources`, of all programs that are known. Nothing is written. */
  'backends/importPlan': { right: 'decide', params: z.strictObject({ sources: z.array(importSourceSchema).max(50).optional() }), result: importPlanSchema },
  /** Does what the plan with this digest showed. CONFLICT when it is another by now. */
  'backends/import': { right: 'decide', params: z.strictObject({ digest: z.string(), sources: z.array(importSourceSchema).max(50).optional() }), result: importDoneSchema },
  /** Removes the servers and credentials that the last import added. */
  'backends/undoImport': { right: 'decide', params: empty, result: importDoneSchema },
  /** The policy in force as JSON, and what is wrong with its file. */
  'backends/policy': { right: 'look', params: empty, result: z.strictObject({ policy: z.string(), hash: z.string(), source: z.enum(['current', 'lastGood', 'defaults']), problems: z.array(configProblemSchema) }) },
  /** Judges a call of an external tool without making it. */
  'backends/check': { right: 'look', params: askedCallSchema, result: callCheckSchema },
  /** Closes the breaker of a backend by hand. */
  'backends/reset': { right: 'decide', params: z.strictObject({ backend: z.string().max(64), reason: z.string().min(1).max(500) }), result: z.strictObject({ reset: z.boolean() }) },
  'breakers/list': { right: 'look', params: empty, result: z.strictObject({ breakers: z.array(breakerSchema) }) },
  'breakers/reset': { right: 'decide', params: z.strictObject({ tool: z.string(), reason: z.string().min(1).max(500) }), result: z.strictObject({ reset: z.boolean() }) },
  /** The attack vectors that there are: shipped ones, and those of the configuration folder. */
  'policy/vectors': { right: 'look', params: empty, result: z.strictObject({ vectors: z.array(vectorSummarySchema), problems: z.array(vectorProblemSchema) }) },
  /** One vector as JSON. */
  'policy/vector': { right: 'look', params: z.strictObject({ id: z.string().max(80) }), result: z.strictObject({ vector: z.string() }) },
  /** What the configuration in force makes of vectors, all of them unless ids are named. Runs, reads and writes nothing. */
  'policy/prove': {
    right: 'look',
    params: z.strictObject({ ids: z.array(z.string().max(80)).max(20_000).optional() }),
    result: z.strictObject({ /** SHA-256 hex of the policy that was proved. */ policyHash: z.string(), proofs: z.array(proofSchema), problems: z.array(vectorProblemSchema) }),
  },
} as const satisfies Record<string, { right: Right; params: z.ZodType; result: z.ZodType }>;

/** Notifications that the broker sends to whoever may look. */
export const notifications = {
  /** Everything that waits, oldest first; calls that were told before by their names alone. */
  'approvals/changed': z.strictObject({ pending: z.array(toldSchema) }),
  'grants/changed': grantsStateSchema,
  'credentials/changed': credentialStateSchema,
  'approvals/keysChanged': approverKeysSchema,
  'audit/appended': auditHealthSchema,
  'audit/signed': signingStateSchema,
  /** How far a verification is, in bytes, at most every 100 ms; `progress` is the text that its request carried. */
  'audit/progress': z.strictObject({ progress: z.string(), done: z.number().int(), total: z.number().int() }),
  'breakers/changed': z.strictObject({ breakers: z.array(breakerSchema) }),
  'config/changed': configStateSchema,
  /** Something about external servers is another; ask for `backends/list` to see it. */
  'backends/changed': z.strictObject({}),
} as const satisfies Record<string, z.ZodType>;

/** Requests that the broker sends to an editor. */
export const questions = {
  /** Asks for a signature under a checkpoint of the log, with the key in the editor's secret storage. */
  'audit/sign': { params: signRequestSchema, result: signAnswerSchema },
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;

/** Name of a question. */
export type QuestionName = keyof typeof questions;
/** What a question carries. */
export type QuestionParams<Name extends QuestionName> = z.output<(typeof questions)[Name]['params']>;
/** What a question is answered with. */
export type QuestionResult<Name extends QuestionName> = z.output<(typeof questions)[Name]['result']>;

/** Name of a request. */
export type RequestName = keyof typeof requests;
/** What a request carries, as its sender writes it. */
export type RequestParams<Name extends RequestName> = z.input<(typeof requests)[Name]['params']>;
/** What a request answers. */
export type RequestResult<Name extends RequestName> = z.output<(typeof requests)[Name]['result']>;
/** Name of a notification. */
export type NotificationName = keyof typeof notifications;
/** What a notification carries. */
export type NotificationParams<Name extends NotificationName> = z.output<(typeof notifications)[Name]>;

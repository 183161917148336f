import { z } from 'zod';
import { backendFieldSchema } from './backendFields';
import { backendNameSchema } from './backends';

/** What people see of external MCP servers, and what they decide. */

/** One check of a preflight: `warning` is what strict mode refuses, `skipped` what an earlier failure made pointless. */
export const preflightCheckSchema = z.strictObject({
  name: z.enum(['registered', 'policy', 'requiredEnv', 'launch', 'egress', 'approved', 'start', 'initialize', 'toolsList', 'requiredTools', 'toolsPinned']),
  status: z.enum(['passed', 'warning', 'failed', 'skipped']),
  detail: z.string(),
  ms: z.number(),
});

/** What a preflight found. No tool is called for it. */
export const preflightReportSchema = z.strictObject({
  backend: z.string(),
  ok: z.boolean(),
  checks: z.array(preflightCheckSchema),
  /** SHA-256 hex over the descriptions of all tools; null when they were not listed. */
  tools_hash: z.string().nullable(),
  checked_at: z.string(),
  /** When it no longer counts; null when it failed. */
  expires_at: z.string().nullable(),
});

/** What a preflight found. */
export type PreflightReport = z.infer<typeof preflightReportSchema>;

const toolSchema = z.strictObject({
  name: z.string(),
  /** The name that agents see. */
  wire: z.string(),
  state: z.enum(['approved', 'new', 'changed', 'gone']),
  /** SHA-256 hex of all that the backend says of it; empty when it is gone. */
  digest: z.string(),
  description: z.string(),
  /** What differs from what was approved, in sentences. */
  changes: z.array(z.string()),
  /** What is suspicious, in sentences. */
  doubts: z.array(z.string()),
});

/**
 * What holds a backend to its hosts. `dialer`: Conductor makes its connections itself; `namespace`: it has a network of its own, out of which
 * at most Conductor's proxy leads; `proxy`: only variables ask it to use that proxy; `open`: nothing.
 */
export const egressSchema = z.strictObject({ level: z.enum(['dialer', 'namespace', 'proxy', 'open']), says: z.string() });

/** What holds a backend to its hosts, and the same in one sentence for people. */
export type Egress = z.infer<typeof egressSchema>;

/** One external server as people see it. */
export const backendViewSchema = z.strictObject({
  backend: z.string(),
  transport: z.enum(['stdio', 'http', 'sse']),
  description: z.string(),
  enabled: z.boolean(),
  optional: z.boolean(),
  /** `approved`: may be started; otherwise a person must approve how it is started or reached. */
  launch: z.enum(['approved', 'new', 'changed']),
  /** SHA-256 hex of how it is started or reached. */
  identity: z.string(),
  /** The parts of that, label and value. */
  parts: z.array(z.tuple([z.string(), z.string()])),
  /** What differs from what was approved, in sentences. */
  changes: z.array(z.string()),
  /** The tools as it offered them last; null before it was asked. */
  tools: z.array(toolSchema).nullable(),
  missingEnv: z.array(z.string()),
  preflight: z.enum(['passed', 'never', 'stale', 'failed']),
  /** How it is kept to the hosts of its `egress_allowlist`: as it runs now, else as it would be started. */
  egress: egressSchema,
  /** What strict mode would refuse, in sentences. */
  warnings: z.array(z.string()),
  connection: z.enum(['stopped', 'starting', 'ready', 'failed']),
  /** Why the last start failed, or empty. */
  failure: z.string(),
  /** Milliseconds since the last preflight of this run; null when there was none. */
  preflightAgeMs: z.number().nullable(),
  /** Milliseconds that its last answer took; null before the first. */
  latencyMs: z.number().nullable(),
});

/** One external server as people see it. */
export type BackendView = z.infer<typeof backendViewSchema>;

const problem = z.strictObject({ file: z.string(), message: z.string(), path: z.string(), line: z.number().int(), column: z.number().int() });

/** All of them, with what is wrong with their files. */
export const backendsStateSchema = z.strictObject({
  backends: z.array(backendViewSchema),
  mode: z.strictObject({ enabled: z.boolean(), strict: z.boolean(), softFail: z.boolean(), optional: z.array(z.string()), remarks: z.array(z.string()) }),
  problems: z.array(problem),
  /** SHA-256 hex of `mcp_backends.json` as it is in force. */
  backendsHash: z.string(),
  /** SHA-256 hex of `external_mcp_policy.json` as it is in force. */
  policyHash: z.string(),
  /** What is wrong with the file of approvals, or empty. */
  trouble: z.string(),
});

/** All of them, with what is wrong with their files. */
export type BackendsState = z.infer<typeof backendsStateSchema>;

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** The hash of the file as the asker saw it; CONFLICT when it is another by now. */
const expectedHash = hash.optional();

/** A person's yes to how a backend is started and to tools of it, by what was shown. */
export const backendApprovalSchema = z.strictObject({ backend: backendNameSchema, identity: hash, tools: z.array(z.strictObject({ name: z.string().max(200), digest: hash })).max(2000) });

/** What a person compares before saying yes: what was approved and what is there now, as text in which nothing is hidden, with the digests of what is there. */
export const backendDifferenceSchema = z.strictObject({
  before: z.string(),
  after: z.string(),
  launch: z.enum(['approved', 'new', 'changed']),
  identity: hash,
  /** The tools that wait for approval, as `after` shows them. */
  tools: z.array(z.strictObject({ name: z.string(), digest: hash })),
});

/** What a person compares before saying yes. */
export type BackendDifference = z.infer<typeof backendDifferenceSchema>;

/** What the profiles of servers need of people: credentials that they name, and required variables that nobody gives them. */
export const backendNeedsSchema = z.strictObject({
  credentials: z.array(z.strictObject({ name: z.string(), /** Null where the configuration of Conductor itself names it, for commands. */ backend: z.string().nullable(), /** The variable or header, in words. */ place: z.string(), /** What the `configSchema` of the server calls it, and says of it. */ title: z.string().optional(), description: z.string().optional(), /** The server works without it. */ optional: z.literal(true).optional() })),
  /** Settings that its `configSchema` names, with what it gets now. */
  settings: z.array(z.strictObject({ backend: z.string(), name: z.string(), field: backendFieldSchema, required: z.boolean(), value: z.string().nullable() })),
  variables: z.array(z.strictObject({ backend: z.string(), variable: z.string() })),
});

/** What the profiles of servers, and the configuration for commands, need of people. */
export type BackendNeeds = z.infer<typeof backendNeedsSchema>;

/** Changes of the two files. The profile and the policy are checked by the schemas of their files. */
export const backendChangeSchema = z.discriminatedUnion('change', [
  z.strictObject({ change: z.literal('set'), backend: backendNameSchema, profile: z.record(z.string(), z.unknown()), expectedHash }),
  z.strictObject({ change: z.literal('remove'), backend: backendNameSchema, expectedHash }),
  z.strictObject({ change: z.literal('enable'), backend: backendNameSchema, expectedHash }),
  z.strictObject({ change: z.literal('disable'), backend: backendNameSchema, expectedHash }),
  /** Answers to settings that the `configSchema` of a server names, by name; never secrets. */
  z.strictObject({ change: z.literal('configure'), backend: backendNameSchema, values: z.record(z.string().max(128), z.string().max(2000)), expectedHash }),
  z.strictObject({ change: z.literal('policy'), policy: z.record(z.string(), z.unknown()), mode: z.enum(['replace', 'merge']), expectedHash }),
]);

/** A change of one of the two files. */
export type BackendChange = z.infer<typeof backendChangeSchema>;

/** What a change would do, or did. */
export const changeResultSchema = z.strictObject({
  /** Whether agents may do anything after it that they may not do now. */
  widens: z.boolean(),
  /** What becomes different, in sentences. */
  says: z.array(z.string()),
  /** SHA-256 hex of the file after it. */
  hash: z.string(),
});

/** A file of another program that may hold servers. */
export const importSourceSchema = z.strictObject({ program: z.string().max(40), file: z.string().max(4096) });

/** A file of another program that may hold servers. */
export type ImportSource = z.infer<typeof importSourceSchema>;

/** What taking over the servers of other programs would do. Values of secrets are not in it. */
export const importPlanSchema = z.strictObject({
  /** SHA-256 hex over all that would be done; only what was shown is done. */
  digest: hash,
  servers: z.array(importSourceSchema.extend({ backend: z.string(), profile: z.record(z.string(), z.unknown()), /** Names under which its secrets go into the credential store. */ credentials: z.array(z.string()), remarks: z.array(z.string()) })),
  /** What is not taken over, and why, in sentences. */
  leftOut: z.array(z.string()),
  /** The text of `mcp_backends.json` as it is and as it would be. */
  before: z.string(),
  after: z.string(),
  /** Whether an earlier import can be taken back. */
  undoable: z.boolean(),
});

/** What taking over the servers of other programs would do. */
export type ImportPlan = z.infer<typeof importPlanSchema>;

/** What an import added, or what was taken back. */
export const importDoneSchema = z.strictObject({ backends: z.array(z.string()), credentials: z.array(z.string()) });

/** Whether a call would be allowed, and why. */
export const callCheckSchema = z.strictObject({ verdict: z.enum(['allow', 'approve', 'deny']), rule: z.string(), reason: z.string(), warnings: z.array(z.string()) });

/** A call that is only judged. */
export const askedCallSchema = z.strictObject({ backend: z.string().max(64), tool: z.string().max(200), arguments: z.record(z.string(), z.unknown()).default({}), project: z.string().max(4096).optional() });

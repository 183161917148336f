import { z } from 'zod';
import { backendNameSchema } from './backends';
import { limitsSchema, sandboxSchema } from './confinement';
import { soundReference } from './credentials';

/**
 * The schema of `~/.conductor/config.json`: the one source of its completion, hover, diagnostics, defaults, JSON Schema and
 * documentation. `meta` carries what only editors read.
 */

const commandName = z
  .string()
  .regex(/^[A-Za-z0-9_.+-]+$/, 'Write the bare name of one program: no path, no blanks, no wildcard.')
  .describe('Bare name of a program, for instance `git`. Paths, blanks and wildcards are not accepted.');

const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'Write the name of an environment variable: letters, digits and _, not beginning with a digit.');

/** A reference to the credential store, and nothing beside it. */
const secretReference = z
  .string()
  .regex(new RegExp(`^${soundReference}$`), 'Write ${secret:service.key}; the value itself belongs in the credential store ("conductor secrets set service.key").')
  .describe('A reference to the credential store, for instance `${secret:github.token}`.');

const folder = z
  .string()
  .regex(/^(?:~$|~[\\/]|\/|[A-Za-z]:[\\/])/, 'Write an absolute folder, or one that begins with ~/ for your home folder.')
  .describe('Absolute folder; `~` is your home folder.');

const scopePattern = z
  .string()
  .max(500)
  .regex(/^!?(?!.*(?:^|\/)\.\.(?:\/|$))(?:[^!{}[\]\\]|\{[^{}[\]\\!]*\})+$/, 'Write a pattern such as src/** or !src/generated/**: no brackets, backslashes, nested braces or "..".')
  .describe('Pattern of paths below the project, for instance `src/**`.');

const milliseconds = (min: number, max: number) => z.number().int().min(min).max(max);

const shell = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether agents can run commands at all. Default: true.'),
    allowedCommands: z
      .array(commandName)
      .default([])
      .describe('Programs that run without asking, in forms that cannot make them run something else; other forms ask. Exact names, no wildcards. Default: none.')
      .meta({ uniqueItems: true, examples: [['git', 'ls', 'cat']] }),
    requireApproval: z
      .array(commandName)
      .default([])
      .describe('Programs that run only after a person approves each call; wins over `allowedCommands`. A program in neither list is refused. Default: none.')
      .meta({ uniqueItems: true, examples: [['rm', 'mv', 'cp', 'chmod']] }),
    secrets: z
      .record(commandName, z.record(variableName, secretReference))
      .default({})
      .describe('Variables that a program gets from the credential store, by its bare name: only the reference `${secret:service.key}` stands here. No other program sees them, and they are taken out of what it writes. Default: none.')
      .meta({ examples: [{ gh: { GH_TOKEN: '${secret:github.token}' } }] }),
    timeoutMs: milliseconds(1000, 600_000).default(120_000).describe('Time limit of one command line in milliseconds, 1000 to 600000. Default: 120000.'),
    sandbox: sandboxSchema.prefault({}),
    limits: limitsSchema.prefault({}),
  })
  .describe('The `shell.exec` tool: a strict allowlist, no shell behind it.');

/** Actions of the filesystem plugin, as named in `plugins.filesystem.requireApproval`. */
export const filesystemActions = ['read', 'write', 'list', 'search', 'delete'] as const;

const filesystem = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether agents can use the file tools at all. Default: true.'),
    allowedPaths: z
      .array(folder)
      .default([])
      .describe('Absolute folders outside the project that the file tools may also use; `~` is your home folder. Default: none.')
      .meta({ uniqueItems: true, examples: [['~/notes']] }),
    requireApproval: z
      .array(z.enum(filesystemActions))
      .default(['write', 'delete'])
      .describe('File actions that ask first: `read`, `write`, `list`, `search`, `delete`. Editing a file counts as `write`. Default: write and delete.')
      .meta({ uniqueItems: true }),
    writeScope: z
      .array(scopePattern)
      .default([])
      .describe('Patterns of files below the project that agents may change: with any, writing, deleting and redirections elsewhere are refused, also in other folders. `*` and `?` within a name, `**` for folders, `{a,b}`; `!` before a pattern takes out what it names and everything in it. Default: everything.')
      .meta({ uniqueItems: true, examples: [['src/**', '!src/generated/**']] }),
  })
  .describe('The `filesystem.*` tools, kept inside the project folder.');

/** Actions of the git plugin, as named in `plugins.git.requireApproval`. */
export const gitActions = ['status', 'diff', 'log', 'commit'] as const;

const git = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether agents can use the git tools at all; `plugins.shell` does not matter for them. Default: true.'),
    requireApproval: z
      .array(z.enum(gitActions))
      .default(['commit'])
      .describe('Git actions that ask first: `status`, `diff`, `log`, `commit`. Where a repository names programs that git would run, every action asks. Default: commit.')
      .meta({ uniqueItems: true }),
  })
  .describe('The `git.*` tools, for repositories inside the project folder.');

const breakerSettings = {
  failureThreshold: z.number().int().min(1).max(1000).describe('Failures in a row that open the breaker, 1 to 1000.'),
  successThreshold: z.number().int().min(1).max(100).describe('Probes in a row that must succeed to close it, 1 to 100.'),
  timeout: milliseconds(100, 3_600_000).describe('Milliseconds from open until one probe is let through, 100 to 3600000.'),
};

const anchors = z
  .strictObject({
    systemLog: z.boolean().default(false).describe('Whether the head of the log is written to the system log (by `logger`) with each checkpoint, at most once a minute. Default: false.'),
    git: z
      .strictObject({
        repository: z.string().regex(/^(?:\/|[A-Za-z]:[\\/])/, 'Write the absolute path of a git repository.').optional().describe('Absolute path of a git repository of yours. Default: none, so that git gets nothing.'),
        ref: z.string().regex(/^refs\/[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)+$/, 'Write a full reference, for instance refs/conductor/audit.').default('refs/conductor/audit').describe('Full name of the reference. Default: refs/conductor/audit.'),
        push: z.string().regex(/^(?:https:\/\/|ssh:\/\/|\/|[A-Za-z]:[\\/])/, 'Write an https:// or ssh:// address, or the absolute path of a repository; the name of a remote is not accepted.').optional().describe('Address that the reference is pushed to: https://, ssh:// or an absolute path. Default: it is not pushed.'),
      })
      .prefault({})
      .describe('A git reference that gets one commit for each checkpoint, at most once a minute.'),
    witnesses: z
      .array(
        z.strictObject({
          url: z.string().regex(/^https?:\/\/\S+$/, 'Write the address under which the witness takes checkpoints.').describe('Address under which the witness takes checkpoints; `/add-checkpoint` is added.'),
          key: z.string().regex(/^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/, 'Write the verifier key of the witness: name+id+base64.').describe('Verifier key of the witness, as it publishes it.'),
        }),
      )
      .max(8)
      .default([])
      .describe('Witnesses (c2sp.org/tlog-witness) that cosign each checkpoint. They learn the name of the log, how long it is and when. Default: none.'),
  })
  .describe('Places outside the log that get its head with each checkpoint, so that a log that is cut or rewritten is noticed. The secret storage of the editor always gets it. Default: no other.');

const approvals = z
  .strictObject({
    requireSigned: z
      .boolean()
      .default(false)
      .describe('Whether an approval counts only when it is signed with a registered approver key. Without, an unsigned one counts too, and the log says so. Default: false.'),
    elicitation: z
      .boolean()
      .default(false)
      .describe("Whether a call may be approved by a form in the agent's own client (MCP elicitation) while no editor or terminal is there to ask. The agent's side draws and answers it, so that this is the weakest approval; it holds for one call, and never with `requireSigned`. Default: false."),
    callAgainAfterSeconds: z
      .number()
      .min(0)
      .max(3600)
      .optional()
      .describe('Seconds that a call waits for your answer before its agent is told to call again while the question stays open, up to 3600; 0 lets every call wait on. Default: shortly before the limit of the client, where it is known, and 50 otherwise.'),
    callAgainWithinSeconds: z.number().min(0.1).max(3600).default(120).describe('Seconds that such a question stays open for the agent to call again, 0.1 to 3600; then it is denied. Default: 120.'),
  })
  .describe('How answers to calls that wait are taken.');

/** The whole of `config.json`. Unknown keys are errors so that a typing mistake never weakens anything silently. */
export const configSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Address of the JSON Schema; ignored by Conductor.'),
    server: z
      .strictObject({
        logLevel: z.enum(['error', 'warn', 'info', 'debug']).default('info').describe('How much the broker writes to its own log. Default: info.'),
        idleMinutes: z.number().min(0.01).max(1440).default(10).describe('Minutes until the broker ends after its last visitor left, up to 1440; it stays while `transport` is `http`. Default: 10.'),
        transport: z.enum(['stdio', 'http']).default('stdio').describe('How agents reach Conductor: by `conductor mcp start` (`stdio`), or also by MCP over HTTP on this machine (`http`), with the token in `http.token`. Default: stdio.'),
        port: z.number().int().min(1).max(65_535).default(3000).describe('Port of `http` on 127.0.0.1, 1 to 65535. Default: 3000.'),
        allowedOrigins: z
          .array(z.string().regex(/^[a-z][a-z0-9+.-]*:\/\/[^/\s*]+$/, 'Write one exact origin, for instance https://app.example or vscode-file://vscode-app: no path, no wildcard.'))
          .max(20)
          .default([])
          .describe('Values of the header `Origin` with which `http` is served; requests without one always are. Exact, no wildcards; every page of an origin may use the token it has. Default: none.')
          .meta({ uniqueItems: true }),
        requestsPerMinute: z.number().int().min(60).max(600_000).default(12_000).describe('Requests by `http` that are served within a minute, all agents together, 60 to 600000; more are told to wait (429). Default: 12000.'),
      })
      .prefault({})
      .describe('The broker process.'),
    plugins: z
      .strictObject({ shell: shell.prefault({}), filesystem: filesystem.prefault({}), git: git.prefault({}) })
      .prefault({})
      .describe('The tools that agents can call, by plugin.'),
    approvalTimeout: milliseconds(100, 3_600_000)
      .default(120_000)
      .describe('Milliseconds that a call waits for your answer before it is denied, 100 to 3600000. Default: 120000.'),
    reviewResults: z
      .array(z.string().regex(/^[a-z][a-z0-9]*(\.[a-z][a-zA-Z0-9]*)+$/, 'Write a dotted tool name, for instance shell.exec.'))
      .default([])
      .describe('Tools whose results a person sees before the agent does, by dotted tool name: what nobody releases in time is withheld whole. Default: none.')
      .meta({ uniqueItems: true, examples: [['shell.exec', 'filesystem.read']] }),
    grants: z
      .strictObject({
        sessionHours: z.number().int().min(0).max(24).default(8).describe('Hours that an approval for the session holds, up to 24; it ends earlier with the agent or the broker. 0 takes it out of the prompts. Default: 8.'),
        lastingDays: z.number().int().min(0).max(365).default(30).describe('Days that an approval beyond the session holds, up to 365. 0 takes such approvals out of the prompts. Default: 30.'),
      })
      .prefault({})
      .describe('Approvals for more than one call. What is granted ends earlier when the program, the settings or the reasons to ask change.'),
    approvals: approvals.prefault({}),
    secrets: z
      .strictObject({
        inArguments: z
          .enum(['deny', 'ask'])
          .default('deny')
          .describe('What happens to a call whose arguments hold the value of a stored secret, in whatever form: it is refused (`deny`), or you are asked each time (`ask`). Values that are short or a single word may stand there by chance and always ask. Default: deny.'),
      })
      .prefault({})
      .describe('Secrets of the credential store.'),
    externalMcp: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Whether agents can use external servers at all. Default: true.'),
        strict: z.boolean().default(false).describe('High assurance: what is a warning otherwise is a refusal (stale preflight, wildcards, unstated hosts, changed tools). `CONFLUX_EXTERNAL_MCP_STRICT_MODE=1` switches it on as well; 0 never switches it off. Default: false.'),
        softFail: z.boolean().default(false).describe('Whether work goes on, marked degraded, when an optional backend cannot be reached. A denial is never skipped. `CONFLUX_OPTIONAL_EXTERNAL_MCP_SOFT_FAIL`, where it is set, decides instead. Default: false.'),
        hiddenCharacters: z
          .enum(['mark', 'refuse'])
          .default('mark')
          .describe('What is done with characters that cannot be seen in what a server answers (zero width, directions of writing, tags, controls): `mark` writes each as \\u{hex} and tells the agent how many there were, `refuse` withholds the answer. Default: mark.'),
        optionalBackends: z.array(backendNameSchema).max(100).default([]).describe('Backends that are optional besides those that say so in `mcp_backends.json`; `CONFLUX_OPTIONAL_EXTERNAL_MCP_BACKENDS` (names with commas) adds to them. Default: none.').meta({ uniqueItems: true }),
      })
      .prefault({})
      .describe('External MCP servers. Which there are stands in `mcp_backends.json`, what agents may call in `external_mcp_policy.json`.'),
    circuitBreaker: z
      .strictObject({
        failureThreshold: breakerSettings.failureThreshold.default(5).describe('Failures in a row that open a breaker, 1 to 1000. Denials and invalid input do not count. Default: 5.'),
        successThreshold: breakerSettings.successThreshold.default(1).describe('Probes in a row that must succeed to close it, 1 to 100. Default: 1.'),
        timeout: breakerSettings.timeout.default(30_000).describe('Milliseconds from open until one probe is let through, 100 to 3600000. Default: 30000.'),
        overrides: z
          .record(z.string().regex(/^[a-z][a-z0-9]*(\.[a-z][a-zA-Z0-9]*)+$/, 'Write a dotted tool name, for instance shell.exec.'), z.strictObject(breakerSettings).partial())
          .default({})
          .describe('Other values for single tools, by dotted tool name. Default: none.')
          .meta({ examples: [{ 'shell.exec': { failureThreshold: 3, timeout: 60_000 } }] }),
      })
      .prefault({})
      .describe('Circuit breakers: one per tool. Defaults: 5 failures in a row, 30 s, 1 successful probe.'),
    audit: z
      .strictObject({
        readOnlyDurability: z
          .enum(['durable', 'queued'])
          .default('durable')
          .describe('Whether entries of read-only tools reach the disk before the result is released (`durable`), or within milliseconds after it (`queued`, faster). Tools that change anything are always durable. Default: durable.'),
        maxSizeMb: z.number().int().min(1).max(4096).default(64).describe('MiB at which a file of the log is closed and the next one begun, 1 to 4096; a file older than 30 days is closed as well. Default: 64.'),
        retentionDays: z
          .number()
          .int()
          .min(0)
          .max(36_500)
          .default(0)
          .describe('Days after which closed files are deleted, which the log records; 0 keeps them for ever. Does not apply to an archive. Default: 0.'),
        compress: z.boolean().default(false).describe('Whether closed files are compressed with gzip. Default: false.'),
        archivePath: folder.optional().describe('Absolute folder to which closed files are moved, which the log records; `~` is your home folder. Default: they stay in `audit/` beside the log.'),
        anchors: anchors.prefault({}),
      })
      .prefault({})
      .describe('The audit log. It cannot be switched off.'),
  })
  .describe('Configuration of Conductor.')
  .meta({
    title: 'Conductor',
    defaultSnippets: [
      {
        label: 'A careful start',
        description: 'A few reading programs run, changes ask.',
        body: { plugins: { shell: { allowedCommands: ['git', 'ls', 'cat', 'rg'], requireApproval: ['rm', 'mv', 'cp', 'npm', 'node'] } } },
      },
    ],
  });

/** A complete configuration: every default filled in. */
export type Config = z.output<typeof configSchema>;

/** What a person writes: everything optional. */
export type ConfigInput = z.input<typeof configSchema>;

/** The configuration that holds when there is no file: nothing is allowed, everything else at its default. */
export const defaultConfig: Config = configSchema.parse({});

/** The configuration that holds while the file is there but was never usable: no tool runs, since what its author wanted to forbid is unknown. */
export const lockedConfig: Config = configSchema.parse({ externalMcp: { enabled: false, strict: true }, plugins: { shell: { enabled: false }, filesystem: { enabled: false }, git: { enabled: false } } });

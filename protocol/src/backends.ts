import { z } from 'zod';
import { backendFieldsSchema } from './backendFields';
import { soundReference } from './credentials';

/** The schema of `mcp_backends.json`: which external MCP servers there are and how each is reached. What agents may call of them stands in `external_mcp_policy.json`. */

const milliseconds = (min: number, max: number) => z.number().int().min(min).max(max);

/** Name of a backend: part of the names of its tools, so two underscores, which separate the parts, cannot stand in it. */
export const backendNameSchema = z
  .string()
  .regex(/^(?=.{1,32}$)[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*$/, 'Write a name of 1 to 32 letters and digits with single - or _ between them, beginning with a letter.')
  .describe('Name of a backend: 1 to 32 letters and digits, with single `-` or `_` between them.');

/** Names that belong to Conductor itself. */
export const reservedBackendNames: readonly string[] = ['conductor', 'mcp', 'own', 'internal'];

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'Write the name of an environment variable: letters, digits and _, not beginning with a digit.')
  .describe('Name of an environment variable.');

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, 'Write the name of an HTTP header, for instance Authorization.')
  .describe('Name of an HTTP header.');

/** A text, or `${secret:service.key}` anywhere in it; other `${...}` are mistakes rather than text. */
const valueText = z
  .string()
  .max(8192)
  .regex(new RegExp(`^(?:[^$]|\\$(?!\\{)|${soundReference})*$`), 'Write text, or ${secret:service.key} for something from the credential store; no other ${...} is known here.')
  .describe('Text; `${secret:service.key}` stands for a value of the credential store.');

const egressEntry = z
  .string()
  .regex(
    /^(?:\*|(?:\*\.)?[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9](?:[a-z0-9-]{0,62}))*|\[[0-9a-f:.]{2,45}\])(?::(?:[1-9][0-9]{0,4}))?$/,
    'Write host or host:port in small letters, for instance api.example.com:443; no scheme, path or user name.',
  )
  .describe('A host, or host:port, in small letters; `*.example.com` is every host below it and `*` everything, which strict mode refuses.');

const preflight = z
  .strictObject({
    timeout_ms: milliseconds(100, 600_000).default(30_000).describe('Milliseconds that a preflight may take, 100 to 600000. Default: 30000.'),
    required_tools: z.array(z.string().min(1).max(128)).max(500).default([]).describe('Tools that the backend must offer, by exact name. Default: none.').meta({ uniqueItems: true }),
    ttl_s: z.number().int().min(10).max(2_592_000).default(86_400).describe('Seconds for which a passed preflight counts, 10 to 2592000. Default: 86400.'),
  })
  .describe('What is checked before the backend is used; no tool is called for it.');

const circuitBreaker = z
  .strictObject({
    failure_threshold: z.number().int().min(1).max(1000).default(5).describe('Failures of the connection in a row that open the breaker, 1 to 1000. Default: 5.'),
    reset_timeout_ms: milliseconds(100, 3_600_000).default(30_000).describe('Milliseconds until one probe is let through, 100 to 3600000. Default: 30000.'),
    success_threshold: z.number().int().min(1).max(100).default(1).describe('Probes in a row that must succeed to close it, 1 to 100. Default: 1.'),
  })
  .describe('The breaker of this backend.');

const common = {
  description: z.string().max(500).optional().describe('What it is for, in your own words; shown to you, never to agents.'),
  enabled: z.boolean().default(true).describe('Whether it can be used at all. Default: true.'),
  optional: z.boolean().default(false).describe('Whether work goes on without it where `externalMcp.softFail` is set. Default: false.'),
  egress_allowlist: z.array(egressEntry).max(200).optional().describe('Hosts that it may reach. Default: not stated, which strict mode refuses; an empty list is none at all.').meta({ uniqueItems: true, examples: [['api.example.com:443']] }),
  required_env: z.array(variableName).max(100).default([]).describe('Variables without which it is not started, in `env` or in the environment of Conductor. Default: none.').meta({ uniqueItems: true }),
  preflight: preflight.prefault({}),
  circuit_breaker: circuitBreaker.prefault({}),
  timeout_ms: milliseconds(100, 3_600_000).default(60_000).describe('Milliseconds that one call may stay silent, 100 to 3600000. Default: 60000.'),
  max_response_bytes: z.number().int().min(1024).max(67_108_864).default(4_194_304).describe('Bytes of one answer, 1024 to 67108864; longer ones are refused. Default: 4194304.'),
};

/** How a program is kept to its hosts, from the widest to the tightest. */
export const egressSandboxes = ['off', 'available', 'required'] as const;

const stdio = z
  .strictObject({
    transport: z.literal('stdio').describe('A program that speaks MCP on its standard input and output.'),
    command: z.string().min(1).max(4096).describe('The program: an absolute path, or a name that is looked up in PATH. No shell reads it.'),
    args: z.array(z.string().max(8192)).max(200).default([]).describe('Its arguments, each as it is. Default: none.'),
    cwd: z.string().regex(/^(?:~$|~[\\/]|\/|[A-Za-z]:[\\/])/, 'Write an absolute folder, or one that begins with ~/.').optional().describe('Absolute folder in which it starts; `~` is your home folder. Default: a folder of its own below `servers` in the configuration folder of Conductor.'),
    env: z.record(variableName, valueText).default({}).describe('Its environment beyond the basic one. `${secret:service.key}` stands for a value of the credential store. Default: none.'),
    egress_sandbox: z
      .enum(egressSandboxes)
      .default('available')
      .describe('Whether a program whose `egress_allowlist` names its hosts runs in a network of its own, out of which only Conductor leads: never, so that it is only asked to by proxy variables (`off`); where bubblewrap is usable, else by the variables (`available`); always, and it is not started without (`required`). Default: available.'),
    configSchema: backendFieldsSchema(variableName, 'variable').optional(),
    env_passthrough: z.array(variableName).max(100).default([]).describe('Variables of the environment of Conductor that it gets as well. Default: none.').meta({ uniqueItems: true }),
    ...common,
  })
  .describe('A backend that Conductor starts.');

const address = z.string().max(2048).regex(/^https?:\/\/[^\s#@?]+(?:\?[^\s#@]*)?$/, 'Write an http:// or https:// address without user name and without #.').describe('Address of its MCP endpoint.');
const configSchema = backendFieldsSchema(headerName, 'header').optional();
const headers = z.record(headerName, valueText).default({}).describe('Headers of each request. `${secret:service.key}` stands for a value of the credential store. Default: none.');
const http = z.strictObject({ transport: z.literal('http').describe('Streamable HTTP.'), url: address, headers, configSchema, ...common }).describe('A backend that is reached by Streamable HTTP.');
const sse = z.strictObject({ transport: z.literal('sse').describe('The older HTTP with server-sent events.'), url: address, headers, configSchema, ...common }).describe('A backend that is reached by the older HTTP with server-sent events.');

/** One backend as people write it. */
export const backendSchema = z.discriminatedUnion('transport', [stdio, http, sse]).describe('How one external MCP server is reached.');

/** The whole of `mcp_backends.json`. Unknown keys are errors, so that a typing mistake never weakens anything silently. */
export const backendsSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Address of the JSON Schema; ignored by Conductor.'),
    version: z.literal(1).describe('Version of this format: 1.'),
    backends: z
      .record(
        backendNameSchema.refine((name) => !reservedBackendNames.includes(name.toLowerCase()), `These names belong to Conductor itself: ${reservedBackendNames.join(', ')}. Choose another.`),
        backendSchema,
      )
      .refine((backends) => Object.keys(backends).length <= 100, 'At most 100 backends.')
      .default({})
      .describe('The external MCP servers, by name. Default: none.'),
  })
  .describe('External MCP servers behind Conductor.')
  .meta({
    title: 'External MCP servers',
    defaultSnippets: [
      { label: 'A program', description: 'An MCP server that Conductor starts.', body: { version: 1, backends: { example: { transport: 'stdio', command: 'npx', args: ['-y', 'example-mcp-server'], egress_allowlist: ['registry.npmjs.org:443'] } } } },
      { label: 'An address', description: 'An MCP server that is reached over HTTP.', body: { version: 1, backends: { example: { transport: 'http', url: 'https://mcp.example.com/mcp', egress_allowlist: ['mcp.example.com:443'] } } } },
    ],
  });

const tightenedBackend = z
  .strictObject({
    enabled: z.literal(false).optional().describe('Switches the backend off in this project.'),
    optional: z.literal(false).optional().describe('Takes the backend for mandatory in this project.'),
    required_env: z.array(variableName).max(100).optional().describe('Further variables without which it is not used in this project.').meta({ uniqueItems: true }),
  })
  .describe('What is tighter in this project. How a backend is started or reached cannot stand here.');

/** `.conductor/mcp_backends.json` of a project: it can only tighten what the user's own file has. */
export const projectBackendsSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Address of the JSON Schema; ignored by Conductor.'),
    version: z.literal(1).describe('Version of this format: 1.'),
    backends: z.record(backendNameSchema, tightenedBackend).default({}).describe('What is tighter, by name of a backend that you have. Default: nothing.'),
  })
  .describe('What a project tightens of the external MCP servers.')
  .meta({ title: 'External MCP servers in this project' });

/** What a project tightens. */
export type ProjectBackends = z.output<typeof projectBackendsSchema>;

/** Folder of a project in which its own `mcp_backends.json` and `external_mcp_policy.json` stand. */
export const projectFolderName = '.conductor';

/** One backend with every default filled in. */
export type Backend = z.output<typeof backendSchema>;

/** One backend as a person writes it. */
export type BackendInput = z.input<typeof backendSchema>;

/** `mcp_backends.json` with every default filled in. */
export type Backends = z.output<typeof backendsSchema>;

/** The backends that hold when there is no file, or no usable one: none. */
export const noBackends: Backends = backendsSchema.parse({ version: 1 });

/** Name of the file in the configuration folder. */
export const backendsFileName = 'mcp_backends.json';

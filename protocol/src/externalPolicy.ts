import { z } from 'zod';
import { backendNameSchema } from './backends';

/** The schema of `external_mcp_policy.json`: which tools of which backends agents may call. What is not listed is refused. */

const toolName = z
  .string()
  .regex(/^(?:\*|[^\s*?[\]{}\p{Cc}\p{Cf}]{1,128})$/u, 'Write the exact name of a tool: no blanks, no patterns. A lone "*" is every tool, which strict mode refuses.')
  .describe('Exact name of a tool, as the backend calls it.');

const exactToolName = z
  .string()
  .regex(/^[^\s*?[\]{}\p{Cc}\p{Cf}]{1,128}$/u, 'Write the exact name of a tool: no blanks, no patterns.')
  .describe('Exact name of a tool, as the backend calls it.');

const tools = z.array(toolName).min(1).max(500).describe('Exact names of tools. `*` is every tool: a warning, and refused in strict mode.').meta({ uniqueItems: true });

const scalar = z.union([z.string().max(4096), z.number(), z.boolean(), z.null()]);

const condition = z
  .strictObject({
    one_of: z.array(scalar).min(1).max(200).optional().describe('The value is one of these.'),
    starts_with: z.string().min(1).max(4096).optional().describe('The value is text that begins so.'),
    below: z.string().regex(/^(?:\/|[A-Za-z]:[\\/])/, 'Write an absolute folder.').optional().describe('The value is an absolute path at or below this folder, by its text alone: what a link leads to is not looked at.'),
    max_length: z.number().int().min(0).max(1_048_576).optional().describe('The value is text of at most so many characters.'),
    minimum: z.number().optional().describe('The value is a number, this or more.'),
    maximum: z.number().optional().describe('The value is a number, this or less.'),
    absent: z.literal(true).optional().describe('The argument is not there.'),
  })
  .refine((one) => Object.keys(one).length > 0, 'Write at least one condition: one_of, starts_with, below, max_length, minimum, maximum or absent.')
  .describe('What must hold of one argument, all of it. In a list it must hold of each item; an argument that is missing fits only `absent`.');

/** How often one tool may be called. */
export const rateSchema = z
  .strictObject({
    calls: z.number().int().min(1).max(100_000).describe('Calls of one tool, 1 to 100000.'),
    per_s: z.number().int().min(1).max(86_400).describe('Within so many seconds, 1 to 86400.'),
  })
  .describe('How often each tool of the rule may be called, over all agents.');

/** When a person is asked: always, for what is not named in `read_only_tools`, or never. */
export const externalApprovals = ['always', 'writes', 'never'] as const;

const rule = z
  .strictObject({
    backend: backendNameSchema,
    tools,
    arguments: z
      .record(z.string().regex(/^(?!__proto__$)[^.\s]{1,128}(?:\.[^.\s]{1,128}){0,7}$/, 'Write the name of an argument, or a path such as options.path.'), condition)
      .default({})
      .describe('Conditions by name of an argument; `options.path` is a member of a member. Default: none.')
      .meta({ examples: [{ repository: { one_of: ['docs', 'website'] } }] }),
    other_arguments: z.boolean().default(true).describe('Whether arguments may be there that `arguments` does not name. Default: true.'),
    approval: z
      .enum(externalApprovals)
      .default('always')
      .describe('When a person is asked: `always`, `writes` (every tool that is not in `read_only_tools`), or `never`. What a backend says of its own tools never spares a question. Default: always.'),
    read_only_tools: z.array(exactToolName).max(500).default([]).describe('Tools that only read, as you found out yourself; matters for `approval: "writes"`, and for `audit.readOnlyDurability` in config.json. Default: none.').meta({ uniqueItems: true }),
    rate: rateSchema.optional(),
    tracks: z.array(z.string().min(1).max(80)).max(100).optional().describe('Tracks in which the rule holds. Default: everywhere.').meta({ uniqueItems: true }),
  })
  .describe('Tools that may be called.');

const denial = z
  .strictObject({ backend: backendNameSchema, tools, reason: z.string().max(300).optional().describe('Said to whoever is refused.') })
  .describe('Tools that are never called, whatever the rules say.');

/** The whole of `external_mcp_policy.json`. Unknown keys are errors, and so is every other default than `deny`. */
export const externalPolicySchema = z
  .strictObject({
    $schema: z.string().optional().describe('Address of the JSON Schema; ignored by Conductor.'),
    version: z.literal('1').describe('Version of this format: "1".'),
    default: z.literal('deny').default('deny').describe('What happens to a tool that no rule names: it is refused. Nothing else can be written here. Default: deny.'),
    rules: z.array(rule).max(500).default([]).describe('What may be called. The first rule that fits decides. Default: nothing.'),
    deny: z.array(denial).max(500).default([]).describe('What is never called, whatever `rules` say. Default: nothing.'),
  })
  .describe('Which tools of external MCP servers agents may call.')
  .meta({
    title: 'Policy for external MCP servers',
    defaultSnippets: [{ label: 'One tool', description: 'Agents may call one tool, and a person is asked each time.', body: { version: '1', default: 'deny', rules: [{ backend: 'example', tools: ['exact_name'], approval: 'always' }] } }],
  });

/** The policy with every default filled in. */
export type ExternalPolicy = z.output<typeof externalPolicySchema>;

/** One rule of the policy. */
export type ExternalRule = ExternalPolicy['rules'][number];

/** What must hold of one argument. */
export type ArgumentCondition = ExternalRule['arguments'][string];

/** How often one tool may be called. */
export type Rate = z.output<typeof rateSchema>;

/** The policy that holds when there is no file, or no usable one: nothing may be called. */
export const nothingExternal: ExternalPolicy = externalPolicySchema.parse({ version: '1' });

/** Name of the file in the configuration folder. */
export const externalPolicyFileName = 'external_mcp_policy.json';

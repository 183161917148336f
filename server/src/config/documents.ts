import { backendsSchema, projectBackendsSchema } from '../../../protocol/src/backends';
import { externalPolicySchema } from '../../../protocol/src/externalPolicy';
import { configJsonSchema, jsonSchemaOf, type JsonSchema } from './schema';

/** A file of the project that is generated from the schema; `path` is relative to the root of the project. */
export type GeneratedFile = Readonly<{ path: string; text: string }>;

/** Everything that is generated from the schema and committed. */
export function generatedFiles(): GeneratedFile[] {
  const schema = configJsonSchema();
  return [
    schemaFile('config', schema),
    schemaFile('mcp_backends', jsonSchemaOf(backendsSchema)),
    schemaFile('mcp_backends.project', jsonSchemaOf(projectBackendsSchema)),
    schemaFile('external_mcp_policy', jsonSchemaOf(externalPolicySchema)),
    { path: 'docs/config.md', text: configDocument(schema) },
  ];
}

function schemaFile(name: string, schema: JsonSchema): GeneratedFile {
  return { path: `schemas/${name}.schema.json`, text: `${JSON.stringify(schema, undefined, 2)}\n` };
}

const introduction = `# config.json

<!-- Generated from protocol/src/config.ts by scripts/schemas.mjs. Change the source, then run the script. -->

\`~/.conductor/config.json\` says what agents may do. The folder is another one when \`CONDUCTOR_CONFIG_DIR\` is set. The file is JSON with
comments and trailing commas, UTF-8, at most 1 MiB.

- **Saved changes apply at once.** No restart is needed.
- **No file**: the defaults of the table below hold. No command is allowed, files of the project can be read, writing and deleting ask.
- **A broken file** (wrong syntax, an unknown or duplicate key, a value out of its range): the last good configuration stays in force, and the
  editor, \`conductor config validate\` and \`conductor doctor\` say where it is broken. When there is no last good one, because the broker has just
  started, no tool runs until the file is corrected.
- **A file that cannot be read** counts as broken.
- **A file that other users can write** is used, with a warning that says how to close it.
- Unknown keys are errors on purpose: a misspelled key would otherwise leave you with less protection than you think.
`;

const example = `## Example

\`\`\`jsonc
{
  "plugins": {
    "shell": {
      // These run without asking, in forms that cannot make them run something else.
      "allowedCommands": ["git", "ls", "cat", "rg"],
      // These run after you approved each call. A program in neither list is refused.
      "requireApproval": ["rm", "mv", "npm"],
    },
  },
  "circuitBreaker": {
    "overrides": { "shell.exec": { "failureThreshold": 3, "timeout": 60000 } },
  },
}
\`\`\`
`;

function configDocument(schema: JsonSchema): string {
  const rows = leaves(schema, '').map(({ key, schema: leaf }) => `| \`${key}\` | ${typeText(leaf)} | ${defaultText(leaf)} | ${cell(leaf.description ?? '')} |`);
  const table = ['| key | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
  return `${introduction}\n## Keys\n\n${table}\n\n${example}`;
}

type Leaf = Readonly<{ key: string; schema: JsonSchema }>;

function leaves(schema: JsonSchema, prefix: string): Leaf[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (child.properties !== undefined) return leaves(child, key);
    const each = typeof child.additionalProperties === 'object' ? leaves(child.additionalProperties, `${key}.<tool>`) : [];
    return [{ key, schema: child }, ...each];
  });
}

function typeText({ type, enum: choices, items, minimum, maximum }: JsonSchema): string {
  if (choices !== undefined) return choices.map((choice) => `\`${String(choice)}\``).join(', ');
  if (type === 'array' && items !== undefined) return `list of ${items.enum === undefined ? 'text' : typeText(items)}`;
  if (minimum !== undefined && maximum !== undefined) return `${type === 'integer' ? 'whole number' : 'number'}, ${String(minimum)} to ${String(maximum)}`;
  return type === 'string' ? 'text' : (type ?? '');
}

function defaultText(schema: JsonSchema): string {
  return schema.default === undefined ? '–' : `\`${JSON.stringify(schema.default)}\``;
}

function cell(text: string): string {
  return text.replace(/ Defaults?: [^.]*(?:\.|$)/, '').replaceAll('|', '\\|');
}

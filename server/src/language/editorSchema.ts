import { schemaAt, type JsonSchema } from '../config/schema';
import { knownPrograms } from './programs';

/** The schema with what only an editor offers: well-known programs for the command lists, and the tools that there are for overrides. */
export function editorSchema(schema: JsonSchema, tools: readonly string[]): JsonSchema {
  const copy = structuredClone(schema);
  for (const list of ['allowedCommands', 'requireApproval']) offerPrograms(schemaAt(copy, ['plugins', 'shell', list]));
  offerTools(schemaAt(copy, ['circuitBreaker', 'overrides']), tools);
  return copy;
}

function offerPrograms(list: JsonSchema | undefined): void {
  if (list?.items === undefined) return;
  const known: JsonSchema = { type: 'string', enum: knownPrograms.map(({ name }) => name), markdownEnumDescriptions: knownPrograms.map(({ note }) => note) };
  list.items = { anyOf: [known, list.items] };
}

function offerTools(overrides: JsonSchema | undefined, tools: readonly string[]): void {
  const each = overrides?.additionalProperties;
  if (overrides === undefined || typeof each !== 'object') return;
  overrides.properties = Object.fromEntries(tools.map((tool) => [tool, { ...each, description: `Other values for the breaker of ${tool}.` }]));
}

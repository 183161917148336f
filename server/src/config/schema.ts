import { z } from 'zod';
import { configSchema } from '../../../protocol/src/config';

/** The part of JSON Schema (draft 7) that a configuration schema uses, with the words that only editors read. */
export type JsonSchema = {
  $schema?: string;
  title?: string;
  type?: string;
  description?: string;
  markdownDescription?: string;
  default?: unknown;
  examples?: unknown[];
  defaultSnippets?: { label: string; description?: string; body: unknown }[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  if?: JsonSchema;
  then?: JsonSchema;
  const?: unknown;
  uniqueItems?: boolean;
  enum?: (string | number)[];
  markdownEnumDescriptions?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  allowComments?: boolean;
  allowTrailingCommas?: boolean;
};

/** The JSON Schema of `config.json`, generated from the one zod source; what people write, so that keys with defaults may be absent. */
export function configJsonSchema(): JsonSchema {
  return jsonSchemaOf(configSchema);
}

/** The JSON Schema of a file that people write, as JSON with comments. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const generated = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      if (jsonSchema.description !== undefined) jsonSchema['markdownDescription'] = jsonSchema.description;
    },
  });
  // A plain copy without the library's own hidden members. The cast names a shape that the test beside this file checks.
  const copy = JSON.parse(JSON.stringify(generated)) as JsonSchema;
  return { ...copy, allowComments: true, allowTrailingCommas: true };
}

/** The schema at a path of keys and indexes; undefined where nothing is known. */
export function schemaAt(root: JsonSchema, path: readonly PropertyKey[]): JsonSchema | undefined {
  let here: JsonSchema | undefined = root;
  for (const part of path) {
    if (here === undefined) return undefined;
    if (typeof part === 'number') here = here.items;
    else here = ownProperty(here, String(part)) ?? (typeof here.additionalProperties === 'object' ? joined(here.additionalProperties) : undefined);
  }
  return here;
}

/** Several shapes that one value may have, as one that knows the keys of all; the first that has a key describes it. */
function joined(schema: JsonSchema): JsonSchema {
  if (schema.oneOf === undefined) return schema;
  return { ...schema, properties: Object.fromEntries([...schema.oneOf].reverse().flatMap((one) => Object.entries(one.properties ?? {}))) };
}

/** Every path of keys in the schema, parents first; keys that people choose themselves are left out. */
export function schemaPaths(schema: JsonSchema, path: readonly string[] = []): (readonly string[])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => [[...path, key], ...schemaPaths(child, [...path, key])]);
}

function ownProperty({ properties }: JsonSchema, key: string): JsonSchema | undefined {
  return properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
}

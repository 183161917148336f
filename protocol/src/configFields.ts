import { z } from 'zod';
import type { Backend } from './backends';
import { credentialNameSchema, referencesIn } from './credentials';

/** What a plugin or an external server wants to be told before it is ready: a small part of JSON Schema, in which `secret: true` marks what only the credential store may hold. */

const fieldName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,129}$/, 'must be letters, digits, "_", "." and "-"');

const secretField = z.strictObject({
  type: z.literal('string'),
  title: z.string().min(1).max(200),
  description: z.string().max(500).optional(),
  secret: z.literal(true),
  /** Where the value is kept, `service.key`. */
  credential: credentialNameSchema,
});
const plainField = z.strictObject({
  type: z.enum(['string', 'integer', 'number', 'boolean']),
  title: z.string().min(1).max(200),
  description: z.string().max(500).optional(),
  secret: z.literal(false),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
});

/** One field. A secret one never has a default. */
export const configFieldSchema = z.discriminatedUnion('secret', [secretField, plainField]);

/** One field. */
export type ConfigField = z.infer<typeof configFieldSchema>;

/** The `configSchema` of a plugin or an external server. */
export const configFieldsSchema = z.strictObject({
  type: z.literal('object'),
  properties: z.record(fieldName, configFieldSchema),
  /** Without these it is not configured. */
  required: z.array(fieldName).default([]),
});

/** The `configSchema` of a plugin or an external server. */
export type ConfigFields = z.infer<typeof configFieldsSchema>;

/** The fields of an external server: every credential that its profile names, each required, since it is not started without. */
export function fieldsOfBackend(name: string, profile: Backend): ConfigFields {
  const [word, texts] = profile.transport === 'stdio' ? ['variable', profile.env] : ['header', profile.headers];
  const uses = new Map<string, string[]>();
  for (const [place, text] of Object.entries(texts)) {
    for (const credential of referencesIn(text)) uses.set(credential, [...(uses.get(credential) ?? []), place]);
  }
  const properties = Object.fromEntries([...uses].map(([credential, places]) => [credential, { type: 'string' as const, title: `${word} ${places.join(', ')} of the server ${name}`, secret: true as const, credential }]));
  return { type: 'object', properties, required: [...uses.keys()] };
}

/** Variables that a program needs and that its profile gets from nowhere; the file must say where they come from. */
export function variablesWithoutSource(profile: Backend): readonly string[] {
  if (profile.transport !== 'stdio') return [];
  const given = new Set([...Object.keys(profile.env), ...profile.env_passthrough]);
  return profile.required_env.filter((name) => !given.has(name));
}

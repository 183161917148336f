import { z } from 'zod';
import type { Backend } from './backends';
import { credentialNameSchema, referencesIn } from './credentials';

/** `configSchema` in the profile of an external server: what it wants to be told, field by field, in a small part of JSON Schema. `secret: true` marks what only the credential store may hold. */

const title = z.string().min(1).max(200).optional().describe('What it is, in a few words; asked with at set-up. Default: its name.');
const description = z.string().max(500).optional().describe('More about it, for instance where it is issued.');
const secretField = z
  .strictObject({
    type: z.literal('string').describe('Secrets are text.'),
    title, description,
    secret: z.literal(true).describe('Only the credential store may hold it. It is asked for unseen, and the server is not started while it stands in this file.'),
    credential: credentialNameSchema.optional().describe('Where it is kept, `service.key`. Default: the name of the server, a dot, and the name of the field in small letters.'),
  })
  .describe('A secret.');
const plainField = z
  .strictObject({
    type: z.enum(['string', 'integer', 'number', 'boolean']).describe('What its value is.'),
    title, description,
    secret: z.literal(false).optional().describe('It is no secret. Default: false.'),
    enum: z.array(z.string().min(1).max(200)).min(1).max(100).optional().describe('The values that it can have. Default: any of its type.').meta({ uniqueItems: true }),
    default: z.union([z.string().max(2000).regex(/^(?:[^$]|\$(?!\{))*$/, 'Write text without ${...}.'), z.number(), z.boolean()]).optional().describe('What the server gets where nothing else is given. Default: nothing.'),
  })
  .describe('A setting.');

/** One field as people write it. */
export const backendFieldSchema = z.union([secretField, plainField]).describe('One field: a secret, or a setting.');

/** One field as people write it. */
export type BackendField = z.output<typeof backendFieldSchema>;

/** The `configSchema` of a server whose fields have names of a kind: variables of a program, or headers. */
export function backendFieldsSchema(name: z.ZodType<string, string> & z.ZodString, place: string) {
  return z
    .strictObject({
      type: z.literal('object').describe('A set of fields.'),
      properties: z.record(name, backendFieldSchema).refine((fields) => Object.keys(fields).length <= 100, 'At most 100 fields.').describe(`The fields, by the name of the ${place} that each becomes.`),
      required: z.array(name).max(100).default([]).describe('Fields without which the server is not started. Default: none.').meta({ uniqueItems: true }),
    })
    .refine(({ properties, required }) => required.every((field) => Object.hasOwn(properties, field)), { message: 'Name only fields that stand in "properties".', path: ['required'] })
    .describe(`What the server wants to be told; "conductor config setup" and Set Up Credentials… ask for it. Each field becomes a ${place}. Default: nothing.`);
}

/** The credential of a secret field. */
export function credentialOf(backend: string, name: string, { credential }: Readonly<{ credential?: string | undefined }>): string {
  return credential ?? `${backend}.${name.toLowerCase().slice(0, 64)}`;
}

/** The variables of a program, or the headers of requests. */
export function textsOf(profile: Backend): Readonly<Record<string, string>> {
  return profile.transport === 'stdio' ? profile.env : profile.headers;
}

/** The profile with what its fields give: references to credentials, and defaults; what stands in `env` or `headers` comes first. The same when it has no fields. */
export function withFields(backend: string, profile: Backend): Backend {
  const { configSchema } = profile;
  if (configSchema === undefined) return profile;
  const given = textsOf(profile);
  const added = Object.entries(configSchema.properties).flatMap(([name, field]): [string, string][] => {
    if (Object.hasOwn(given, name)) return [];
    if (field.secret === true) return [[name, `\${secret:${credentialOf(backend, name, field)}}`]];
    return field.default === undefined ? [] : [[name, String(field.default)]];
  });
  const texts = { ...given, ...Object.fromEntries(added) };
  return profile.transport === 'stdio' ? { ...profile, env: texts } : { ...profile, headers: texts };
}

/** Required settings that nobody gave yet, by name; those of a profile `withFields`. */
export function unanswered(profile: Backend): readonly string[] {
  const { configSchema } = profile;
  const texts = textsOf(profile);
  const passed = profile.transport === 'stdio' ? profile.env_passthrough : [];
  return (configSchema?.required ?? []).filter((name) => configSchema?.properties[name]?.secret !== true && (texts[name] ?? '') === '' && !passed.includes(name));
}

/** Every setting that is no secret, with what the server gets for it now; null for nothing. */
export function settingsOf(profile: Backend): readonly Readonly<{ name: string; field: BackendField; required: boolean; value: string | null }>[] {
  const { configSchema } = profile;
  return Object.entries(configSchema?.properties ?? {}).flatMap(([name, field]) => (field.secret === true ? [] : [{ name, field, required: configSchema?.required.includes(name) === true, value: textsOf(profile)[name] ?? null }]));
}

/** Variables or headers that are left out while their secret is not set, since no field requires it. */
export function optionalSecrets({ configSchema }: Backend): ReadonlySet<string> {
  return new Set(Object.entries(configSchema?.properties ?? {}).flatMap(([name, field]) => (field.secret === true && configSchema?.required.includes(name) !== true ? [name] : [])));
}

/** Secret fields whose text in the file is no reference, by name. */
export function secretsInClear(profile: Backend): readonly string[] {
  const texts = textsOf(profile);
  return Object.entries(profile.configSchema?.properties ?? {}).flatMap(([name, { secret }]) => (secret === true && (texts[name] ?? '') !== '' && referencesIn(texts[name] ?? '').length === 0 ? [name] : []));
}

/** What is wrong with an answer to a setting, as a sentence; undefined when nothing is. */
export function answerFlaw(field: BackendField, text: string): string | undefined {
  if (field.secret === true) return 'A secret is kept in the credential store, not in this file.';
  if (/\$\{|[\0-\x1f\x7f]/.test(text)) return 'Write one line without ${...}.';
  if (field.enum !== undefined && !field.enum.includes(text)) return `Write one of: ${field.enum.join(', ')}.`;
  switch (field.type) {
    case 'boolean':
      return text === 'true' || text === 'false' ? undefined : 'Write true or false.';
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? undefined : 'Write a whole number.';
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? undefined : 'Write a number.';
    case 'string':
      return text.length <= 2000 ? undefined : 'Write at most 2000 characters.';
  }
}

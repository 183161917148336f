import { z } from 'zod';
import { optionalSecrets, textsOf } from './backendFields';
import type { Backend } from './backends';
import type { Config } from './config';
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

/** A credential that something in the configuration names, and where: a variable or a header, in words. `title`: what it is called in the `configSchema` of the server. */
export type WantedCredential = Readonly<{ name: string; place: string; title?: string; description?: string; /** The server works without it. */ optional?: true }>;

/** The credentials that the profile of an external server names, in its order; its fields are in it already. */
export function wantedByBackend(profile: Backend): readonly WantedCredential[] {
  const word = profile.transport === 'stdio' ? 'variable' : 'header';
  const optional = optionalSecrets(profile);
  return Object.entries(textsOf(profile)).flatMap(([place, text]) => {
    const { title, description } = profile.configSchema?.properties[place] ?? {};
    return referencesIn(text).map((name) => ({ name, place: `${word} ${place}`, ...(title === undefined ? {} : { title }), ...(description === undefined ? {} : { description }), ...(optional.has(place) ? { optional: true as const } : {}) }));
  });
}

/** The credentials that `config.json` gives to the commands of agents, in its order. */
export function wantedByCommands({ plugins }: Config): readonly WantedCredential[] {
  return Object.entries(plugins.shell.secrets).flatMap(([command, variables]) => Object.entries(variables).flatMap(([variable, text]) => referencesIn(text).map((name) => ({ name, place: `variable ${variable} of the command ${command}` }))));
}

/** The fields of an external server: every credential that its profile names, required unless its `configSchema` says otherwise, since it is not started without. */
export function fieldsOfBackend(name: string, profile: Backend): ConfigFields {
  return fieldsFor(wantedByBackend(profile), (places) => `${places.join(', ')} of the server ${name}`);
}

/** The fields of Conductor's own plugins, by the plugin: only `shell` has any, for each credential that it gives to a command, which does not run without. */
export function fieldsOfPlugins(config: Config): Readonly<Record<string, ConfigFields>> {
  const wanted = wantedByCommands(config);
  return wanted.length === 0 ? {} : { shell: fieldsFor(wanted, (places) => places.join(', ')) };
}

function fieldsFor(wanted: readonly WantedCredential[], titleOf: (places: readonly string[]) => string): ConfigFields {
  const names = [...new Set(wanted.map(({ name }) => name))];
  const of = (credential: string): readonly WantedCredential[] => wanted.filter(({ name }) => name === credential);
  const properties = Object.fromEntries(names.map((credential) => [credential, { type: 'string' as const, title: titleOf(of(credential).map(placeOf)), secret: true as const, credential }]));
  return { type: 'object', properties, required: names.filter((credential) => of(credential).some(({ optional }) => optional !== true)) };
}

/** Where a credential goes, and what it is called there. */
export function placeOf({ place, title }: WantedCredential): string {
  return title === undefined ? place : `${title}, ${place}`;
}

/** Variables that a program needs and that its profile gets from nowhere; the file must say where they come from. */
export function variablesWithoutSource(profile: Backend): readonly string[] {
  if (profile.transport !== 'stdio') return [];
  const given = new Set([...Object.keys(profile.env), ...profile.env_passthrough]);
  return profile.required_env.filter((name) => !given.has(name));
}

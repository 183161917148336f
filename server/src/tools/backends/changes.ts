import { readFileSync } from 'node:fs';
import { applyEdits, modify } from 'jsonc-parser';
import type { z } from 'zod';
import { answerFlaw } from '../../../../protocol/src/backendFields';
import { backendsSchema, noBackends, type Backends } from '../../../../protocol/src/backends';
import type { BackendChange } from '../../../../protocol/src/externalServers';
import { ConductorError } from '../../../../protocol/src/errors';
import { externalPolicySchema, nothingExternal, type ExternalPolicy } from '../../../../protocol/src/externalPolicy';
import { writePrivateFile } from '../../base/privateFile';
import { parseAs } from '../../config/parse';
import { jsonSchemaOf } from '../../config/schema';
import { secretUnder } from '../../rules/redaction/typedSecret';
import { backendsChange, policyChange, type ChangeMeaning } from '../../rules/backends/widening';
import { contentHash, type ExternalFiles } from './files';

/** A change of one of the two files, worked out and not made yet. */
export type PlannedChange = ChangeMeaning &
  Readonly<{
    /** Absolute path of the file. */
    file: string;
    /** SHA-256 hex of the content before and after. */
    before: string;
    hash: string;
    /** The whole new text. */
    text: string;
    /** Puts the text in place. Throws CONFLICT when the file is another by now. */
    make(): void;
  }>;

/** Works a change out on the file as it stands. Comments and order stay. Throws INVALID_INPUT, NOT_FOUND, CONFLICT, and CONFIG_INVALID while the file is broken. */
export function planChange(files: ExternalFiles, change: BackendChange): PlannedChange {
  return change.change === 'policy' ? planPolicy(files, change) : planBackends(files, change);
}

/** The text of the file of servers as it stands, and with these servers added. Throws CONFIG_INVALID while the file is broken. */
export function textWith(files: ExternalFiles, added: readonly (readonly [backend: string, profile: unknown])[]): Readonly<{ before: string; after: string }> {
  const { file } = files.backends.current().state;
  const before = readText(file, noServers);
  valid(file, before, backendsSchema);
  return { before, after: added.reduce((text, [backend, profile]) => applyEdits(text, modify(text, ['backends', backend], profile, layout)), before) };
}

type FileChange = Exclude<BackendChange, { change: 'policy' }>;
type PolicyChange = Extract<BackendChange, { change: 'policy' }>;

const noServers = '{\n  "version": 1,\n  "backends": {}\n}\n';
const layout = { formattingOptions: { tabSize: 2, insertSpaces: true } };

function planBackends(files: ExternalFiles, change: FileChange): PlannedChange {
  const { file } = files.backends.current().state;
  const old = readText(file, noServers);
  const before = valid(file, old, backendsSchema);
  expect(change.expectedHash, contentHash(before));
  if (change.change !== 'set' && !Object.hasOwn(before.backends, change.backend)) throw new ConductorError('NOT_FOUND', `There is no backend ${JSON.stringify(change.backend)}.`);
  if (change.change === 'configure') {
    const text = configured(old, change, before.backends[change.backend]);
    const after = given(text, backendsSchema);
    return { ...backendsChange(before, after), ...made(file, old, text, contentHash(before), contentHash(after)) };
  }
  const path = change.change === 'enable' || change.change === 'disable' ? ['backends', change.backend, 'enabled'] : ['backends', change.backend];
  const value = change.change === 'set' ? change.profile : change.change === 'remove' ? undefined : change.change === 'enable';
  const text = applyEdits(old, modify(old, path, value, layout));
  const after = given(text, backendsSchema);
  return { ...backendsChange(before, after), ...made(file, old, text, contentHash(before), contentHash(after)) };
}

/** Puts answers to settings among the variables or headers of a server. */
function configured(old: string, { backend, values }: Extract<BackendChange, { change: 'configure' }>, profile: Backends['backends'][string] | undefined): string {
  const member = profile?.transport === 'stdio' ? 'env' : 'headers';
  return Object.entries(values).reduce((text, [name, value]) => {
    const field = profile?.configSchema?.properties[name];
    if (field === undefined) throw new ConductorError('INVALID_INPUT', `The configSchema of ${backend} has no field ${JSON.stringify(name)}.`);
    const flaw = answerFlaw(field, value) ?? (secretUnder(name, value) === undefined ? undefined : 'This looks like a secret, which belongs in the credential store.');
    if (flaw !== undefined) throw new ConductorError('INVALID_INPUT', `${name}: ${flaw}`);
    return applyEdits(text, modify(text, ['backends', backend, member, name], value, layout));
  }, old);
}

function planPolicy(files: ExternalFiles, { policy, mode, expectedHash }: PolicyChange): PlannedChange {
  const { file } = files.policy.current().state;
  const old = readText(file, '{ "version": "1" }\n');
  const before = valid(file, old, externalPolicySchema);
  expect(expectedHash, contentHash(before));
  const wanted = given(JSON.stringify({ version: '1', ...policy }), externalPolicySchema);
  const text = mode === 'replace' ? `${JSON.stringify({ version: '1', ...policy }, undefined, 2)}\n` : merged(old, policy);
  const after = given(text, externalPolicySchema);
  const known = new Set(Object.keys(files.backends.current().value.backends));
  const unknown = [...wanted.rules].find(({ backend }) => !known.has(backend));
  if (unknown !== undefined) throw new ConductorError('INVALID_INPUT', `There is no backend ${JSON.stringify(unknown.backend)}, which a rule names.`);
  return { ...policyChange(before, after), ...made(file, old, text, contentHash(before), contentHash(after)) };
}

/** Adds rules and denials behind those that are there. */
function merged(old: string, policy: Readonly<Record<string, unknown>>): string {
  const lists = ['rules', 'deny'] as const;
  return lists.reduce((text, list) => {
    const added: readonly unknown[] = Array.isArray(policy[list]) ? (policy[list] as unknown[]) : [];
    return added.reduce<string>((so, one) => {
      const present = valid('', so, externalPolicySchema)[list satisfies keyof ExternalPolicy];
      return applyEdits(so, modify(so, [list, present.length], one, { ...layout, isArrayInsertion: true }));
    }, text);
  }, old);
}

/** Whether a policy names every tool, which strict mode refuses to take. */
export function hasWildcard({ policy }: PolicyChange): boolean {
  const parsed = externalPolicySchema.safeParse({ version: '1', ...policy });
  return parsed.success && parsed.data.rules.some(({ tools }) => tools.includes('*'));
}

function made(file: string, old: string, text: string, before: string, hash: string): Omit<PlannedChange, keyof ChangeMeaning> {
  return {
    file, before, hash, text,
    make: () => {
      if (readText(file, old) !== old) throw new ConductorError('CONFLICT', `${file} was changed meanwhile.`);
      writePrivateFile(file, text);
    },
  };
}

function readText(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return otherwise;
    throw new ConductorError('CONFIG_INVALID', `${file} cannot be read.`, { cause: error });
  }
}

/** The content of the file as it stands; a broken one is corrected by hand first. */
function valid<T>(file: string, text: string, schema: z.ZodType<T>): T {
  const parsed = parseAs(text, schema, () => jsonSchemaOf(schema));
  if (parsed.kind === 'config') return parsed.config;
  throw new ConductorError('CONFIG_INVALID', `${file} is wrong in line ${String(parsed.problems[0]?.line ?? 1)}: ${parsed.problems[0]?.message ?? ''}`);
}

function given<T>(text: string, schema: z.ZodType<T>): T {
  const parsed = parseAs(text, schema, () => jsonSchemaOf(schema));
  if (parsed.kind === 'config') return parsed.config;
  throw new ConductorError('INVALID_INPUT', parsed.problems.slice(0, 5).map(({ path, message }) => `${path}: ${message}`).join(' '));
}

function expect(expected: string | undefined, hash: string): void {
  if (expected !== undefined && expected !== hash) throw new ConductorError('CONFLICT', 'The file is another than the one with the expected hash.', { data: { hash } });
}

/** Hashes of the two files with nothing in them. */
export const emptyHashes = { backends: contentHash(noBackends), policy: contentHash(nothingExternal) } as const;

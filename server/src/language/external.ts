import { basename, dirname, normalize } from 'node:path';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import type { z } from 'zod';
import { backendSchema, backendsFileName, backendsSchema, projectBackendsSchema, projectFolderName } from '../../../protocol/src/backends';
import { externalPolicyFileName, externalPolicySchema, type ExternalPolicy } from '../../../protocol/src/externalPolicy';
import { closest } from '../config/closest';
import { createLocator, pathText, type Finding } from '../config/finding';
import { parseJsonc } from '../config/jsonc';
import { parseAs } from '../config/parse';
import { jsonSchemaOf, type JsonSchema } from '../config/schema';
import { alikeBackends } from '../rules/backends/names';
import { openEgress } from '../rules/backends/verdict';
import { jsonLanguage, samePath, type ConfigLanguage } from './language';
import type { SecretRules } from './secretPlaces';
import { backendSecrets, noSecrets } from './secretRules';
import { secretFindings, type CredentialNames } from './secrets';

/** What is known of external servers at this moment. */
export type ExternalKnowledge = Readonly<{
  /** Absolute configuration folder. */
  configDir: string;
  /** The registered backends: the tools that each offered last, undefined before that, and the required variables that are not set. */
  backends(): ReadonlyMap<string, Readonly<{ tools: readonly string[] | undefined; missingEnv: readonly string[] }>>;
  strict(): boolean;
  /** The credentials that there are. Absent: unknown. */
  credentials?: () => CredentialNames;
}>;

/** The languages of `mcp_backends.json` and `external_mcp_policy.json`: the user's own, and those of projects, which only tighten. */
export function externalLanguages(knowledge: ExternalKnowledge): readonly ConfigLanguage[] {
  const own = (name: string) => (uri: string): boolean => samePath(uri, join(knowledge.configDir, name));
  const project = (name: string) => (uri: string): boolean => !own(name)(uri) && isIn(uri, projectFolderName, name);
  const policy = policySchema(knowledge);
  const { credentials } = knowledge;
  return [
    languageOf(own(backendsFileName), backendsSchema, constant(jsonSchemaOf(backendsSchema)), (root) => backendsAdvice(root, knowledge), backendSecrets, credentials),
    languageOf(own(externalPolicyFileName), externalPolicySchema, policy, (root) => policyAdvice(root, knowledge)),
    languageOf(project(backendsFileName), projectBackendsSchema, constant(jsonSchemaOf(projectBackendsSchema)), () => []),
    languageOf(project(externalPolicyFileName), externalPolicySchema, policy, (root) => policyAdvice(root, knowledge)),
  ];
}

type Path = readonly (string | number)[];
type Advice = Readonly<{ code: string; severity: Finding['severity']; message: string; path: Path; mark?: 'key'; instead?: string }>;

function constant<T>(value: T): () => T {
  return () => value;
}

function isIn(uri: string, folder: string, name: string): boolean {
  try {
    const path = normalize(fileURLToPath(uri));
    return basename(path) === name && basename(dirname(path)) === folder;
  } catch {
    return false; // No file on this machine.
  }
}

function languageOf<T>(owns: (uri: string) => boolean, schema: z.ZodType<T>, described: () => JsonSchema, advise: (root: Node) => readonly Advice[], secrets: SecretRules = noSecrets, credentials?: () => CredentialNames): ConfigLanguage {
  const plain = jsonSchemaOf(schema);
  return jsonLanguage({
    owns, schema: described, secrets, ...(credentials === undefined ? {} : { credentials }),
    findings: (text) => {
      const parsed = parseAs(text, schema, () => plain);
      const broken = parsed.kind === 'broken' ? parsed.problems : [];
      const { root, problems } = parseJsonc(text);
      const advice = root === undefined || problems.length > 0 ? [] : located(text, root, advise(root));
      return [...broken, ...advice, ...secretFindings(text, secrets, 'backends.clearSecret', credentials?.())].sort((a, b) => a.offset - b.offset);
    },
  });
}

function located(text: string, root: Node, advice: readonly Advice[]): Finding[] {
  const locate = createLocator(text);
  return advice.flatMap(({ code, severity, message, path, mark, instead }): Finding[] => {
    const value = findNodeAtLocation(root, [...path]);
    const node = mark === 'key' ? value?.parent?.children?.[0] : value;
    if (node === undefined) return [];
    // A whole object in yellow helps nobody: its first character is enough.
    const span = { offset: node.offset, length: node.children === undefined ? node.length : 1 };
    return [{ code, severity, message, path: pathText(path), ...locate(span.offset), ...span, ...(instead === undefined ? {} : { fix: { title: `Change to ${JSON.stringify(instead)}`, ...span, newText: JSON.stringify(instead) } }) }];
  });
}

function backendsAdvice(root: Node, { backends, strict }: ExternalKnowledge): Advice[] {
  const profiles = membersOf(root, ['backends']);
  const known = backends();
  const alike = alikeBackends(profiles).map(([name, like]): Advice => ({ code: 'backends.lookAlike', severity: 'warning', message: `The name ${name} looks like ${like}.`, path: ['backends', name], mark: 'key' }));
  return [...alike, ...profiles.flatMap((name) => profileAdvice(root, name, strict(), known.get(name)?.missingEnv ?? []))];
}

function profileAdvice(root: Node, name: string, strict: boolean, missing: readonly string[]): Advice[] {
  const node = findNodeAtLocation(root, ['backends', name]);
  const parsed = backendSchema.safeParse(node === undefined ? undefined : getNodeValue(node));
  if (!parsed.success) return [];
  const open = openEgress(parsed.data);
  const stated = parsed.data.egress_allowlist !== undefined;
  const egress: Advice[] = open === undefined ? [] : [{ code: 'backends.egress', severity: strict ? 'error' : 'warning', message: `${open}. ${strict ? 'Strict mode refuses that.' : 'Name the hosts in egress_allowlist; [] is none at all.'}`, path: ['backends', name, ...(stated ? ['egress_allowlist'] : [])], mark: 'key' }];
  const variables = parsed.data.required_env.flatMap((variable, index): Advice[] => (missing.includes(variable) ? [{ code: 'backends.missingEnv', severity: 'warning', message: `${variable} is not set, so calls of ${name} are refused.`, path: ['backends', name, 'required_env', index] }] : []));
  return [...egress, ...variables];
}

function policyAdvice(root: Node, { backends, strict }: ExternalKnowledge): Advice[] {
  const known = backends();
  return (['rules', 'deny'] as const).flatMap((list) => {
    const rules = findNodeAtLocation(root, [list])?.children ?? [];
    return rules.flatMap((_, index) => ruleAdvice(root, [list, index], known, strict()));
  });
}

function ruleAdvice(root: Node, path: Path, known: ReturnType<ExternalKnowledge['backends']>, strict: boolean): Advice[] {
  const backend: unknown = findNodeAtLocation(root, [...path, 'backend'])?.value;
  if (typeof backend !== 'string') return [];
  const found = known.get(backend);
  if (found === undefined) {
    const near = closest(backend, [...known.keys()]);
    return [{ code: 'policy.unknownBackend', severity: 'warning', message: `There is no backend ${JSON.stringify(backend)} in mcp_backends.json.${near === undefined ? '' : ` Did you mean ${JSON.stringify(near)}?`}`, path: [...path, 'backend'], ...(near === undefined ? {} : { instead: near }) }];
  }
  const items = (['tools', 'read_only_tools'] as const).flatMap((list) => (findNodeAtLocation(root, [...path, list])?.children ?? []).map((node, index) => ({ tool: node.value as unknown, path: [...path, list, index] })));
  const tracks: Advice[] = findNodeAtLocation(root, [...path, 'tracks']) === undefined ? [] : [{ code: 'policy.tracks', severity: 'warning', message: 'There are no tracks yet, so this rule allows nothing. Leave "tracks" out for it to hold.', path: [...path, 'tracks'], mark: 'key' }];
  return tracks.concat(items.flatMap(({ tool, path: at }): Advice[] => {
    if (tool === '*') return path[0] === 'deny' ? [] : [{ code: 'policy.wildcard', severity: strict ? 'error' : 'warning', message: strict ? 'Strict mode refuses every tool at once. Name each.' : 'This lets through every tool that the server has now or gets later. Name each.', path: at }];
    if (typeof tool !== 'string' || found.tools === undefined || found.tools.includes(tool)) return [];
    const near = closest(tool, found.tools);
    return [{ code: 'policy.unknownTool', severity: 'warning', message: `${backend} offers no tool ${JSON.stringify(tool)}.${near === undefined ? '' : ` Did you mean ${JSON.stringify(near)}?`}`, path: at, ...(near === undefined ? {} : { instead: near }) }];
  }));
}

function membersOf(root: Node, path: Path): string[] {
  return (findNodeAtLocation(root, [...path])?.children ?? []).flatMap(({ children }) => (typeof children?.[0]?.value === 'string' ? [children[0].value] : []));
}

/** The schema of the policy with the names that there are: backends, and for each the tools that it offered last. */
function policySchema({ backends }: ExternalKnowledge): () => JsonSchema {
  const plain = jsonSchemaOf(externalPolicySchema);
  let made: Readonly<{ key: string; schema: JsonSchema }> | undefined;
  return () => {
    const known = [...backends()];
    const key = JSON.stringify(known);
    if (made?.key !== key) made = { key, schema: withNames(plain, known) };
    return made.schema;
  };
}

function withNames(plain: JsonSchema, known: readonly (readonly [name: string, Readonly<{ tools: readonly string[] | undefined }>])[]): JsonSchema {
  const copy = structuredClone(plain);
  for (const list of ['rules', 'deny'] satisfies (keyof ExternalPolicy)[]) {
    const items = copy.properties?.[list]?.items;
    const backend = items?.properties?.['backend'];
    if (items?.properties === undefined || backend === undefined || known.length === 0) continue;
    items.properties['backend'] = { ...backend, anyOf: [{ type: 'string', enum: known.map(([name]) => name) }, { type: 'string' }] };
    items.allOf = known.flatMap(([name, { tools }]) => (tools === undefined || tools.length === 0 ? [] : [{ if: { properties: { backend: { const: name } } }, then: { properties: { tools: offering(tools), read_only_tools: offering(tools) } } }]));
  }
  return copy;
}

function offering(tools: readonly string[]): JsonSchema {
  return { items: { anyOf: [{ type: 'string', enum: [...tools] }, { type: 'string' }] } };
}

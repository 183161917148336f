import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import type { Backend } from '../../../../protocol/src/backends';

/** What a person approves of a backend: how it is started or reached. */
export type LaunchIdentity = Readonly<{
  /** SHA-256 hex of everything below. */
  hash: string;
  /** The parts in words, label and value, for showing and comparing. Values of variables and headers are named by digest only. */
  parts: readonly (readonly [label: string, value: string])[];
}>;

/** What the disk adds: the program that would start. */
export type ResolvedProgram = Readonly<{
  /** Absolute path. */
  path: string;
  /** SHA-256 hex of its bytes. */
  sha256: string;
  /** Scripts among its arguments, by absolute path. */
  scripts?: readonly Readonly<{ path: string; sha256: string }>[];
}>;

/**
 * The identity of a backend (T33): command, the program behind it, arguments, folder, variables or address and headers. `digestOf` makes a
 * keyed digest of a value, so that a short secret cannot be guessed from it; a reference to the credential store stands as it is written.
 */
export function launchIdentity(profile: Backend, program: ResolvedProgram | undefined, digestOf: (value: string) => string): LaunchIdentity {
  const parts: [string, string][] = [['transport', profile.transport]];
  const values = (label: string, given: Readonly<Record<string, string>>): void => {
    for (const name of Object.keys(given).sort()) parts.push([`${label} ${name}`, valueWords(given[name] ?? '', digestOf)]);
  };
  if (profile.transport === 'stdio') {
    parts.push(['command', profile.command], ['program', program === undefined ? 'not found' : program.path], ['program SHA-256', program?.sha256 ?? 'none']);
    for (const { path, sha256: digest } of program?.scripts ?? []) parts.push([`script ${path}`, digest]);
    parts.push(['arguments', JSON.stringify(profile.args)], ['folder', profile.cwd ?? 'default']);
    values('variable', profile.env);
    parts.push(['variables passed on', [...profile.env_passthrough].sort().join(', ')]);
  } else {
    parts.push(['address', profile.url]);
    values('header', profile.headers);
  }
  return { hash: sha256(parts), parts };
}

function valueWords(value: string, digestOf: (value: string) => string): string {
  return /^(?:[A-Za-z]+ )?\$\{secret:[A-Za-z0-9_.-]+\}$/.test(value) ? value : `#${digestOf(value).slice(0, 32)}`;
}

/** Which parts of a launch identity differ, in sentences. */
export function identityChanges(before: LaunchIdentity['parts'], after: LaunchIdentity['parts']): string[] {
  const [was, is] = [new Map(before), new Map(after)];
  const labels = [...new Set([...was.keys(), ...is.keys()])];
  return labels.flatMap((label) => {
    const [old, now] = [was.get(label), is.get(label)];
    if (old === now) return [];
    if (old === undefined) return [`New: ${label} ${now ?? ''}.`];
    return now === undefined ? [`Gone: ${label} ${old}.`] : [`Changed: ${label} from ${old} to ${now}.`];
  });
}

/** A tool as its backend describes it, raw: a JSON object with at least a name. */
export type ToolDescriptor = Readonly<{ name: string } & Record<string, unknown>>;

/** SHA-256 hex over the canonical JSON (RFC 8785) of all that a backend says of a tool, keys that nobody knows included. */
export function toolDigest(descriptor: ToolDescriptor): string {
  const known = digests.get(descriptor) ?? sha256(descriptor);
  digests.set(descriptor, known);
  return known;
}

/** Digests of descriptions that were looked at before, as long as somebody holds them; each call asks several times. */
const digests = new WeakMap<ToolDescriptor, string>();

/** SHA-256 hex over a set of tools, in whatever order they came. */
export function toolsHash(descriptors: readonly ToolDescriptor[]): string {
  return sha256(descriptors.map((one) => [one.name, toolDigest(one)]).sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0)));
}

function sha256(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value).text).digest('hex');
}

import { secretsInClear } from '../../../../protocol/src/backendFields';
import type { Backend, BackendInput } from '../../../../protocol/src/backends';
import { findSecrets } from '../redaction/secretText';
import { secretUnder } from '../redaction/typedSecret';

/** A place of a profile where a secret seems to stand in clear. The value itself is never told. */
export type ClearSecret = Readonly<{ path: readonly (string | number)[]; says: string }>;

/** Why a server is not started, and what mends that; `short`: both for a row. */
export type HeldInClear = Readonly<{ says: string; next: string; short: string }>;

/**
 * Why a server is not started although somebody approved it: a variable or a header holds a secret in clear, or what its `configSchema` calls
 * one; with what mends it. The value itself is never told. Arguments and addresses read no references, so that they are only warned about.
 */
export function heldInClear(backend: string, profile: Backend): HeldInClear | undefined {
  return looked(backend, profile).held;
}

/** What stands in clear where no reference can stand, in sentences: among arguments, and in the address. */
export function clearElsewhere(profile: Backend): readonly string[] {
  return looked('', profile).elsewhere;
}

type Looked = Readonly<{ held: HeldInClear | undefined; elsewhere: readonly string[] }>;

/** Each call asks, and a profile stays the same object as long as its file does. */
const known = new WeakMap<Backend, Map<string, Looked>>();

function looked(backend: string, profile: Backend): Looked {
  const here = known.get(profile) ?? new Map<string, Looked>();
  known.set(profile, here);
  const found = here.get(backend) ?? { held: lookForHeld(backend, profile), elsewhere: clearSecrets(profile).flatMap(({ path, says }) => (path[0] === 'args' || path[0] === 'url' ? [`${path.join('.')}: ${says}`] : [])) };
  here.set(backend, found);
  return found;
}

function lookForHeld(backend: string, profile: Backend): HeldInClear | undefined {
  const member = profile.transport === 'stdio' ? 'env' : 'headers';
  const [place] = [...secretsInClear(profile), ...clearSecrets(profile).flatMap(({ path: [first, name] }) => (first === member ? [String(name)] : []))];
  if (place === undefined) return undefined;
  const credential = `${backend}.${place.toLowerCase().replace(/[^a-z0-9_-]/g, '_').slice(0, 64)}`;
  return {
    short: `Not started: ${place} holds a secret in clear. Run "conductor secrets set ${credential}" and refer to it.`,
    says: `The server ${backend} is not started, because ${place} under "${member}" of mcp_backends.json holds a secret in clear.`,
    next: `Run "conductor secrets set ${credential}", write "\${secret:${credential}}" in its place, or let the editor move it (Move to credential store…), and change the secret where it was issued.`,
  };
}

/** Finds secrets in clear among variables, headers, arguments and the address of a profile; `${secret:service.key}` is none. */
export function clearSecrets(profile: BackendInput): ClearSecret[] {
  const named = (member: 'env' | 'headers', values: Readonly<Record<string, string>> = {}): ClearSecret[] =>
    Object.entries(values).filter(([name, value]) => secretUnder(name, value) !== undefined).map(([name]) => ({ path: [member, name], says: `${name} seems to hold a secret in clear. Keep it with "conductor secrets set" and write \${secret:service.key} here.` }));
  if (profile.transport !== 'stdio') {
    const address = findSecrets(profile.url).length > 0 ? [{ path: ['url'], says: 'The address seems to hold a secret. Send it in a header with ${secret:service.key} instead.' }] : [];
    return [...named('headers', profile.headers), ...address];
  }
  const args = (profile.args ?? []).flatMap((arg, index, all) => (findSecrets(index === 0 ? arg : `${all[index - 1] ?? ''} ${arg}`).some(({ to }) => to > (index === 0 ? 0 : (all[index - 1] ?? '').length + 1)) ? [{ path: ['args', index], says: 'This argument seems to hold a secret, which every process list shows. Hand it over in a variable with ${secret:service.key}.' }] : []));
  return [...named('env', profile.env), ...args];
}

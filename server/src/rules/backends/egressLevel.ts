import type { Backend } from '../../../../protocol/src/backends';
import type { Egress } from '../../../../protocol/src/externalServers';

/** What holds a backend to its hosts, in words that promise no more than what does. */

/** How a program is started: in a network of its own, or not and why. */
export type Netting = Readonly<{ kind: 'namespace'; sandbox: string }> | Readonly<{ kind: 'variables'; why: string }>;

/** The hosts that a program is held to; undefined where none are stated, or the list names everything. */
export function heldTo({ egress_allowlist: hosts }: Pick<Backend, 'egress_allowlist'>): readonly string[] | undefined {
  return hosts === undefined || hosts.some((host) => host.split(':', 1)[0] === '*') ? undefined : hosts;
}

/** The level in force, or the one that a start would have. `netting` counts for programs whose hosts are stated. */
export function egressOf(profile: Backend, netting: Netting): Egress {
  const hosts = heldTo(profile);
  if (profile.transport !== 'stdio') return { level: 'dialer', says: hosts === undefined && profile.egress_allowlist !== undefined ? 'Conductor connects for it, to any public address.' : `Conductor connects for it, only to ${listed(hosts ?? [new URL(profile.url).host])}, at addresses that it checked.` };
  if (hosts === undefined) return { level: 'open', says: `Nothing holds it back: ${profile.egress_allowlist === undefined ? 'it is not stated which hosts it may reach' : 'its list of hosts names everything'}.` };
  if (netting.kind === 'namespace') return { level: 'namespace', says: hosts.length === 0 ? `It has no network (${netting.sandbox}).` : `It has no network but Conductor's proxy, which leads to ${listed(hosts)} only (${netting.sandbox}).` };
  return { level: 'proxy', says: `Only asked by variables to use Conductor's proxy, which leads to ${hosts.length === 0 ? 'no host' : `${listed(hosts)} only`}; a program that ignores them is not held back (${netting.why}).` };
}

function listed(hosts: readonly string[]): string {
  return hosts.slice(0, 10).join(', ') + (hosts.length > 10 ? ` and ${String(hosts.length - 10)} more` : '');
}

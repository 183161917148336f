import type { NewEvent } from '../../../../protocol/src/audit/entry';
import { backendSchema } from '../../../../protocol/src/backends';
import type { BackendChange } from '../../../../protocol/src/externalServers';
import { ConductorError } from '../../../../protocol/src/errors';
import { heldInClear } from '../../rules/backends/clearSecrets';
import { openEgress } from '../../rules/backends/verdict';
import { hasWildcard, planChange } from './changes';
import type { OpenRegistry } from './openRegistry';

/** Makes a change of one of the two files, recorded before it is made and in force when it resolves. Rejects as `planChange` does, and with INVALID_INPUT for what strict mode does not take. */
export async function makeChange(registry: OpenRegistry, change: BackendChange, record: (event: Omit<NewEvent, 'actor'>) => Promise<unknown>): Promise<{ widens: boolean; says: string[]; hash: string }> {
  const plan = planChange(registry.files, change);
  const flaw = describeStrict(registry, change)[0];
  const clear = clearIn(change);
  if (clear !== undefined) throw clear;
  if (flaw !== undefined && registry.mode().strict) throw new ConductorError('INVALID_INPUT', `${flaw} Strict mode refuses that.`);
  const about = change.change === 'policy' ? { mode: change.mode } : { backend: change.backend };
  await record({ phase: 'event', tool: change.change === 'policy' ? 'backend.policyChanged' : 'backend.changed', input: { change: change.change, ...about, widens: plan.widens, says: plan.says.slice(0, 50), before: plan.before, after: plan.hash }, result: 'ok' });
  plan.make();
  await registry.reload();
  return { widens: plan.widens, says: [...plan.says], hash: plan.hash };
}

/** A secret in clear would only lie in the file: the server would not be started. */
function clearIn(change: BackendChange): ConductorError | undefined {
  const profile = change.change === 'set' ? backendSchema.safeParse(change.profile).data : undefined;
  const held = change.change !== 'set' || profile === undefined ? undefined : heldInClear(change.backend, profile);
  return held === undefined ? undefined : new ConductorError('INVALID_INPUT', `${held.says} Nothing was changed.`, { next: held.next });
}

/** What strict mode refuses of a change, in sentences. */
export function describeStrict(_: OpenRegistry, change: BackendChange): string[] {
  if (change.change === 'policy') return hasWildcard(change) ? ['The policy lists every tool by "*".'] : [];
  if (change.change !== 'set') return [];
  const profile = backendSchema.safeParse(change.profile);
  const open = profile.success ? openEgress(profile.data) : undefined;
  return open === undefined ? [] : [`${open}.`];
}

import type { ErrorCode } from '../../../../protocol/src/errors';
import type { Backends } from './backends';
import type { OpenRegistry } from './openRegistry';

/** Why a tool of a server is not there, and who can change that. */
export type Absence = Readonly<{ code: ErrorCode; rule: string; reason: string; retryAfterMs?: number }>;

/** What is to be said of a tool that was called and is not there; undefined where no registered server is meant. */
export function absenceOf(registry: Pick<OpenRegistry, 'known' | 'quarantined' | 'mode'>, backends: Pick<Backends, 'get'>, backend: string, tool: string): Absence | undefined {
  const profile = registry.known().get(backend);
  if (profile === undefined) return undefined;
  const called = JSON.stringify(tool.slice(0, 100));
  if (!registry.mode().enabled) return { code: 'DENIED', rule: 'external.off', reason: 'External servers are switched off in config.json, or its file cannot be used. Ask the user.' };
  if (!profile.enabled) return { code: 'DENIED', rule: 'external.disabled', reason: `The backend ${backend} is disabled. Ask the user to enable it.` };
  const quarantined = registry.quarantined(backend);
  if (quarantined?.data['clear'] === true) return { code: quarantined.code, rule: 'external.clearSecret', reason: `${quarantined.message} The user mends that: ${quarantined.next} Until then ${called} is not there.` };
  if (quarantined !== undefined) return { code: quarantined.code, rule: 'external.quarantined', reason: `${quarantined.message} The user approves it with "conductor backends approve ${backend}", or in the view of servers in the editor; until then ${called} is not there.` };
  const state = backends.get(backend)?.state;
  if (state?.kind === 'failed') return { code: 'BACKEND_UNAVAILABLE', rule: 'external.unavailable', reason: `The server ${backend} is not there: ${state.why}` };
  if (state?.kind !== 'ready') return { code: 'BACKEND_UNAVAILABLE', rule: 'external.starting', reason: `The server ${backend} has not told its tools yet. Call again in a few seconds.`, retryAfterMs: 2000 };
  return { code: 'UNKNOWN_TOOL', rule: 'tool.unknown', reason: `The server ${backend} offers no tool ${called}.` };
}

import type { Outcome } from '../../../../protocol/src/call';
import { ConductorError, toConductorError } from '../../../../protocol/src/errors';
import type { Answer } from '../../base/frames';
import type { unavailabilities } from '../../rules/backends/mode';
import type { Registry } from './registry';

/** Why a backend could not be used. */
type Unavailability = (typeof unavailabilities)[number];

/** What became of a request to a backend, in the words of a call. */

/** The answer as an outcome. What the backend calls an error is a failure of the call and none of the connection (T62). */
export function outcomeOf(answer: Answer): Outcome {
  if (answer.kind === 'error') return { kind: 'failure', error: new ConductorError('TOOL_FAILED', `The server answered with the error ${String(answer.error.code)}: ${answer.error.message.slice(0, 500)}`), text: JSON.stringify(answer.error), wire: answer };
  const text = JSON.stringify(answer.result);
  if (answer.result['isError'] === true) return { kind: 'failure', error: new ConductorError('TOOL_FAILED', `The tool of the server reports an error: ${firstText(answer.result)}`), text, wire: answer };
  return { kind: 'success', text, truncated: false, wire: answer };
}

/** A failure of the way to the backend; of an optional one it is told as skipped, where the mode says so. */
export function lost(thrown: unknown, backend: string, registry: Pick<Registry, 'skipped'>): Outcome {
  const error = toConductorError(thrown, 'BACKEND_UNAVAILABLE');
  const why = unavailability(error);
  const skipped = why === undefined ? undefined : registry.skipped(backend, why, error.message);
  if (skipped !== undefined) return { kind: 'success', text: `Skipped: the optional server ${backend} cannot be used (${error.message}). Go on without it.`, structured: { ...skipped, degraded: true }, truncated: false };
  return { kind: 'failure', error: new ConductorError(error.code, error.message, { cause: error, data: { backend, ...error.data } }) };
}

/** Failures of the way count for breakers; what a backend says of its tools does not, nor what was not even tried. */
export function isLost(outcome: Outcome): boolean {
  return outcome.kind === 'failure' && outcome.wire === undefined && outcome.error.data['retryAfterMs'] === undefined && (['BACKEND_UNAVAILABLE', 'TIMEOUT', 'INCOMPATIBLE', 'TOO_LARGE'] as const).some((code) => code === outcome.error.code);
}

function unavailability({ code }: ConductorError): Unavailability | undefined {
  return code === 'BACKEND_UNAVAILABLE' || code === 'INCOMPATIBLE' ? 'connect' : code === 'TIMEOUT' ? 'timeout' : undefined;
}

function firstText(result: Readonly<Record<string, unknown>>): string {
  const content = result['content'];
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  const text = typeof first === 'object' && first !== null && 'text' in first ? first.text : undefined;
  return typeof text === 'string' ? text.slice(0, 300) : 'it does not say which';
}

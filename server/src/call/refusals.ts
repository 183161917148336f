import type { Outcome } from '../../../protocol/src/call';

/** A call that did nothing, and why. */
export type Refusal = Extract<Outcome, { kind: 'refused' }>;

/** A refusal by a rule, with the reason that agents and people read. */
export function refusalOf(code: Refusal['code'], rule: string, reason: string): Refusal {
  return { kind: 'refused', code, rule, reason };
}

/** A refusal because the tool failed repeatedly; says when another try makes sense. */
export function circuitOpen(tool: string, retryAfterMs: number): Refusal {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return { ...refusalOf('CIRCUIT_OPEN', 'breaker.open', `The breaker of ${tool} is open after repeated failures; it lets a probe through in ${String(seconds)} s.`), retryAfterMs };
}

import type { BreakerView } from '../../../protocol/src/messages';
import { reveal, revealLine } from '../../../protocol/src/display';
import { clockText, counted } from '../labels';

/** A breaker as the broker told of it, and when that was in milliseconds since 1970. */
export type Heard = Readonly<{ breaker: BreakerView; atMs: number }>;

/** Whether a breaker is worth a row: a tool that works is not. */
export function isNews({ breaker }: Heard): boolean {
  return breaker.state !== 'closed' || breaker.failures > 0;
}

/** The words of one breaker. */
export function breakerLabel(heard: Heard): { label: string; description: string } {
  return { label: revealLine(heard.breaker.tool, 60), description: stateText(heard) };
}

/** More about one breaker than its row has room for. */
export function breakerTooltip({ breaker }: Heard): string {
  const failures = `${counted(breaker.failures, 'failure')} in a row; ${breaker.threshold} stop the tool for a while.`;
  return breaker.lastFailure === undefined ? failures : `${failures}\nLast failure: ${reveal(breaker.lastFailure).text}`;
}

function stateText({ breaker, atMs }: Heard): string {
  const failures = `${breaker.failures} of ${breaker.threshold} failures`;
  switch (breaker.state) {
    case 'closed':
      return breaker.failures === 0 ? 'works' : `works, ${failures}`;
    case 'halfOpen':
      // The broker tells of this state when the wait is over, whether or not a call came already.
      return 'next call is a probe';
    case 'open':
      return `stopped${waitText(breaker.retryAfterMs, atMs)}`;
  }
}

// A time of day, not a count of seconds: a row must stay true without being drawn anew under the pointer every second.
function waitText(retryAfterMs: number | undefined, atMs: number): string {
  return retryAfterMs === undefined ? '' : `, tries again at ${clockText(atMs + retryAfterMs)}`;
}

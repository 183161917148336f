import type { BreakerView } from '../../../protocol/src/messages';
import { revealLine } from '../../../protocol/src/display';

/** Whether a breaker is worth a row: a tool that works is not. */
export function isNews(breaker: BreakerView): boolean {
  return breaker.state !== 'closed' || breaker.failures > 0;
}

/** The words of one breaker. */
export function breakerLabel(breaker: BreakerView): { label: string; description: string } {
  return { label: revealLine(breaker.tool, 60), description: stateText(breaker) };
}

function stateText(breaker: BreakerView): string {
  const failures = `${breaker.failures} of ${breaker.threshold} failures`;
  switch (breaker.state) {
    case 'closed':
      return breaker.failures === 0 ? 'works' : `works, ${failures}`;
    case 'halfOpen':
      return 'trying one call';
    case 'open':
      return `stopped after ${breaker.failures} failures${waitText(breaker.retryAfterMs)}`;
  }
}

function waitText(retryAfterMs: number | undefined): string {
  return retryAfterMs === undefined ? '' : `, tries again in ${Math.ceil(retryAfterMs / 1000)} s`;
}

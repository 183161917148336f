import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Outcome } from '../../../../protocol/src/call';
import { advice, type ErrorCode } from '../../../../protocol/src/errors';

/** Where our own words stand in a result whose structured content belongs to the server. */
export const outcomeKey = 'conductor/outcome';

/**
 * How an outcome reads for an agent: text first; refusals and failures also as structured content. A tool that promised a schema for that
 * (`promised`) gets our words into `_meta`, since clients drop a result that breaks the promise, and with it what they should read.
 */
export function resultOf(outcome: Outcome, promised = false): CallToolResult | Readonly<Record<string, unknown>> {
  if (outcome.kind !== 'refused' && outcome.wire?.kind === 'result') return outcome.wire.result;
  const own = ownResult(outcome);
  if (!promised) return own;
  const { structuredContent, ...rest } = own;
  return { ...rest, isError: true, ...(structuredContent === undefined ? {} : { _meta: { [outcomeKey]: structuredContent } }) };
}

function ownResult(outcome: Outcome): CallToolResult {
  switch (outcome.kind) {
    case 'success':
      return { content: [{ type: 'text', text: outcome.text }], isError: false, ...(outcome.structured === undefined ? {} : { structuredContent: { ...outcome.structured } }) };
    case 'failure': {
      const { code, message, data, next } = outcome.error;
      const text = outcome.text ?? `Failed (${code}): ${message}\nNext: ${next}`;
      return failed(text, { ...outcome.structured, kind: 'failure', code, message, ...data });
    }
    case 'refused':
      if (outcome.code === 'APPROVAL_PENDING') return pending(outcome);
      return failed(refusalText(outcome.code, outcome.rule, outcome.reason), {
        kind: 'refused', code: outcome.code, rule: outcome.rule, reason: outcome.reason, next: advice[outcome.code], ...(outcome.retryAfterMs === undefined ? {} : { retryAfterMs: outcome.retryAfterMs }),
      });
  }
}

/** Nothing ran, so that it is no success; the question stays open, so that it is no refusal either. */
function pending({ code, reason, callAgainWithinMs }: Extract<Outcome, { kind: 'refused' }>): CallToolResult {
  return failed(`Waiting for approval (${code}): ${reason}\nNext: ${advice[code]}`, { kind: 'approval.pending', code, reason, next: advice[code], ...(callAgainWithinMs === undefined ? {} : { callAgainWithinMs }) });
}

function refusalText(code: ErrorCode, rule: string, reason: string): string {
  return `Refused (${code}, ${rule}): ${reason}\nNext: ${advice[code]}`;
}

function failed(text: string, structured: Readonly<Record<string, unknown>>): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true, structuredContent: { ...structured } };
}

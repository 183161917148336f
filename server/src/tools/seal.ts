import type { Outcome, Verdict } from '../../../protocol/src/call';
import type { Tool } from './tool';

/**
 * The second look at every call, right before its tool does anything: what the rules deny never runs, and what they ask about runs only
 * when a door heard a person say yes to this very call. It knows neither the order of a call nor the desk, and trusts neither.
 */
export function seal(tool: Tool, heardYes: (call: string) => boolean): Tool {
  return {
    ...tool,
    async prepare(input, context) {
      const prepared = await tool.prepare(input, context);
      const { verdict } = prepared;
      return { ...prepared, run: async (signal, progress) => breach(verdict, context.call, heardYes) ?? (await prepared.run(signal, progress)) };
    },
  };
}

function breach(verdict: Verdict, call: string | undefined, heardYes: (call: string) => boolean): Outcome | undefined {
  switch (verdict.verdict) {
    case 'allow':
      return undefined;
    case 'deny':
      return { kind: 'refused', code: 'DENIED', rule: verdict.rule, reason: verdict.reason };
    case 'approve':
      if (call !== undefined && heardYes(call)) return undefined;
      return { kind: 'refused', code: 'DENIED', rule: 'approval.unheard', reason: 'No window or terminal was heard to approve this call, so it was not run. Please report this.' };
  }
}

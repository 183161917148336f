import type { Outcome } from '../../../protocol/src/call';
import type { Prepared, Tool } from './tool';

/** Whether somebody said yes; `withdrawn`: somebody had, for more than one call, and it was taken back meanwhile. */
export type Heard = boolean | 'withdrawn';

/**
 * The second look at every call, right before its tool does anything: what the rules deny never runs, and what they ask about runs only
 * when a door heard a person say yes to this very call. It knows neither the order of a call nor the desk, and trusts neither.
 */
export function seal(tool: Tool, heardYes: (call: string, prepared: Prepared) => Heard): Tool {
  return {
    ...tool,
    async prepare(input, context) {
      const prepared = await tool.prepare(input, context);
      return { ...prepared, run: async (signal, progress) => breach(prepared, context.call, heardYes) ?? (await prepared.run(signal, progress)) };
    },
  };
}

function breach(prepared: Prepared, call: string | undefined, heardYes: (call: string, prepared: Prepared) => Heard): Outcome | undefined {
  const { verdict } = prepared;
  switch (verdict.verdict) {
    case 'allow':
      return undefined;
    case 'deny':
      return { kind: 'refused', code: 'DENIED', rule: verdict.rule, reason: verdict.reason };
    case 'approve':
      return unheard(call === undefined ? false : heardYes(call, prepared));
  }
}

function unheard(heard: Heard): Outcome | undefined {
  switch (heard) {
    case true:
      return undefined;
    case 'withdrawn':
      return { kind: 'refused', code: 'APPROVAL_STALE', rule: 'approval.withdrawn', reason: 'What allowed this call was taken back before it started.' };
    case false:
      return { kind: 'refused', code: 'DENIED', rule: 'approval.unheard', reason: 'No window or terminal was heard to approve this call, so it was not run. Please report this.' };
  }
}

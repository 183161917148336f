import { questionsToClient, type Outcome } from '../../../protocol/src/call';
import { createWitness, type Witness } from '../approvals/witness';
import { digestOfFacts } from './fact';
import type { PrepareContext, Prepared, Tool } from './tool';

/** Whether somebody said yes; `withdrawn`: somebody had, for more than one call, and it was taken back meanwhile. */
export type Heard = boolean | 'withdrawn';

/**
 * The second look at every call, right before its tool does anything: what the rules deny never runs, and what they ask about runs only
 * when a door heard a person say yes to this very call, or to the round before it (`rounds`). It knows neither the order of a call nor the
 * desk, and trusts neither.
 */
export function seal(tool: Tool, heardYes: (call: string, prepared: Prepared) => Heard, rounds: Witness = createWitness()): Tool {
  return {
    ...tool,
    async prepare(input, context) {
      const prepared = await tool.prepare(input, context);
      return {
        ...prepared,
        run: async (signal, progress) => {
          const refused = breach(prepared, () => (continues(tool, prepared, context, rounds) ? true : context.call === undefined ? false : heardYes(context.call, prepared)));
          if (refused !== undefined) return refused;
          const outcome = await prepared.run(signal, progress);
          // The client's answers come with a call of their own, which nobody is asked about again.
          if (prepared.verdict.verdict === 'approve' && questionsToClient(outcome) !== undefined) rounds.heard(roundOf(tool, prepared, context));
          return outcome;
        },
      };
    },
  };
}

/** Whether this call answers what the same call of the same client was asked by its tool; each is found once. */
function continues(tool: Tool, prepared: Prepared, context: PrepareContext, rounds: Witness): boolean {
  return Object.keys(context.line?.rest ?? {}).length > 0 && rounds.take(roundOf(tool, prepared, context));
}

function roundOf({ name }: Tool, { facts }: Prepared, { line, project }: PrepareContext): string {
  return JSON.stringify([line?.key, project, name, digestOfFacts(facts)]);
}

function breach(prepared: Prepared, heardYes: () => Heard): Outcome | undefined {
  const { verdict } = prepared;
  switch (verdict.verdict) {
    case 'allow':
      return undefined;
    case 'deny':
      return { kind: 'refused', code: 'DENIED', rule: verdict.rule, reason: verdict.reason };
    case 'approve':
      return unheard(heardYes());
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

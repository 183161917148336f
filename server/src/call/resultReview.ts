import { createHash } from 'node:crypto';
import type { Outcome } from '../../../protocol/src/call';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import { factsOfResult } from '../../../protocol/src/statement';
import { digestOfFacts, type Fact } from '../tools/fact';
import type { Prepared } from '../tools/tool';
import { askPerson, type Approval, type Caller } from './asking';
import type { Judged } from './judging';
import type { Rooms } from './rooms';

/** Shows a person what a call brought before the agent gets it, where the settings want that. What nobody releases is withheld whole. */

/** Whether a person sees the result of a call before the agent does; what the tool says while it runs is a part of it. */
export function isReviewed({ call, policy }: Pick<Judged, 'call' | 'policy'>): boolean {
  return policy.config.reviewResults.includes(call.tool);
}

/** The outcome as the agent gets it: as it is, or withheld. The answer is in the log before either. */
export async function reviewResult(rooms: Rooms, caller: Caller, judged: Judged, outcome: Outcome): Promise<Outcome> {
  const { call, policy } = judged;
  if (outcome.kind === 'refused' || !isReviewed(judged)) return outcome;
  const question = { ...call, id: rooms.newId() };
  const text = textOf(outcome);
  const result = `sha256:${createHash('sha256').update(text).digest('hex')} ${Buffer.byteLength(text)} bytes`;
  const answer = await askPerson(rooms.desk, { call: question, bound: boundResult(judged, outcome, text, result), lasting: {} }, policy.config.approvalTimeout, caller);
  const withheld = 'code' in answer ? withheldBecause(answer) : undefined;
  const trouble = await recorded(rooms, judged, answer.approval, result);
  return trouble ?? withheld ?? outcome;
}

/** What is asked about: the result, bound to its bytes and to the call that brought it. */
function boundResult({ bound, call }: Judged, outcome: Exclude<Outcome, { kind: 'refused' }>, text: string, result: string): Judged['bound'] {
  const { show } = bound.prepared;
  const facts = factsOfResult(result, call.id).map(([label, key, value]): Fact => ({ label, key, value }));
  const prepared: Prepared = {
    verdict: { verdict: 'approve', rule: 'result.review', reason: `Your settings let results of ${call.tool} reach the agent only after you have seen them.` },
    facts, readOnly: true, run: () => Promise.resolve(outcome),
    show: { title: 'Hand a result to the agent', raw: text, cwd: show.cwd, details: [['Effect', 'the call has run; this is only about what the agent reads of it'], ['What was asked', show.raw]] },
  };
  return { ...bound, prepared, facts, digest: digestOfFacts(facts) };
}

/** Everything that the agent would read. */
function textOf(outcome: Exclude<Outcome, { kind: 'refused' }>): string {
  const failure = outcome.kind === 'failure' ? [`${outcome.error.code}: ${outcome.error.message}`] : [];
  return [...failure, ...(outcome.text === undefined ? [] : [outcome.text]), ...(outcome.structured === undefined ? [] : [JSON.stringify(outcome.structured, null, 2)])].join('\n\n');
}

function withheldBecause({ code, reason }: Readonly<{ code: ConductorError['code']; reason: string }>): Outcome {
  return { kind: 'failure', error: new ConductorError(code, `The call ran, but its result is withheld. ${reason}`, { next: 'Do not run it again to see the result. Ask the user.' }) };
}

/** Writes the answer down; what cannot be written releases nothing. */
async function recorded(rooms: Rooms, { call }: Judged, approval: Approval, result: string): Promise<Outcome | undefined> {
  try {
    await rooms.recorder.reviewed(call, approval, result);
    return undefined;
  } catch (thrown) {
    return { kind: 'failure', error: new ConductorError('AUDIT_UNAVAILABLE', `The tool ran, but the answer about its result could not be recorded, so the result is withheld: ${toConductorError(thrown).message}`, { cause: thrown }) };
  }
}

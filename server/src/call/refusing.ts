import { toConductorError } from '../../../protocol/src/errors';
import type { Outcome } from '../../../protocol/src/call';
import type { Approval } from './asking';
import type { Judged } from './judging';
import type { Turn } from './openQuestion';
import type { Refused } from './recorder';
import type { Refusal } from './refusals';
import type { Rooms } from './rooms';

/** Records calls that do not run. */

/** What of a call is recorded with its refusal. */
export type Recorded = Pick<Judged, 'call' | 'policy'> & Partial<Pick<Judged, 'bound'>> & History & Pick<Refused, 'reducedTo'>;

/** What led to this question, as entries tell it. */
export type History = Pick<Turn, 'again' | 'calledAgain' | 'before' | 'narrowed'>;

/** The history of a turn alone. */
export function historyOf({ again, calledAgain, before, narrowed }: History): History {
  return { ...(again === undefined ? {} : { again }), ...(calledAgain === undefined ? {} : { calledAgain }), ...(before === undefined ? {} : { before }), ...(narrowed === undefined ? {} : { narrowed }) };
}

/** What went or would have gone out beside the arguments. */
export function besideIn(bound: Judged['bound'] | undefined): { beside?: Readonly<Record<string, unknown>> } {
  return bound?.prepared.beside === undefined ? {} : { beside: bound.prepared.beside };
}

/** Records a refusal and gives it as the outcome. */
export async function refuse(rooms: Rooms, recorded: Recorded, refusal: Refusal, approval?: Approval): Promise<Outcome> {
  return withTrouble(refusal, await recordRefusal(rooms, recorded, refusal, approval));
}

/** Records a refusal; the trouble, when the log cannot take it. */
export async function recordRefusal(rooms: Rooms, recorded: Recorded, refusal: Refusal, approval?: Approval): Promise<string | undefined> {
  try {
    await rooms.recorder.refused(recorded.call, { refusal, policyHash: recorded.policy.policyHash, ...(approval === undefined ? {} : { approval, ...(recorded.bound === undefined ? {} : { digest: recorded.bound.digest }) }), ...besideIn(recorded.bound), ...historyOf(recorded), ...(recorded.reducedTo === undefined ? {} : { reducedTo: recorded.reducedTo }) });
    return undefined;
  } catch (thrown) {
    return toConductorError(thrown).message;
  }
}

/** A refusal stays one when the log cannot take it. */
export function withTrouble(refusal: Refusal, trouble: string | undefined): Refusal {
  return trouble === undefined ? refusal : { ...refusal, reason: `${refusal.reason} (This refusal could not be recorded: ${trouble})` };
}

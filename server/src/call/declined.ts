import { refusalOf, type Refusal } from './refusals';
import type { Approval } from './asking';
import { agentName } from './granting';
import type { Judged } from './judging';

/** Remembers what a person declined a moment ago: the same plan is refused without asking again, so that nobody is worn down by repetition. */
export type Declined = Readonly<{
  /** Remembers that a person said no, once, to this plan of this agent. */
  note(declined: Plan, approval: Approval): void;
  /** The refusal of a plan of this agent that was declined within the last minute; undefined for every other. */
  refusal(plan: Plan): Refusal | undefined;
}>;

/** Whose plan it is, and what it binds; its project is among the facts behind the digest. */
type Plan = Readonly<{ call: Pick<Judged['call'], 'actor'>; bound: Pick<Judged['bound'], 'digest'> }>;

/** Milliseconds for which a no holds without being asked again. */
export const declinedMs = 60_000;

/** Most plans that are remembered; the oldest are forgotten first. */
const mostPlans = 500;

/** Makes a memory of nothing. `now` gives monotonic milliseconds. */
export function createDeclined(now: () => number): Declined {
  const plans = new Map<string, Readonly<{ at: number; reason: string | undefined }>>();
  return {
    note(plan, { decision, by, reason, rung }) {
      // What lasts longer is kept elsewhere and can be taken back; what the broker denied by itself nobody has seen.
      if (decision !== 'denied' || by.role === 'broker' || (rung !== undefined && rung !== 'once')) return;
      const digest = keyOf(plan);
      plans.delete(digest);
      plans.set(digest, { at: now(), reason });
      const [oldest] = plans.keys();
      if (plans.size > mostPlans && oldest !== undefined) plans.delete(oldest);
    },
    refusal(asked) {
      const digest = keyOf(asked);
      const plan = plans.get(digest);
      if (plan === undefined) return undefined;
      const left = plan.at + declinedMs - now();
      if (left <= 0) return void plans.delete(digest);
      const ago = Math.round((declinedMs - left) / 1000);
      const words = `The user declined exactly this ${ago} s ago${plan.reason === undefined ? '' : `: ${plan.reason}`}. It was not asked about again.`;
      return { ...refusalOf('APPROVAL_DENIED', 'approval.declinedBefore', words), retryAfterMs: left };
    },
  };
}

// Another agent may have better reasons for the same; one that comes again under its own name has not.
function keyOf({ call, bound }: Plan): string {
  return `${bound.digest} ${agentName(call.actor.client)}`;
}

import { refusalOf, type Refusal } from './refusals';
import type { Approval } from './asking';

/** Remembers what a person declined a moment ago: the same plan is refused without asking again, so that nobody is worn down by repetition. */
export type Declined = Readonly<{
  /** Remembers that a person said no, once, to the plan with this digest. */
  note(digest: string, approval: Approval): void;
  /** The refusal of a plan that was declined within the last minute; undefined for every other. */
  refusal(digest: string): Refusal | undefined;
}>;

/** Milliseconds for which a no holds without being asked again. */
export const declinedMs = 60_000;

/** Most plans that are remembered; the oldest are forgotten first. */
const mostPlans = 500;

/** Makes a memory of nothing. `now` gives monotonic milliseconds. */
export function createDeclined(now: () => number): Declined {
  const plans = new Map<string, Readonly<{ at: number; reason: string | undefined }>>();
  return {
    note(digest, { decision, by, reason, rung }) {
      // What lasts longer is kept elsewhere and can be taken back; what the broker denied by itself nobody has seen.
      if (decision !== 'denied' || by.role === 'broker' || (rung !== undefined && rung !== 'once')) return;
      plans.delete(digest);
      plans.set(digest, { at: now(), reason });
      const [oldest] = plans.keys();
      if (plans.size > mostPlans && oldest !== undefined) plans.delete(oldest);
    },
    refusal(digest) {
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

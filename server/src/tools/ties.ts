import { createHash } from 'node:crypto';
import type { Verdict } from '../../../protocol/src/call';
import type { Reason, Tie } from '../rules/grants/ground';
import type { Fact } from './fact';

/** Turns verdicts and facts into what grants compare. */

/** Why something asks. */
export function reasonsOf(verdicts: readonly Verdict[]): readonly Reason[] {
  return verdicts.filter(({ verdict }) => verdict !== 'allow').map(({ rule, reason }) => ({ rule, reason }));
}

/** Facts as ties: what stays when the same thing is put back, and of what may be private only its hash. */
export function tiesOf(facts: readonly Fact[]): readonly Tie[] {
  return facts.map(({ label, key, value, lasting, unlogged, text }) => ({
    label, key,
    value: unlogged === true ? `sha256:${createHash('sha256').update(value).digest('hex')}` : (lasting ?? value),
    ...(text === undefined || unlogged === true ? {} : { text }),
  }));
}

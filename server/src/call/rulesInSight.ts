import type { Verdict } from '../../../protocol/src/call';
import { judgeAgain, type Held, type Judged } from './judging';
import type { Rooms } from './rooms';

/** What changed rules say of a call while it waits. */
export type RulesInSight = Readonly<{ signal: AbortSignal; forbidden(): Pick<Verdict, 'rule' | 'reason'> | undefined; stop(): void }>;

/** Follows the rules while a call waits: a question that they now answer with no is withdrawn, so that nobody approves in vain. */
export function followRules(rooms: Rooms, judged: Judged): RulesInSight {
  const withdrawn = new AbortController();
  let forbidden: Pick<Verdict, 'rule' | 'reason'> | undefined;
  const look = async (): Promise<void> => {
    const held: Held = [];
    const now = await judgeAgain(rooms, judged, withdrawn.signal, held);
    for (const prepared of held) prepared.release?.();
    if (!('refusal' in now) || now.refusal.code !== 'DENIED') return;
    forbidden = now.refusal;
    withdrawn.abort();
  };
  const stop = rooms.onPolicyChange(() => void look());
  return { signal: withdrawn.signal, forbidden: () => forbidden, stop };
}

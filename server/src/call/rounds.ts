import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../protocol/src/audit/canonical';
import { questionsToClient, type Outcome, type ToolCall } from '../../../protocol/src/call';

/**
 * Since the revision 2026-07-28 a tool may answer a call with questions to its client, which sends the same call again with the answers: a
 * round. All rounds are one call to a person, so that one approval holds for them, and one chain in the log. A round is known by who calls
 * what with which arguments, and by the state that the tool gave out, which its client cannot know otherwise; each state is taken once.
 */

/** What a call that ended with questions leaves for its next round. */
export type Round = Readonly<{ /** Id of the first call of the chain. */ first: string; /** SHA-256 hex of what was judged. */ digest: string; /** Id of the approval that it ran under; absent where none was needed. */ approval?: string; /** Which round it was, from 1. */ round: number }>;

/** The calls that ended with questions. */
export type Rounds = Readonly<{
  /** Remembers a call that ended with questions; every other outcome leaves nothing. */
  ended(key: () => string, outcome: Outcome, round: Round): void;
  /** The round before this call; undefined for a call that answers no questions of ours. */
  before(key: () => string, call: ToolCall): Round | undefined;
}>;

/** Milliseconds for which answers may come, rounds of one call, and calls that are remembered, at most. */
const most = { ms: 600_000, rounds: 25, calls: 500 } as const;

/** Makes a memory of nothing. `now` gives monotonic milliseconds. */
export function createRounds(now: () => number): Rounds {
  const open = new Map<string, Readonly<{ round: Round; at: number }>>();
  return {
    ended(key, outcome, round) {
      const questions = questionsToClient(outcome);
      if (questions === undefined || round.round >= most.rounds) return;
      open.set(nameOf(key(), questions['requestState']), { round, at: now() });
      const [oldest] = open.keys();
      if (open.size > most.calls && oldest !== undefined) open.delete(oldest);
    },
    before(key, { line }) {
      if (open.size === 0 || line === undefined || !('inputResponses' in line.rest || 'requestState' in line.rest)) return undefined;
      const name = nameOf(key(), line.rest['requestState']);
      const found = open.get(name);
      open.delete(name);
      return found !== undefined && now() - found.at < most.ms ? found.round : undefined;
    },
  };
}

function nameOf(key: string, state: unknown): string {
  return createHash('sha256').update(canonicalJson({ key, state: state ?? null }).text).digest('hex');
}

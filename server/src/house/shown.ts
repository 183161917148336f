import { setImmediate } from 'node:timers';
import type { Pending } from '../../../protocol/src/approvals';
import { toConductorError } from '../../../protocol/src/errors';
import type { Snapshots } from '../audit/content/snapshots';
import type { Logger } from '../base/logger';

/** The rule by which a person looks at a result before the agent gets it. */
const resultRule = 'result.review';

/** What keeping needs: where to, whether texts hold a secret that the log must not hold, and where to say that it failed. */
export type ShownRooms = Readonly<{ snapshots: Pick<Snapshots, 'keepLater'>; holdsSecret(texts: readonly string[]): boolean; logger: Pick<Logger, 'warn'> }>;

/**
 * Keeps what a person was shown who signed an answer, under the hash that the statement names, so that it can be held against that hash. The call
 * does not wait for it. A question with a secret or about a result is not kept: beside the log stands nothing that may not stand in it, and of
 * results it has a digest only.
 */
export function shownKeeper({ snapshots, holdsSecret, logger }: ShownRooms): (shown: Pending) => void {
  return (shown) =>
    void setImmediate(() => {
      if (shown.rule === resultRule || holdsSecret(textsIn(shown))) return;
      snapshots.keepLater('question', shown).catch((cause: unknown) => logger.warn('what a person was shown could not be kept', { question: shown.id, error: toConductorError(cause).message }));
    });
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

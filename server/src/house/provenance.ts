import type { Metrics } from '../../../protocol/src/audit/snapshot';
import { toConductorError } from '../../../protocol/src/errors';
import type { Snapshots } from '../audit/content/snapshots';
import type { Logger } from '../base/logger';
import type { Recorder } from '../call/recorder';
import type { Loaded } from '../config/open';
import { policyOf } from '../config/policyHash';

/** Lets hashes in the log be opened later: keeps each policy before it judges anything, and the counts of fitting moments. */
export type Provenance = Readonly<{
  /** Keeps a policy, once. One that cannot be kept is told and tried again; its hash is in the log all the same. */
  policy(loaded: Loaded): void;
  /** A recorder that also counts how calls end. */
  counting(recorder: Recorder): Recorder;
  /** Keeps the counts of this moment and gives their hash. Throws the system's error. */
  measure(): string;
  /** The same for a moment when nobody waits for it; undefined when nothing was called since the start, or they cannot be kept. */
  measured(): string | undefined;
}>;

type Rest = Pick<Metrics, 'breakers' | 'pending' | 'entries'>;

/** Makes the provenance of one broker's life; `rest` tells what others count. */
export function createProvenance(snapshots: Snapshots, rest: () => Rest, logger: Logger, since = new Date().toISOString()): Provenance {
  const calls: Record<string, Record<string, number>> = {};
  const known = new Set<string>();
  let told = false;
  const count = (tool: string, result: string): void => {
    const counts = (calls[tool] ??= {});
    counts[result] = (counts[result] ?? 0) + 1;
  };
  const measure = (): string => snapshots.keep('metrics', { since, calls, ...rest() } satisfies Metrics);
  const tell = (what: string, thrown: unknown): void => {
    if (!told) logger.error(`${what} could not be kept`, { error: toConductorError(thrown).message });
    told = true;
  };
  return {
    policy({ config, state: { policyHash } }) {
      if (known.has(policyHash)) return;
      try {
        snapshots.keep('policy', policyOf(config));
        known.add(policyHash);
        told = false;
      } catch (thrown) {
        tell('the policy in force', thrown);
      }
    },
    counting: (recorder) => ({
      ...recorder,
      finished(call, record, queued) {
        count(call.tool, record.outcome.kind === 'failure' ? record.outcome.error.code : record.outcome.kind);
        return recorder.finished(call, record, queued);
      },
      refused(call, record) {
        // An agent may name tools that do not exist, and as many as it likes.
        count(record.refusal.code === 'UNKNOWN_TOOL' ? 'unknown' : call.tool, record.refusal.code);
        return recorder.refused(call, record);
      },
    }),
    measure,
    measured() {
      if (Object.keys(calls).length === 0) return undefined;
      try {
        return measure();
      } catch (thrown) {
        tell('the counts of this run', thrown);
        return undefined;
      }
    },
  };
}

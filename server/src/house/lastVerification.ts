import type { VerificationReport } from '../../../protocol/src/audit/report';
import type { LastVerification } from '../language/logLenses';

/** Remembers the last verification that a window asked for: windows know their own key and memory, so that theirs says most. */
export type Verifications = Readonly<{
  last(): LastVerification | undefined;
  /** Takes over a finished verification; one that could not be done says nothing. */
  made(report: VerificationReport): void;
  /** Calls back after each; gives the function that stops it. */
  onMade(listener: () => void): () => void;
}>;

/** Makes the memory, with none made yet. `wallNow` is in milliseconds since 1970. */
export function createVerifications(wallNow: () => number = Date.now): Verifications {
  const listeners = new Set<() => void>();
  let last: LastVerification | undefined;
  return {
    last: () => last,
    made(report) {
      if (report.verdict === 'unverifiable') return;
      last = { report, at: wallNow() };
      for (const listener of listeners) listener();
    },
    onMade(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

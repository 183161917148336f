/** When a breaker opens, how long it stays so, and what closes it again. */
export type BreakerSettings = Readonly<{
  /** Failures in a row that open it, 1 or more. */
  failureThreshold: number;
  /** Probes in a row that must succeed to close it, 1 or more. */
  successThreshold: number;
  /** Milliseconds from open until one probe is let through. */
  timeout: number;
}>;

/** How a call ended as the breaker sees it. Denials, invalid input and withdrawn calls are `neutral`: they say nothing about the tool. */
export type CallResult = 'success' | 'failure' | 'neutral';

/** Reports how an admitted call ended; only the first report of a call counts. A call that never reports holds its probe, so always report. */
export type Settle = (result: CallResult, message?: string) => void;

/** Whether a call may start: `admitted`, or `open` with the milliseconds after which another try makes sense. */
export type Admission = Readonly<{ kind: 'admitted'; settle: Settle }> | Readonly<{ kind: 'open'; retryAfterMs: number }>;

/** What people see of one breaker. */
export type BreakerSnapshot = Readonly<{
  state: 'closed' | 'open' | 'halfOpen';
  /** Failures in a row that led here; 0 once a call succeeded. */
  failures: number;
  /** Milliseconds until a probe is let through; only while open. */
  retryAfterMs?: number;
  /** Message of the latest failure that counted. */
  lastFailure?: string;
}>;

/** One circuit breaker. */
export type Breaker = Readonly<{
  admit(): Admission;
  snapshot(): BreakerSnapshot;
  /** Closes it by hand and forgets its failures. False when there was nothing to forget. */
  reset(): boolean;
}>;

/** Settings are asked for at each step, so that a changed configuration holds at once; `now` is monotonic milliseconds. */
export type BreakerOptions = Readonly<{ settings(): BreakerSettings; now(): number; onChange(): void }>;

type State =
  | Readonly<{ kind: 'closed'; failures: number }>
  | Readonly<{ kind: 'open'; failures: number; since: number }>
  | Readonly<{ kind: 'halfOpen'; failures: number; successes: number; probing: boolean }>;

// While a probe runs nobody knows when it ends; this is only how soon another look makes sense.
const probeHintMs = 1000;

/** Makes a closed breaker: failures in a row open it, after the timeout one probe at a time is let through, and probes close or reopen it. */
export function createBreaker({ settings, now, onChange }: BreakerOptions): Breaker {
  let state: State = { kind: 'closed', failures: 0 };
  let lastFailure: string | undefined;
  // Grows with each change of `state.kind`: a result that began under an older one says nothing about the present.
  let generation = 0;

  const move = (next: State): void => {
    if (next.kind !== state.kind) generation += 1;
    state = next;
  };

  // Rounded up: the clock may have fractions, answers have none.
  const waitMs = (since: number): number => Math.max(0, Math.ceil(since + settings().timeout - now()));

  const succeeded = (): void => {
    if (state.kind === 'halfOpen' && state.successes + 1 < settings().successThreshold) move({ ...state, successes: state.successes + 1, probing: false });
    else move({ kind: 'closed', failures: 0 });
  };

  const failed = (): void => {
    const failures = state.failures + 1;
    const opens = state.kind === 'halfOpen' || failures >= settings().failureThreshold;
    move(opens ? { kind: 'open', failures, since: now() } : { kind: 'closed', failures });
  };

  const settled = (result: CallResult, message: string | undefined): void => {
    const before = state;
    if (result === 'success') succeeded();
    else if (result === 'failure') {
      lastFailure = message ?? lastFailure;
      failed();
    } else if (state.kind === 'halfOpen') move({ ...state, probing: false });
    if (state.kind !== before.kind || state.failures !== before.failures) onChange();
  };

  const admitted = (): Admission => {
    const born = generation;
    let reported = false;
    return {
      kind: 'admitted',
      settle: (result, message) => {
        if (reported) return;
        reported = true;
        if (born === generation) settled(result, message);
      },
    };
  };

  const admitProbe = (failures: number, successes: number): Admission => {
    const was = state.kind;
    move({ kind: 'halfOpen', failures, successes, probing: true });
    if (was !== 'halfOpen') onChange();
    return admitted();
  };

  return {
    admit() {
      if (state.kind === 'closed') return admitted();
      if (state.kind === 'halfOpen') {
        return state.probing ? { kind: 'open', retryAfterMs: Math.min(probeHintMs, settings().timeout) } : admitProbe(state.failures, state.successes);
      }
      const retryAfterMs = waitMs(state.since);
      return retryAfterMs > 0 ? { kind: 'open', retryAfterMs } : admitProbe(state.failures, 0);
    },
    snapshot() {
      const common = { failures: state.failures, ...(lastFailure === undefined ? {} : { lastFailure }) };
      if (state.kind !== 'open') return { state: state.kind, ...common };
      const retryAfterMs = waitMs(state.since);
      return retryAfterMs > 0 ? { state: 'open', retryAfterMs, ...common } : { state: 'halfOpen', ...common };
    },
    reset() {
      if (state.kind === 'closed' && state.failures === 0) return false;
      generation += 1; // Also from closed to closed: results of calls that began before the reset are forgotten with it.
      state = { kind: 'closed', failures: 0 };
      lastFailure = undefined;
      onChange();
      return true;
    },
  };
}

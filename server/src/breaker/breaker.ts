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
  /** The latest failures that counted, newest first, with how long ago they were in milliseconds; absent when there are none. */
  recent?: { agoMs: number; message: string }[];
}>;

/** One circuit breaker. */
export type Breaker = Readonly<{
  admit(): Admission;
  snapshot(): BreakerSnapshot;
  /** Milliseconds until a probe is let through, while it is open; changes nothing. */
  openFor(): number | undefined;
  /** Closes it by hand and forgets its failures. False when there was nothing to forget. */
  reset(): boolean;
}>;

/** Settings are asked for at each step, so that a changed configuration holds at once; `now` is monotonic milliseconds. */
export type BreakerOptions = Readonly<{ settings(): BreakerSettings; now(): number; onChange(): void }>;

type State =
  | Readonly<{ kind: 'closed'; failures: number }>
  | Readonly<{ kind: 'open'; failures: number; since: number }>
  | Readonly<{ kind: 'halfOpen'; failures: number; successes: number; probing: boolean }>;

const closed: State = { kind: 'closed', failures: 0 };

// While a probe runs nobody knows when it ends; this is only how soon another look makes sense.
const probeHintMs = 1000;

/** Failures that are kept for people, and characters of each. */
const mostRecent = 5;
const mostMessage = 500;

/** Makes a closed breaker: failures in a row open it, after the timeout one probe at a time is let through, and probes close or reopen it. */
export function createBreaker(options: BreakerOptions): Breaker {
  const machine = new Machine(options);
  return { admit: () => machine.admit(), snapshot: () => machine.snapshot(), openFor: () => machine.openFor(), reset: () => machine.reset() };
}

class Machine {
  private state: State = closed;
  private lastFailure: string | undefined;
  private recent: readonly Readonly<{ at: number; message: string }>[] = [];
  /** Grows with each change of `state.kind`: a result that began under an older one says nothing about the present. */
  private generation = 0;

  constructor(private readonly options: BreakerOptions) {}

  admit(): Admission {
    const { state } = this;
    if (state.kind === 'closed') return this.admitted();
    if (state.kind === 'halfOpen') {
      return state.probing ? { kind: 'open', retryAfterMs: Math.min(probeHintMs, this.options.settings().timeout) } : this.admitProbe(state.failures, state.successes);
    }
    const retryAfterMs = this.waitMs(state.since);
    return retryAfterMs > 0 ? { kind: 'open', retryAfterMs } : this.admitProbe(state.failures, 0);
  }

  snapshot(): BreakerSnapshot {
    const { state, lastFailure } = this;
    const now = this.options.now();
    const recent = this.recent.map(({ at, message }) => ({ agoMs: Math.max(0, Math.round(now - at)), message }));
    const common = { failures: state.failures, ...(lastFailure === undefined ? {} : { lastFailure }), ...(recent.length === 0 ? {} : { recent }) };
    if (state.kind !== 'open') return { state: state.kind, ...common };
    const retryAfterMs = this.waitMs(state.since);
    return retryAfterMs > 0 ? { state: 'open', retryAfterMs, ...common } : { state: 'halfOpen', ...common };
  }

  openFor(): number | undefined {
    const wait = this.state.kind === 'open' ? this.waitMs(this.state.since) : 0;
    return wait > 0 ? wait : undefined;
  }

  reset(): boolean {
    if (this.state.kind === 'closed' && this.state.failures === 0) return false;
    this.generation += 1; // Also from closed to closed: results of calls that began before the reset are forgotten with it.
    this.state = closed;
    this.lastFailure = undefined;
    this.recent = [];
    this.options.onChange();
    return true;
  }

  private admitted(): Admission {
    const born = this.generation;
    let reported = false;
    return {
      kind: 'admitted',
      settle: (result, message) => {
        if (reported) return;
        reported = true;
        if (born === this.generation) this.settle(result, message);
      },
    };
  }

  private admitProbe(failures: number, successes: number): Admission {
    const was = this.state.kind;
    this.move({ kind: 'halfOpen', failures, successes, probing: true });
    if (was !== 'halfOpen') this.options.onChange();
    return this.admitted();
  }

  private settle(result: CallResult, message: string | undefined): void {
    const before = this.state;
    // What goes well all the time asks for no settings.
    if (result !== 'failure' && before === closed) return;
    if (result === 'failure') this.failed(message);
    this.move(after(before, result, this.options.settings(), this.options.now()));
    if (this.state.kind !== before.kind || this.state.failures !== before.failures) this.options.onChange();
  }

  private failed(message: string | undefined): void {
    this.lastFailure = message ?? this.lastFailure;
    this.recent = [{ at: this.options.now(), message: (message ?? 'It failed.').slice(0, mostMessage) }, ...this.recent].slice(0, mostRecent);
  }

  private move(next: State): void {
    if (next.kind !== this.state.kind) this.generation += 1;
    this.state = next;
  }

  // Rounded up: the clock may have fractions, answers have none.
  private waitMs(since: number): number {
    return Math.max(0, Math.ceil(since + this.options.settings().timeout - this.options.now()));
  }
}

/** What a result makes of a state. */
function after(state: State, result: CallResult, settings: BreakerSettings, now: number): State {
  switch (result) {
    case 'neutral':
      return state.kind === 'halfOpen' ? { ...state, probing: false } : state;
    case 'success':
      if (state.kind !== 'halfOpen' || state.successes + 1 >= settings.successThreshold) return closed;
      return { ...state, successes: state.successes + 1, probing: false };
    case 'failure': {
      const failures = state.failures + 1;
      const opens = state.kind === 'halfOpen' || failures >= settings.failureThreshold;
      return opens ? { kind: 'open', failures, since: now } : { kind: 'closed', failures };
    }
  }
}

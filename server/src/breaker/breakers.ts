import type { Config } from '../../../protocol/src/config';
import type { BreakerView } from '../../../protocol/src/messages';
import { createBreaker, type Admission, type Breaker, type BreakerSettings } from './breaker';

/** Runs something after so many milliseconds; what comes back cancels it. */
export type Schedule = (run: () => void, ms: number) => () => void;

/** What the set of breakers needs from outside. */
export type BreakersOptions = Readonly<{
  /** Dotted names of the tools that are listed from the start; others join when they are first called. */
  tools: readonly string[];
  /** The present `circuitBreaker` section; asked for at each step. */
  settings(): Config['circuitBreaker'];
  /** Monotonic milliseconds. */
  now(): number;
  /** Used to announce that an open breaker is ready for its probe. */
  schedule: Schedule;
  /** Called after any visible change with all breakers. */
  onChange(breakers: BreakerView[]): void;
}>;

/** One breaker for each tool, independent of each other. */
export type Breakers = Readonly<{
  admit(tool: string): Admission;
  /** All breakers, in the order in which they joined. */
  views(): BreakerView[];
  /** One breaker; undefined for a tool that was never called. */
  view(tool: string): BreakerView | undefined;
  /** Milliseconds until the breaker of a tool lets a probe through, while it is open; changes nothing. */
  openFor(tool: string): number | undefined;
  /** Closes one by hand. The caller records who did and why. */
  reset(tool: string): 'reset' | 'alreadyClosed' | 'unknown';
  /** Call after the configuration changed, so that people see the new thresholds. */
  settingsChanged(): void;
  /** Cancels what is scheduled; announces nothing any more. */
  dispose(): void;
}>;

/** Values for one tool: its override where there is one, else those of the section. */
export function settingsFor(section: Config['circuitBreaker'], tool: string): BreakerSettings {
  const override = Object.hasOwn(section.overrides, tool) ? section.overrides[tool] : undefined;
  return {
    failureThreshold: override?.failureThreshold ?? section.failureThreshold,
    successThreshold: override?.successThreshold ?? section.successThreshold,
    timeout: override?.timeout ?? section.timeout,
  };
}

/** Makes the set of breakers, all closed: what failed before a restart is tried afresh. */
export function createBreakers(options: BreakersOptions): Breakers {
  const breakers = new Map<string, Breaker>();
  let cancelReady: (() => void) | undefined;
  let disposed = false;

  const viewOf = (tool: string, breaker: Breaker): BreakerView => ({ tool, ...breaker.snapshot(), threshold: settingsFor(options.settings(), tool).failureThreshold });
  const views = (): BreakerView[] => [...breakers].map(([tool, breaker]) => viewOf(tool, breaker));

  const announce = (): void => {
    if (disposed) return;
    const present = views();
    cancelReady?.();
    const waits = present.flatMap((view) => view.retryAfterMs ?? []);
    cancelReady = waits.length === 0 ? undefined : options.schedule(announce, Math.min(...waits));
    options.onChange(present);
  };

  const breakerOf = (tool: string): Breaker => {
    const known = breakers.get(tool);
    if (known !== undefined) return known;
    const made = createBreaker({ settings: () => settingsFor(options.settings(), tool), now: options.now, onChange: announce });
    breakers.set(tool, made);
    return made;
  };
  for (const tool of options.tools) breakerOf(tool);

  return {
    admit: (tool) => breakerOf(tool).admit(),
    views,
    view(tool) {
      const breaker = breakers.get(tool);
      return breaker === undefined ? undefined : viewOf(tool, breaker);
    },
    openFor: (tool) => breakers.get(tool)?.openFor(),
    reset(tool) {
      const breaker = breakers.get(tool);
      if (breaker === undefined) return 'unknown';
      return breaker.reset() ? 'reset' : 'alreadyClosed';
    },
    settingsChanged: announce,
    dispose() {
      disposed = true;
      cancelReady?.();
    },
  };
}

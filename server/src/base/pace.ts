import { setImmediate as nextTurn } from 'node:timers/promises';

/** Long work in slices, so that one call never keeps the others waiting. */
export type Pace = Readonly<{
  /** True when this slice has run long enough, or the caller withdrew. */
  due(): boolean;
  /** Lets others run, then begins a new slice. Throws the signal's reason when the caller withdrew. */
  rest(): Promise<void>;
}>;

/** Slices of `milliseconds` each; default 5. */
export function createPace(signal: AbortSignal, milliseconds = 5): Pace {
  let began = performance.now();
  return {
    due: () => signal.aborted || performance.now() - began >= milliseconds,
    rest: async () => {
      signal.throwIfAborted();
      await nextTurn();
      signal.throwIfAborted();
      began = performance.now();
    },
  };
}

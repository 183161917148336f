/** Something held that must be let go exactly once, and never while it is in use. */
export type Lease = Readonly<{
  /** Runs work on what is held. Throws a RangeError after the release. */
  use<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Lets go, at the end of the work that runs at this moment. Further calls do nothing. */
  release(): void;
}>;

/** Holds something whose `close` may not run while it is used: a descriptor's number would be given to another file. */
export function createLease(close: () => void): Lease {
  let users = 0;
  let released = false;
  const closeWhenIdle = (): void => {
    if (released && users === 0) close();
  };
  return {
    use: async (work) => {
      if (released) throw new RangeError('used after its release');
      users += 1;
      try {
        return await work();
      } finally {
        users -= 1;
        closeWhenIdle();
      }
    },
    release: () => {
      if (released) return;
      released = true;
      closeWhenIdle();
    },
  };
}

/** Remembers which calls a person was heard to approve, apart from the desk: two that know of it must agree before anything runs. */
export type Witness = Readonly<{
  /** A door heard a person say yes to this call. */
  heard(call: string): void;
  /** Whether somebody did; each yes is given out once. */
  take(call: string): boolean;
}>;

/** Makes a witness that heard nothing. It remembers the latest 1,000 calls, more than may wait at a time. */
export function createWitness(): Witness {
  const calls = new Set<string>();
  return {
    heard(call) {
      calls.add(call);
      const [oldest] = calls;
      if (calls.size > 1000 && oldest !== undefined) calls.delete(oldest);
    },
    take: (call) => calls.delete(call),
  };
}

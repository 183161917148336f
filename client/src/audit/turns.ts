/** Keeps the order in which verifications were asked for: the answer to an older question says nothing against a newer one (they may overtake each other). */
export type Turns = Readonly<{ /** Begins one; what comes back takes it into force, or is false when a later one already is. */ begin(): () => boolean }>;

/** Makes the order, with none begun. */
export function createTurns(): Turns {
  let begun = 0;
  let inForce = 0;
  return {
    begin() {
      begun += 1;
      const own = begun;
      return () => {
        if (own < inForce) return false;
        inForce = own;
        return true;
      };
    },
  };
}

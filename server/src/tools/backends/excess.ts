/** Counts what a backend does that none should, and says when it is cut off (T63). */

/** Lines that are no message, one after the other, after which a backend is cut off: some print what they should not, none only that. */
const junkLimit = 200;
/** Messages that answer nothing, within ten seconds, after which a backend is cut off. */
const floodLimit = 10_000;
const floodMs = 10_000;
/** Calls in a row that were given up in silence, after which a backend is cut off and may be started afresh. */
const silenceLimit = 3;

/** The counts of one connection. Each gives the reason to cut it off, once there is one. */
export class Excess {
  #junk = 0;
  #silences = 0;
  #flood = { since: 0, count: 0 };

  constructor(readonly now: () => number) {}

  /** It answered what it was asked. */
  answered(): void {
    this.#junk = 0;
    this.#silences = 0;
  }

  /** It sent what is no message, or answers nothing; `what` in words. */
  nonsense(what: string): string | undefined {
    this.#junk += 1;
    return this.#junk >= junkLimit ? `It ${what}.` : undefined;
  }

  /** A call was given up in silence. */
  silence(): string | undefined {
    this.#silences += 1;
    return this.#silences >= silenceLimit ? 'It answered nothing any more.' : undefined;
  }

  /** It sent a message that answers nothing. */
  message(): string | undefined {
    const now = this.now();
    this.#flood = now - this.#flood.since < floodMs ? { ...this.#flood, count: this.#flood.count + 1 } : { since: now, count: 1 };
    return this.#flood.count > floodLimit ? `It sent more than ${String(floodLimit)} messages within ${String(floodMs / 1000)} s that answer nothing.` : undefined;
  }
}

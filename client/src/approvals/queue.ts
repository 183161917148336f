import type { Pending } from '../../../protocol/src/approvals';

/** Milliseconds after a row appeared or moved during which a click on it is taken for a click on something else. */
export const settleMs = 300;

/** What a change of the queue brought. */
export type Change = Readonly<{ arrived: readonly Pending[]; gone: readonly Pending[] }>;

/** The calls that wait, in the order in which this window learned of them: a new one never moves an old one. */
export class Queue {
  private calls: readonly Pending[] = [];
  private movedAt = Number.NEGATIVE_INFINITY;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(private readonly now: () => number) {}

  get all(): readonly Pending[] {
    return this.calls;
  }

  get size(): number {
    return this.calls.length;
  }

  /** Takes over what the broker says and tells what is new and what is gone. */
  replace(next: readonly Pending[]): Change {
    const gone = this.calls.filter((call) => !next.some((other) => same(call, other)));
    const arrived = next.filter((call) => !this.calls.some((other) => same(call, other)));
    this.calls = [...this.calls.filter((call) => !gone.includes(call)), ...arrived];
    if (gone.length + arrived.length > 0) this.movedAt = this.now();
    return { arrived, gone };
  }

  /** The waiting call with this id and these bytes. */
  find(id: string, digest: string): Pending | undefined {
    return this.calls.find((call) => call.id === id && call.digest === digest);
  }

  /** The one that waits longest; after a given one, the one behind it, and then from the beginning. */
  next(after?: Pending): Pending | undefined {
    const at = after === undefined ? -1 : this.calls.findIndex((call) => same(call, after));
    return this.calls[at + 1] ?? this.calls[0];
  }

  /** Whether rows have stood still long enough for a click to be meant for the row under it. */
  get settled(): boolean {
    return this.now() - this.movedAt >= settleMs;
  }
}

function same(one: Pending, other: Pending): boolean {
  return one.id === other.id && one.digest === other.digest;
}

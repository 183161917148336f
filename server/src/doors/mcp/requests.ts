import type { RequestId } from '../../base/frames';

/** The requests of one client: those that run, and those that were told to call again. */

/** Most of each kind at a time. */
export const mostRequests = 64;

/** Keeps them by their id, so that their client can take them back. */
export class Requests {
  readonly #running = new Map<RequestId, AbortController>();
  /** Calls that were answered with "call again", whose question is still open. */
  readonly #unanswered = new Map<RequestId, AbortController>();

  has(id: RequestId): boolean {
    return this.#running.has(id);
  }

  get full(): boolean {
    return this.#running.size >= mostRequests;
  }

  /** The one that began last; undefined where none runs. */
  latest(): RequestId | undefined {
    return [...this.#running.keys()].at(-1);
  }

  begin(id: RequestId): AbortController {
    const abort = new AbortController();
    this.#running.set(id, abort);
    return abort;
  }

  /** It has ended; another one may have its id by now. */
  finish(id: RequestId, abort: AbortController): void {
    if (this.#running.get(id) === abort) this.#running.delete(id);
  }

  /** Its client may still say that it no longer wants it. */
  stillAsked(id: RequestId, abort: AbortController): void {
    this.#unanswered.set(id, abort);
    const [oldest] = this.#unanswered.keys();
    if (this.#unanswered.size > mostRequests && oldest !== undefined) this.#unanswered.delete(oldest);
  }

  /** Its client takes it back. */
  withdraw(id: RequestId): void {
    const abort = this.#running.get(id) ?? this.#unanswered.get(id);
    this.#running.delete(id);
    this.#unanswered.delete(id);
    abort?.abort();
  }

  /** Takes everything back. */
  end(): void {
    for (const abort of [...this.#running.values(), ...this.#unanswered.values()]) abort.abort();
    this.#running.clear();
    this.#unanswered.clear();
  }
}

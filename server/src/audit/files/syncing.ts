/** Makes what was written to a file durable: at once where the disk answers at once, else in another thread. */
import * as fs from 'node:fs';

/** A sync that takes no longer is done directly: to hand it to another thread and hear of it costs as much. In milliseconds. */
const quickMs = 0.3;
/** After a slow one, this many are handed over before one is tried directly again, then twice as many each time, up to the second. */
const [fewest, most] = [16, 4_096];
/** Above this many bytes a sync takes longer than its hand-over, and with so many callers there is work to be done meanwhile. */
const mostDirectBytes = 16_384;

/** What a file is synced by; its own clock and two calls for tests. */
export type SyncCalls = Readonly<{ now(): number; direct(fd: number): void; handedOver(fd: number, done: (cause: Error | null) => void): void }>;

const ownCalls: SyncCalls = { now: () => performance.now(), direct: fs.fdatasyncSync, handedOver: fs.fdatasync };

/**
 * The syncs of one file. The event loop stands still for a direct one, so a disk that was slow once gets its next ones in another
 * thread: of a slow disk one sync in some thousands is direct.
 */
export class Syncing {
  readonly #fd: number;
  readonly #calls: SyncCalls;
  #bytes = 0;
  #handOver = 0;
  #patience = fewest;

  constructor(fd: number, calls = ownCalls) {
    this.#fd = fd;
    this.#calls = calls;
  }

  /** Tells how much was written since the last sync. */
  expect(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Rejects with the cause of the operating system. */
  async sync(): Promise<void> {
    const bytes = this.#bytes;
    this.#bytes = 0;
    if (this.#handOver > 0) this.#handOver -= 1;
    else if (bytes <= mostDirectBytes) return this.#direct();
    await new Promise<void>((resolve, reject) => {
      this.#calls.handedOver(this.#fd, (cause) => (cause === null ? resolve() : reject(cause)));
    });
  }

  #direct(): void {
    const start = this.#calls.now();
    this.#calls.direct(this.#fd);
    if (this.#calls.now() - start <= quickMs) {
      this.#patience = fewest;
      return;
    }
    this.#handOver = this.#patience;
    this.#patience = Math.min(most, 2 * this.#patience);
  }
}

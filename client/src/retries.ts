import { backoffMs } from './backoff';
import type { Disposable } from './lifetime';

/** A connection that lasted this many milliseconds was a good one; what ends sooner counts as a failure. */
export const stableMs = 5000;

/** What trying again needs of the world. */
export type RetryPorts = Readonly<{
  /** Monotonic milliseconds. */
  now(): number;
  later(ms: number, action: () => void): Disposable;
  /** One connection from its opening to its end. Rejects when there was none; ends at once when the signal is aborted. */
  live(signal: AbortSignal): Promise<void>;
  failed(error: unknown): void;
}>;

/** Lives one connection after the other, waiting a little longer after each failure, until disposed. */
export class Retries implements Disposable {
  private present = new AbortController();
  private wake: () => void = () => undefined;
  private hurried = false;
  private over = false;

  constructor(private readonly ports: RetryPorts) {}

  /** Goes on until disposed; never rejects. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.over) {
      const began = this.ports.now();
      await this.attempt();
      // A broker that ends as soon as it starts is a failure, too, however well the connection began.
      failures = this.ports.now() - began > stableMs ? 0 : failures + 1;
      if (this.hurried) failures = 0;
      else await this.pause(backoffMs(failures));
      this.hurried = false;
    }
  }

  /** Ends the present connection, attempt or wait, whichever it is, and tries again at once. */
  restart(): void {
    this.hurried = true;
    this.present.abort();
    this.wake();
  }

  dispose(): void {
    this.over = true;
    this.restart();
  }

  private async attempt(): Promise<void> {
    this.present = new AbortController();
    try {
      await this.ports.live(this.present.signal);
    } catch (error) {
      this.ports.failed(error);
    }
  }

  private async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.ports.later(ms, resolve);
      this.wake = () => (timer.dispose(), resolve());
    });
    this.wake = () => undefined;
  }
}

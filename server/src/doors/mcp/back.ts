import { ConductorError } from '../../../../protocol/src/errors';
import type { Answer, RequestId } from '../../base/frames';
import type { Outlet } from './outlet';

/** Requests to the client: what an external server asks of it. */
export class Back {
  #next = 1;
  readonly #waiting = new Map<RequestId, Readonly<{ settle(answer: Answer): void; fail(error: ConductorError): void }>>();

  constructor(readonly outlet: Outlet) {}

  /** Asks the client; `about` is the request of its own that led to it. Rejects with CANCELLED when nobody wants the answer any more. */
  ask(method: string, params: Readonly<Record<string, unknown>>, signal: AbortSignal, about: RequestId | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const id = `conductor-${String(this.#next++)}`;
      const done = (act: () => void): void => {
        if (!this.#waiting.delete(id)) return;
        signal.removeEventListener('abort', withdraw);
        act();
      };
      const fail = (error: ConductorError): void => done(() => reject(error));
      const withdraw = (): void => {
        this.outlet.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason: 'The server no longer waits.' } }, about);
        fail(new ConductorError('CANCELLED', 'The server no longer waits for an answer.'));
      };
      this.#waiting.set(id, { settle: (answer) => done(() => resolve(answer)), fail });
      if (signal.aborted) return withdraw();
      signal.addEventListener('abort', withdraw, { once: true });
      this.outlet.send({ jsonrpc: '2.0', id, method, params }, about);
    });
  }

  /** Takes an answer of the client; one to what it was not asked is dropped. */
  answered(id: RequestId, answer: Answer): void {
    this.#waiting.get(id)?.settle(answer);
  }

  /** The client is gone. */
  end(): void {
    for (const { fail } of [...this.#waiting.values()]) fail(new ConductorError('CANCELLED', 'The agent is gone.'));
  }
}

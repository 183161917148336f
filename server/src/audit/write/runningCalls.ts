/** Calls whose decision is durable and whose outcome is not: the header of the next file must carry them. */
import type { OpenCall } from '../../../../protocol/src/audit/segment';
import type { Batch } from './batch';
import type { LogEnd } from '../upkeep/recovery';

/** Keeps count of running calls, batch by batch. */
export class RunningCalls {
  #open = new Map<string, OpenCall>();

  /** Takes a batch that became durable behind `end`. */
  see({ waiting, lines }: Batch, { start, size }: LogEnd): void {
    waiting.forEach(({ entry: { phase, call, tool } }, i) => {
      const line = lines[i];
      if (call === undefined || line === undefined) return;
      if (phase === 'intent') this.#open.set(call, { call, tool, segment: start.segment, line: line.seq - start.seq + 1, offset: size + line.from });
      else if (phase === 'done' || phase === 'recover') this.#open.delete(call);
    });
  }

  /** Forgets everything but these. */
  reset(open: readonly OpenCall[]): void {
    this.#open = new Map(open.map((one) => [one.call, one]));
  }

  list(): readonly OpenCall[] {
    return [...this.#open.values()];
  }
}

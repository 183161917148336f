import assert from 'node:assert/strict';
import { Retries, stableMs } from './retries';

/** Attempts that end when told, under a clock that moves when told. */
function world(): { retries: Retries; waits: number[]; ends: ((error?: Error) => void)[]; signals: AbortSignal[]; pass: (ms: number) => void; fire: () => void; turn: () => Promise<void> } {
  let now = 0;
  let due: () => void = () => undefined;
  const waits: number[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const signals: AbortSignal[] = [];
  const retries = new Retries({
    now: () => now,
    later: (ms, action) => {
      waits.push(ms);
      due = action;
      return { dispose: () => (due = () => undefined) };
    },
    live: (signal) =>
      new Promise((resolve, reject) => {
        signals.push(signal);
        ends.push((error) => (error === undefined ? resolve() : reject(error)));
        signal.addEventListener('abort', () => resolve());
      }),
    failed: () => undefined,
  });
  return { retries, waits, ends, signals, pass: (ms) => void (now += ms), fire: () => due(), turn: () => new Promise((resolve) => setImmediate(resolve)) };
}

describe('trying again', () => {
  it('waits longer after each failure, and starts over after a connection that lasted', async () => {
    const { retries, waits, ends, pass, fire, turn } = world();
    void retries.run();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      ends.at(-1)?.(new Error('nobody there'));
      await turn();
      fire();
      await turn();
    }
    pass(stableMs + 1);
    ends.at(-1)?.();
    await turn();
    assert.deepEqual(waits, [500, 1000, 2000, 250]);
    retries.dispose();
  });

  it('restarts at once while an attempt is under way, which is given up', async () => {
    const { retries, waits, signals, turn } = world();
    void retries.run();
    retries.restart();
    await turn();
    assert.deepEqual([signals.length, signals[0]?.aborted, signals[1]?.aborted], [2, true, false]);
    assert.deepEqual(waits, []);
    retries.dispose();
  });

  it('restarts at once while it waits, and only once', async () => {
    const { retries, waits, ends, signals, turn } = world();
    void retries.run();
    ends[0]?.(new Error('nobody there'));
    await turn();
    retries.restart();
    await turn();
    assert.equal(signals.length, 2);
    ends[1]?.(new Error('nobody there'));
    await turn();
    assert.deepEqual([signals.length, waits.length], [2, 2]);
    retries.dispose();
  });

  it('ends when disposed, and gives up what is under way', async () => {
    const { retries, signals } = world();
    const running = retries.run();
    retries.dispose();
    await running;
    assert.deepEqual(signals.map(({ aborted }) => aborted), [true]);
  });
});

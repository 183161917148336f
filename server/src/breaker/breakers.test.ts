import assert from 'node:assert/strict';
import { configSchema, type ConfigInput } from '../../../protocol/src/config';
import { breakerSchema, type BreakerView } from '../../../protocol/src/messages';
import { createBreakers, settingsFor } from './breakers';

function section(input: NonNullable<ConfigInput['circuitBreaker']>) {
  return configSchema.parse({ circuitBreaker: input }).circuitBreaker;
}

function bench() {
  let time = 0;
  let present = section({ failureThreshold: 2, overrides: { 'shell.exec': { failureThreshold: 1, timeout: 60_000 } } });
  const seen: BreakerView[][] = [];
  const timers = new Set<{ at: number; run: () => void }>();
  const breakers = createBreakers({
    tools: ['shell.exec', 'filesystem.read'],
    settings: () => present,
    now: () => time,
    schedule: (run, ms) => {
      const timer = { at: time + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    onChange: (views) => seen.push(views),
  });
  const pass = (ms: number): void => {
    time += ms;
    for (const timer of [...timers]) {
      if (timer.at <= time && timers.delete(timer)) timer.run();
    }
  };
  const fail = (tool: string): void => {
    const admission = breakers.admit(tool);
    assert.equal(admission.kind, 'admitted');
    if (admission.kind === 'admitted') admission.settle('failure', 'broken pipe');
  };
  const configure = (input: NonNullable<ConfigInput['circuitBreaker']>): void => {
    present = section(input);
    breakers.settingsChanged();
  };
  return { breakers, seen, timers, pass, fail, configure };
}

describe('breakers', () => {
  it('keeps one breaker per tool: other tools go on (A27)', () => {
    const { breakers, fail } = bench();
    fail('shell.exec');
    assert.deepEqual(breakers.admit('shell.exec'), { kind: 'open', retryAfterMs: 60_000 });
    assert.equal(breakers.admit('filesystem.read').kind, 'admitted');
    assert.equal(breakers.admit('git.commit').kind, 'admitted');
  });

  it('shows views that fit the protocol, with the threshold of each tool', () => {
    const { breakers, fail } = bench();
    fail('shell.exec');
    const views = breakers.views();
    for (const view of views) breakerSchema.parse(view);
    assert.deepEqual(views, [
      { tool: 'shell.exec', state: 'open', retryAfterMs: 60_000, failures: 1, lastFailure: 'broken pipe', recent: [{ agoMs: 0, message: 'broken pipe' }], threshold: 1 },
      { tool: 'filesystem.read', state: 'closed', failures: 0, threshold: 2 },
    ]);
  });

  it('announces that an open breaker is ready for its probe, once', () => {
    const { seen, pass, fail, timers } = bench();
    fail('shell.exec');
    assert.equal(seen.length, 1);
    pass(59_999);
    assert.equal(seen.length, 1);
    pass(1);
    assert.equal(seen.length, 2);
    assert.equal(seen[1]?.[0]?.state, 'halfOpen');
    assert.equal(timers.size, 0);
  });

  it('applies a changed section at once and shows it (A28)', () => {
    const { breakers, seen, fail, configure } = bench();
    fail('filesystem.read');
    configure({ failureThreshold: 7, overrides: { 'shell.exec': { timeout: 100 } } });
    assert.deepEqual(seen.at(-1)?.map((view) => view.threshold), [7, 7]);
    fail('filesystem.read');
    assert.equal(breakers.admit('filesystem.read').kind, 'admitted');
  });

  it('resets by hand and tells what there was to reset', () => {
    const { breakers, fail } = bench();
    fail('shell.exec');
    assert.equal(breakers.reset('shell.exec'), 'reset');
    assert.equal(breakers.admit('shell.exec').kind, 'admitted');
    assert.equal(breakers.reset('shell.exec'), 'alreadyClosed');
    assert.equal(breakers.reset('no.such'), 'unknown');
  });

  it('leaves no timer and announces nothing after it was disposed', () => {
    const { breakers, seen, timers, fail } = bench();
    fail('shell.exec');
    breakers.dispose();
    assert.equal(timers.size, 0);
    breakers.reset('shell.exec');
    assert.equal(seen.length, 1);
  });

  it('keeps one timer however many breakers are open, for the one that is ready first', () => {
    const { seen, timers, fail, pass } = bench();
    fail('shell.exec');
    fail('filesystem.read');
    fail('filesystem.read');
    assert.equal(timers.size, 1);
    pass(30_000);
    assert.deepEqual(seen.at(-1)?.map(({ state }) => state), ['open', 'halfOpen']);
    pass(30_000);
    assert.deepEqual(seen.at(-1)?.map(({ state }) => state), ['halfOpen', 'halfOpen']);
  });

  it('T18: takes no override from a prototype', () => {
    const overrides = Object.create({ 'shell.exec': { failureThreshold: 1000 } }) as Record<string, object>;
    assert.deepEqual(settingsFor({ ...section({}), overrides }, 'shell.exec'), { failureThreshold: 5, successThreshold: 1, timeout: 30_000 });
  });
});

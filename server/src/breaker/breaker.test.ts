import assert from 'node:assert/strict';
import { createBreaker, type BreakerSettings, type Settle } from './breaker';

const defaults: BreakerSettings = { failureThreshold: 5, successThreshold: 1, timeout: 30_000 };

function bench(settings: Partial<BreakerSettings> = {}) {
  let time = 1000;
  let changes = 0;
  const inForce = { ...defaults, ...settings };
  const breaker = createBreaker({ settings: () => inForce, now: () => time, onChange: () => (changes += 1) });
  const running = new Map<string, Settle>();
  const start = (name: string): string => {
    const admission = breaker.admit();
    if (admission.kind === 'open') return `no ${String(admission.retryAfterMs)}`;
    running.set(name, admission.settle);
    return 'yes';
  };
  const end = (name: string, result: 'success' | 'failure' | 'neutral'): void => {
    const settle = running.get(name);
    assert.ok(settle, `call ${name} was never admitted`);
    settle(result, `${name} failed`);
  };
  return { breaker, inForce, start, end, pass: (ms: number) => (time += ms), changes: () => changes };
}

/**
 * Runs a script and returns the state after each step. `s`, `f`, `n`: one whole call that succeeds, fails, or is neutral;
 * `+a` starts call a, `a:f` ends it; a number lets so many milliseconds pass; `R` resets; a refused call shows as `no` and its wait.
 */
function play(script: string, settings: Partial<BreakerSettings> = {}): string {
  const { breaker, start, end, pass } = bench(settings);
  const results = { s: 'success', f: 'failure', n: 'neutral' } as const;
  const isResult = (text: string | undefined): text is keyof typeof results => text !== undefined && Object.hasOwn(results, text);
  const short = { closed: 'C', open: 'O', halfOpen: 'H' } as const;
  return script
    .split(' ')
    .map((step) => {
      let refused = '';
      if (/^\d+$/.test(step)) pass(Number(step));
      else if (step === 'R') breaker.reset();
      else if (step.startsWith('+')) refused = start(step.slice(1));
      else if (isResult(step)) {
        refused = start('whole');
        if (refused === 'yes') end('whole', results[step]);
      } else {
        const [name, result] = step.split(':');
        assert.ok(name !== undefined && isResult(result), step);
        end(name, results[result]);
      }
      const { state, failures } = breaker.snapshot();
      return `${short[state]}${String(failures)}${refused.startsWith('no') ? `(${refused})` : ''}`;
    })
    .join(' ');
}

describe('breaker', () => {
  const table: [title: string, script: string, states: string, settings?: Partial<BreakerSettings>][] = [
    ['opens at the fifth failure in a row and refuses the sixth call (A27)', 'f f f f f s', 'C1 C2 C3 C4 O5 O5(no 30000)'],
    ['starts counting afresh after a success', 'f f f f s f f f f f', 'C1 C2 C3 C4 C0 C1 C2 C3 C4 O5'],
    ['T62: does not count denials and invalid input, and they do not interrupt a row either', 'f f n n n n n n f f f', 'C1 C2 C2 C2 C2 C2 C2 C2 C3 C4 O5'],
    ['says how long is left (A28)', 'f 12000 s 17999 s 1 s', 'O1 O1 O1(no 18000) O1 O1(no 1) H1 C0', { failureThreshold: 1 }],
    ['closes after one successful probe by default (A28)', 'f f f f f 30000 s', 'C1 C2 C3 C4 O5 H5 C0'],
    ['opens again for the whole time when the probe fails (A28)', 'f 30000 f 29999 s 1 s', 'O1 H1 O2 O2 O2(no 1) H2 C0', { failureThreshold: 1 }],
    ['T62: lets a single probe through at a time', 'f 30000 +a +b +c a:s +d', 'O1 H1 H1 H1(no 1000) H1(no 1000) C0 C0', { failureThreshold: 1 }],
    ['hints at no longer than its own time-out while a probe runs', 'f 200 +a +b', 'O1 H1 H1 H1(no 200)', { failureThreshold: 1, timeout: 200 }],
    ['needs as many probes as configured, one after the other', 'f 30000 s +a +b a:s s s', 'O1 H1 H1 H1 H1(no 1000) H1 C0 C0', { failureThreshold: 1, successThreshold: 3 }],
    ['forgets earlier good probes when one fails', 'f 30000 s f 30000 s s', 'O1 H1 H1 O2 H2 H2 C0', { failureThreshold: 1, successThreshold: 2 }],
    ['gives the probe back when it ended neutral', 'f 30000 n +a a:s', 'O1 H1 H1 H1 C0', { failureThreshold: 1 }],
    ['T62: ignores a late failure of before it opened', 'f +a f f 30000 s a:f', 'C1 C1 C2 O3 H3 C0 C0', { failureThreshold: 3 }],
    ['T62: ignores a late success of before it opened', '+a f f f a:s', 'C0 C1 C2 O3 O3', { failureThreshold: 3 }],
    ['T62: does not take a late result of before it opened for the probe', '+a +b f f f 30000 +p a:s b:f p:s', 'C0 C0 C1 C2 O3 H3 H3 H3 H3 C0', { failureThreshold: 3 }],
    ['counts a call once however often it reports', '+a a:f a:f a:f', 'C0 C1 C1 C1'],
    ['closes by hand, and results of before the reset are forgotten', '+a f f R a:f', 'C0 C1 O2 C0 C0', { failureThreshold: 2 }],
    ['resets a row of failures while still closed', '+a f R a:f f', 'C0 C1 C0 C0 C1', { failureThreshold: 2 }],
    ['resets while a probe runs, whose result is then forgotten', 'f 30000 +a R a:f', 'O1 H1 H1 C0 C0', { failureThreshold: 1 }],
  ];
  for (const [title, script, states, settings] of table) {
    it(title, () => assert.equal(play(script, settings), states));
  }

  it('applies changed settings at once', () => {
    const { breaker, inForce, start, end, pass } = bench();
    for (let count = 0; count < 3; count += 1) {
      assert.equal(start('call'), 'yes');
      end('call', 'failure');
    }
    Object.assign(inForce, { failureThreshold: 2, timeout: 500 });
    start('call');
    end('call', 'failure');
    assert.equal(start('refused'), 'no 500');
    pass(100);
    Object.assign(inForce, { timeout: 50 });
    assert.equal(breaker.snapshot().state, 'halfOpen');
    assert.equal(start('probe'), 'yes');
  });

  it('opens again after a failed probe even when the threshold was raised meanwhile', () => {
    const { breaker, inForce, start, end, pass } = bench({ failureThreshold: 1 });
    start('call');
    end('call', 'failure');
    Object.assign(inForce, { failureThreshold: 100 });
    pass(30_000);
    start('probe');
    end('probe', 'failure');
    assert.equal(breaker.snapshot().state, 'open');
  });

  it('remembers the message of the latest failure until it is reset', () => {
    const { breaker, start, end } = bench({ failureThreshold: 2 });
    assert.equal('lastFailure' in breaker.snapshot(), false);
    for (const name of ['first', 'second']) {
      start(name);
      end(name, 'failure');
    }
    assert.deepEqual(breaker.snapshot(), { state: 'open', failures: 2, retryAfterMs: 30_000, lastFailure: 'second failed', recent: [{ agoMs: 0, message: 'second failed' }, { agoMs: 0, message: 'first failed' }] });
    assert.equal(breaker.reset(), true);
    assert.deepEqual(breaker.snapshot(), { state: 'closed', failures: 0 });
    assert.equal(breaker.reset(), false);
  });

  it('rounds waits up to whole milliseconds', () => {
    const { start, end, pass } = bench({ failureThreshold: 1 });
    start('call');
    end('call', 'failure');
    pass(0.4);
    assert.equal(start('refused'), 'no 30000');
  });

  it('announces visible changes only', () => {
    const { start, end, pass, changes } = bench({ failureThreshold: 1 });
    start('fine');
    end('fine', 'success');
    assert.equal(changes(), 0);
    start('bad');
    end('bad', 'failure');
    assert.equal(changes(), 1);
    pass(30_000);
    start('probe');
    assert.equal(changes(), 2);
    end('probe', 'success');
    assert.equal(changes(), 3);
  });
});

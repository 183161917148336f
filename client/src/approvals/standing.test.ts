import assert from 'node:assert/strict';
import { settleMs } from './queue';
import { Standing } from './standing';

describe('how long a review stands in sight (T45)', () => {
  let now = 0;
  const standing = (): Standing => new Standing(() => now);

  it('T45 takes an answer only for what has stood a moment', () => {
    const seen = standing();
    seen.see(['a']);
    assert.equal(seen.settled('a', settleMs), false);
    now += settleMs;
    assert.equal(seen.settled('a', settleMs), true);
    assert.equal(seen.settled('never seen', settleMs), false);
  });

  it('T45 takes no answer for what came into the place of another, and none of a key that is held down', () => {
    const seen = standing();
    seen.see(['a']);
    now += 10 * settleMs;
    assert.equal(seen.settled('a', settleMs), true);
    seen.see(['b']);
    for (let repeat = 0; repeat < 100; repeat += 1) {
      now += 30;
      assert.equal(seen.settled('b', settleMs), false);
    }
    now += settleMs;
    assert.equal(seen.settled('b', settleMs), true);
  });

  it('T45 keeps the time of what stays in sight beside others, and forgets what left', () => {
    const seen = standing();
    seen.see(['a', 'b']);
    now += settleMs;
    seen.see(['b', 'c']);
    assert.deepEqual([seen.settled('b', settleMs), seen.settled('c', settleMs)], [true, false]);
    now += settleMs;
    seen.see(['a', 'b']);
    assert.equal(seen.settled('a', settleMs), false);
  });
});

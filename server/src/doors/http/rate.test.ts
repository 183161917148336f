import assert from 'node:assert/strict';
import { Rate } from './rate';

describe('the rate of the HTTP door', () => {
  it('http:rate: holds one minute of requests, fills evenly, and says how long to wait', () => {
    let now = 0;
    const rate = new Rate(60, () => now);
    for (let taken = 0; taken < 60; taken += 1) assert.equal(rate.wait(), 0);
    assert.equal(rate.wait(), 1);
    now += 999;
    assert.equal(rate.wait(), 1);
    now += 1;
    assert.deepEqual([rate.wait(), rate.wait()], [0, 1]);
    now += 3_600_000;
    for (let taken = 0; taken < 60; taken += 1) assert.equal(rate.wait(), 0);
    assert.equal(rate.wait(), 1);
  });
});

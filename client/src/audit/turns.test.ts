import assert from 'node:assert/strict';
import { createTurns } from './turns';

describe('audit/turns', () => {
  it('lets an older verification that answers late change nothing, and a newer one always', () => {
    const turns = createTurns();
    const [older, newer, newest] = [turns.begin(), turns.begin(), turns.begin()];
    assert.equal(newer(), true);
    assert.equal(older(), false);
    assert.equal(newest(), true);
    assert.equal(newer(), false);
    assert.equal(newest(), true, 'its own answer may be drawn again');
  });

  it('lets answers in order through', () => {
    const turns = createTurns();
    for (let i = 0; i < 3; i += 1) assert.equal(turns.begin()(), true);
  });
});

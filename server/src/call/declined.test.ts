import assert from 'node:assert/strict';
import type { Approval } from './asking';
import { createDeclined, declinedMs } from './declined';

const no: Approval = { id: 'evt_1', decision: 'denied', by: { role: 'editor' }, waitedMs: 1 };

describe('what was declined a moment ago', () => {
  it('approvals:declined-before: holds for a minute and no longer', () => {
    let time = 0;
    const declined = createDeclined(() => time);
    declined.note('a', no);
    time = declinedMs - 1;
    assert.equal(declined.refusal('a')?.retryAfterMs, 1);
    assert.equal(declined.refusal('b'), undefined);
    time = declinedMs;
    assert.equal(declined.refusal('a'), undefined);
  });

  it('leaves alone what was approved, what lasts, and what the broker denied', () => {
    const declined = createDeclined(() => 0);
    const others: Approval[] = [{ ...no, decision: 'approved' }, { ...no, by: { role: 'broker' } }, { ...no, rung: 'exact' }, { ...no, decision: 'timeout' }];
    for (const other of others) declined.note('a', other);
    assert.equal(declined.refusal('a'), undefined);
  });
});

import assert from 'node:assert/strict';
import type { Approval } from './asking';
import { createDeclined, declinedMs } from './declined';

const plan = (digest: string, client = 'agent 1.0') => ({ call: { actor: { role: 'agent', client, user: 'u' } as const }, bound: { digest } });
const no: Approval = { id: 'evt_1', decision: 'denied', by: { role: 'editor' }, waitedMs: 1 };

describe('what was declined a moment ago', () => {
  it('approvals:declined-before: holds for a minute and no longer', () => {
    let time = 0;
    const declined = createDeclined(() => time);
    declined.note(plan('a'), no);
    time = declinedMs - 1;
    assert.equal(declined.refusal(plan('a'))?.retryAfterMs, 1);
    assert.equal(declined.refusal(plan('b')), undefined);
    time = declinedMs;
    assert.equal(declined.refusal(plan('a')), undefined);
  });

  it('leaves alone what was approved, what lasts, and what the broker denied', () => {
    const declined = createDeclined(() => 0);
    const others: Approval[] = [{ ...no, decision: 'approved' }, { ...no, by: { role: 'broker' } }, { ...no, rung: 'exact' }, { ...no, decision: 'timeout' }];
    for (const other of others) declined.note(plan('a'), other);
    assert.equal(declined.refusal(plan('a')), undefined);
  });

  it('approvals:declined-before: holds for the agent that asked, in whatever version, and for no other', () => {
    const declined = createDeclined(() => 0);
    declined.note(plan('a'), no);
    assert.notEqual(declined.refusal(plan('a', 'agent 1.1')), undefined);
    assert.equal(declined.refusal(plan('a', 'other 1.0')), undefined);
  });
});

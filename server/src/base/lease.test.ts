import assert from 'node:assert/strict';
import { createLease } from './lease';

describe('leases', () => {
  it('close once, and only when nobody uses what is held', async () => {
    let closed = 0;
    const lease = createLease(() => { closed += 1; });
    let finish: () => void = () => undefined;
    const working = lease.use(() => new Promise<void>((resolve) => { finish = resolve; }));
    lease.release();
    lease.release();
    assert.equal(closed, 0, 'in use');
    finish();
    await working;
    assert.equal(closed, 1);
    await assert.rejects(lease.use(() => Promise.resolve()), RangeError);
    assert.equal(closed, 1);
  });

  it('close after work that failed', async () => {
    let closed = 0;
    const lease = createLease(() => { closed += 1; });
    await assert.rejects(lease.use(() => Promise.reject(new Error('no'))), /no/);
    assert.equal(closed, 0);
    lease.release();
    assert.equal(closed, 1);
  });
});

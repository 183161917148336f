import assert from 'node:assert/strict';
import { Syncing, type SyncCalls } from './syncing';

/** A disk whose syncs take `took()` milliseconds each; remembers how each was done. */
function diskThat(took: () => number): { calls: SyncCalls; done: string[] } {
  let clock = 0;
  const done: string[] = [];
  const one = (how: string): void => {
    clock += took();
    done.push(how);
  };
  return { done, calls: { now: () => clock, direct: () => one('direct'), handedOver: (_, over) => { one('handed over'); over(null); } } };
}

async function many(syncing: Syncing, count: number, bytes = 600): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    syncing.expect(bytes);
    await syncing.sync();
  }
}

const direct = (done: readonly string[]): number => done.filter((how) => how === 'direct').length;

describe('syncing a file', () => {
  it('audit:direct-sync is done at once on a quick disk, and in another thread for what is long', async () => {
    const { calls, done } = diskThat(() => 0.08);
    const syncing = new Syncing(3, calls);
    await many(syncing, 100);
    assert.equal(direct(done), 100);
    await many(syncing, 1, 40_000);
    assert.deepEqual([done.at(-1), done.length], ['handed over', 101]);
  });

  it('audit:direct-sync stands still rarely on a slow disk, ever more rarely, and comes back on a quick one', async () => {
    let took = 5;
    const { calls, done } = diskThat(() => took);
    const syncing = new Syncing(3, calls);
    await many(syncing, 40_000);
    assert.ok(direct(done) > 1 && direct(done) <= 20, String(direct(done)));
    took = 0.08;
    await many(syncing, 4_097);
    assert.equal(done.at(-1), 'direct');
    done.splice(0);
    await many(syncing, 100);
    assert.equal(direct(done), 100);
  });

  it('audit:direct-sync gives the cause of a sync that fails, either way', async () => {
    const failing: SyncCalls = { now: () => 0, direct: () => { throw new Error('EIO here'); }, handedOver: (_, over) => over(new Error('EIO there')) };
    const syncing = new Syncing(3, failing);
    await assert.rejects(syncing.sync(), /EIO here/);
    syncing.expect(100_000);
    await assert.rejects(syncing.sync(), /EIO there/);
  });
});

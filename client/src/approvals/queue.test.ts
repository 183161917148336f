import assert from 'node:assert/strict';
import { examplePending } from '../../../test/fakes/pending';
import { Queue, settleMs } from './queue';

const first = examplePending({ id: 'evt_A' });
const second = examplePending({ id: 'evt_B' });
const third = examplePending({ id: 'evt_C' });

function queueAt(): { queue: Queue; advance: (ms: number) => void } {
  let now = 1000;
  return { queue: new Queue(() => now), advance: (ms) => (now += ms) };
}

describe('the queue of waiting calls', () => {
  it('appends what arrives and never moves what stands', () => {
    const { queue } = queueAt();
    queue.replace([first, second]);
    const change = queue.replace([third, second, first]);
    assert.deepEqual(change, { arrived: [third], gone: [] });
    assert.deepEqual(queue.all.map(({ id }) => id), ['evt_A', 'evt_B', 'evt_C']);
  });

  it('tells what is gone and keeps the order of the rest', () => {
    const { queue } = queueAt();
    queue.replace([first, second, third]);
    assert.deepEqual(queue.replace([third, first]), { arrived: [], gone: [second] });
    assert.deepEqual(queue.all.map(({ id }) => id), ['evt_A', 'evt_C']);
  });

  it('goes on to the one behind the call in front, and around', () => {
    const { queue } = queueAt();
    queue.replace([first, second]);
    assert.deepEqual([queue.next(), queue.next(first), queue.next(second), queue.next(third)].map((call) => call?.id), ['evt_A', 'evt_B', 'evt_A', 'evt_A']);
  });

  it('finds a call only by its id and its bytes (T41)', () => {
    const { queue } = queueAt();
    queue.replace([first]);
    assert.equal(queue.find('evt_A', first.digest), first);
    assert.equal(queue.find('evt_A', 'b'.repeat(64)), undefined);
    assert.equal(queue.find('evt_B', first.digest), undefined);
  });

  it('treats the same id with other bytes as another call (T41)', () => {
    const { queue } = queueAt();
    queue.replace([first]);
    const other = { ...first, digest: 'b'.repeat(64) };
    assert.deepEqual(queue.replace([other]), { arrived: [other], gone: [first] });
  });

  it('is settled only after rows stood still, whether one came or went', () => {
    const { queue, advance } = queueAt();
    assert.equal(queue.settled, true);
    queue.replace([first, second]);
    assert.equal(queue.settled, false);
    advance(settleMs - 1);
    assert.equal(queue.settled, false);
    advance(1);
    assert.equal(queue.settled, true);
    queue.replace([second]);
    assert.equal(queue.settled, false);
  });

  it('stays settled when the broker repeats the same list', () => {
    const { queue, advance } = queueAt();
    queue.replace([first]);
    advance(settleMs);
    queue.replace([{ ...first }]);
    assert.equal(queue.settled, true);
  });
});

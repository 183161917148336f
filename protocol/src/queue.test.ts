import assert from 'node:assert/strict';
import { examplePending } from '../../test/fakes/pending';
import { createTelling, takeTold } from './queue';

const call = (id: string, digest = 'a'): ReturnType<typeof examplePending> => examplePending({ id, digest: digest.repeat(64), raw: `echo ${id}` });

describe('telling of the queue', () => {
  it('tells a call whole once, and its name after that; the listener has the whole queue each time', () => {
    const tell = createTelling();
    let known: ReturnType<typeof call>[] = [];
    const states = [[call('A')], [call('A'), call('B')], [call('B')], [call('B'), call('C')], [], [call('A')]];
    for (const state of states) {
      const told = tell(state);
      assert.equal(told.filter((one) => 'raw' in one).length, state.filter(({ id }) => !known.some((other) => other.id === id)).length);
      known = takeTold(known, told) ?? [];
      assert.deepEqual(known, state);
    }
  });

  it('takes no call for another of the same id (T41)', () => {
    const tell = createTelling();
    tell([call('A', 'a')]);
    assert.ok('raw' in (tell([call('A', 'b')])[0] ?? {}));
    assert.equal(takeTold([call('A', 'a')], [{ id: 'A', digest: 'b'.repeat(64) }]), undefined);
  });

  it('says when something is named that was never heard', () => {
    assert.equal(takeTold([], [{ id: 'A', digest: 'a'.repeat(64) }]), undefined);
    assert.deepEqual(takeTold([call('A')], []), []);
  });
});

import assert from 'node:assert/strict';
import { examplePending } from '../../../test/fakes/pending';
import type { Pending } from '../../../protocol/src/approvals';
import { shownKeeper } from './shown';

describe('house/shown', () => {
  async function keptOf(shown: Pending, secret: string, failing = false): Promise<{ kept: unknown[]; warned: string[] }> {
    const kept: unknown[] = [];
    const warned: string[] = [];
    const keep = shownKeeper({
      snapshots: { keepLater: (_, value) => (failing ? Promise.reject(new Error('the disk is full')) : (kept.push(value), Promise.resolve())) },
      holdsSecret: (texts) => texts.some((text) => text.includes(secret)),
      logger: { warn: (message) => void warned.push(message) },
    });
    keep(shown);
    assert.deepEqual(kept, [], 'the call does not wait for it');
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { kept, warned };
  }

  it('approvals:shown-kept: keeps a question whole, or not at all when any text of it holds a secret', async () => {
    const call = examplePending({ details: [['Variable', 'TOKEN=hush']] });
    assert.deepEqual((await keptOf(call, 'never')).kept, [call]);
    assert.deepEqual((await keptOf(call, 'hush')).kept, []);
  });

  it('keeps no result that somebody looked at, of which the log has a digest only', async () => {
    assert.deepEqual((await keptOf(examplePending({ rule: 'result.review' }), 'never')).kept, []);
  });

  it('says that it could not be kept, and disturbs nobody', async () => {
    assert.deepEqual((await keptOf(examplePending(), 'never', true)).warned, ['what a person was shown could not be kept']);
  });
});

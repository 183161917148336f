import assert from 'node:assert/strict';
import { maxInlineInputBytes, maxRepeatedInputBytes, prepareEntry, sha256 } from './bytes';
import { canonicalJson } from './canonical';
import type { NewEntry } from './entry';

const id = 'evt_01K00000000000000000000000';
const time = '2026-11-21T20:53:17.123Z';

/** The members of a decision and of its outcome, which hold the same objects, as a reader gets them. */
function rendered(input: Readonly<Record<string, unknown>>): readonly Record<string, unknown>[] {
  const actor = { role: 'agent', client: 'a "client"', connection: 1, user: 'ann' } as const;
  const intent: NewEntry = { phase: 'intent', id, tool: 'filesystem.write', input, actor, result: 'admitted' };
  const done: NewEntry = { phase: 'done', call: id, tool: 'filesystem.write', input, actor, result: 'success', durationMs: 1 };
  return [intent, done].map((entry) => {
    const { members, bytes } = prepareEntry(entry, id, time);
    assert.equal(bytes, Buffer.byteLength(members));
    return JSON.parse(`{${members}}`) as Record<string, unknown>;
  });
}

describe('prepareEntry', () => {
  for (const length of [0, maxRepeatedInputBytes - 20, maxRepeatedInputBytes, maxInlineInputBytes - 20, maxInlineInputBytes]) {
    it(`renders what decision and outcome share alike, with ${length} bytes of input`, () => {
      const input = { path: 'a\u2028\u007f', content: 'x'.repeat(length) };
      const { text } = canonicalJson(input);
      const digest = { $sha256: `sha256:${sha256(text)}`, bytes: Buffer.byteLength(text) };
      const [intent, done] = rendered(input);
      assert.deepEqual(intent?.['input'], digest.bytes > maxInlineInputBytes ? digest : input);
      assert.deepEqual(done?.['input'], digest.bytes > maxRepeatedInputBytes ? digest : input);
      for (const entry of [intent, done]) {
        assert.equal(entry?.['inputHash'], digest.$sha256);
        assert.deepEqual(entry['actor'], { role: 'agent', client: 'a "client"', connection: 1, user: 'ann' });
      }
    });
  }

  it('says of an outcome what was decided, even when the input was changed meanwhile', () => {
    const input = { path: 'a' };
    prepareEntry({ phase: 'intent', id, tool: 't', input, result: 'admitted' }, id, time);
    const before = sha256('{"path":"a"}');
    input.path = 'b';
    const { members } = prepareEntry({ phase: 'done', call: id, tool: 't', input, result: 'success' }, id, time);
    assert.match(members, new RegExp(`"input":\\{"path":"a"\\},"inputHash":"sha256:${before}"`));
  });
});

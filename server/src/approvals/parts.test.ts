import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe as tell, hunksOf, partsOf, textWith } from './parts';

const lines = fc.array(fc.constantFrom('a', 'b', 'c', '', 'long line', '\r'), { maxLength: 30 }).map((all) => all.join('\n'));
const all = (count: number): Set<number> => new Set(Array.from({ length: count }, (_, index) => index));

describe('the parts of a change', () => {
  it('are exactly the old text when none is kept, and the new one when all are', () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const parts = partsOf(before, after);
        assert.ok(parts);
        assert.equal(textWith(parts, new Set()), before);
        assert.equal(textWith(parts, all(parts.length)), after);
      }),
      { numRuns: 500 },
    );
  });

  it('can be kept one by one: each choice differs only where it was made', () => {
    const before = 'one\ntwo\n3\n4\n5\nsix\nseven\n8\n9\n10\nlast';
    const parts = partsOf(before, before.replace('two', 'TWO').replace('seven\n', '').replace('last', 'last\nmore\n')) ?? [];
    assert.deepEqual(hunksOf(parts), [{ line: 2, removed: 1, added: 1, begins: 'TWO\n' }, { line: 7, removed: 1, added: 0, begins: 'seven\n' }, { line: 10, removed: 1, added: 2, begins: 'last\n' }]);
    assert.equal(textWith(parts, new Set([1])), before.replace('seven\n', ''));
    assert.equal(textWith(parts, new Set([0, 2])), `${before.replace('two', 'TWO')}\nmore\n`);
    assert.equal(tell(parts, new Set([0]), 1000), '@@ line 2 @@\n-two\n+TWO\n');
  });

  it('count as one where only two same lines stand between them', () => {
    assert.equal(hunksOf(partsOf('a\n1\n2\nb\n', 'A\n1\n2\nB\n') ?? []).length, 1);
    assert.equal(hunksOf(partsOf('a\n1\n2\n3\nb\n', 'A\n1\n2\n3\nB\n') ?? []).length, 2);
  });

  it('tell of a change in white space and of a missing last line end', () => {
    assert.deepEqual(hunksOf(partsOf('if x:\n    y\n', 'if x:\ny\n') ?? []).map(({ line }) => line), [2]);
    assert.equal(textWith(partsOf('a', 'a\n') ?? [], new Set([0])), 'a\n');
  });

  it('are described no longer than wanted, and say what is left', () => {
    const told = tell(partsOf('', 'x\n'.repeat(1000)) ?? [], new Set([0]), 100);
    assert.ok(told.length < 150 && /more characters/.test(told), told);
  });
});

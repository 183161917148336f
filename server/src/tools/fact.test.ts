import assert from 'node:assert/strict';
import { differences, digestOfFacts, notThere, shownFacts, type Fact } from './fact';

const file = (key: string, value: string, text?: string): Fact => ({ label: 'File', key, value, ...(text === undefined ? {} : { text }) });

describe('facts: what an approval binds to', () => {
  const base: readonly Fact[] = [{ label: 'Arguments 1', key: '', value: '["bash","s.sh"]' }, file('/p/s.sh', 'sha256:a', 'echo 1\n'), file('/p/late', notThere)];

  it('T41 gives one digest for the same facts, whatever text is kept beside them', () => {
    assert.equal(digestOfFacts(base), digestOfFacts(base.map(({ label, key, value }) => ({ label, key, value }))));
  });

  const others: readonly (readonly [string, readonly Fact[]])[] = [
    ['another value', base.map((fact) => (fact.key === '/p/s.sh' ? { ...fact, value: 'sha256:b' } : fact))],
    ['a fact more', [...base, file('/p/x', 'sha256:x')]],
    ['a fact less', base.slice(1)],
    ['another order', [...base].reverse()],
    ['text moved from one part to another', base.map((fact) => (fact.key === '/p/s.sh' ? { ...fact, key: '/p/s', value: '.shsha256:a' } : fact))],
    ['the same fact twice', [...base, ...base.slice(0, 1)]],
    ['another of two of the same name', [...base, { label: 'Arguments 1', key: '', value: '["rm"]' }]],
  ];
  for (const [what, other] of others) {
    it(`T41 another digest and a named difference: ${what}`, () => {
      assert.notEqual(digestOfFacts(other), digestOfFacts(base));
      assert.ok(differences(base, other).length > 0);
      assert.ok(differences(other, base).length > 0);
    });
  }

  it('T41 names what changed, what is new and what is gone', () => {
    const after = [base[0], file('/p/s.sh', 'sha256:b', 'echo 2\n'), file('/p/new', 'sha256:n')].filter((fact) => fact !== undefined);
    const told = differences(base, after).map(({ label, key, before, after: now }) => [label, key, before?.value, now?.value]);
    assert.deepEqual(told, [['File', '/p/s.sh', 'sha256:a', 'sha256:b'], ['File', '/p/new', undefined, 'sha256:n'], ['File', '/p/late', notThere, undefined]]);
    assert.deepEqual(differences(base, base), []);
  });

  it('N1 shows every fact, those about empty paths in one line', () => {
    const shown = shownFacts([...base, file('/p/later', notThere)]);
    assert.deepEqual(shown, [['Arguments 1', '["bash","s.sh"]'], ['File', '/p/s.sh sha256:a'], ['File, not there and to stay so', '/p/late\n/p/later']]);
  });
});

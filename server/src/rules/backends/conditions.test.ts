import assert from 'node:assert/strict';
import { externalPolicySchema } from '../../../../protocol/src/externalPolicy';
import { unfitting } from './conditions';
import { withinRate } from './rate';

function fits(conditions: object, given: Readonly<Record<string, unknown>>, others = true): boolean {
  const [rule] = externalPolicySchema.parse({ version: '1', rules: [{ backend: 'b', tools: ['t'], arguments: conditions, other_arguments: others }] }).rules;
  assert.ok(rule);
  return unfitting(rule, given, 'linux') === undefined;
}

describe('conditions of arguments', () => {
  const below = { path: { below: '/home/me/docs' } };
  const table: [title: string, conditions: object, given: Record<string, unknown>, fits: boolean][] = [
    ['a listed value', { repo: { one_of: ['docs', 'web'] } }, { repo: 'docs' }, true],
    ['another value', { repo: { one_of: ['docs', 'web'] } }, { repo: 'docs ' }, false],
    ['a number is not its text', { n: { one_of: [1] } }, { n: '1' }, false],
    ['a missing argument', { repo: { one_of: ['docs'] } }, {}, false],
    ['an inherited member', { constructor: { max_length: 9 } }, {}, false],
    ['each item of a list', { repos: { one_of: ['a', 'b'] } }, { repos: ['a', 'b'] }, true],
    ['one item that is not listed', { repos: { one_of: ['a', 'b'] } }, { repos: ['a', 'c'] }, false],
    ['an empty list', { repos: { one_of: ['a'] } }, { repos: [] }, false],
    ['a list within a list', { repos: { one_of: ['a'] } }, { repos: [['a']] }, false],
    ['a beginning', { q: { starts_with: 'repo:me/' } }, { q: 'repo:me/x' }, true],
    ['another beginning', { q: { starts_with: 'repo:me/' } }, { q: 'Repo:me/x' }, false],
    ['an object where text belongs', { q: { starts_with: 'a' } }, { q: { a: 'a' } }, false],
    ['a path below', below, { path: '/home/me/docs/a/b.md' }, true],
    ['the folder itself', below, { path: '/home/me/docs' }, true],
    ['.. that stays below', below, { path: '/home/me/docs/a/../b' }, true],
    ['.. that leads out', below, { path: '/home/me/docs/../.ssh/id' }, false],
    ['a neighbour with the same beginning', below, { path: '/home/me/docs_evil' }, false],
    ['a relative path', below, { path: 'docs' }, false],
    ['a null byte', below, { path: '/home/me/docs/a\0' }, false],
    ['a path below in a list', below, { path: ['/home/me/docs/a', '/etc/passwd'] }, false],
    ['a member of a member', { 'options.path': { below: '/x' } }, { options: { path: '/x/y' } }, true],
    ['a member of each item', { 'edits.path': { below: '/x' } }, { edits: [{ path: '/x/y' }, { path: '/z' }] }, false],
    ['a member that one item lacks', { 'edits.path': { below: '/x' } }, { edits: [{ path: '/x/y' }, {}] }, false],
    ['numbers within', { n: { minimum: 1, maximum: 10 } }, { n: 10 }, true],
    ['numbers above', { n: { minimum: 1, maximum: 10 } }, { n: 11 }, false],
    ['no number', { n: { maximum: 10 } }, { n: Number.NaN }, false],
    ['absent', { force: { absent: true } }, {}, true],
    ['not absent', { force: { absent: true } }, { force: false }, false],
    ['too long', { q: { max_length: 3 } }, { q: 'abcd' }, false],
  ];
  for (const [title, conditions, given, expected] of table) it(`backends:policy ${title}: ${expected ? 'fits' : 'does not'}`, () => assert.equal(fits(conditions, given), expected));

  it('backends:policy: other arguments are refused where the rule wants that', () => {
    assert.equal(fits({ path: { max_length: 9 } }, { path: 'a', force: true }, false), false);
    assert.equal(fits({ path: { max_length: 9 } }, { path: 'a' }, false), true);
    assert.equal(fits({ 'o.path': { max_length: 9 } }, { o: { path: 'a' } }, false), true);
  });
});

describe('rates', () => {
  it('backends:rate: so many calls in so many seconds, and then a wait until the oldest is out', () => {
    const rate = { calls: 2, per_s: 10 };
    const first = withinRate([], 1000, rate);
    assert.deepEqual(first, { kind: 'fits', times: [1000] });
    assert.deepEqual(withinRate([1000], 4000, rate), { kind: 'fits', times: [1000, 4000] });
    assert.deepEqual(withinRate([1000, 4000], 5000, rate), { kind: 'full', retryAfterMs: 6000 });
    assert.deepEqual(withinRate([1000, 4000], 11_000, rate), { kind: 'fits', times: [4000, 11_000] });
  });
});

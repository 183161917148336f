import assert from 'node:assert/strict';
import { backendsSchema } from '../../../../protocol/src/backends';
import { externalPolicySchema } from '../../../../protocol/src/externalPolicy';
import { backendsChange, policyChange } from './widening';

const profile = { transport: 'stdio', command: 'a', args: ['x'], egress_allowlist: ['a.com', 'b.com'], timeout_ms: 5000 };
const backends = (one: object | undefined) => backendsSchema.parse({ version: 1, backends: one === undefined ? {} : { a: { ...profile, ...one } } });

describe('changes of backends', () => {
  const table: [title: string, before: object | undefined, after: object | undefined, widens: boolean][] = [
    ['a new one', undefined, {}, true], ['one less', {}, undefined, false], ['switched off', {}, { enabled: false }, false], ['switched on', { enabled: false }, {}, true],
    ['a shorter time', {}, { timeout_ms: 4000 }, false], ['a longer time', {}, { timeout_ms: 6000 }, true], ['a host less', {}, { egress_allowlist: ['a.com'] }, false], ['another host', {}, { egress_allowlist: ['a.com', 'c.com'] }, true],
    ['hosts no longer stated', {}, { egress_allowlist: undefined }, true], ['hosts stated for the first time', { egress_allowlist: undefined }, { egress_allowlist: ['a.com'] }, true],
    ['no wildcard among the hosts, which strict mode refused', { egress_allowlist: ['*', 'a.com'] }, { egress_allowlist: ['a.com'] }, true], ['another argument', {}, { args: ['y'] }, true], ['another variable', {}, { env: { A: 'b' } }, true], ['more required', {}, { required_env: ['A'] }, false],
    ['less required', { required_env: ['A'] }, {}, true], ['a preflight that holds longer', {}, { preflight: { ttl_s: 1_000_000 } }, true], ['narrower and wider at once', {}, { timeout_ms: 4000, args: [] }, true], ['optional', {}, { optional: true }, true],
  ];
  for (const [title, before, after, widens] of table) {
    it(`backends:widening ${title}: ${widens ? 'widens' : 'does not'}`, () => {
      const change = backendsChange(backends(before), backends(after));
      assert.equal(change.widens, widens);
      assert.ok(change.says.length > 0);
    });
  }
  it('nothing says nothing', () => assert.deepEqual(backendsChange(backends({}), backends({})), { widens: false, says: [] }));
});

describe('changes of the policy', () => {
  type Rules = readonly object[];
  const policy = (rules: Rules, deny: Rules = []) => externalPolicySchema.parse({ version: '1', rules: rules.map((rule) => ({ backend: 'a', tools: ['t'], ...rule })), deny });
  const all = { deny: [{ backend: 'a', tools: ['*'] }] };
  const never = { approval: 'never' };
  const table: [title: string, before: Rules, after: Rules, widens: boolean][] = [
    ['a tool', [], [{}], true], ['a tool less', [{}], [], false], ['asking less', [{}], [never], true], ['asking more', [never], [{}], false], ['another tool', [{}], [{ tools: ['t', 'u'] }], true],
    ['a condition less', [{ arguments: { p: { max_length: 3 } } }], [{}], true], ['a condition more', [{}], [{ arguments: { p: { max_length: 3 } } }], false], ['another condition', [{ arguments: { p: { max_length: 3 } } }], [{ arguments: { p: { max_length: 4 } } }], true],
    ['a condition more, before a rule that never asks', [{}, never], [{ arguments: { p: { max_length: 3 } } }, never], true], ['the asking one of two rules less', [{}, never], [never], true], ['the later of two rules less', [{}, never], [{}], true],
    ['every tool', [{}], [{ tools: ['*'] }], true], ['a rate', [{}], [{ rate: { calls: 1, per_s: 1 } }], false], ['no rate', [{ rate: { calls: 1, per_s: 1 } }], [{}], true], ['more often', [{ rate: { calls: 1, per_s: 10 } }], [{ rate: { calls: 10, per_s: 100 } }], true],
    ['writes where nothing only reads', [{}], [{ approval: 'writes' }], false], ['writes where it only reads', [{}], [{ approval: 'writes', read_only_tools: ['t'] }], true],
    ['a tool of a wildcard that only reads', [{ tools: ['*'], approval: 'writes' }], [{ tools: ['*'], approval: 'writes', read_only_tools: ['u'] }], true], ['a tool by its name instead of a wildcard, which strict mode refused', [{ tools: ['*'] }], [{}], true], ['nothing instead of a wildcard', [{ tools: ['*'] }], [], false], ['a track', [{}], [{ tracks: ['x'] }], false], ['no track', [{ tracks: ['x'] }], [{}], true],
    ['no other arguments', [{}], [{ other_arguments: false }], false], ['other arguments', [{ other_arguments: false }], [{}], true], ['one more argument where no others may be', [{ other_arguments: false }], [{ other_arguments: false, arguments: { p: { max_length: 1 } } }], true],
  ];
  for (const [title, before, after, widens] of table) it(`backends:widening ${title}: ${widens ? 'widens' : 'does not'}`, () => assert.equal(policyChange(policy(before), policy(after)).widens, widens));

  it('backends:widening: forbidding narrows, forbidding less widens', () => {
    assert.equal(policyChange(policy([{}]), policy([{}], all.deny)).widens, false);
    assert.equal(policyChange(policy([{}], all.deny), policy([{}])).widens, true);
    assert.equal(policyChange(policy([{ tools: ['*'] }], [{ backend: 'a', tools: ['x'] }]), policy([{ tools: ['*'] }])).widens, true);
  });
});

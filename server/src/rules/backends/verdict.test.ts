import assert from 'node:assert/strict';
import { backendSchema, type Backend } from '../../../../protocol/src/backends';
import { externalPolicySchema } from '../../../../protocol/src/externalPolicy';
import { skipped, unavailabilities, type ExternalMode } from './mode';
import { judgeExternal, type ExternalGround, type ExternalQuestion, type PolicyState } from './verdict';

const lenient: ExternalMode = { enabled: true, strict: false, softFail: false, optional: [], remarks: [] };
const strict: ExternalMode = { ...lenient, strict: true };
const profile: Backend = backendSchema.parse({ transport: 'stdio', command: '/bin/server', egress_allowlist: ['api.example.com:443'] });
const question: ExternalQuestion = { backend: 'files', tool: 'read_file', arguments: { path: '/docs/a' } };

function policy(content: object): PolicyState {
  return { kind: 'policy', policy: externalPolicySchema.parse({ version: '1', ...content }) };
}

const listed = policy({ rules: [{ backend: 'files', tools: ['read_file'], approval: 'never' }] });
const wildcard = policy({ rules: [{ backend: 'files', tools: ['*'], approval: 'never' }] });
const good: ExternalGround = { policy: listed, profile, backendPin: 'approved', toolPin: 'approved', preflight: 'passed', missingEnv: [], mode: lenient, platform: 'linux' };
const without = ({ egress_allowlist: _, ...rest }: Backend): Backend => rest;

function judge(ground: Partial<ExternalGround> = {}, asked: Partial<ExternalQuestion> = {}): string {
  const { verdict, warnings } = judgeExternal({ ...question, ...asked }, { ...good, ...ground });
  return `${verdict.verdict} ${verdict.rule}${warnings.length > 0 ? ' warned' : ''}`;
}

describe('calls to external servers: strict mode and default', () => {
  const table: [condition: string, ground: Partial<ExternalGround>, asDefault: string, asStrict: string][] = [
    ['everything in order', {}, 'allow external.listed', 'allow external.listed'],
    ['the backend is not registered', { profile: undefined }, 'deny external.backendUnknown', 'deny external.backendUnknown'],
    ['the tool is not listed', { policy: policy({}) }, 'deny external.notListed', 'deny external.notListed'],
    ['preflight never ran', { preflight: 'never' }, 'allow external.listed warned', 'deny external.preflight'],
    ['preflight is stale', { preflight: 'stale' }, 'allow external.listed warned', 'deny external.preflight'],
    ['preflight failed', { preflight: 'failed' }, 'allow external.listed warned', 'deny external.preflight'],
    ['egress_allowlist is missing', { profile: without(profile) }, 'allow external.listed warned', 'deny external.egress'],
    ['egress_allowlist is a wildcard', { profile: { ...profile, egress_allowlist: ['*'] } }, 'allow external.listed warned', 'deny external.egress'],
    ['egress_allowlist holds a wildcard', { profile: { ...profile, egress_allowlist: ['a.com', '*.b.com:443'] } }, 'allow external.listed warned', 'deny external.egress'],
    ['egress_allowlist is empty', { profile: { ...profile, egress_allowlist: [] } }, 'allow external.listed', 'allow external.listed'],
    ['a required variable is missing', { missingEnv: ['TOKEN'] }, 'deny external.env', 'deny external.env'],
    ['the tool changed since it was approved', { toolPin: 'changed' }, 'approve external.toolChanged warned', 'deny external.toolChanged'],
    ['the tool is new', { toolPin: 'new' }, 'approve external.toolChanged warned', 'deny external.toolChanged'],
    ['the policy has a wildcard', { policy: wildcard }, 'allow external.listed warned', 'deny external.wildcard'],
    ['the backend is new', { backendPin: 'new' }, 'deny external.quarantined', 'deny external.quarantined'],
    ['the backend changed', { backendPin: 'changed' }, 'deny external.quarantined', 'deny external.quarantined'],
    ['the backend is disabled', { profile: { ...profile, enabled: false } }, 'deny external.disabled', 'deny external.disabled'],
    ['the policy cannot be read', { policy: { kind: 'unreadable', message: 'line 3' } }, 'deny external.unreadable', 'deny external.unreadable'],
    ['external servers are switched off', { mode: { ...lenient, enabled: false } }, 'deny external.off', 'deny external.off'],
    ["the project's policy cannot be read", { projectPolicy: { kind: 'unreadable', message: 'line 3' } }, 'deny external.unreadable', 'deny external.unreadable'],
  ];
  for (const [condition, ground, asDefault, asStrict] of table) {
    it(`backends:modes T39 ${condition}: ${asDefault}; strict: ${asStrict}`, () => {
      assert.equal(judge(ground), asDefault);
      assert.equal(judge({ ...ground, mode: { ...strict, enabled: ground.mode?.enabled ?? true } }), asStrict);
    });
  }

  it('backends:modes: two doubts are two warnings, and strict mode names the first with what to do', () => {
    const { warnings } = judgeExternal(question, { ...good, policy: wildcard, preflight: 'stale' });
    assert.equal(warnings.length, 2);
    const { verdict } = judgeExternal(question, { ...good, policy: wildcard, preflight: 'stale', mode: strict });
    assert.match(verdict.reason, /Strict mode refuses that\. Name each tool/);
  });

  it('T55: quarantine of a tool shows what changed, and no rule spares the question', () => {
    const { verdict } = judgeExternal(question, { ...good, toolPin: 'changed', toolChanges: ['description: "a" became "b".'] });
    assert.match(verdict.reason, /description: "a" became "b"/);
  });
});

describe('calls to external servers: the policy', () => {
  const approval = (how: string, reads: string[] = []): PolicyState => policy({ rules: [{ backend: 'files', tools: ['read_file', 'write_file'], approval: how, read_only_tools: reads }] });
  const table: [title: string, ground: Partial<ExternalGround>, asked: Partial<ExternalQuestion>, expected: string][] = [
    ['a rule without approval asks', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'] }] }) }, {}, 'approve external.approval'],
    ['always asks', { policy: approval('always') }, {}, 'approve external.approval'],
    ['T58 writes asks for every tool that the person did not call reading', { policy: approval('writes') }, {}, 'approve external.approval'],
    ['writes spares what the person called reading', { policy: approval('writes', ['read_file']) }, {}, 'allow external.listed'],
    ['writes asks for the others', { policy: approval('writes', ['read_file']) }, { tool: 'write_file' }, 'approve external.approval'],
    ['a tool of the same name at another backend is not listed', {}, { backend: 'other' }, 'deny external.notListed'],
    ['T57 a look-alike of a listed tool is not listed', {}, { tool: 'reаd_file' }, 'deny external.notListed'],
    ['case counts', {}, { tool: 'Read_File' }, 'deny external.notListed'],
    ['what is denied wins', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'], approval: 'never' }], deny: [{ backend: 'files', tools: ['*'] }] }) }, {}, 'deny external.denied'],
    ['the project can deny', { projectPolicy: policy({}) }, {}, 'deny external.notListed'],
    ['the project can ask', { projectPolicy: policy({ rules: [{ backend: 'files', tools: ['read_file'], approval: 'always' }] }) }, {}, 'approve external.approval'],
    ['the project cannot spare a question', { policy: approval('always'), projectPolicy: listed }, {}, 'approve external.approval'],
    ['the project cannot list', { policy: policy({}), projectPolicy: listed }, {}, 'deny external.notListed'],
    ['a rule for a track does not hold outside', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'], tracks: ['docs'] }] }) }, {}, 'deny external.track'],
    ['a rule for a track holds in it', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'], tracks: ['docs'], approval: 'never' }] }) }, { track: 'docs' }, 'allow external.listed'],
    ['a rule for a track that would ask asks outside, too: nobody knows the track', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'], tracks: ['docs'] }, { backend: 'files', tools: ['read_file'], approval: 'never' }] }) }, {}, 'approve external.approval'],
    ['a rule for a track does not ask in another', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'], tracks: ['docs'] }, { backend: 'files', tools: ['read_file'], approval: 'never' }] }) }, { track: 'web' }, 'allow external.listed'],
    ['a rule for a track that comes later asks nobody', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'], approval: 'never' }, { backend: 'files', tools: ['read_file'], tracks: ['docs'] }] }) }, {}, 'allow external.listed'],
    ['arguments that do not fit', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'], arguments: { path: { below: '/home' } } }] }) }, {}, 'deny external.arguments'],
    ['the first rule that fits decides', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'], arguments: { path: { below: '/docs' } }, approval: 'never' }, { backend: 'files', tools: ['read_file'] }] }) }, {}, 'allow external.listed'],
    ['and then the next', { policy: policy({ rules: [{ backend: 'files', tools: ['read_file'], arguments: { path: { below: '/docs' } }, approval: 'never' }, { backend: 'files', tools: ['read_file'] }] }) }, { arguments: { path: '/etc' } }, 'approve external.approval'],
  ];
  for (const [title, ground, asked, expected] of table) it(`backends:policy ${title}`, () => assert.equal(judge(ground, asked), expected));

  it('backends:policy: a tool only reads when every policy in force says so by name', () => {
    const saying = (reads: readonly string[]): PolicyState => policy({ rules: [{ backend: 'files', tools: ['read_file'], approval: 'never', read_only_tools: [...reads] }] });
    const readOnly = (ground: Partial<ExternalGround>): boolean => judgeExternal(question, { ...good, ...ground }).readOnly;
    assert.equal(readOnly({ policy: saying(['read_file']) }), true);
    assert.equal(readOnly({ policy: saying([]) }), false);
    assert.equal(readOnly({ policy: saying(['other']) }), false);
    assert.equal(readOnly({ policy: saying(['read_file']), projectPolicy: saying([]) }), false);
    assert.equal(readOnly({ policy: saying(['read_file']), toolPin: 'changed' }), false);
  });

  it('backends:policy: rates of both policies hold', () => {
    const rated = (calls: number): PolicyState => policy({ rules: [{ backend: 'files', tools: ['read_file'], approval: 'never', rate: { calls, per_s: 60 } }] });
    assert.deepEqual(judgeExternal(question, { ...good, policy: rated(3), projectPolicy: rated(2) }).rates, [{ calls: 3, per_s: 60 }, { calls: 2, per_s: 60 }]);
  });
});

describe('optional backends', () => {
  const soft: ExternalMode = { ...lenient, softFail: true, optional: ['context7'] };
  const rows: [backend: string, own: boolean, mode: ExternalMode, skips: boolean][] = [
    ['context7', false, soft, true], ['other', false, soft, false], ['other', true, soft, true],
    ['context7', false, { ...soft, softFail: false }, false], ['other', true, lenient, false],
  ];
  for (const why of unavailabilities) {
    for (const [backend, own, mode, skips] of rows) {
      it(`backends:soft-fail ${why} of ${backend}${own ? ' (optional by its profile)' : ''}, soft-fail ${mode.softFail ? 'on' : 'off'}: ${skips ? 'skipped' : 'an error'}`, () => {
        assert.deepEqual(skipped(backend, own, mode, why, 'gone'), skips ? { status: 'skipped_optional', backend, reason: `${why}: gone` } : undefined);
      });
    }
  }

  it('backends:soft-fail: of all refusals only that for a missing variable says that the backend is unavailable', () => {
    assert.equal(judgeExternal(question, { ...good, missingEnv: ['A'] }).unavailable, 'missingEnv');
    for (const ground of [{ profile: undefined }, { policy: policy({}) }, { backendPin: 'new' as const, missingEnv: ['A'] }]) assert.equal(judgeExternal(question, { ...good, ...ground }).unavailable, undefined);
  });
});

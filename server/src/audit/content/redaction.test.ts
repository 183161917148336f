import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import { prepareEntry } from '../../../../protocol/src/audit/bytes';
import type { NewDone, NewIntent } from '../../../../protocol/src/audit/entry';
import { mostCommitments, type RemovedPart } from '../../../../protocol/src/audit/removed';
import { createRedactor } from '../../rules/redaction/redactor';
import { createRedaction } from './redaction';

const secret = Buffer.alloc(32, 7);
const redactor = createRedactor();
redactor.know([{ name: 'canary.known', value: Buffer.from('canary-known') }]);
const redaction = createRedaction({ secret, known: (text) => redactor.find(text) });
const call = 'evt_01K00000000000000000000001';
const done = 'evt_01K00000000000000000000002';
const intentOf = (input: Readonly<Record<string, unknown>>, more: Partial<NewIntent> = {}): NewIntent => ({ phase: 'intent', id: call, tool: 'shell.exec', input, result: 'admitted', ...more });

/** The commitment as somebody else would compute it. */
function committed(owner: string, { at, from, name }: RemovedPart, text: string): string {
  const salt = createHmac('sha256', secret).update(['conductor-audit/1 salt', owner, at, String(from), name === true ? 'name' : 'value'].join('\n')).digest();
  return createHmac('sha256', salt).update(text).digest('hex');
}

describe('redaction of entries', () => {
  it('gives back what holds no secret as it is', () => {
    const entry = intentOf({ command: 'git log', args: ['-n', '20'], deep: { list: [1, null, true] } }, { detail: { digest: 'sha256:00' }, actor: { role: 'agent', client: 'raw 1', user: 'ann' } });
    assert.equal(redaction.entry(entry, call), entry);
  });

  it('audit:commitments: takes a secret out of the input before it is hashed, and commits to it under a salt of its own', () => {
    const clean = redaction.entry(intentOf({ command: 'curl --token hunter2 -u ann:hunter2 x', cwd: '.' }, { detail: { digest: 'sha256:00' } }), call);
    assert.equal(clean.input['command'], 'curl --token [removed] -u ann:[removed] x');
    const parts = clean.removed?.parts ?? [];
    assert.deepEqual(parts.map(({ at, from, kind }) => [at, from, kind]), [['/input/command', 13, 'flag'], ['/input/command', 30, 'userinfo'], ['/detail/digest', 0, 'digest']]);
    assert.deepEqual(parts.map(({ hmac }) => hmac), [committed(call, parts[0] as RemovedPart, 'hunter2'), committed(call, parts[1] as RemovedPart, 'hunter2'), committed(call, parts[2] as RemovedPart, 'sha256:00')]);
    assert.equal(new Set(parts.map(({ hmac }) => hmac)).size, 3, 'equal texts have commitments that are not equal');
    const { members } = prepareEntry(clean, call, '2026-01-01T00:00:00.000Z');
    assert.ok(!members.includes('hunter2'));
    assert.ok(members.includes(`"inputHash":"sha256:${createHash('sha256').update(canonicalJson(clean.input).text).digest('hex')}"`));
  });

  it('audit:commitments: decision and outcome hold the same input with the same commitments, and nothing else in common', () => {
    const input = { args: ['--password', 'hunter2'] };
    const first = redaction.entry(intentOf(input, { detail: { note: 'password=hunter2' } }), call);
    const outcome: NewDone = { phase: 'done', call, tool: 'shell.exec', input, result: 'error', detail: { note: 'password=hunter2' } };
    const second = redaction.entry(outcome, done);
    assert.equal(canonicalJson(first.input).text, '{"args":["--password","[removed]"]}');
    assert.deepEqual(second.input, first.input);
    assert.equal(second.removed?.parts[0]?.hmac, first.removed?.parts[0]?.hmac);
    assert.notEqual(second.removed?.parts[1]?.hmac, first.removed?.parts[1]?.hmac);
  });

  it('looks everywhere: names, nested values, errors, reasons, clients, tools', () => {
    const entry = intentOf(
      { 'canary-known-name': 1, nested: [{ apiKey: 'short' }, ['canary-known']], text: 'x canary-known y' },
      { tool: 'canary-known', detail: { message: 'failed for canary-known' }, verdict: { verdict: 'deny', rule: 'r', reason: '"canary-known" is not listed' }, approval: { id: 'a', decision: 'denied', by: 'editor', waitedMs: 1, reason: 'password=hunter2' }, actor: { role: 'agent', client: 'canary-known', user: 'ann' } },
    );
    const clean = redaction.entry(entry, call);
    assert.doesNotMatch(JSON.stringify(clean), /canary-known|hunter2|short/);
    assert.deepEqual(clean.removed?.parts.map(({ at }) => at), ['/input/[removed] 0', '/input/nested/0/apiKey', '/input/nested/1/0', '/input/text', '/tool', '/verdict/reason', '/approval/reason', '/actor/client', '/detail/message']);
    assert.equal(clean.removed?.parts[0]?.name, true);
  });

  it('a deep value is removed whole, without recursion', () => {
    let deep: unknown = 'canary-known';
    for (let i = 0; i < 100_000; i += 1) deep = [deep];
    const clean = redaction.entry(intentOf({ deep }), call);
    assert.doesNotMatch(canonicalJson(clean.input).text, /canary-known/);
  });

  it('commits to so many texts and no more, and counts the others', () => {
    const clean = redaction.entry(intentOf({ text: 'canary-known '.repeat(mostCommitments + 5) }), call);
    assert.deepEqual([clean.removed?.parts.length, clean.removed?.more], [mostCommitments, 5]);
    assert.doesNotMatch(JSON.stringify(clean), /canary-known/);
  });

  it('what was released is committed to like the input', () => {
    const { text, removed } = redaction.output(call, 'token=something-secret and more');
    assert.equal(text, 'token=[removed] and more');
    assert.equal(removed?.parts[0]?.hmac, committed(call, { at: '/output', from: 6, kind: '', hmac: '' }, 'something-secret'));
  });

  it('audit:redacted-once looks at a clean entry in one pass, and at what decision and outcome share once', () => {
    const texts: string[] = [];
    const counting = createRedactor();
    counting.know([{ name: 'canary.known', value: Buffer.from('canary-known') }]);
    const once = createRedaction({ secret, known: (text) => (texts.push(text), counting.find(text)), knowledge: counting.knowledge });
    const input = { command: 'git log', args: ['-n', '20'], deep: { list: [1, null, 'three'] } };
    const intent = intentOf(input, { actor: { role: 'agent', client: 'raw 1', user: 'ann' }, verdict: { verdict: 'allow', rule: 'shell.allowed', reason: '"git log" is listed.' } });
    const outcome: NewDone = { phase: 'done', call, tool: 'shell.exec', input, result: 'success', actor: { role: 'agent', client: 'raw 1', user: 'ann' } };
    assert.equal(once.entry(intent, call), intent);
    assert.equal(texts.length, 1);
    for (const part of ['command', 'git log', '20', 'three', 'shell.exec', 'raw 1', '"git log" is listed.']) assert.ok(texts[0]?.includes(part), part);
    assert.equal(once.entry(outcome, done), outcome);
    assert.equal(texts.length, 1, 'nothing of the outcome is new');
    counting.know([{ name: 'canary.later', value: Buffer.from('git log') }]);
    assert.deepEqual({ ...once.entry(outcome, done).input }, { ...input, command: '[removed]' }, 'what counts as a secret by now is found in what was clean before');
    assert.equal(once.entry({ ...outcome, tool: 'canary-known' }, done).tool, 'canary-known', 'and what does not count any more is not');
  });

  it('audit:redacted-once finds at the first glance whatever a closer look finds, wherever texts meet', () => {
    const values = ['canary-known', 'ends\\\\', '%begins', 'two words', 'line\nbreak', 'pin7'];
    const several = createRedactor();
    several.know(values.map((value, i) => ({ name: `canary.${String(i)}`, value: Buffer.from(value) })));
    const quick = createRedaction({ secret, known: several.find, knowledge: several.knowledge });
    const plain = [...values, ...values.map((value) => JSON.stringify(value).slice(1, -1)), ...values.map((value) => Buffer.from(value).toString('base64')), ...values.map((value) => encodeURIComponent(value)), ...values.map((value) => `%${value.charCodeAt(0).toString(16)}${value.slice(1)}`), `ghp_${'a1B2'.repeat(9)}`, `SG.${'x'.repeat(22)}.${'y'.repeat(43)}`, 'password=hunter2', 'Bearer abcdefgh12345678'];
    const around = ['', 'x', '\\', '%', '&', '\n', '"', ' '];
    for (const text of plain) {
      for (const before of around) {
        for (const after of around) {
          const entry = intentOf({ first: `a${before}`, second: text, third: `${after}b`, list: [before, text, after] });
          // Deeper than any glance, so that each text is looked at for itself.
          let deep: unknown = 'end';
          for (let i = 0; i < 20; i += 1) deep = [deep];
          const closely = quick.entry({ ...entry, input: { ...entry.input, zdeep: deep } }, call).input;
          const { zdeep: _deep, ...expected } = closely;
          assert.deepEqual({ ...quick.entry(entry, call).input }, expected, JSON.stringify([before, text, after]));
        }
      }
    }
  });
});

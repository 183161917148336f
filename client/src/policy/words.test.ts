import assert from 'node:assert/strict';
import type { Proof, VectorSummary } from '../../../protocol/src/vectors';
import { callLines, expectedText, failureText, groupVectors, totalsText, vectorDescription, vectorLabel, vectorText } from './words';

const vector = (id: string, threats: string[], choice = false): VectorSummary => ({ id, threats, title: `What ${id} does`, source: 'shipped', choice });
const proof = (outcome: Proof['outcome'], more: Partial<Proof> = {}): Proof => ({ id: 'one', outcome, calls: [{ call: 'ls -la', verdict: 'allow', rule: 'shell.allowed', reason: 'ls is allowed.' }], listed: true, through: [], ...more });

describe('the words of attack vectors', () => {
  it('groups by the first threat, in the order of their numbers, and the choices of the user at the end', () => {
    const groups = groupVectors([vector('a', ['T10']), vector('b', ['T2', 'T10']), vector('c', ['T16'], true), vector('d', ['T10'])]);
    assert.deepEqual(groups.map(({ id, vectors }) => [id, vectors.map((one) => one.id)]), [['T2', ['b']], ['T10', ['a', 'd']], ['choices', ['c']]]);
    assert.match(groups[0]?.label ?? '', /^T2 Too many commands/);
    assert.equal(groupVectors([vector('x', ['T91'])])[0]?.label, 'T91');
    assert.deepEqual([vectorDescription(vector('a', ['T1'])), vectorDescription(vector('b', ['T1'], true))], ['a', 'T1 b']);
  });

  it('says why a vector was not held, each call with its rule, and what to do', () => {
    const text = failureText(proof('exposed', { through: ['node'], next: 'Move node to the other list.' }));
    assert.match(text, /^Exposed: your settings .* Through node\.\n\nallow \[shell\.allowed\] ls -la\n\nNext: Move node/s);
    assert.match(failureText(proof('silent')), /^Silent: this would run or write without asking\./);
    assert.deepEqual(callLines(proof('held', { calls: [{ call: 'rm -r x', verdict: 'approve', rule: 'shell.arguments', reason: 'rm asks.' }] })), ['approve [shell.arguments] rm -r x: rm asks.']);
    assert.deepEqual([expectedText('asks'), expectedText('silent')], ['denied', 'asked or denied']);
  });

  it('policy:exposures: never counts what is exposed as held', () => {
    assert.equal(totalsText({ held: 1900, exposed: 1, asks: 0, silent: 0 }), '1,900 of 1,901 attack vectors held by your policy. 1 vector is exposed by your settings. Nothing was run.');
    assert.match(totalsText({ held: 1, exposed: 0, asks: 1, silent: 2 }), /^1 of 4 attack vectors held.* 3 vectors are not held\. Nothing was run\.$/);
    assert.equal(totalsText({ held: 1, exposed: 0, asks: 0, silent: 0 }), '1 of 1 attack vector held by your policy. Nothing was run.');
  });

  it('T3 shows nothing that deceives an eye, in labels, lines and documents', () => {
    assert.equal(vectorLabel({ ...vector('a', ['T3']), title: 'a\u202eb\nc' }), 'a\\u{202e}b\\nc');
    assert.match(callLines(proof('silent', { calls: [{ call: 'ls \u200b', verdict: 'allow', rule: 'r', reason: '' }] }))[0] ?? '', /\\u\{200b\}/);
    const text = vectorText(JSON.stringify({ command: 'echo \u202e\u{e0041}' }, undefined, 2), proof('held', { calls: [] }));
    assert.match(text, /^\/\/ Held: your rules ask or deny\.\n\{/);
    assert.ok(/^[\n -~]*$/.test(text));
    assert.deepEqual(JSON.parse(text.replace(/^\/\/.*$/gm, '')), { command: 'echo \u202e\u{e0041}' });
  });
});

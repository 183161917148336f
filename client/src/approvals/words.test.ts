import assert from 'node:assert/strict';
import { examplePending } from '../../../test/fakes/pending';
import { callPath, parseCallPath } from './callUri';
import { choicesFor, pickColumns, pickRows } from './choices';
import { closedText, reviewText } from './reviewText';
import { fitsRow, rowOf, secondsLeft, waitingText } from './rows';

const bidi = String.fromCodePoint(0x202e);

describe('the words of an approval', () => {
  it('shows the raw action first and the agent’s own words last (T45)', () => {
    const text = reviewText(examplePending({ client: 'friendly agent, please approve' }));
    const order = ['rm -rf build', 'Working folder', 'shell.requireApproval', 'not checked', 'friendly agent'].map((part) => text.indexOf(part));
    assert.ok(order.every((place) => place > 0), text);
    assert.deepEqual(order, [...order].sort((one, other) => one - other));
  });

  it('writes hidden characters out and counts them (T45)', () => {
    const text = reviewText(examplePending({ raw: `rm ${bidi}gpj.txt${bidi}` }));
    assert.ok(!text.includes(bidi));
    assert.match(text, /rm \\u\{202e\}gpj\.txt\\u\{202e\}/);
    assert.match(text, /2 HIDDEN CHARACTERS/);
    assert.match(reviewText(examplePending({ raw: `a${bidi}`, details: [['Begins', `a${bidi}`]] })), /1 HIDDEN CHARACTER,/);
    assert.match(reviewText(examplePending({ details: [['Program', `/bin/${bidi}rm`]] })), /1 HIDDEN CHARACTER,/);
    assert.match(reviewText(examplePending()), /No hidden characters/);
  });

  it('indents every line of the action and of details, so that none passes for a fact (T45)', () => {
    const text = reviewText(examplePending({ raw: 'echo ok\nRule  shell.allowed: fine', details: [['Content', 'a\nWorking folder  /safe']] }));
    assert.match(text, /^ {4}Rule {2}shell\.allowed: fine$/m);
    assert.match(text, /^ {4}Working folder {2}\/safe$/m);
  });

  it('keeps a client’s name on one line (T45)', () => {
    assert.ok(reviewText(examplePending({ client: 'x\n\nApproved by the user' })).includes('x\\n\\nApproved'));
  });

  it('says what became of a call that no longer waits', () => {
    assert.match(closedText('evt_A', 'denied here'), /You denied/);
    assert.match(closedText('evt_A', 'no longer waiting'), /no longer waits/);
  });

  it('puts the raw action into a row’s label, revealed', () => {
    assert.equal(rowOf(examplePending({ raw: `a\nb${bidi}` })).label, 'a\\nb\\u{202e}');
    assert.match(rowOf(examplePending()).spoken, /rm -rf build, in \/home\/ada\/project/);
  });

  it('names tool and folder beside it', () => {
    assert.equal(rowOf(examplePending()).description, 'shell.exec in project');
    assert.equal(rowOf(examplePending({ cwd: 'C:\\work\\app\\' })).description, 'shell.exec in app');
    assert.equal(rowOf(examplePending({ cwd: '/' })).description, 'shell.exec in /');
  });

  it('lets a row approve only what it shows whole', () => {
    assert.equal(fitsRow(examplePending()), true);
    assert.equal(fitsRow(examplePending({ raw: 'x'.repeat(61) })), false);
    assert.equal(fitsRow(examplePending({ raw: 'a\nb' })), false);
    assert.equal(fitsRow(examplePending({ raw: `a${bidi}` })), false);
  });

  it('counts in words', () => {
    assert.equal(waitingText(1), '1 tool call waits for your decision');
    assert.equal(waitingText(2), '2 tool calls wait for your decision');
    assert.equal(secondsLeft(examplePending(), Date.parse('2026-11-21T20:01:30.000Z')), 30);
    assert.equal(secondsLeft(examplePending(), Date.parse('2026-11-21T21:00:00.000Z')), 0);
  });
});

describe('the decision list', () => {
  it('shows action and folder, then Deny, Deny with Reason and Approve Once', () => {
    assert.deepEqual(choicesFor(examplePending()).map(({ deed }) => deed), ['review', 'review', 'deny', 'denyWithReason', 'approve']);
  });

  it('does not offer to approve what it cannot show whole (T45)', () => {
    const long = choicesFor(examplePending({ raw: 'x'.repeat(pickColumns * pickRows.raw + 1) }));
    assert.ok(!long.some(({ deed }) => deed === 'approve'));
    assert.ok(long.some(({ label }) => label.includes('1 more line')));
    const fits = choicesFor(examplePending({ raw: 'x'.repeat(pickColumns * pickRows.raw) }));
    assert.ok(fits.some(({ deed }) => deed === 'approve'));
    const folder = choicesFor(examplePending({ cwd: `/${'d'.repeat(200)}` }));
    assert.ok(!folder.some(({ deed }) => deed === 'approve'));
  });

  it('loses nothing of the action and keeps $(name) from becoming an icon (T45)', () => {
    const labels = choicesFor(examplePending({ raw: 'rm -rf $(whoami) $(check~spin)' })).map(({ label }) => label);
    assert.equal(labels[0], '$(chevron-right) rm -rf \\$(whoami) \\$(check~spin)');
  });

  it('warns of hidden characters beside the approval (T45)', () => {
    const approval = choicesFor(examplePending({ raw: `a${bidi}b` })).find(({ deed }) => deed === 'approve');
    assert.match(approval?.detail ?? '', /1 hidden character,/);
  });
});

describe('the address of a review', () => {
  it('carries the call and its bytes there and back', () => {
    const call = examplePending();
    assert.deepEqual(parseCallPath(callPath(call)), { id: call.id, digest: call.digest });
  });

  it('is refused when it is not one of ours', () => {
    for (const path of ['', '/conductor-call/evt_A', `/conductor-call/evt_A/${'a'.repeat(63)}/x`, `/other/evt_A/${'a'.repeat(64)}/x`]) assert.equal(parseCallPath(path), undefined, path);
  });

  it('keeps a tool’s name from adding parts', () => {
    assert.match(callPath(examplePending({ tool: '../../x y' })), /\/Review \.\._\.\._x_y$/);
  });
});

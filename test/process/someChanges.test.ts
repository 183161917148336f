import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { DecisionResult, Pending } from '../../protocol/src/approvals';
import { fitMarks, type FileChange } from '../../protocol/src/fileChanges';
import { TestHouse, until, type Json } from './house';

/** Files that a call would change: what windows see of them, and what a person leaves out. */

describe('changes of files at the broker', () => {
  let house: TestHouse;
  let person: MessageConnection;
  const before = ['one', 'two', '3', '4', '5', 'six', '7', '8', '9', 'ten', ''].join('\n');
  const after = before.replace('two', 'TWO').replace('six', 'SIX').replace('ten', 'TEN');
  const file = (): string => join(house.project, 'list.txt');

  beforeEach(async () => {
    house = new TestHouse({ plugins: { filesystem: { requireApproval: ['write'] } }, approvalTimeout: 20_000 });
    writeFileSync(file(), before);
    person = await house.control('editor');
    await person.sendRequest('approvals/attend', { attending: true });
  });
  afterEach(() => house.close());

  const waiting = (wanted: (call: Pending) => boolean = () => true): Promise<Pending> =>
    until('a call waits', async () => (await person.sendRequest<{ pending: Pending[] }>('approvals/list', {})).pending.find(wanted));
  const contentOf = async ({ id, digest }: Pending): Promise<FileChange> => {
    const [change] = (await person.sendRequest<{ files: FileChange[] }>('approvals/content', { id, digest })).files;
    assert.ok(change);
    return change;
  };
  const narrow = ({ id, digest }: Pending, ...keep: number[]): Promise<DecisionResult> => person.sendRequest('approvals/narrow', { id, digest, keep });
  const approve = ({ id, digest }: Pending): Promise<DecisionResult> => person.sendRequest('approvals/decide', { id, digest, decision: 'approve' });

  const calls: readonly (readonly [string, Record<string, unknown>])[] = [
    ['filesystem_write', { path: 'list.txt', content: after }],
    ['filesystem_edit', { path: 'list.txt', edits: [['two', 'TWO'], ['six', 'SIX'], ['ten', 'TEN']].map(([oldText, newText]) => ({ oldText, newText })) }],
  ];
  for (const [tool, input] of calls) {
    it(`approvals:content: ${tool} shows both texts whole, and only with the digest of the question`, async () => {
      const agent = await house.introducedAgent();
      const called = agent.call(tool, input);
      const call = await waiting();
      assert.deepEqual(call.files, [file()]);
      const { before: old, after: now, hunks, divisible } = await contentOf(call);
      // What is shown is in the question, and so in what is signed.
      assert.equal(fitMarks([{ before: old, after: now }], call.contents ?? []), true);
      assert.equal(fitMarks([{ before: old, after: { kind: 'text', text: `${after} `, bytes: 0, sha256: '' } }], call.contents ?? []), false);
      assert.deepEqual([old.kind === 'text' && old.text, now.kind === 'text' && now.text, hunks.map(({ line }) => line), divisible], [before, after, [2, 6, 10], true]);
      await assert.rejects(contentOf({ ...call, digest: '0'.repeat(64) }), /no longer waits/);
      await person.sendRequest('approvals/decide', { id: call.id, digest: call.digest, decision: 'deny' });
      await called;
      await assert.rejects(contentOf(call), /no longer waits/);
    });

    it(`approvals:some-changes: ${tool} runs with the kept changes only, after an approval of its own, and the agent reads both lists`, async () => {
      const agent = await house.introducedAgent();
      const called = agent.call(tool, input);
      const whole = await waiting();
      assert.equal((await narrow(whole, 0, 2)).outcome, 'accepted');
      assert.equal((await approve(whole)).outcome, 'gone');
      const smaller = await waiting(({ id }) => id !== whole.id);
      assert.deepEqual(smaller.narrowed, { after: whole.id, kept: 2, of: 3 });
      assert.notEqual(smaller.digest, whole.digest);
      assert.equal(readFileSync(file(), 'utf8'), before);
      assert.equal((await approve(smaller)).outcome, 'accepted');
      const { isError, text, structured } = await called;
      assert.equal(isError, false, text);
      assert.equal(readFileSync(file(), 'utf8'), before.replace('two', 'TWO').replace('ten', 'TEN'));
      assert.match(text, /only 2 of the 3 changes[^]*Applied:\n@@ line 2 @@\n-two\n\+TWO\n@@ line 10 @@\n-ten\n\+TEN\n\nNot applied:\n@@ line 6 @@\n-six\n\+SIX/);
      assert.match(JSON.stringify(structured['partial']), /only 2 of 3 changes.*"applied":"@@ line 2 @@.*"notApplied":"@@ line 6 @@/);
      // The answer to the question that was withdrawn is on record, too.
      const [first, second, third] = house.callEntries().filter(({ tool: name }) => name !== 'approvals.decide');
      assert.match(JSON.stringify(first), /approval\.narrowed.*left out 1 of 3/);
      assert.deepEqual([(first?.['detail'] as Json)['reducedTo'], String((first?.['approval'] as Json)['by']).split(' ')[0], (second?.['detail'] as Json)['narrowed']], [{ keep: [0, 2], of: 3 }, 'editor', { after: whole.id, kept: 2, of: 3 }]);
      assert.deepEqual([second?.['phase'], third?.['phase'], second?.['id']], ['intent', 'done', smaller.id]);
      assert.ok(!JSON.stringify(second?.['input']).includes('SIX'));
    });
  }

  it('approvals:some-changes: nothing is left out of what was answered, of other bytes, or beyond what there is', async () => {
    const agent = await house.introducedAgent();
    const called = agent.call('filesystem_write', { path: 'list.txt', content: after });
    const call = await waiting();
    assert.equal((await narrow({ ...call, digest: '0'.repeat(64) }, 0)).outcome, 'other');
    assert.equal((await narrow({ ...call, id: 'evt_x' }, 0)).outcome, 'gone');
    await assert.rejects(narrow(call, 3), /only 3 changes/);
    await assert.rejects(narrow(call, 0, 1, 2), /approve the call/);
    await assert.rejects(narrow(call), /keep/);
    const viewer = await house.control('viewer');
    await assert.rejects(viewer.sendRequest('approvals/narrow', { id: call.id, digest: call.digest, keep: [0] }), /may not send/);
    await approve(call);
    assert.equal((await called).isError, false);
    assert.equal((await narrow(call, 0)).outcome, 'gone');
    assert.equal(readFileSync(file(), 'utf8'), after);
  });

  it('approvals:some-changes: what is left is judged anew, so that a file that changed meanwhile is not overwritten', async () => {
    const agent = await house.introducedAgent();
    const called = agent.call('filesystem_edit', calls[1]?.[1] ?? {});
    const call = await waiting();
    writeFileSync(file(), `${before}new\n`);
    await narrow(call, 0);
    const { isError, text } = await called;
    assert.equal(isError, true);
    assert.match(text, /not the file that was expected/);
    assert.equal(readFileSync(file(), 'utf8'), `${before}new\n`);
  });

  it('approvals:not-whole: a new file and a huge one say what cannot be shown', async () => {
    const agent = await house.introducedAgent();
    void agent.call('filesystem_write', { path: 'new.txt', content: 'x\n'.repeat(700_000) }).catch(() => undefined);
    const call = await waiting();
    assert.match(call.notWhole ?? '', /1400008? characters|14000\d\d characters/);
    assert.ok(call.raw.length < 263_000);
    const { before: old, after: now, hunks } = await contentOf(call);
    assert.deepEqual([old.kind, now.kind, hunks], ['none', 'unshown', []]);
    writeFileSync(file(), Buffer.from([0, 1, 2, 255]));
    void agent.call('filesystem_write', { path: 'list.txt', content: 'text\n' }).catch(() => undefined);
    const binary = await waiting(({ id }) => id !== call.id);
    assert.equal(binary.notWhole, undefined);
    const replaced = await contentOf(binary);
    assert.deepEqual([replaced.before.kind, replaced.after.kind, replaced.divisible], ['unshown', 'text', false]);
    await assert.rejects(narrow(binary, 0), /as a whole only/);
  });
});

import assert from 'node:assert/strict';
import type { ToolCall } from '../../../protocol/src/call';
import type { Tool } from '../tools/tool';
import type { Approval } from './asking';
import { createApprovedBefore, layOut, type ApprovedCall } from './approvedBefore';
import type { Judged } from './judging';

/** What a person reads of the arguments of an external tool, and of what changed since they approved it last. */

const yes: Approval = { id: 'evt_1', decision: 'approved', by: { role: 'editor' }, waitedMs: 1, level: 'editor key' };
const descriptor = { name: 'notes__write', inputSchema: { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] } };

function judged(input: Readonly<Record<string, unknown>>, more: Partial<ToolCall> = {}, tool: Partial<Tool> = { origin: { backend: 'notes', name: 'write' }, descriptor }): Judged {
  return { call: { id: 'evt_9', tool: 'notes__write', project: '/p', input, actor: { role: 'agent', user: 'u' }, ...more }, tool } as unknown as Judged;
}
function memory(inLog: readonly ApprovedCall[] = []) {
  let reads = 0;
  const before = createApprovedBefore({ wallNow: () => 0, approvedInLog: () => { reads += 1; return Promise.resolve(inLog); } });
  return { before, reads: () => reads };
}

describe('call/approvedBefore', () => {
  it('approvals:arguments-since: names what is another than in the last approved call of the tool, new and gone ones too', async () => {
    const { before } = memory();
    assert.equal((await layOut(before, judged({ title: 'a' })))?.lastApproved, undefined);
    before.note(judged({ title: 'a', tags: ['x'], text: 'one\ntwo\n' }, { id: 'evt_7' }), yes);
    const laidOut = await layOut(before, judged({ title: 'b', text: 'one\nTWO\n', force: true }));
    assert.deepEqual(laidOut?.rows.map(({ path, mark }) => `${path} ${mark}`), ['title fits', 'text unknown', 'force unknown']);
    assert.equal(laidOut.lastApproved?.call, 'evt_7');
    assert.deepEqual(laidOut.lastApproved.changes.map(({ key, before: was, after: is }) => [key, was, is]), [['title', '"a"', '"b"'], ['text', '"one\\ntwo\\n"', '"one\\nTWO\\n"'], ['force', null, 'true'], ['tags[0]', '"x"', null]]);
    assert.match(laidOut.lastApproved.changes[1]?.diff ?? '', /-two\n\+TWO/);
    assert.deepEqual((await layOut(before, judged({ text: 'one\ntwo\n', tags: ['x'], title: 'a' })))?.lastApproved?.changes, []);
  });

  it('approvals:arguments-since: another tool or project, a no, and a yes of the agent’s own client are not what was approved', async () => {
    const { before } = memory();
    before.note(judged({ title: 'a' }, { project: '/q' }), yes);
    before.note(judged({ title: 'a' }, { tool: 'notes__read' }), yes);
    before.note(judged({ title: 'a' }), { ...yes, decision: 'denied' });
    before.note(judged({ title: 'a' }), { ...yes, level: 'client' });
    assert.equal((await layOut(before, judged({ title: 'b' })))?.lastApproved, undefined);
  });

  it('approvals:arguments-since: begins with what the log tells, read once, the newest first; what was too large for it is not compared', async () => {
    const call = (id: string, input?: ApprovedCall['input'], tool = 'notes__write'): ApprovedCall => ({ call: id, at: 'then', tool, project: '/p', ...(input === undefined ? {} : { input }) });
    const { before, reads } = memory([call('evt_3', { title: 'new' }), call('evt_2', { title: 'old' }), call('evt_5', undefined, 'notes__big'), call('evt_4', { title: 'old' }, 'notes__big')]);
    assert.equal(reads(), 0);
    assert.equal((await layOut(before, judged({ title: 'new' })))?.lastApproved?.call, 'evt_3');
    assert.equal((await layOut(before, judged({ title: 'x' }, { tool: 'notes__big' })))?.lastApproved, undefined);
    assert.equal(reads(), 1);
  });

  it('lays out nothing of Conductor’s own tools', async () => {
    assert.equal(await layOut(memory().before, judged({ path: 'x' }, { tool: 'filesystem.write' }, {})), undefined);
  });
});

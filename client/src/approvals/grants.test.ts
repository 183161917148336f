import assert from 'node:assert/strict';
import type { Pending } from '../../../protocol/src/approvals';
import type { GrantView, Ladder } from '../../../protocol/src/grants';
import { examplePending } from '../../../test/fakes/pending';
import { choicesFor } from './choices';
import { entryText, lineIn } from '../audit/entryText';
import { endText, grantIn, grantLines, grantRow, spanText } from './grants';
import { reviewText } from './reviewText';
import { alikeGroups, approveChoices, batchOf, denyChoices, isShownWhole, measureText, mostAlikeRows } from './rungs';

const bidi = String.fromCodePoint(0x202e);
const now = Date.parse('2026-11-22T10:00:00Z');
const ladder: Ladder = {
  allow: [{ rung: 'session', title: 'Approve for This Session', covers: 'This agent may repeat it.', lasts: '8 hours' }, { rung: 'flags', title: 'Approve rm -f with Other Operands', covers: 'More.', lasts: '30 days' }],
  deny: [{ rung: 'program', title: 'Always Deny rm in This Project', covers: 'Every call.', lasts: 'until you undo it' }],
  alike: 'rm -f',
};
const grant: GrantView = {
  id: 'grant_01K0000000000000000000000A', effect: 'allow', rung: 'flags', title: 'Approve rm -f with Other Operands', covers: 'More.', tool: 'shell.exec', project: '/home/ada/project', agent: 'claude-code', session: false,
  reasons: ['Your settings let rm run only after you approve.'], programs: ['rm /usr/bin/rm sha256:1'], by: 'editor Visual Studio Code', call: 'evt_1', createdAt: '2026-11-22T08:00:00.000Z', expiresAt: '2026-12-02T10:00:00.000Z', uses: 3, lastUsedAt: '2026-11-22T09:58:00.000Z',
};
const call = (raw: string, different: Partial<Pending> = {}): Pending => examplePending({ raw, ladder, ...different });

describe('answers that last, in words', () => {
  it('grants:prompt: offers to answer for longer only where a call offers it and the list shows all of it', () => {
    assert.equal(choicesFor(call('rm -f a')).at(-1)?.deed, 'approveForLonger');
    assert.equal(choicesFor(examplePending()).some(({ deed }) => deed === 'approveForLonger'), false);
    assert.equal(choicesFor(call('rm -f a', { ladder: { allow: [], deny: [] } })).some(({ deed }) => deed === 'approveForLonger'), false);
    const long = call('rm -f '.padEnd(2000, 'x'));
    assert.equal(choicesFor(long).some(({ deed }) => deed === 'approveForLonger'), false);
    assert.equal(isShownWhole(long), false);
  });

  it('grants:prompt: lists the action, Deny first among the answers, then this call alone, then each rung, narrowest first', () => {
    const deeds = approveChoices(call('rm -f a'), []).map(({ deed }) => (deed.kind === 'answer' ? `${deed.decision} ${deed.rung}` : deed.kind));
    assert.deepEqual(deeds, ['review', 'deny', 'approve once', 'approve session', 'review', 'approve flags', 'review']);
    const none = approveChoices(call('sh x', { ladder: { allow: [], deny: [], limit: 'Nothing beyond this session is offered: sh runs other programs.' } }), []);
    assert.match(none.at(-1)?.label ?? '', /sh runs other programs/);
    assert.deepEqual(denyChoices(call('rm -f a')).map(({ deed }) => (deed.kind === 'answer' ? `${deed.decision} ${deed.rung}` : deed.kind)), ['review', 'deny', 'deny program', 'review']);
  });

  it('grants:prompt: says what a rung covers, how long it holds, what it would have covered and what it newly allows', () => {
    const rows = approveChoices(call('rm -f a'), [{ rung: 'flags', past: { covered: 4, asked: 9 }, example: `rm -f $(x) ${bidi}`, real: true }]);
    const at = rows.findIndex(({ deed }) => deed.kind === 'answer' && deed.rung === 'flags');
    assert.equal(rows[at]?.detail, 'Would have covered 4 of 9 past prompts. Newly allows (seen before): rm -f \\$(x) \\u{202e}');
    assert.equal(rows[at]?.label, '$(check-all) Approve rm -f with Other Operands (30 days)');
    assert.equal(rows[at + 1]?.label.trim(), 'More.');
    assert.equal(measureText({ rung: 'flags', past: { covered: 0, asked: 0 }, example: 'rm another', real: false }), 'Nothing was asked here before. Newly allows for instance: rm another');
  });

  it('grants:batch: puts calls together that are alike, whole and asked for the first time, and no others', () => {
    const calls = [call('rm -f a', { id: 'evt_A' }), call('mkdir x', { id: 'evt_B', ladder: { ...ladder, alike: 'mkdir' } }), call('rm -f b', { id: 'evt_C' }), call('rm -f '.padEnd(2000, 'x'), { id: 'evt_D' }), examplePending({ id: 'evt_E' }), call('rm -f c', { id: 'evt_F', again: { round: 2, after: 'evt_A', changes: [{ label: 'File', key: '', before: 'a', after: 'b' }] } })];
    assert.deepEqual(alikeGroups(calls).map((group) => group.map(({ id }) => id)), [['evt_A', 'evt_C']]);
    assert.deepEqual(alikeGroups(calls.slice(1)), []);
  });

  it('grants:batch: a preview shows every action whole with its folder, and leaves out what does not fit', () => {
    const many = Array.from({ length: 40 }, (_, index) => call(`rm -f file-${String(index)}`, { id: `evt_${String(index)}` }));
    const { calls, rows, left } = batchOf(many);
    assert.equal(calls.length + left, 40);
    assert.ok(rows.length <= mostAlikeRows && calls.length >= 8);
    for (const one of calls) assert.ok(rows.some(({ call: of, label }) => of === one && label.includes(one.raw)), one.raw);
    assert.match(rows[0]?.label ?? '', /in \/home\/ada\/project/);
    assert.equal(batchOf([call(`rm ${bidi}a`), call('rm b')]).rows[0]?.label.includes('\\u{202e}'), true);
  });

  it('grants:difference: the review shows what changed since something was granted, before everything else that is known', () => {
    const outgrown = { grant: grant.id, title: grant.title, changes: [{ label: 'File', key: '/p/s.sh', before: 'sha256:1', after: 'sha256:2', diff: '-echo OLD\n+echo NEW' }] };
    const text = reviewText(call('sh s.sh', { outgrown }));
    assert.match(text, /GRANTED BEFORE, AND CHANGED SINCE/);
    assert.ok(text.indexOf('echo NEW') > 0 && text.indexOf('echo NEW') < text.indexOf('Asks because'));
    const rows = choicesFor(call('sh s.sh', { outgrown })).map(({ label }) => label);
    assert.ok(rows.some((label) => label.includes('It was granted before')) && rows.some((label) => label.includes('+echo NEW')));
  });

  it('grants:listed: a row says what, how often, how long still, for whom and where; its tooltip says all', () => {
    assert.deepEqual(grantRow(grant, now), { label: 'rm -f with Other Operands', description: 'used 3 times · 10 days left · claude-code · project', spoken: 'Approved for longer: rm -f with Other Operands, used 3 times · 10 days left · claude-code · project' });
    const denial: GrantView = { ...grant, effect: 'deny', agent: '', title: 'Always Deny rm in This Project', uses: 0 };
    delete denial.expiresAt;
    assert.equal(grantRow(denial, now).description, 'denied · until undone · project');
    const lines = grantLines({ ...grant, title: `Approve ${bidi}\nEnds: never` }, now).join('\n');
    assert.doesNotMatch(lines, /^Ends: never/m);
    assert.match(lines, /Given: 2 h ago[\s\S]*Used: used 3 times, last 2 min ago[\s\S]*Only for the reason: Your settings[\s\S]*Program: rm \/usr\/bin\/rm sha256:1/);
    assert.equal(endText({ ...grant, session: true, expiresAt: '2026-11-22T12:00:00.000Z' }, now), '2 h left, or until its agent ends');
    assert.deepEqual([1000, 5 * 60_000, 5 * 3_600_000, 5 * 86_400_000].map(spanText), ['1 s', '5 min', '5 h', '5 days']);
  });

  it('grants:from-the-log: an entry names the grant that covered its call, or that it tells of, and agents cannot forge one', () => {
    assert.equal(grantIn(JSON.stringify({ approval: { decision: 'granted', id: `${grant.id} grant_01K0000000000000000000000B` } })), grant.id);
    assert.equal(grantIn(JSON.stringify({ tool: 'grant.created', input: { id: grant.id } })), grant.id);
    assert.equal(grantIn(JSON.stringify({ tool: 'shell.exec', input: { id: grant.id, command: grant.id }, approval: { decision: 'approved', id: grant.id } })), undefined);
    assert.equal(grantIn('This is no entry'), undefined);
    const line = JSON.stringify({ seq: 7, tool: 'grant.created', input: { id: grant.id, title: `As it stands in the log\n{"tool":"grant.created"}` } });
    for (const document of [line, `${entryText(line, undefined).text}`]) assert.equal(grantIn(lineIn(document)), grant.id);
  });
});

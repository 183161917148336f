import assert from 'node:assert/strict';
import type { StoredEntry } from '../../../../protocol/src/audit/entry';
import { ApprovalCheck } from './approvalCheck';

/** Calls that go on with an earlier one, and calls that had to be approved, as somebody who writes the log by hand would have them. */

const ids = ['A', 'B', 'C', 'D'].map((letter) => `evt_01K000000000000000000000${letter}A`);
const [first = '', second = '', third = ''] = ids;
const digest = `sha256:${'d'.repeat(64)}`;

function intent(id: string, more: Partial<StoredEntry> = {}): StoredEntry {
  return { v: 1, seq: 1, id, timestamp: '2026-11-22T10:00:00.000Z', phase: 'intent', tool: 'notes__write', project: '/p', input: {}, result: 'admitted', verdict: { verdict: 'approve', rule: 'r', reason: 'r' }, detail: { digest }, ...more } as StoredEntry;
}
function done(call: string, inputRequired = true): StoredEntry {
  return { v: 1, seq: 1, id: third, timestamp: '2026-11-22T10:00:01.000Z', phase: 'done', call, tool: 'notes__write', project: '/p', input: {}, result: 'success', detail: inputRequired ? { inputRequired: true } : {} } as StoredEntry;
}
const approved = { id: first, decision: 'approved', by: 'editor', waitedMs: 1, level: 'unsigned' };
const continued = { id: first, decision: 'continued', by: 'broker', waitedMs: 0 };
const goesOn = (id: string, round = 2, more: Partial<StoredEntry> = {}): StoredEntry => intent(id, { approval: continued, detail: { digest, continues: first, round }, ...more });

describe('audit/roundCheck', () => {
  const flaws = (entries: readonly StoredEntry[], fromTheStart = true): string[] => {
    const check = new ApprovalCheck(fromTheStart);
    return [...entries.map((entry) => check.flaw(entry)), ...check.notes().filter((note) => note.includes('go'))].filter((flaw) => flaw !== undefined);
  };
  const whole = [intent(first, { approval: approved }), done(first), goesOn(second), done(second), goesOn(third, 3), done(third, false)];

  it('approvals:continued: rounds that follow one approved call are sound', () => {
    assert.deepEqual(flaws(whole), []);
  });

  const forgeries: readonly (readonly [what: string, entries: readonly StoredEntry[], words: RegExp])[] = [
    ['a round of a call that asked nothing', [intent(first, { approval: approved }), done(first, false), goesOn(second)], /had not asked its client/],
    ['a round of no call', [goesOn(second)], /had not asked its client/],
    ['a second round on one question', [intent(first, { approval: approved }), done(first), goesOn(second), goesOn(third)], /had not asked its client/],
    ['a call that goes on with itself', [intent(first, { approval: approved }), done(first), goesOn(first)], /had not asked its client/],
    ['another digest', [intent(first, { approval: approved }), done(first), goesOn(second, 2, { detail: { digest: 'sha256:0', continues: first, round: 2 } })], /digest differ/],
    ['another tool', [intent(first, { approval: approved }), done(first), goesOn(second, 2, { tool: 'notes__delete' })], /tool, project or digest/],
    ['another project', [intent(first, { approval: approved }), done(first), goesOn(second, 2, { project: '/q' })], /tool, project or digest/],
    ['another approval', [intent(first, { approval: approved }), done(first), goesOn(second, 2, { approval: { ...continued, id: third } })], /another approval/],
    ['a round left out', [intent(first, { approval: approved }), done(first), goesOn(second, 3)], /out of turn/],
    ['a call that had to be approved and names nothing', [intent(first)], /names no approval/],
    ['a call that ran after nobody answered', [intent(first, { approval: { ...approved, decision: 'timeout' } })], /lets nothing run/],
  ];
  for (const [what, entries, words] of forgeries) {
    it(`T44 approvals:continued: finds ${what}`, () => {
      const found = flaws(entries);
      assert.equal(found.length, 1, found.join('; '));
      assert.match(found[0] ?? '', words);
    });
  }

  it('approvals:continued: where the first files are gone a round is counted as not checked', () => {
    assert.deepEqual(flaws([goesOn(second)], false), ['1 call goes on with calls that are not in the files that are left.']);
  });
});

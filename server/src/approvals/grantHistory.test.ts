import assert from 'node:assert/strict';
import type { Grant } from '../rules/grants/ground';
import { upToDate, type LoggedChange, type LoggedGrants } from './grantHistory';

/** A file of grants against what the log says of it. */

const id = (letter: string): string => `grant_${letter.repeat(26)}`;
function grantOf(letter: string, effect: Grant['effect']): Grant {
  return { id: id(letter), effect, rung: 'program', tool: 'shell.exec', project: '/p', agent: '', policy: '', pin: '', reasons: [], scope: { kind: 'name', program: letter }, createdAt: 1, title: `about ${letter}`, covers: '', by: 'editor', call: 'evt_1' };
}
const kept = (...grants: Grant[]) => grants.map((grant) => ({ grant, use: { uses: 0 } }));
function change(number: number, effect: LoggedChange['effect'], letter: string, more: Partial<LoggedChange> = {}): LoggedChange {
  return { change: number, effect, id: id(letter), project: '/p', tool: 'shell.exec', title: `about ${letter}`, grant: effect === 'forbidden' ? JSON.parse(JSON.stringify(grantOf(letter, 'deny'))) as unknown : undefined, ended: [], ...more };
}
const log = (...changes: LoggedChange[]): LoggedGrants => ({ change: changes.at(-1)?.change ?? 0, since: (number) => Promise.resolve(changes.filter((one) => one.change > number)) });
const names = (found: Awaited<ReturnType<typeof upToDate>>): string[] => found.kept.map(({ grant }) => `${grant.effect} ${grant.id.at(-1) ?? ''} ${grant.scope.kind}`);

describe('approvals/grantHistory', () => {
  it('grants:history: a file that is where the log is, or one change ahead of it, stays as it is', async () => {
    for (const number of [2, 3]) {
      const file = { kept: kept(grantOf('A', 'allow')), change: number };
      assert.equal(await upToDate(file, log(change(1, 'allowed', 'A'), change(2, 'forbidden', 'B')), 5), file);
    }
  });

  it('T43 grants:history: with the file gone what was forbidden counts again, and what was allowed asks', async () => {
    const found = await upToDate({ kept: [], change: 0 }, log(change(1, 'forbidden', 'A'), change(2, 'allowed', 'B'), change(3, 'forbidden', 'C'), change(4, 'undone', 'C')), 5);
    assert.deepEqual(names(found), ['deny A name']);
    assert.equal(found.change, 4);
    assert.match(found.mended?.says ?? '', /holds change 0, and the log tells of 4.*“about A”.*allowed since asks/);
  });

  it('T43 grants:history: an older copy brings back nothing that was undone or had to go, and loses nothing that was forbidden', async () => {
    const file = { kept: kept(grantOf('A', 'allow'), grantOf('B', 'allow'), grantOf('C', 'allow'), grantOf('D', 'deny')), change: 4 };
    const found = await upToDate(file, log(change(5, 'undone', 'A'), change(6, 'allowed', 'E', { ended: [id('B')] }), change(7, 'undone', 'D'), change(8, 'forbidden', 'F')), 5);
    assert.deepEqual(names(found), ['allow C name', 'deny F name']);
    assert.deepEqual(found.mended?.dropped, [id('A'), id('B'), id('D')]);
  });

  it('T43 grants:history: where a change is missing from the log nothing of the older copy allows', async () => {
    const file = { kept: kept(grantOf('A', 'allow'), grantOf('D', 'deny')), change: 1 };
    const found = await upToDate(file, log(change(3, 'forbidden', 'F')), 5);
    assert.deepEqual(names(found), ['deny D name', 'deny F name']);
    assert.match(found.mended?.says ?? '', /may have been taken back/);
  });

  const unreadable: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined], ['half of it', { id: id('A') }], ['another grant', grantOf('B', 'deny')], ['one that allows', grantOf('A', 'allow')], ['one of another project', { ...grantOf('A', 'deny'), project: '/q' }],
  ];
  for (const [what, grant] of unreadable) {
    it(`T43 grants:history: a denial of which the log has ${what} forbids every call of its tool until a person takes it back`, async () => {
      const found = await upToDate({ kept: [], change: 0 }, log(change(1, 'forbidden', 'A', { grant })), 5);
      assert.deepEqual(names(found), ['deny A any']);
      assert.match(found.kept[0]?.grant.title ?? '', /^Cannot be restored: about A$/);
    });
  }
});

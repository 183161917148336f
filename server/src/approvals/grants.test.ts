import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewEvent } from '../../../protocol/src/audit/entry';
import { ConductorError } from '../../../protocol/src/errors';
import type { Ground } from '../rules/grants/ground';
import { createWitness } from './witness';
import { grantFileAt, grantFileName } from './grantFile';
import { mostGrants, openGrants, type Grants, type Kept } from './grants';

/** The keeper of grants over a real file, with a clock that stands still until it is moved. */

const key = new Uint8Array(32).fill(7);
const terms = { sessionHours: 8, lastingDays: 30 };
const hour = 3_600_000;

function ground(operand = 'a', different: Partial<Ground> = {}): Ground {
  const reasons = [{ rule: 'shell.requireApproval', reason: 'Your settings let rm run only after you approve.' }];
  const standing = [{ label: 'Program', key: 'rm', value: '/usr/bin/rm sha256:1' }];
  const ties = [{ label: 'Arguments', key: '', value: `rm ${operand}` }, { label: 'File', key: 'x', value: 'sha256:2', text: 'what it held' }, ...standing];
  return { tool: 'shell.exec', project: '/p', agent: 'agent', session: 3, policy: 'p', pin: 't', whole: true, reasons, around: [], ties, units: [{ argv: ['rm', operand], reasons, plain: true, shaky: false, ties, standing }], ...different };
}

describe('approvals/grants', () => {
  let folder: string;
  let file: string;
  let clock: { ms: number };
  let events: NewEvent[];
  let chosen: ReturnType<typeof createWitness>;
  let forbidden: number;
  let ids: number;
  let requireSigned: boolean;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'grants-'));
    file = join(folder, grantFileName);
    clock = { ms: Date.parse('2026-11-22T10:00:00Z') };
    events = [];
    chosen = createWitness();
    forbidden = 0;
    ids = 0;
    requireSigned = false;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const open = (record: (event: NewEvent) => Promise<unknown> = (event) => Promise.resolve(events.push(event)), withKey = key): Promise<Grants> =>
    openGrants({
      platform: 'posix', wallNow: () => clock.ms, newUlid: () => String((ids += 1)).padStart(26, '0'), record, file: grantFileAt(file, withKey),
      heard: (call, rung) => chosen.take(`${call} ${rung}`), self: { role: 'broker', user: 'u' }, requireSigned: () => requireSigned, onChange: () => undefined, onForbidden: () => (forbidden += 1),
    });
  const keep = async (grants: Grants, rung: Kept['rung'], different: Partial<Kept> = {}, of = ground()): Promise<string> => {
    const kept: Kept = { effect: 'allow', rung, by: { role: 'editor', client: 'editor 1' }, call: `evt_${String(ids)}`, ...different };
    chosen.heard(`${kept.call} ${rung}`);
    await grants.keep(of, kept, terms);
    return grants.state().grants.at(-1)?.id ?? '';
  };
  const covers = (grants: Grants, of = ground()): boolean => grants.cover('evt_x', of) !== undefined;

  it('grants:given: what a person chose covers the next call, is recorded, counted and listed', async () => {
    const grants = await open();
    assert.equal(covers(grants), false);
    const id = await keep(grants, 'flags');
    assert.deepEqual(grants.cover('evt_2', ground('b'))?.map((grant) => grant.id), [id]);
    const [view] = grants.state().grants;
    assert.deepEqual([view?.uses, view?.lastUsedAt, view?.expiresAt, view?.by, view?.session], [1, '2026-11-22T10:00:00.000Z', '2026-12-22T10:00:00.000Z', 'editor editor 1', false]);
    assert.deepEqual(view?.programs, ['rm /usr/bin/rm sha256:1']);
    assert.deepEqual(events.map(({ tool, actor, project }) => [tool, actor?.role, project]), [['grant.created', 'editor', '/p']]);
  });

  it('T40 approvals:require-signed: where only signed answers count, what an unsigned one gave covers nothing, now and after a restart', async () => {
    const grants = await open();
    await keep(grants, 'exact');
    assert.equal(grants.cover('evt_1', ground()) !== undefined, true);
    requireSigned = true;
    assert.equal(grants.stillCovers('evt_1', (of) => of), 'withdrawn');
    assert.equal(covers(grants), false);
    await keep(grants, 'exact', { signed: true });
    assert.equal(covers(grants), true);
    assert.equal(covers(await open()), true);
    requireSigned = false;
    assert.equal(covers(grants), true);
  });

  it('T43: a session grant ends after its hours, a lasting one after its days', async () => {
    const grants = await open();
    await keep(grants, 'session');
    clock.ms += 8 * hour - 1;
    assert.equal(covers(grants), true);
    clock.ms += 1;
    assert.equal(covers(grants), false);
    assert.deepEqual(grants.state().grants, []);
    await keep(grants, 'exact');
    clock.ms += 30 * 24 * hour - 1;
    assert.equal(covers(grants), true);
    clock.ms += 1;
    assert.equal(covers(grants), false);
  });

  it('grants:session ends with the agent that it was given to, and is never written down', async () => {
    const grants = await open();
    await keep(grants, 'session');
    assert.equal(covers(grants, ground('a', { session: 4 })), false);
    grants.endSession(4);
    assert.equal(covers(grants), true);
    grants.close();
    const next = await open();
    assert.deepEqual([covers(next), next.state()], [false, { grants: [] }]);
    grants.endSession(3);
    assert.equal(covers(grants), false);
  });

  it('grants:undo ends it at once and for good, and is recorded', async () => {
    const grants = await open();
    const id = await keep(grants, 'exact');
    assert.equal(await grants.undo(id, { role: 'cli', user: 'u' }), true);
    assert.equal(covers(grants), false);
    assert.equal(covers(await open()), false);
    assert.equal(await grants.undo(id, { role: 'cli', user: 'u' }), false);
    assert.deepEqual(events.map(({ tool, input }) => [tool, input['id']]), [['grant.created', id], ['grant.undone', id]]);
  });

  it('grants:undo holds even when the log cannot take it', async () => {
    const grants = await open();
    const id = await keep(grants, 'exact');
    (grants as unknown as { options: { record(): Promise<never> } }).options.record = () => Promise.reject(new ConductorError('AUDIT_UNAVAILABLE', 'full'));
    await assert.rejects(grants.undo(id, { role: 'cli', user: 'u' }));
    assert.equal(covers(grants), false);
  });

  it('T84: nothing is granted that the log cannot take', async () => {
    const grants = await open(() => Promise.reject(new ConductorError('AUDIT_UNAVAILABLE', 'full')));
    await assert.rejects(keep(grants, 'exact'));
    assert.equal(covers(grants), false);
    assert.equal(existsSync(file), false);
  });

  it('T40: nothing is granted that no door heard a person choose, nor twice, nor a rung that the call does not offer', async () => {
    const grants = await open();
    const kept: Kept = { effect: 'allow', rung: 'exact', by: { role: 'editor' }, call: 'evt_1' };
    await assert.rejects(grants.keep(ground(), kept, terms), { code: 'UNAUTHORIZED' });
    chosen.heard('evt_1 session');
    await assert.rejects(grants.keep(ground(), kept, terms), { code: 'UNAUTHORIZED' });
    await assert.rejects(keep(grants, 'subcommand'), { code: 'UNAUTHORIZED' });
    await assert.rejects(keep(grants, 'program'), { code: 'UNAUTHORIZED' });
    assert.deepEqual(grants.state().grants, []);
    assert.deepEqual(events, []);
  });

  it('grants:kept: a lasting grant and a denial outlive the broker in a file of the user alone, without the texts of files', async () => {
    const grants = await open();
    await keep(grants, 'exact');
    await keep(grants, 'program', { effect: 'deny' }, ground('z'));
    covers(grants);
    grants.close();
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), [grantFileName]);
    assert.doesNotMatch(readFileSync(file, 'utf8'), /what it held/);
    const again = await open();
    assert.deepEqual(again.state().grants.map(({ effect, uses }) => [effect, uses]), [['allow', 1], ['deny', 0]]);
    assert.equal(covers(again), true);
    assert.notEqual(again.denies('/p', () => ground('q')), undefined);
    assert.equal(again.denies('/other', () => assert.fail('not looked at')), undefined);
    assert.equal(forbidden, 1);
  });

  const tampering: readonly (readonly [string, (path: string) => void])[] = [
    ['one letter', (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('"project":"/p"', '"project":"/q"'))],
    ['a later end', (path) => writeFileSync(path, readFileSync(path, 'utf8').replace(/"expiresAt":\d/, '"expiresAt":9'))],
    ['no code', (path) => writeFileSync(path, JSON.stringify({ body: (JSON.parse(readFileSync(path, 'utf8')) as { body: unknown }).body }))],
    ['half of it', (path) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 50))],
    ['nothing', (path) => writeFileSync(path, '')],
    ['a link', (path) => { writeFileSync(`${path}.real`, readFileSync(path)); rmSync(path); symlinkSync(`${path}.real`, path); }],
    ['open to others', (path) => chmodSync(path, 0o666)],
  ];
  for (const [what, change] of tampering) {
    it(`T32 grants:tampered: a file with ${what} holds nothing, which is told and recorded`, async () => {
      await keep(await open(), 'exact');
      change(file);
      const again = await open();
      assert.equal(covers(again), false);
      assert.match(again.state().trouble ?? '', /was not written by Conductor/);
      assert.equal(events.at(-1)?.tool, 'grant.ignored');
      assert.equal(existsSync(file), false);
      assert.equal(readdirSync(folder).some((name) => name.includes('.ignored-')), true);
      await keep(again, 'exact');
      assert.equal(covers(await open()), true);
    });
  }

  it('grants:tampered: a file under another key holds nothing', async () => {
    await keep(await open(), 'exact');
    assert.equal(covers(await open(undefined, new Uint8Array(32).fill(8))), false);
  });

  it('grants:second-look: what was taken back between the decision and the start does not start', async () => {
    const grants = await open();
    const id = await keep(grants, 'exact');
    grants.cover('evt_8', ground());
    assert.equal(grants.stillCovers('evt_8', (of) => of), 'covered');
    assert.equal(grants.stillCovers('evt_8', (of) => of), 'never');
    grants.cover('evt_9', ground());
    assert.equal(grants.stillCovers('evt_9', (of) => ({ ...of, units: ground('other').units, ties: [] })), 'withdrawn');
    grants.cover('evt_10', ground());
    await grants.undo(id, { role: 'cli', user: 'u' });
    assert.equal(grants.stillCovers('evt_10', (of) => of), 'withdrawn');
    assert.equal(grants.stillCovers('evt_11', (of) => of), 'never');
  });

  it('keeps at most so many, and lets the oldest that allow go first', async () => {
    const grants = await open();
    await keep(grants, 'program', { effect: 'deny' });
    for (let count = 0; count < mostGrants + 3; count += 1) await keep(grants, 'session', {}, ground(String(count)));
    assert.equal(grants.state().grants.length, mostGrants);
    assert.equal(grants.state().grants[0]?.effect, 'deny');
    assert.equal(covers(grants, ground('3')), false);
    assert.equal(covers(grants, ground(String(mostGrants + 2))), true);
  });
});

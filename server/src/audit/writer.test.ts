import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedDisk } from '../../../test/fakes/simulatedDisk';
import { storedEntry, type NewEntry, type StoredEntry } from '../../../protocol/src/audit/entry';
import { ConductorError } from '../../../protocol/src/errors';
import { realDisk, type Disk } from './disk';
import { eventIds } from './eventId';
import { verifyAuditLog } from './verifier';
import { openAuditWriter, type AuditWriter, type AuditWriterOptions } from './writer';

let folder: string;
let path: string;
const opened: AuditWriter[] = [];

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'conductor-audit-')), '.conductor');
  path = join(folder, 'audit.log');
});
afterEach(async () => {
  for (const writer of opened.splice(0)) await writer.close();
  await rm(join(folder, '..'), { recursive: true });
});

async function open(options: Partial<AuditWriterOptions> = {}): Promise<AuditWriter> {
  const writer = await openAuditWriter({ path, createdBy: 'conductor test', ...options });
  opened.push(writer);
  return writer;
}

const nextId = eventIds();
const event = (n: unknown): NewEntry => ({ phase: 'event', tool: 'broker.test', input: { n }, result: 'ok' });
const intent = (id = nextId()): NewEntry & { id: string } => ({ phase: 'intent', id, tool: 'shell.exec', input: { command: 'ls' }, result: 'admitted' });
const done = (call: string): NewEntry => ({ phase: 'done', call, tool: 'shell.exec', input: { command: 'ls' }, result: 'success' });

async function lines(file = path): Promise<StoredEntry[]> {
  const text = await readFile(file, 'utf8');
  assert.ok(text.endsWith('\n'));
  return text.slice(0, -1).split('\n').map((line) => storedEntry.parse(JSON.parse(line)));
}

const rejectsWith = (code: string, says: RegExp) => (thrown: unknown): boolean => {
  assert.ok(thrown instanceof ConductorError, String(thrown));
  assert.equal(thrown.code, code);
  assert.match(thrown.message, says);
  return true;
};
const isUnavailable = (says: RegExp) => rejectsWith('AUDIT_UNAVAILABLE', says);

/** The real disk with a count of writes and syncs. */
function counting(): { disk: Disk; appends: () => number; syncs: () => number } {
  const count = { append: 0, sync: 0 };
  const openAppend: Disk['openAppend'] = async (name) => {
    const file = await realDisk.openAppend(name);
    return (
      file && {
        ...file,
        append: (bytes) => ((count.append += 1), file.append(bytes)),
        sync: () => ((count.sync += 1), file.sync()),
      }
    );
  };
  return { disk: { ...realDisk, openAppend }, appends: () => count.append, syncs: () => count.sync };
}

describe('audit writer', () => {
  it('begins a log with its genesis entry, for the owner only', async () => {
    const writer = await open({ actor: { role: 'broker', user: 'ann' } });
    const [genesis, ...rest] = await lines();
    assert.deepEqual(rest, []);
    assert.deepEqual([genesis?.seq, genesis?.phase, genesis?.prevHash, genesis?.actor?.user], [1, 'genesis', `sha256:${'0'.repeat(64)}`, 'ann']);
    assert.match(String(genesis?.input['logId']), /^[0-9a-f]{32}$/);
    assert.equal(genesis?.input['format'], 'conductor-audit/1');
    assert.deepEqual([(await stat(path)).mode & 0o777, (await stat(folder)).mode & 0o777], [0o600, 0o700]);
    assert.deepEqual(writer.state(), { entries: 1, head: genesis?.hash, bytes: (await stat(path)).size, segment: 1, logId: genesis?.input['logId'], health: { state: 'healthy' } });
    assert.deepEqual(await readdir(folder), ['audit.log']);
  });

  it('audit:line-format T78 writes the published members in order and hashes every byte before the hash', async () => {
    const writer = await open({ now: () => 1_800_000_000_123 });
    const call = nextId();
    await writer.append({
      phase: 'intent', id: call, tool: 'filesystem.write', input: { path: 'ü', a: { z: 1, b: [true, null, 1e21] } }, result: 'admitted',
      verdict: { verdict: 'approve', rule: 'r', reason: 'why', policyHash: 'p' }, approval: { id: 'a', decision: 'approved', by: 'ann', waitedMs: 5 },
      actor: { role: 'agent', client: 'c 1', connection: 2, user: 'ann' }, project: '/p',
    });
    const placed = await writer.append({ phase: 'done', call, tool: 'filesystem.write', input: {}, result: 'success', durationMs: 1.25, output: { sha256: `sha256:${'a'.repeat(64)}`, bytes: 3 }, detail: { b: 1, a: 2 } });
    const [, second = '', third = ''] = (await readFile(path, 'utf8')).split('\n');
    const inputHash = createHash('sha256').update('{"a":{"b":[true,null,1e+21],"z":1},"path":"ü"}').digest('hex');
    assert.ok(second.startsWith(
      `{"v":1,"seq":2,"id":"${call}","timestamp":"2027-01-15T08:00:00.123Z","phase":"intent","call":"${call}","tool":"filesystem.write",` +
        `"input":{"a":{"b":[true,null,1e+21],"z":1},"path":"ü"},"inputHash":"sha256:${inputHash}","result":"admitted",` +
        `"verdict":{"verdict":"approve","rule":"r","reason":"why","policyHash":"p"},"approval":{"id":"a","decision":"approved","by":"ann","waitedMs":5},` +
        `"actor":{"role":"agent","client":"c 1","connection":2,"user":"ann"},"project":"/p","prevHash":"sha256:`), second);
    assert.match(third, /"result":"success","durationMs":1.25,"output":\{"sha256":"sha256:a{64}","bytes":3\},"detail":\{"a":2,"b":1\},"prevHash":"sha256:[0-9a-f]{64}","hash":"sha256:[0-9a-f]{64}"\}$/);
    const hash = createHash('sha256').update(`${third.slice(0, -82)}}`).digest('hex');
    assert.deepEqual(placed, { seq: 3, id: JSON.parse(third).id, hash: `sha256:${hash}` });
    assert.equal(third.slice(-66, -2), hash);
  });

  it('T86 writes only what belongs to an entry, and numbers, times and hashes of its own', async () => {
    const writer = await open();
    const forged = { ...event(1), seq: 99, hash: 'x', prevHash: 'y', v: 7, timestamp: '1999-01-01T00:00:00.000Z', extra: 1 };
    await writer.append(forged);
    const [, entry] = await lines();
    assert.deepEqual([entry?.seq, entry?.v, entry?.['extra'], entry?.timestamp.startsWith('1999')], [2, 1, undefined, false]);
    assert.equal((await verifyAuditLog(path)).verdict, 'intact');
  });

  it('T85 keeps one entry on one line and escapes what a screen would act on', async () => {
    const writer = await open();
    const nasty = 'a\n{"v":1}\r\u001b[2J\u009b31m\u202eevil\u2028\u200b\ufeff\u{e0041}\ud800 |= é😀';
    await writer.append({ ...event(1), tool: 'x.y', input: { nasty, [nasty]: 1 }, actor: { role: 'agent', client: nasty, user: 'ann' } });
    const raw = await readFile(path, 'utf8');
    assert.doesNotMatch(raw, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\ufeff]|\udb40/);
    assert.equal(raw.split('\n').length, 3);
    const [, entry] = await lines();
    assert.deepEqual([entry?.input['nasty'], entry?.actor?.client, entry?.input[nasty]], [nasty, nasty, 1]);
    assert.ok(raw.includes('é😀'));
  });

  it('stores large, deep and repeated inputs as their digest', async () => {
    const writer = await open();
    const big = { text: 'x'.repeat(70_000) };
    const text = JSON.stringify(big);
    const deep = JSON.parse(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`) as Record<string, unknown>;
    const call = nextId();
    await writer.append({ phase: 'intent', id: call, tool: 'a.b', input: big, result: 'admitted' });
    await writer.append({ phase: 'done', call, tool: 'a.b', input: { text: 'x'.repeat(2_000) }, result: 'success' });
    await writer.append({ phase: 'denied', id: nextId(), tool: 'a.b', input: deep, result: 'denied' });
    await writer.append({ ...event(1), detail: { text: 'y'.repeat(2_000_000) } });
    const [, first, second, third, fourth] = await lines();
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    assert.deepEqual([first?.input, first?.inputHash], [{ $sha256: digest, bytes: text.length }, digest]);
    assert.deepEqual(Object.keys(second?.input ?? {}), ['$sha256', 'bytes']);
    assert.equal(third?.input['bytes'], JSON.stringify({ a: '' }).length - 2 + 40_000);
    assert.equal(fourth?.detail?.['bytes'], 2_000_011);
    await assert.rejects(writer.append({ ...event(1), project: 'p'.repeat(1_100_000) }), rejectsWith('TOO_LARGE', /1048576 bytes/));
    assert.equal((await verifyAuditLog(path)).verdict, 'intact');
  });

  it('audit:group-commit keeps 500 concurrent appends in order, in far fewer syncs, and tells listeners', async () => {
    const { disk, appends, syncs } = counting();
    const writer = await open({ disk });
    const heard: string[] = [];
    const stop = writer.onAppended((news) => heard.push(...news.map(({ text }) => text)));
    const placed = await Promise.all(Array.from({ length: 500 }, (_, n) => writer.append(event(n))));
    const stored = await lines();
    assert.deepEqual(placed.map(({ seq }) => seq), stored.slice(1).map(({ seq }) => seq));
    assert.deepEqual(stored.slice(1).map(({ input }) => input['n']), Array.from({ length: 500 }, (_, n) => n));
    assert.deepEqual(stored.slice(1).map(({ hash }) => hash), placed.map(({ hash }) => hash));
    assert.ok(syncs() < 50, `${syncs()} syncs for 500 appends`);
    assert.equal(appends(), syncs());
    assert.equal(heard.join('\n'), (await readFile(path, 'utf8')).split('\n').slice(1, -1).join('\n'));
    stop();
    await writer.append(event('unheard'));
    assert.equal(heard.length, 500);
  });

  it('audit:durable-before-resolve resolves only after the sync of the entry', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    const before = disk.calls.get('sync') ?? 0;
    await writer.append(intent());
    assert.equal(disk.calls.get('sync'), before + 1);
  });

  it('audit:queued enqueue resolves before any write and is written in order', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    const before = disk.operations;
    const id = await writer.enqueue(intent());
    assert.equal(disk.operations, before);
    const last = await writer.append(event('after'));
    assert.deepEqual([last.seq, disk.calls.get('append')], [3, 2], 'both went out together');
    assert.ok(disk.bytes(path)?.toString('utf8').split('\n')[1]?.includes(id));
    await writer.enqueue(event('alone'));
    await writer.close();
    assert.ok(disk.bytes(path)?.toString('utf8').includes('alone'));
  });

  it('closes: writes what is queued and refuses the rest', async () => {
    const writer = await open();
    const pending = writer.append(event(1));
    await writer.close();
    assert.equal((await pending).seq, 2);
    await assert.rejects(writer.append(event(2)), isUnavailable(/closed/));
    await assert.rejects(writer.enqueue(event(2)), isUnavailable(/closed/));
    assert.equal(writer.state().health.state, 'closed');
  });
});

describe('audit writer at the next start', () => {
  it('T83 continues the chain', async () => {
    const first = await open();
    await first.append(event(1));
    await first.close();
    const second = await open();
    assert.equal((await second.append(event(2))).seq, 3);
    const report = await verifyAuditLog(path);
    assert.deepEqual([report.verdict, report.entries], ['intact', 3]);
  });

  it('T87 closes calls that were cut off as unknown, with the input of their decision', async () => {
    const first = await open();
    const finished = intent();
    const cut = { ...intent(), input: { text: 'x'.repeat(70_000) } };
    await first.append(finished);
    await first.append(done(finished.id));
    await first.append(cut);
    await first.close();
    await (await open()).close();
    const [, , , decision, closing, ...rest] = await lines();
    assert.deepEqual(rest, []);
    assert.deepEqual(
      [closing?.phase, closing?.call, closing?.result, closing?.tool, closing?.input, closing?.inputHash],
      ['recover', cut.id, 'unknown', 'shell.exec', decision?.input, decision?.inputHash],
    );
    await (await open()).close();
    assert.equal((await lines()).length, 5, 'and only once');
  });

  it('T83 repairs a line that breaks off: quarantine, cut, record', async () => {
    const first = await open();
    await first.append(event(1));
    await first.close();
    const whole = await readFile(path);
    await appendFile(path, '{"v":1,"seq":3,"id":"evt_');
    const second = await open();
    assert.deepEqual(second.state().health, { state: 'healthy' });
    const [, , repair] = await lines();
    const [name = ''] = await readdir(join(folder, 'audit'));
    assert.match(name, /^quarantine-\d{8}T\d{9}Z\.bin$/);
    const cut = '{"v":1,"seq":3,"id":"evt_';
    assert.equal(await readFile(join(folder, 'audit', name), 'utf8'), cut);
    assert.deepEqual([repair?.phase, repair?.input], ['recover', { kind: 'cut', file: `audit/${name}`, cutBytes: cut.length, sha256: `sha256:${createHash('sha256').update(cut).digest('hex')}` }]);
    assert.deepEqual((await readFile(path)).subarray(0, whole.length), whole);
    assert.equal((await verifyAuditLog(path)).verdict, 'intact');
  });

  it('T83 adds a newline that is missing, and keeps the entry', async () => {
    const first = await open();
    await first.append(event(1));
    await first.close();
    await truncate(path, (await stat(path)).size - 1);
    await open();
    assert.deepEqual((await lines()).map(({ phase }) => phase), ['genesis', 'event', 'recover']);
  });

  it('audit:never-repairs-the-middle T79 leaves a damaged log as it is, refuses everything, and begins a new one only on request', async () => {
    const first = await open();
    for (const n of [1, 2, 3]) await first.append(event(n));
    await first.close();
    const damaged = Buffer.from((await readFile(path, 'utf8')).replace('"n":2', '"n":7'));
    await writeFile(path, damaged);
    const writer = await open();
    const { health } = writer.state();
    assert.equal(health.state, 'tampered');
    assert.match(health.state === 'tampered' ? health.message : '', /Line 3 was edited.*conductor audit verify/);
    await assert.rejects(writer.append(intent()), isUnavailable(/Line 3 was edited/));
    await assert.rejects(writer.enqueue(intent()), isUnavailable(/Line 3 was edited/));
    assert.deepEqual(await readFile(path), damaged);
    assert.deepEqual(await readdir(folder), ['audit.log']);

    const changes: string[] = [];
    writer.onHealth(({ state }) => changes.push(state));
    await writer.startNewLog('seen by Ann, disk was failing');
    const [genesis] = await lines();
    const [name = ''] = await readdir(join(folder, 'audit'));
    assert.deepEqual(await readFile(join(folder, 'audit', name)), damaged);
    const previous = genesis?.input['previous'] as Record<string, unknown>;
    assert.deepEqual(
      { file: previous['file'], sha256: previous['sha256'], class: previous['class'], line: previous['line'], reason: previous['reason'] },
      { file: `audit/${name}`, sha256: `sha256:${createHash('sha256').update(damaged).digest('hex')}`, class: 'hash', line: 3, reason: 'seen by Ann, disk was failing' },
    );
    assert.equal((await writer.append(event('after'))).seq, 2);
    assert.deepEqual(changes, ['healthy']);
    await assert.rejects(writer.startNewLog('again'), rejectsWith('CONFLICT', /only for a damaged one/));
  });

  it('goes on by itself when the right file is put back', async () => {
    const first = await open();
    for (const n of [1, 2]) await first.append(event(n));
    await first.close();
    const right = await readFile(path);
    await writeFile(path, right.subarray(500));
    const writer = await open();
    await assert.rejects(writer.append(event(3)), isUnavailable(/damaged/));
    await writeFile(path, right);
    assert.equal((await writer.append(event(3))).seq, 4);
  });

  it('T80 refuses an empty file, and a log that is shorter than the head kept elsewhere says', async () => {
    const first = await open();
    for (const n of [1, 2, 3]) await first.append(event(n));
    const { entries, head } = first.state();
    await first.close();
    const [a = '', b = ''] = (await readFile(path, 'utf8')).split('\n');
    await writeFile(path, `${a}\n${b}\n`);
    const known = { entries, head: (head ?? '').slice(7) };
    const writer = await open({ known });
    await assert.rejects(writer.append(event(4)), isUnavailable(/had 4 entries and now ends after #2/));
    await writeFile(path, '');
    await assert.rejects((await open()).append(event(4)), isUnavailable(/file is empty/));
    await rm(path);
    await assert.rejects((await open({ known })).append(event(4)), isUnavailable(/had 4 entries and is gone/));
    assert.deepEqual(await readdir(folder), []);
  });

  it('refuses a symbolic link in place of the log', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'elsewhere'), '');
    await symlink(join(folder, 'elsewhere'), path);
    await assert.rejects((await open()).append(event(1)), isUnavailable(/symbolic link/));
  });
});

describe('audit writer when somebody else touches the log', () => {
  const meddle = async (act: () => Promise<unknown>): Promise<AuditWriter> => {
    const writer = await open();
    for (const n of [1, 2]) await writer.append(event(n));
    await act();
    return writer;
  };

  it('T83 refuses when another program appended a valid entry, and never writes after it', async () => {
    const writer = await meddle(async () => {
      await copyFile(path, join(folder, 'copy'));
      const other = await open({ path: join(folder, 'copy') });
      await other.append(event('forged'));
      await appendFile(path, (await readFile(join(folder, 'copy'))).subarray((await stat(path)).size));
    });
    const grown = await readFile(path);
    await assert.rejects(writer.append(event(3)), isUnavailable(/Another program appended/));
    await assert.rejects(writer.append(event(3)), isUnavailable(/1 entries after #3 were appended by another program/));
    assert.deepEqual(await readFile(path), grown);
    await writer.startNewLog('a second writer');
    assert.equal((await writer.append(event(3))).seq, 3, 'genesis, and what the failure was');
  });

  it('T83 notices an entry that slips in between its look and its own write', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    let once = true;
    disk.fate = (call) => {
      if (call === 'append' && once) disk.tamper(path, Buffer.concat([disk.bytes(path) ?? Buffer.alloc(0), Buffer.from('{"forged":true}\n')]));
      once = false;
      return 'well';
    };
    await assert.rejects(writer.append(event(1)), isUnavailable(/Another program appended/));
    await assert.rejects(writer.append(event(2)), isUnavailable(/Line 2 was inserted/));
  });

  it('T83 refuses once and then goes on when another program left half a line, which is quarantined', async () => {
    const writer = await meddle(() => appendFile(path, 'half a line'));
    await assert.rejects(writer.append(event(3)), isUnavailable(/Another program appended/));
    await writer.append(event(4));
    const stored = await lines();
    assert.deepEqual(stored.slice(3).map(({ input }) => input['kind'] ?? input['n']), ['interrupted', 'cut', 3, 4]);
  });

  for (const [name, says, act] of [
    ['T80 cuts it', /was cut/, () => truncate(path, 700)],
    ['T80 deletes it', /was deleted/, () => rm(path)],
    ['T81 replaces it', /was replaced/, async () => { await writeFile(`${path}.new`, 'other\n'); await rename(`${path}.new`, path); }],
  ] as const) {
    it(`refuses when somebody ${name}`, async () => {
      const writer = await meddle(act);
      await assert.rejects(writer.append(event(3)), isUnavailable(says));
      await assert.rejects(writer.append(event(4)), isUnavailable(/damaged/));
      assert.equal(writer.state().health.state, 'tampered');
      await writer.startNewLog('settled');
      await writer.append(event(5));
      assert.equal((await verifyAuditLog(path)).verdict, 'intact');
    });
  }

  it('goes on when the log was replaced by an identical copy, and records it', async () => {
    const writer = await meddle(async () => {
      await copyFile(path, `${path}.copy`);
      await rename(`${path}.copy`, path);
    });
    await assert.rejects(writer.append(event(3)), isUnavailable(/was replaced/));
    await writer.append(event(4));
    assert.deepEqual((await lines()).slice(3).map(({ input }) => input['kind'] ?? input['n']), ['interrupted', 3, 4]);
    assert.equal((await verifyAuditLog(path)).verdict, 'intact');
  });
});

describe('T84 audit writer when the disk fails', () => {
  const failures = [
    ['a full disk', { code: 'ENOSPC' }, 'append', /ENOSPC/],
    ['a short write', 'short', 'append', /were written/],
    ['a failed sync', { code: 'EIO' }, 'sync', /EIO/],
  ] as const;

  for (const [name, fate, at, says] of failures) {
    it(`refuses everybody who waits on ${name}, takes back the bytes, and goes on when there is room again`, async () => {
      const disk = new SimulatedDisk();
      const writer = await open({ disk });
      const ran = intent();
      await writer.append(ran);
      const good = disk.bytes(path);
      let failing = true;
      disk.fate = (call) => (failing && call === at ? fate : 'well');
      const lost = intent();
      const waiting = await Promise.allSettled([writer.append(lost), writer.append(done(ran.id)), writer.append(event('late'))]);
      for (const result of waiting) assert.ok(result.status === 'rejected' && isUnavailable(says)(result.reason));
      assert.equal(writer.state().health.state, 'failed');
      assert.deepEqual(disk.bytes(path), good, 'nothing half written stays');
      await assert.rejects(writer.append(intent()), isUnavailable(says));
      assert.deepEqual(disk.bytes(path), good);
      failing = false;
      await writer.append(event('after'));
      assert.equal(writer.state().health.state, 'healthy');
      const entries = (disk.bytes(path) ?? Buffer.alloc(0)).toString('utf8').trim().split('\n').map((line) => storedEntry.parse(JSON.parse(line)));
      const told = entries.slice(2).map(({ phase, input, call }) => [phase, input['kind'] ?? input['n'] ?? call]);
      assert.deepEqual(told.filter(([phase]) => phase !== 'recover'), [['done', ran.id], ['event', 'late'], ['event', 'after']]);
      assert.ok(told.some(([phase, what]) => phase === 'recover' && what === 'interrupted'));
      assert.ok(!entries.some(({ id }) => id === lost.id), 'a decision that was never acknowledged does not appear later');
      assert.equal((await verifyAuditLog(path, { disk })).verdict, 'intact');
    });
  }

  it('cuts the remains of a failed batch when even taking it back failed', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    let failing = true;
    disk.fate = (call) => (!failing ? 'well' : call === 'append' ? 'short' : call === 'truncate' ? { code: 'EIO' } : 'well');
    const size = disk.bytes(path)?.length ?? 0;
    await assert.rejects(writer.append(event(1)), isUnavailable(/were written/));
    assert.ok((disk.bytes(path)?.length ?? 0) > size);
    failing = false;
    await writer.append(event(2));
    const report = await verifyAuditLog(path, { disk });
    assert.deepEqual([report.verdict, report.entries], ['intact', 4]);
  });

  it('a queued entry that cannot be written makes the next call fail, and is written afterwards', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    const changes: string[] = [];
    writer.onHealth(({ state }) => changes.push(state));
    let failing = true;
    disk.fate = () => (failing ? { code: 'ENOSPC' } : 'well');
    const ran = await writer.enqueue(intent());
    await assert.rejects(writer.append(intent()), isUnavailable(/ENOSPC/));
    await assert.rejects(writer.enqueue(intent()), isUnavailable(/ENOSPC/));
    failing = false;
    await writer.enqueue(event('after'));
    assert.deepEqual(changes, ['failed', 'healthy']);
    const text = (disk.bytes(path) ?? Buffer.alloc(0)).toString('utf8');
    assert.ok(text.includes(`"id":"${ran}"`));
    assert.equal((await verifyAuditLog(path, { disk })).verdict, 'intact');
  });

  it('opens with failed health where no log can be, and begins one as soon as it can', async () => {
    await writeFile(folder, 'a file where the folder should be');
    const writer = await open();
    assert.equal(writer.state().health.state, 'failed');
    await assert.rejects(writer.append(intent()), isUnavailable(/could not be opened/));
    await rm(folder);
    assert.equal((await writer.append(event(1))).seq, 2);
  });

  it('refuses in a folder without write permission', async function () {
    if (process.getuid?.() === 0) {
      // Root may write everywhere, so the folder is one in which nothing can be created at all.
      await assert.rejects((await open({ path: '/proc/audit.log' })).append(intent()), isUnavailable(/could not be opened/));
      return;
    }
    await mkdir(folder, { mode: 0o500 });
    await assert.rejects((await open()).append(intent()), isUnavailable(/EACCES/));
    await chmod(folder, 0o700);
  });
});

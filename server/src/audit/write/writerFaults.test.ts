import assert from 'node:assert/strict';
import { appendFile, chmod, copyFile, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SimulatedDisk } from '../../../../test/fakes/simulatedDisk';
import { storedEntry } from '../../../../protocol/src/audit/entry';
import { verifyAuditLog } from '../verify/verifier';
import { type AuditWriter } from './writer';
import { done, event, folder, intent, isUnavailable, lines, open, path, useLog } from '../../../../test/fakes/writerGround';

describe('audit writer when somebody else touches the log', () => {
  useLog();
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
  useLog();
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

  it('audit:two-halves answers the half that is durable and refuses the half behind it that is not', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    const before = disk.calls.get('sync') ?? 0;
    disk.fate = (call) => (call === 'sync' && (disk.calls.get('sync') ?? 0) === before + 2 ? { code: 'EIO' } : 'well');
    const answers = await Promise.allSettled(Array.from({ length: 64 }, (_, n) => writer.append(event(n))));
    assert.deepEqual(answers.map(({ status }) => status), Array.from({ length: 64 }, (_, n) => (n < 32 ? 'fulfilled' : 'rejected')));
    const text = (disk.bytes(path) ?? Buffer.alloc(0)).toString('utf8');
    assert.ok(answers.every((answer) => answer.status === 'rejected' || text.includes(answer.value.id)));
    disk.fate = () => 'well';
    await writer.append(event('after'));
    assert.equal((await verifyAuditLog(path, { disk })).verdict, 'intact');
  });

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

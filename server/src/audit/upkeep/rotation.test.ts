import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { SimulatedDisk } from '../../../../test/fakes/simulatedDisk';
import { storedEntry, type NewEntry, type StoredEntry } from '../../../../protocol/src/audit/entry';
import { realDisk } from '../files/disk';
import { eventIds } from '../write/eventId';
import { keepFiles, type Kept } from './keeping';
import { defaultKeeping, type Keeping } from './newLog';
import { verifyAuditLog } from '../verify/verifier';
import { openAuditWriter, type AuditWriter, type AuditWriterOptions } from '../write/writer';

let folder: string;
let path: string;
let now: number;
let keeping: Keeping;
const opened: AuditWriter[] = [];
const nextId = eventIds();
const event = (n: unknown): NewEntry => ({ phase: 'event', tool: 'broker.test', input: { n, text: 'x'.repeat(300) }, result: 'ok' });
const day = 86_400_000;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-rotation-'));
  path = join(folder, 'audit.log');
  now = 1_800_000_000_000;
  keeping = { ...defaultKeeping, maxBytes: 2_600 };
});
afterEach(async () => {
  for (const writer of opened.splice(0)) await writer.close();
  await rm(folder, { recursive: true });
});

async function open(options: Partial<AuditWriterOptions> = {}): Promise<AuditWriter> {
  const writer = await openAuditWriter({ path, createdBy: 'test', now: () => now, keeping: () => keeping, ...options });
  opened.push(writer);
  return writer;
}

/** Writes events one by one, so that every file is closed as soon as it is full; the last rotation has ended then. */
async function fill(writer: AuditWriter, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await writer.append(event(n));
  await settled();
}

/** A rotation follows the entry that made it due, and nobody waits for it: until then the file in use is a full one. */
async function settled(): Promise<void> {
  await sleep(60);
  const writer = opened.at(-1);
  for (let n = 0; n < 1_000 && writer?.state().health.state === 'healthy' && writer.state().bytes >= keeping.maxBytes; n += 1) await sleep(10);
}

const closed = async (): Promise<string[]> => (await readdir(join(folder, 'audit')).catch(() => [])).filter((name) => /^\d{6}\.log/.test(name)).sort();
const parse = (text: string): StoredEntry[] => text.trimEnd().split('\n').map((line) => storedEntry.parse(JSON.parse(line)));
const entriesOf = async (file: string): Promise<StoredEntry[]> => parse(await readFile(file, 'utf8'));
const keep = (writer: AuditWriter): Promise<Kept> => keepFiles({ path, disk: realDisk, keeping, now: () => now, record: (entry) => writer.append(entry) });
const python = (): { status: number | null; stdout: string } => spawnSync('python3', [join(__dirname, '../../../../scripts/verify.py'), path], { encoding: 'utf8' });

describe('rotation of the audit log', () => {
  it('audit:rotation closes a full file and goes on in the next, in one chain', async () => {
    const writer = await open({ actor: { role: 'broker', user: 'ann' } });
    await fill(writer, 10);
    assert.deepEqual(await closed(), ['000001.log', '000002.log', '000003.log']);
    const first = await readFile(join(folder, 'audit', '000001.log'));
    const [header, ...rest] = await entriesOf(join(folder, 'audit', '000002.log'));
    const last = parse(first.toString('utf8')).at(-1);
    assert.deepEqual([last?.phase, last?.input], ['rotate', { reason: 'size', segment: 1 }]);
    assert.deepEqual([header?.phase, header?.seq, header?.prevHash], ['segment', (last?.seq ?? 0) + 1, last?.hash]);
    const digest = `sha256:${createHash('sha256').update(first).digest('hex')}`;
    assert.deepEqual(header?.input['previous'], { file: 'audit/000001.log', entries: last?.seq, bytes: first.length, sha256: digest });
    assert.deepEqual([header?.input['segment'], header?.input['base']], [2, first.length]);
    assert.equal(rest.at(-1)?.phase, 'rotate');
    for (const depth of ['default', 'deep'] as const) {
      const report = await verifyAuditLog(path, { depth });
      assert.deepEqual([report.verdict, report.entries, report.files, report.from, report.head], ['intact', writer.state().entries, 4, 1, writer.state().head]);
    }
    const { status, stdout } = python();
    assert.deepEqual([status, /intact: \d+ entries/.exec(stdout)?.[0]], [0, `intact: ${writer.state().entries} entries`]);
  });

  it('audit:rotation-goes-on continues after a restart, and the six lines verify all files one after the other', async () => {
    await fill(await open(), 6);
    await fill(await open(), 6);
    const files = [...(await closed()).map((name) => join(folder, 'audit', name)), path];
    const all = Buffer.concat(await Promise.all(files.map((file) => readFile(file))));
    await writeFile(join(folder, 'all.log'), all);
    const page = await readFile(join(__dirname, '../../../../docs/audit-format.md'), 'utf8');
    const [, program = ''] = /```python\n(import sys,hashlib\n[\s\S]*?)```/.exec(page) ?? [];
    assert.equal(spawnSync('python3', ['-c', program, join(folder, 'all.log')]).status, 0);
    assert.deepEqual(parse(all.toString('utf8')).map(({ seq }) => seq), Array.from({ length: all.toString('utf8').split('\n').length - 1 }, (_, n) => n + 1));
  });

  it('T87 carries calls that run into the next file, and closes them after a crash with the input of their decision', async () => {
    const writer = await open();
    const call = nextId();
    await writer.append({ phase: 'intent', id: call, tool: 'shell.exec', input: { command: 'sleep 9' }, result: 'admitted' });
    await fill(writer, 9);
    const [header] = await entriesOf(path);
    assert.deepEqual((header?.input['open'] as { call: string }[]).map((one) => one.call), [call]);
    assert.equal((await verifyAuditLog(path)).orphanCount, 1);
    await writer.close();
    keeping = { ...keeping, maxBytes: 1_000_000 };
    await open();
    const recovered = (await entriesOf(path)).at(-1);
    assert.deepEqual([recovered?.call, recovered?.result, recovered?.input], [call, 'unknown', { command: 'sleep 9' }]);
    for (const depth of ['default', 'deep'] as const) assert.equal((await verifyAuditLog(path, { depth })).orphanCount, 0);
  });

  it('T87 carries a thousand calls that run at once into the next file', async () => {
    keeping = { ...keeping, maxBytes: 300_000 };
    const writer = await open();
    const calls = Array.from({ length: 1_000 }, () => nextId());
    await Promise.all(calls.map((id) => writer.append({ phase: 'intent', id, tool: 'shell.exec', input: {}, result: 'admitted' })));
    await settled();
    assert.ok((await closed()).length >= 1);
    const report = await verifyAuditLog(path, { depth: 'strict' });
    assert.deepEqual([report.verdict, report.orphanCount], ['intact', 1_000], report.message);
    await Promise.all(calls.map((call) => writer.append({ phase: 'done', call, tool: 'shell.exec', input: {}, result: 'success' })));
    await settled();
    const after = await verifyAuditLog(path, { depth: 'strict' });
    assert.deepEqual([after.verdict, after.orphanCount], ['intact', 0], after.message);
  });

  it('closes a file for its age, but never one that nobody uses', async () => {
    keeping = defaultKeeping;
    const writer = await open();
    now += 31 * day;
    await fill(writer, 1);
    assert.equal((await closed()).length, 0);
    await fill(writer, 1);
    assert.equal((await closed()).length, 1);
    now += 31 * day;
    await fill(writer, 1);
    assert.equal((await closed()).length, 1);
    assert.equal((await verifyAuditLog(path)).verdict, 'intact');
  });

  it('goes on with a log of one file from before there was rotation', async () => {
    keeping = { ...defaultKeeping, maxBytes: Number.POSITIVE_INFINITY };
    await fill(await open(), 8);
    keeping = { ...defaultKeeping, maxBytes: 2_600 };
    const writer = await open();
    await fill(writer, 1);
    assert.deepEqual(await closed(), ['000001.log']);
    assert.equal((await verifyAuditLog(path, { depth: 'deep' })).entries, writer.state().entries);
  });

  it('T88 audit:rotation-times no file seems to begin after the entries that waited for it', async () => {
    const writer = await open({ now: () => (now += 1) });
    // Some wait while a file is closed and the next one begun.
    const appended: Promise<unknown>[] = [];
    for (let n = 0; n < 60; n += 1) {
      appended.push(writer.append(event(n)));
      if (n % 3 === 0) await sleep(1);
    }
    await Promise.all(appended);
    await settled();
    assert.ok((await closed()).length > 3);
    const { verdict, warnings } = await verifyAuditLog(path, { depth: 'deep' });
    assert.deepEqual([verdict, warnings], ['intact', []]);
  });

  it('T83 says what is missing or changed among the closed files, and refuses to begin anew without the file in use', async () => {
    const writer = await open();
    await fill(writer, 10);
    await writer.close();
    const second = join(folder, 'audit', '000002.log');
    const right = await readFile(second, 'utf8');
    const check = async (): Promise<unknown[]> => {
      const { verdict, class: kind, line, findings, message } = await verifyAuditLog(path);
      return [verdict, kind, line, findings[0]?.file, python().status, message];
    };
    for (const [change, kind, line, says] of [
      [right.replace('"n":4', '"n":7'), 'hash', 3, /Line 3 was edited/],
      [right.slice(0, -20), 'truncation', right.split('\n').length - 1, /breaks off/],
      [`${right.split('\n').slice(0, -2).join('\n')}\n`, 'truncation', null, /not the one that the file after it names/],
      ['', 'truncation', 1, /file is empty/],
    ] as const) {
      await writeFile(second, change);
      const [verdict, found, at, file, exit, message] = await check();
      assert.deepEqual([verdict, found, at, file, exit], ['tampered', kind, line, 'audit/000002.log', 1], String(message));
      assert.match(String(message), says);
    }
    await rm(second);
    const [verdict, kind, , , exit, message] = await check();
    assert.deepEqual([verdict, kind, exit], ['tampered', 'truncation', 1]);
    assert.match(String(message), /000002\.log.*is not there, and no entry records/);
    await writeFile(second, right);
    assert.equal((await verifyAuditLog(path)).verdict, 'intact');
    await rm(path);
    const report = await verifyAuditLog(path);
    assert.deepEqual([report.verdict, report.class], ['tampered', 'truncation']);
    const later = await open();
    await assert.rejects(later.append(event(1)), /The log is gone.*000003\.log/);
    await later.startNewLog('somebody deleted it');
    await fill(later, 8);
    assert.deepEqual(await closed(), ['000001.log', '000002.log', '000003.log', '000004.log', '000005.log']);
    assert.deepEqual([(await verifyAuditLog(path)).verdict, (await verifyAuditLog(path)).entries], ['intact', later.state().entries]);
  });

  it('T80 T81 sees by a head that was kept elsewhere what was rewritten in a closed file', async () => {
    const writer = await open();
    await fill(writer, 3);
    const { entries, head } = writer.state();
    const known = { entries, head: (head ?? '').slice(7) };
    await fill(writer, 8);
    assert.equal((await verifyAuditLog(path, { known })).verdict, 'intact');
    const other = { ...known, head: '0'.repeat(64) };
    assert.deepEqual([(await verifyAuditLog(path, { known: other })).class, (await verifyAuditLog(path, { known: other })).verdict], ['fork', 'tampered']);
    await writer.close();
    assert.equal((await open({ known })).state().health.state, 'healthy');
    assert.equal((await open({ known: other })).state().health.state, 'tampered');
  });

  it('refuses when the name of a closed file is taken, and goes on when it is free', async () => {
    const writer = await open();
    await writer.append(event(0));
    await writeFile(join(folder, 'blocked'), '');
    const disk = { ...realDisk };
    const other = await open({ disk: { ...disk, mark: (name) => disk.mark(name.endsWith('000001.log') ? join(folder, 'blocked') : name) } });
    await fill(other, 2).catch(() => undefined);
    await assert.rejects(fill(other, 5), /000001\.log is in the way/);
    await writer.close();
    await other.close();
    const third = await open();
    await fill(third, 1);
    assert.equal((await verifyAuditLog(path, { depth: 'deep' })).verdict, 'intact');
  });
});

describe('T84 rotation when the disk fails', () => {
  const simulated = '/home/.conductor/audit.log';
  const run = async (disk: SimulatedDisk): Promise<string[]> => {
    const writer = await openAuditWriter({ path: simulated, createdBy: 'test', disk, keeping: () => ({ ...defaultKeeping, maxBytes: 1_500 }) });
    const acked: string[] = [];
    for (let n = 0; n < 10; n += 1) await writer.append(event(n)).then(({ id }) => acked.push(id), () => undefined);
    await writer.close();
    return acked;
  };

  for (const fate of [{ code: 'EIO' }, 'short'] as const) {
    it(`audit:rotation-faults keeps every acknowledged entry when any one operation fails with ${typeof fate === 'string' ? 'a short write' : fate.code}`, async () => {
      const whole = new SimulatedDisk();
      await run(whole);
      for (let operation = 1; operation <= whole.operations; operation += 1) {
        const disk = new SimulatedDisk();
        disk.fate = (_, n) => (n === operation ? fate : 'well');
        const acked = await run(disk);
        assert.ok(acked.length >= 8, `operation ${operation}: only ${acked.length} of 10 entries were taken`);
        const report = await verifyAuditLog(simulated, { disk, depth: 'deep' });
        assert.equal(report.verdict, 'intact', `operation ${operation}: ${report.message}`);
        const text = [...disk.files()].map(([, bytes]) => bytes.toString('utf8')).join('');
        for (const id of acked) assert.ok(text.includes(`"id":"${id}"`), `operation ${operation}: ${id} is lost`);
      }
    });
  }
});

describe('keeping closed files of the audit log', () => {
  it('audit:retention deletes on record, and verifies from what is left, saying so', async () => {
    keeping = { ...keeping, retentionDays: 30 };
    const writer = await open();
    await fill(writer, 10);
    now += 20 * day;
    await fill(writer, 4);
    assert.deepEqual(await keep(writer), { packed: 0, moved: 0, deleted: 0, kept: [] });
    now += 11 * day;
    const before = await closed();
    const { deleted } = await keep(writer);
    assert.ok(deleted >= 2 && deleted < before.length, `${deleted} of ${before.join()}`);
    // The record of it may have filled a file.
    assert.deepEqual((await closed()).slice(0, before.length - deleted), before.slice(deleted));
    const report = await verifyAuditLog(path, { depth: 'deep' });
    assert.deepEqual([report.verdict, report.from > 10], ['intact', true]);
    assert.match(report.notes[0] ?? '', /Entries #1 to #\d+ were deleted as audit\.retentionDays says on 2027-02-15, which entry #\d+ records/);
    assert.equal(python().status, 0);
    assert.match(python().stdout, /intact from #\d+ on/);
    await rm(join(folder, 'audit', 'pruned.log'));
    assert.equal((await verifyAuditLog(path)).class, 'truncation');
    assert.equal(python().status, 1);
  });

  it('T80 takes no stub for a removal that the chain does not record', async () => {
    keeping = { ...keeping, retentionDays: 30 };
    const writer = await open();
    await fill(writer, 6);
    now += 40 * day;
    await keep(writer);
    const stub = await readFile(join(folder, 'audit', 'pruned.log'), 'utf8');
    await fill(writer, 12);
    const [gone = ''] = await closed();
    await rm(join(folder, 'audit', gone));
    assert.equal((await verifyAuditLog(path)).verdict, 'tampered');
    const forged = stub.replace(/"segment":\d+/g, `"segment":${Number(gone.slice(0, 6))}`);
    await writeFile(join(folder, 'audit', 'pruned.log'), forged);
    assert.equal((await verifyAuditLog(path)).verdict, 'tampered');
    assert.equal(python().status, 1);
  });

  it('audit:compressed compresses closed files, which verify and hold the same bytes', async () => {
    const writer = await open();
    await fill(writer, 8);
    const plain = await readFile(join(folder, 'audit', '000001.log'));
    keeping = { ...keeping, compress: true };
    const before = await closed();
    assert.equal((await keep(writer)).packed, before.length);
    assert.deepEqual(await closed(), before.map((name) => `${name}.gz`));
    assert.deepEqual(gunzipSync(await readFile(join(folder, 'audit', '000001.log.gz'))), plain);
    for (const depth of ['default', 'deep'] as const) assert.equal((await verifyAuditLog(path, { depth })).verdict, 'intact');
    assert.equal(python().status, 0);
    assert.equal((await keep(writer)).packed, 0);
    await writeFile(join(folder, 'audit', '000001.log.gz'), 'not a gzip file');
    assert.equal((await verifyAuditLog(path)).verdict === 'intact', false);
  });

  it('audit:archive moves closed files to a folder of the user, on record, where verification finds them', async () => {
    const writer = await open();
    await fill(writer, 8);
    keeping = { ...keeping, compress: true, archive: join(folder, 'archive') };
    const before = await closed();
    assert.equal((await keep(writer)).moved, before.length);
    assert.ok(!(await closed()).includes('000001.log'));
    const stem = (writer.state().logId ?? '').slice(0, 8);
    assert.deepEqual((await readdir(join(folder, 'archive'))).sort(), before.map((name) => `${stem}-${name}.gz`));
    let report = await verifyAuditLog(path, { depth: 'deep' });
    assert.deepEqual([report.verdict, report.from, report.files > before.length], ['intact', 1, true]);
    assert.equal(python().status, 0);
    await rm(join(folder, 'archive'), { recursive: true });
    report = await verifyAuditLog(path, { depth: 'deep' });
    assert.equal(report.verdict, 'intact');
    assert.match(report.notes[0] ?? '', /were moved to .*archive/);
    assert.equal(python().status, 0);
  });

  it('leaves a closed file alone that is not what was written, and everything after it', async () => {
    const writer = await open();
    await fill(writer, 8);
    const first = join(folder, 'audit', '000001.log');
    await writeFile(first, (await readFile(first, 'utf8')).replace('"n":0', '"n":9'));
    keeping = { ...keeping, compress: true, retentionDays: 1 };
    now += 9 * day;
    assert.deepEqual(await keep(writer), { packed: 0, moved: 0, deleted: 0, kept: ['000001.log'] });
    assert.ok((await closed()).includes('000001.log'));
  });

  it('audit:retention-faults is finished by the next run when any one operation of a removal fails', async () => {
    const simulated = '/home/.conductor/audit.log';
    const attempt = async (disk: SimulatedDisk, fail: (n: number) => boolean): Promise<number> => {
      let clock = 1_800_000_000_000;
      const writer = await openAuditWriter({ path: simulated, createdBy: 'test', disk, now: () => clock, keeping: () => ({ ...defaultKeeping, maxBytes: 1_500 }) });
      for (let n = 0; n < 10; n += 1) await writer.append(event(n));
      await settled();
      const old = writer.state().segment;
      clock += 40 * day;
      const before = disk.operations;
      const run = (): Promise<unknown> => keepFiles({ path: simulated, disk, keeping: { ...defaultKeeping, retentionDays: 30, compress: false }, now: () => clock, record: (entry) => writer.append(entry) });
      disk.fate = (_, n) => (fail(n - before) ? { code: 'EIO' } : 'well');
      await run().catch(() => undefined);
      disk.fate = () => 'well';
      const between = await verifyAuditLog(simulated, { disk, depth: 'deep' });
      assert.equal(between.verdict, 'intact', between.message);
      await writer.append(event('after'));
      await run();
      const left = [...disk.files().keys()].map((name) => Number(/(\d{6})\.log/.exec(name)?.[1] ?? 99));
      assert.ok(left.every((segment) => segment >= old), `of ${old}: ${left.join()}`);
      assert.equal((await verifyAuditLog(simulated, { disk, depth: 'deep' })).verdict, 'intact');
      await writer.close();
      return disk.operations - before;
    };
    const operations = await attempt(new SimulatedDisk(), () => false);
    for (let n = 1; n <= operations; n += 1) await attempt(new SimulatedDisk(), (at) => at === n);
  });
});

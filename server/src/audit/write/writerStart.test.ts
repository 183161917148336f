import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyAuditLog } from '../verify/verifier';
import { done, event, folder, intent, isUnavailable, lines, open, path, rejectsWith, useLog } from '../../../../test/fakes/writerGround';

describe('audit writer at the next start', () => {
  useLog();
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

  it('audit:self-test touches nothing where the cryptography is wrong: no entry, no verification, no new log', async () => {
    const first = await open();
    await first.append(event(1));
    await first.close();
    const before = await readFile(path);
    const writer = await open({ flaw: () => 'SHA-256 of this runtime does not give the published results.' });
    assert.equal(writer.state().health.state, 'failed');
    for (const wrong of [writer.append(event(2)), writer.enqueue(event(2)), writer.startNewLog('why not')]) await assert.rejects(wrong, isUnavailable(/SHA-256 of this runtime.*nothing runs/));
    assert.deepEqual(await readFile(path), before);
  });
});

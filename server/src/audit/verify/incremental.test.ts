import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verificationReport, type VerificationReport } from '../../../../protocol/src/audit/report';
import { done, intent, nextId, open, path, useLog } from '../../../../test/fakes/writerGround';
import { verifySince, type IncrementalOptions } from './incremental';
import { keepLastVerified, lastVerifiedFileOf, readLastVerified, type LastVerified } from './lastVerified';
import { defaultKeeping } from '../upkeep/newLog';
import { verifyAuditLog } from './verifier';

/** Verifying only what is new: what it says, what it sees, and when it gives up and leaves it to a full verification. */

describe('incremental verification', () => {
  useLog();

  async function write(count: number, maxBytes?: number): Promise<void> {
    const writer = await open(maxBytes === undefined ? {} : { keeping: () => ({ ...defaultKeeping, maxBytes }) });
    for (let n = 0; n < count; n += 1) {
      const one = intent(nextId());
      await writer.append(one);
      await writer.append(done(one.id));
    }
    await writer.close();
  }

  async function full(): Promise<LastVerified> {
    let last: LastVerified | undefined;
    const report = await verifyAuditLog(path, { onIntact: (come) => { last = come; } });
    assert.deepEqual([report.verdict, report.since], ['intact', undefined], report.message);
    return last ?? assert.fail('nothing to go on from');
  }

  async function since(last: LastVerified, options: IncrementalOptions = {}): Promise<VerificationReport | undefined> {
    const report = await verifySince(path, last, options);
    return report === undefined ? undefined : verificationReport.parse(report);
  }

  it('audit:incremental reads what is new, says since when, and goes on from there again', async () => {
    await write(5);
    const last = await full();
    const nothing = await since(last);
    assert.deepEqual([nothing?.verdict, nothing?.entries, nothing?.since], ['intact', 0, last.full]);
    await write(3);
    let come: LastVerified | undefined;
    const report = await since(last, { onIntact: (one) => { come = one; } });
    const whole = await verifyAuditLog(path);
    assert.deepEqual([report?.verdict, report?.from, (report?.from ?? 0) + (report?.entries ?? 0), report?.head], ['intact', last.seq + 1, whole.entries + 1, whole.head]);
    assert.ok((report?.bytes ?? whole.bytes) < whole.bytes, 'it read less than everything');
    assert.match(`${report?.message ?? ''}${report?.notes.join() ?? ''}`, new RegExp(`last full verification at #${String(last.seq)}[^]*signatures were not looked at`));
    await write(2);
    const again = await since(come ?? last);
    assert.deepEqual([again?.verdict, again?.from, again?.since], ['intact', whole.entries + 1, last.full], 'the label stays with the full one');
  });

  it('audit:incremental-falls-back whenever the log is not the one that goes on', async () => {
    await write(5);
    const last = await full();
    await write(3);
    const whole = readFileSync(path);
    const put = (bytes: Buffer): void => writeFileSync(path, bytes);
    const tries: readonly (readonly [why: string, change: () => void])[] = [
      ['cut before the entry that was last', () => put(whole.subarray(0, last.bytes - 10))],
      ['the last entry is another one', () => put(Buffer.concat([whole.subarray(0, last.bytes - 5), Buffer.from('0'), whole.subarray(last.bytes - 4)]))],
      ['a new entry was edited', () => put(Buffer.from(whole.toString('latin1').replace(/"command":"ls"(?![^]*"command":"ls")/, '"command":"rm"'), 'latin1'))],
      ['new entries were removed', () => put(Buffer.concat([whole.subarray(0, last.bytes), whole.subarray(whole.indexOf('\n', last.bytes) + 1)]))],
      ['torn', () => put(whole.subarray(0, whole.length - 7))],
      ['another file with the same bytes', () => { copyFileSync(path, `${path}.copy`); renameSync(`${path}.copy`, path); }],
      ['gone', () => rmSync(path)],
    ];
    for (const [why, change] of tries) {
      change();
      assert.equal(await since(last), undefined, why);
      if (why !== 'gone' && why !== 'another file with the same bytes') put(whole);
    }
  });

  it('says what it cannot see: an edit before the entry that was last', async () => {
    await write(5);
    const last = await full();
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.from(bytes.toString('latin1').replace('"command":"ls"', '"command":"rm"'), 'latin1'));
    assert.equal((await since(last))?.verdict, 'intact');
    assert.equal((await verifyAuditLog(path)).verdict, 'tampered');
  });

  it('T80 T81 holds known heads against the log: new ones, the last one, and old ones', async () => {
    await write(5);
    const last = await full();
    await write(3);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const headAt = (entries: number): { entries: number; head: string } => ({ entries, head: (lines[entries - 1] ?? '').slice(-66, -2) });
    for (const entries of [2, last.seq, lines.length]) {
      assert.equal((await since(last, { known: [headAt(entries)] }))?.verdict, 'intact', String(entries));
      assert.equal(await since(last, { known: [{ entries, head: 'a'.repeat(64) }] }), undefined, String(entries));
    }
    assert.equal(await since(last, { known: { entries: lines.length + 1, head: 'a'.repeat(64) } }), undefined);
  });

  it('T83 goes on through files that were closed meanwhile', async () => {
    await write(3, 4_096);
    const last = await full();
    await write(20, 4_096);
    const report = await since(last);
    const whole = await verifyAuditLog(path, { depth: 'deep' });
    assert.ok((report?.files ?? 0) > 2, 'files were closed');
    assert.deepEqual([report?.verdict, (report?.from ?? 0) + (report?.entries ?? 0), report?.head], ['intact', whole.entries + 1, whole.head]);
  });

  it('keeps where it came to in a file, and takes nothing from one that it does not understand', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'conductor-last-'));
    await write(2);
    const last = await full();
    const file = lastVerifiedFileOf(join(folder, 'audit.log'));
    assert.equal(await readLastVerified(file), undefined);
    await keepLastVerified(file, last);
    assert.deepEqual(await readLastVerified(file), last);
    appendFileSync(file, '}');
    assert.equal(await readLastVerified(file), undefined);
    rmSync(folder, { recursive: true });
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { writeLog } from '../../bench/audit';
import type { VerificationReport } from '../../protocol/src/audit/report';
import { conductor, TestHouse, until } from './house';

/** Whether a process has a file open. */
function opens(pid: number | undefined, file: string): boolean {
  const folder = `/proc/${String(pid)}/fd`;
  return readdirSync(folder).some((name) => {
    try {
      return readlinkSync(join(folder, name)) === file;
    } catch {
      return false;
    }
  });
}

/** Verifying a log that takes a while: at a real broker and with the built command. */

const entries = 60_000;

describe('verifying a long log', () => {
  let house: TestHouse;

  before(() => {
    house = new TestHouse();
    writeLog(house.log, entries);
    chmodSync(house.log, 0o600);
  });
  after(() => house.close());

  it('audit:verify-progress whoever asks hears how far it is, and nobody else does', async () => {
    const [asker, other] = [await house.control('viewer'), await house.control('viewer')];
    const heard: { progress: string; done: number; total: number }[] = [];
    asker.onNotification('audit/progress', (one: { progress: string; done: number; total: number }) => void heard.push(one));
    other.onNotification('audit/progress', () => assert.fail('another connection heard of it'));
    const report = await asker.sendRequest<VerificationReport>('audit/verify', { depth: 'strict', progress: 'mine' });
    assert.deepEqual([report.verdict, report.depth, report.entries >= entries], ['intact', 'strict', true], report.message);
    assert.ok(heard.length > 0);
    for (const { progress, done, total } of heard) assert.ok(progress === 'mine' && done > 0 && done <= total);
    const silent = heard.length;
    await asker.sendRequest('audit/verify', {});
    assert.equal(heard.length, silent, 'who does not ask for progress hears none');
  });

  it('audit:verify-cancel a request that is taken back ends the verification, and the broker goes on', async () => {
    const asker = await house.control('viewer');
    const source = new CancellationTokenSource();
    asker.onNotification('audit/progress', () => source.cancel());
    const { verdict, class: kind } = await asker.sendRequest<VerificationReport>('audit/verify', { depth: 'strict', progress: 'p' }, source.token);
    assert.deepEqual([verdict, kind], ['unverifiable', 'aborted']);
    assert.equal((await house.status()).audit.health, 'ok');
  });

  it('audit:verify-interrupt Ctrl+C ends the command with a clear line and exit code 2', async function () {
    if (process.platform !== 'linux') this.skip();
    const child = spawn(process.execPath, [conductor, 'audit', 'verify', '--strict', '--file', house.log], { env: house.env });
    let said = '';
    child.stdout.on('data', (data: Buffer) => { said += data.toString(); });
    const ended = new Promise<number | null>((done) => child.once('close', done));
    // From when it reads the log on it listens; before, Ctrl+C ends it as it ends any program.
    await until('the log is being read', () => Promise.resolve(opens(child.pid, house.log) ? true : undefined));
    child.kill('SIGINT');
    const code = await ended;
    assert.deepEqual([code, /was stopped before its end/.test(said)], [2, true], said);
  });
});

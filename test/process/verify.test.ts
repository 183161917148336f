import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
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

  it('audit:incremental-process at the broker and with the command, only what is new is read, and the answer says so', async () => {
    const viewer = await house.control('viewer');
    const verify = (params: object): Promise<VerificationReport> => viewer.sendRequest('audit/verify', params);
    const whole = await verify({});
    assert.deepEqual([whole.verdict, whole.since], ['intact', undefined]);
    const agent = await house.introducedAgent();
    await agent.call('shell_exec', { command: 'echo fresh' });
    const fresh = await verify({ since: 'last' });
    assert.deepEqual([fresh.verdict, fresh.since?.entries, fresh.from, fresh.trust], ['intact', whole.entries, whole.entries + 1, undefined]);
    assert.ok(fresh.entries >= 1 && fresh.bytes < 20_000, `${String(fresh.entries)} entries, ${String(fresh.bytes)} bytes`);
    assert.equal((await verify({ since: 'last', expected: { entries: 5, head: `sha256:${'0'.repeat(64)}` } })).class, 'fork', 'a known head that does not fit is found');
    const anchor = { entries: 5, head: `sha256:${'0'.repeat(64)}`, place: 'a window', at: new Date().toISOString() };
    assert.equal((await verify({ anchor })).verdict, 'tampered', 'a place outside that does not fit is found');
    assert.equal((await verify({ since: 'last' })).since, undefined, 'nothing goes on from a log that did not fit');

    assert.doesNotMatch(house.run('audit', 'verify', '--incremental').stdout, /since the last/, 'the first time everything is read');
    await agent.call('shell_exec', { command: 'echo more' });
    const { status, stdout } = house.run('audit', 'verify', '--incremental');
    assert.deepEqual([status, /^Intact since the last full verification at #\d+ \(chain only\): \d+ new entries/.test(stdout)], [0, true], stdout);
    assert.equal(house.run('audit', 'verify', '--incremental', '--strict').status, 2);
    writeFileSync(join(house.configDir, 'audit.verified'), 'nonsense');
    assert.doesNotMatch(house.run('audit', 'verify', '--incremental').stdout, /since the last/);
  });

  it('audit:threads two real threads say to the letter what one says, of a sound log and of a damaged one', () => {
    const copy = join(house.base, 'copy.log');
    const bytes = readFileSync(house.log);
    for (const damaged of [false, true]) {
      if (damaged) bytes[Math.floor(bytes.length / 2)] = 0x7e;
      writeFileSync(copy, bytes, { mode: 0o600 });
      for (const depth of ['--deep', '--strict']) {
        const [one, two] = ['1', '2'].map((threads) => house.run('audit', 'verify', depth, '--threads', threads, '--json', '--file', copy));
        assert.deepEqual([one?.status, one?.stdout], [damaged ? 1 : 0, two?.stdout], `${depth}: ${two?.stderr ?? ''}`);
      }
    }
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

  it('audit:verify-small the command verifies with little of the program in memory', () => {
    const probe = join(house.project, 'loaded.cjs');
    writeFileSync(probe, "process.on('exit', () => process.stderr.write(Object.keys(require.cache).map((file) => require('node:path').basename(file)).join(' ')));");
    for (const more of [[], ['--deep', '--threads', '1']]) {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--require', probe, conductor, 'audit', 'verify', '--file', house.log, ...more], { encoding: 'utf8', env: house.env });
      assert.equal(status, 0, stdout + stderr);
      assert.deepEqual(stderr.split(' ').sort(), ['commander.js', 'conductor.js', 'loaded.cjs', 'verifyProgram.js', 'verifying.js', 'zod.js']);
    }
  });

  it('audit:verify-sound cryptography that comes to wrong results is named, and calls no log damaged or good', () => {
    const broken = join(house.project, 'broken.cjs');
    writeFileSync(broken, "const crypto = require('node:crypto'); const { hash } = crypto; crypto.hash = (...all) => { const found = hash(...all); return typeof found === 'string' ? found.replace(/^./, '0') : found; };");
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--require', broken, conductor, 'audit', 'verify'], { encoding: 'utf8', env: house.env });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /Nothing can be verified with it/);
  });
});

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChildren, type Child } from './childProcess';
import { Descendants, signalGroup } from './processTree';

/** Processes by the pid files that they write. */
describe('processTree', function () {
  let folder = '';
  const started: number[] = [];

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tree-'));
  });
  afterEach(() => {
    for (const pid of started.splice(0)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has gone, as it should.
      }
    }
    rmSync(folder, { recursive: true, force: true });
  });

  function sh(script: string): ChildProcess {
    return spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore', cwd: folder });
  }

  function child(script: string): Child {
    return { file: '/bin/sh', args: ['-c', script], cwd: folder, environment: { PATH: '/usr/bin:/bin' }, input: 'nothing', output: 'stdout', errors: 'stderr' };
  }

  async function pidIn(name: string): Promise<number> {
    const file = join(folder, name);
    while (!existsSync(file) || !readFileSync(file, 'utf8').endsWith('\n')) await new Promise((resolve) => setTimeout(resolve, 5));
    const pid = Number(readFileSync(file, 'utf8'));
    started.push(pid);
    return pid;
  }

  function alive(pid: number): boolean {
    try {
      return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return false;
    }
  }

  function napping(seconds: string): readonly number[] {
    const lines = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((pid) => [Number(pid), commandLine(pid)] as const);
    return lines.filter(([, line]) => line.includes(`\0${seconds}\0`) && !line.includes('-e')).map(([pid]) => pid);
  }

  function commandLine(pid: string): string {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  }

  async function goes(pid: number): Promise<boolean> {
    for (let tries = 0; tries < 200 && alive(pid); tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    return !alive(pid);
  }

  it('leaves nobody of a crowd that is still growing when it is ended', async () => {
    for (let round = 0; round < 8; round += 1) {
      const nap = String(100_000 + process.pid * 10 + round);
      const fork = `for (let i = 0; i < 400; i += 1) require('child_process').spawn('/bin/sleep', ['${nap}'], { detached: i % 2 === 0, stdio: 'ignore', env: {} }); setTimeout(() => {}, 20000)`;
      const two = [0, 1].map((): Child => ({ ...child(''), file: process.execPath, args: ['-e', fork] }));
      const run = await runChildren(two, { timeoutMs: 15_000, processes: 30 });
      assert.ok(run.kind === 'ended' && run.stopped === 'crowd', JSON.stringify(run));
      const left = napping(nap);
      started.push(...left);
      assert.deepEqual(left, []);
    }
  });

  it('signals the whole group and not only its leader', async () => {
    const leader = sh('sleep 1000 & echo $! > inner; wait');
    const inner = await pidIn('inner');
    assert.equal(signalGroup(leader.pid ?? 0, 'SIGKILL'), true);
    assert.equal(await goes(inner), true);
    assert.equal(await goes(leader.pid ?? 0), true);
    assert.equal(signalGroup(2 ** 30, 'SIGKILL'), false);
  });

  it('signals the group even when its leader has gone', async () => {
    const leader = sh('sleep 1000 & echo $! > inner');
    await new Promise((resolve) => leader.once('exit', resolve));
    const inner = await pidIn('inner');
    assert.equal(signalGroup(leader.pid ?? 0, 'SIGKILL'), true);
    assert.equal(await goes(inner), true);
  });

  it('finds a child that left the group and cleared its environment', async () => {
    const run = await runChildren([child('env -i /usr/bin/setsid /bin/sh -c "echo \\$\\$ > inner; exec sleep 1000" >/dev/null 2>&1 & sleep 0.4')], { timeoutMs: 20_000 }, { mark: { name: 'M', value: 'x1' } });
    assert.ok(run.kind === 'ended' && run.strays >= 1);
    assert.equal(alive(await pidIn('inner')), false);
  });

  it('finds a child whose parent has gone at once, by the outputs that it still holds', async () => {
    const run = await runChildren([{ ...child(''), file: '/usr/bin/env', args: ['-i', '/usr/bin/setsid', '-f', '/bin/sh', '-c', 'echo $$ > inner; exec sleep 1000'] }], { timeoutMs: 20_000 }, { mark: { name: 'M', value: 'x2' } });
    assert.equal(run.kind, 'ended');
    assert.equal(alive(await pidIn('inner')), false);
  });

  it('finds what a remembered process starts after its own parent has gone', async () => {
    const script = 'env -i /usr/bin/setsid /bin/sh -c "sleep 0.3; sleep 1000 & echo \\$! > inner; wait" >/dev/null 2>&1 & sleep 0.15';
    const run = await runChildren([child(`${script}; exit 0`)], { timeoutMs: 20_000, settleMs: 600 });
    assert.equal(run.kind, 'ended');
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(existsSync(join(folder, 'inner')) && alive(await pidIn('inner')), false);
  });

  it('finds a child that left a run which was over at once, among the few processes that came after it', async () => {
    const run = await runChildren([child('setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! > inner')], { timeoutMs: 5000 }, { mark: { name: 'CONDUCTOR_RUN', value: 'quick' } });
    assert.equal(run.kind, 'ended');
    assert.equal(await goes(await pidIn('inner')), true);
  });

  it('leaves a process alone that merely got the number of one that it knew', async () => {
    const other = sh('echo $$ > inner; exec sleep 1000');
    const pid = await pidIn('inner');
    const times = ['1', '1'];
    const descendants = new Descendants(() => times.pop() ?? '2');
    descendants.add(pid, []);
    assert.equal(await descendants.kill(new Set()), 0);
    assert.equal(alive(other.pid ?? 0), true);
  });
});

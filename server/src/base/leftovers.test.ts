import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftovers } from './leftovers';

describe('base/leftovers', function () {
  let folder = '';
  const name = `TEST_RUN_${randomBytes(6).toString('hex').toUpperCase()}`;

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'leftovers-'));
  });
  afterEach(async () => {
    await endLeftovers(name, () => true, { graceMs: 0 });
    rmSync(folder, { recursive: true, force: true });
  });

  function start(value: string, script: string): void {
    spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore', cwd: folder, env: { PATH: '/usr/bin:/bin', [name]: value } }).unref();
  }

  async function pidIn(file: string): Promise<number> {
    const path = join(folder, file);
    while (!existsSync(path) || !readFileSync(path, 'utf8').endsWith('\n')) await new Promise((resolve) => setTimeout(resolve, 5));
    return Number(readFileSync(path, 'utf8'));
  }

  function alive(pid: number): boolean {
    try {
      return !readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z ');
    } catch {
      return false;
    }
  }

  it('ends what carries the value, in other sessions and deaf to SIGTERM, and counts it by value', async () => {
    start('one.a', 'echo $$ > a; setsid sh -c "trap \\"\\" TERM; echo \\$\\$ > b; while :; do sleep 1; done" & wait');
    start('one.b', 'echo $$ > c; exec sleep 60');
    const pids = [await pidIn('a'), await pidIn('b'), await pidIn('c')];
    const { found, stubborn } = await endLeftovers(name, (value) => value.startsWith('one.'), { graceMs: 100 });
    assert.deepEqual(pids.filter(alive), []);
    assert.equal(stubborn, 0);
    assert.deepEqual([...found.keys()].sort(), ['one.a', 'one.b']);
    assert.equal(found.get('one.b'), 1);
  });

  it('ends what cleared its environment in the session of a marked process', async () => {
    start('one.a', 'env -i /bin/sh -c "echo \\$\\$ > a; exec /bin/sleep 60" & echo $$ > b; wait');
    const pids = [await pidIn('a'), await pidIn('b')];
    await endLeftovers(name, (value) => value === 'one.a');
    assert.deepEqual(pids.filter(alive), []);
  });

  it('leaves other values and this very session alone', async () => {
    start('two.a', 'echo $$ > a; exec sleep 60');
    const sibling = spawn('/bin/sh', ['-c', 'exec sleep 60'], { stdio: 'ignore', env: { PATH: '/usr/bin:/bin', [name]: 'one.a' } });
    const bystander = spawn('/bin/sh', ['-c', 'exec sleep 60'], { stdio: 'ignore', env: { PATH: '/usr/bin:/bin' } });
    try {
      const pid = await pidIn('a');
      const { found } = await endLeftovers(name, (value) => value.startsWith('one.'));
      assert.deepEqual([...found], [['one.a', 1]]);
      assert.equal(alive(pid), true);
      assert.equal(alive(Number(bystander.pid)), true, 'same session as a marked process, but it is also ours');
    } finally {
      sibling.kill('SIGKILL');
      bystander.kill('SIGKILL');
    }
  });
});

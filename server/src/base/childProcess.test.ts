import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChildren, spawnDetached, type Child, type Limits, type Run } from './childProcess';
import { markedProcesses } from './processTree';

const environment = { PATH: '/usr/bin:/bin' };
const limits: Limits = { timeoutMs: 20_000, graceMs: 300 };

function node(script: string, changes: Partial<Child> = {}): Child {
  return { file: process.execPath, args: ['-e', script], cwd: '/', environment, input: 'nothing', output: 'stdout', errors: 'stderr', ...changes };
}

function sh(script: string, changes: Partial<Child> = {}): Child {
  return { file: '/bin/sh', args: ['-c', script], cwd: '/', environment, input: 'nothing', output: 'stdout', errors: 'stderr', ...changes };
}

function ended(run: Run): Extract<Run, { kind: 'ended' }> {
  assert.equal(run.kind, 'ended', run.kind === 'notStarted' ? run.error.message : '');
  if (run.kind !== 'ended') throw new Error('unreachable');
  return run;
}

function text(run: Run): string {
  const { stdout } = ended(run);
  return stdout.head.toString() + stdout.tail.toString();
}

function freshMark(): { name: string; value: string } {
  return { name: 'RUN_MARK', value: randomBytes(8).toString('hex') };
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

describe('childProcess', () => {
  it('passes arguments as data and only the given environment (T77)', async () => {
    const run = await runChildren([node('process.stdout.write(JSON.stringify([process.argv.slice(1), process.env]))', { args: ['-e', 'process.stdout.write(JSON.stringify([process.argv.slice(1), process.env]))', '$(id)', '; rm x', '*', 'a b'] })], limits);
    assert.deepEqual(JSON.parse(text(run)), [['$(id)', '; rm x', '*', 'a b'], environment]);
  });

  it('does not start with NUL in an argument, or when the program is missing', async () => {
    const nul = await runChildren([sh('true', { args: ['-c', 'a\0b'] })], limits);
    const missing = await runChildren([sh('sleep 100'), sh('x', { file: '/nowhere/x', input: 'previous' })], limits);
    assert.equal(nul.kind, 'notStarted');
    assert.ok(missing.kind === 'notStarted' && missing.index === 1 && /ENOENT/.test(missing.error.message));
  });

  it('keeps exit codes and signals apart', async () => {
    const run = ended(await runChildren([sh('exit 7')], limits));
    const killed = ended(await runChildren([sh('kill -9 $$')], limits));
    assert.deepEqual([run.exits, killed.exits], [[{ code: 7, signal: null }], [{ code: null, signal: 'SIGKILL' }]]);
  });

  it('joins children by pipe, in order and in full', async () => {
    const run = await runChildren([sh('seq 1 200000', { output: 'next' }), sh('cat', { input: 'previous', output: 'next' }), sh('wc -l', { input: 'previous' })], limits);
    assert.equal(text(run).trim(), '200000');
  });

  it('ends a writer when its reader has gone', async () => {
    const run = ended(await runChildren([sh('exec yes', { output: 'next' }), sh('exec head -n 2', { input: 'previous' })], limits));
    assert.equal(text(run), 'y\ny\n');
    assert.notEqual(run.exits[0]?.code, 0);
    assert.equal(run.exits[1]?.code, 0);
    assert.equal(run.stopped, undefined);
  });

  it('joins both outputs into the next input', async () => {
    const run = await runChildren([sh('echo a; echo b >&2', { output: 'next', errors: 'next' }), sh('sort', { input: 'previous' })], limits);
    assert.equal(text(run), 'a\nb\n');
  });

  it('writes to and reads from given descriptors', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'child-'));
    const file = openSync(join(folder, 'out'), 'w+');
    await runChildren([sh('echo a; echo b >&2', { output: { descriptor: file }, errors: { descriptor: file } })], limits);
    closeSync(file);
    const again = openSync(join(folder, 'out'), 'r');
    const run = await runChildren([sh('cat', { input: { descriptor: again } })], limits);
    closeSync(again);
    rmSync(folder, { recursive: true });
    assert.equal(text(run), 'a\nb\n');
  });

  it('keeps head and tail and counts the rest', async () => {
    const run = ended(await runChildren([sh('seq 1 100000')], { ...limits, keepBytes: 100 }));
    assert.equal(run.stdout.bytes, 588895);
    assert.equal(run.stdout.head.length + run.stdout.tail.length + run.stdout.omitted, 588895);
    assert.ok(run.stdout.head.toString().startsWith('1\n2\n') && run.stdout.tail.toString().endsWith('99999\n100000\n'));
  });

  it('stops an endless writer at the cap', async () => {
    const run = ended(await runChildren([sh('exec yes')], { ...limits, floodBytes: 1024 * 1024 }));
    assert.equal(run.stopped, 'flood');
    assert.ok(run.stdout.bytes < 4 * 1024 * 1024, String(run.stdout.bytes));
  });

  it('ends the whole tree at the time limit, also what ignores SIGTERM', async () => {
    const mark = freshMark();
    const run = ended(await runChildren([sh("trap '' TERM; sh -c \"trap '' TERM; sleep 100 & sleep 100\" & sleep 100; sleep 100")], { ...limits, timeoutMs: 300 }, { mark }));
    assert.equal(run.stopped, 'timeout');
    assert.deepEqual(markedProcesses(mark), []);
  });

  it('ends the group without a mark as well', async () => {
    const run = ended(await runChildren([sh('sleep 1000 >/dev/null 2>&1 & echo $!; sleep 1000')], { ...limits, timeoutMs: 300 }));
    assert.equal(run.stopped, 'timeout');
    const pid = Number(text(run));
    for (let tries = 0; tries < 100 && alive(pid); tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(alive(pid), false);
  });

  it('finds and kills a child that left the group with setsid', async function () {
    if (process.platform !== 'linux') this.skip();
    const mark = freshMark();
    const run = ended(await runChildren([sh('setsid sleep 100 >/dev/null 2>&1 & sleep 0.2; echo done')], limits, { mark }));
    assert.equal(text(run), 'done\n');
    assert.ok(run.strays >= 1);
    assert.deepEqual(markedProcesses(mark), []);
  });

  it('does not wait for a daemon that holds the pipes', async () => {
    const mark = freshMark();
    const run = ended(await runChildren([sh('sleep 1000 & echo $!')], limits, { mark }));
    assert.equal(run.stopped, undefined);
    assert.equal(alive(Number(text(run))), false);
    assert.deepEqual(markedProcesses(mark), []);
  });

  it('stops when it is cancelled, and does not start when it already was', async () => {
    const stop = new AbortController();
    const started = runChildren([sh('echo up; sleep 100')], limits, { signal: stop.signal, onOutput: () => stop.abort() });
    assert.equal(ended(await started).stopped, 'cancelled');
    assert.equal((await runChildren([sh('true')], limits, { signal: stop.signal })).kind, 'notStarted');
  });

  it('starts a program that outlives it, with a log', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'child-'));
    const log = openSync(join(folder, 'log'), 'a');
    const pid = await spawnDetached({ file: '/bin/sh', args: ['-c', 'echo hello; sleep 100'], cwd: '/', environment, logDescriptor: log });
    closeSync(log);
    while (readFileSync(join(folder, 'log'), 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(alive(pid), true);
    process.kill(-pid, 'SIGKILL');
    rmSync(folder, { recursive: true });
    await assert.rejects(spawnDetached({ file: '/nowhere', args: [], cwd: '/', environment, logDescriptor: 1 }));
  });
});

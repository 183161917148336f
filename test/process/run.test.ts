import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { endProcess, TestHouse, until, type Json } from './house';

/** What stands around a run of the broker in its log, and a runtime that cannot be trusted with one. */

const brokerScript = resolve(__dirname, '../../dist/broker.js');

describe('a run of the broker', () => {
  let house: TestHouse;

  beforeEach(() => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo'] } } });
  });
  afterEach(() => house.close());

  const entriesOf = (tool: string): Json[] => house.entries().filter((entry) => entry['tool'] === tool);
  const inputs = (tool: string): Json[] => entriesOf(tool).map(({ input }) => input as Json);

  it('audit:run-pair: the end names its beginning, and the next beginning says how the run before ended', async () => {
    const first = (await house.status()).pid;
    await endProcess(first, 'SIGTERM');
    await until('it is gone', () => entriesOf('broker.stopped').length === 1);
    const second = (await house.status()).pid;
    await endProcess(second, 'SIGKILL');
    await house.status();
    const runs = entriesOf('broker.started').map(({ id }) => id);
    assert.deepEqual(inputs('broker.started').map(({ previous, selfTest }) => [previous, selfTest]), [
      [null, 'passed'], [{ run: runs[0], ended: 'stopped' }, 'passed'], [{ run: runs[1], ended: 'cut off' }, 'passed'],
    ]);
    assert.deepEqual(inputs('broker.stopped').map(({ why, run }) => [why, run]), [['SIGTERM', runs[0]]]);
    assert.equal(house.run('audit', 'verify', '--strict').status, 0);
  });

  it('audit:self-test: a runtime that hashes wrongly serves nobody, says so everywhere, and leaves the log alone', async () => {
    await endProcess((await house.status()).pid);
    const before = readFileSync(house.log);
    const broken = join(house.base, 'broken.cjs');
    writeFileSync(broken, `const crypto = require('node:crypto'); const { hash } = crypto;
      Object.defineProperty(crypto, 'hash', { value: (...of) => { const right = hash(...of); return typeof right === 'string' ? 'f' + right.slice(1) : right; } });`);
    const child = spawn(process.execPath, ['--require', broken, brokerScript], { env: house.env, stdio: 'ignore', detached: true });
    child.unref();
    await until('it listens', () => existsSync(join(house.configDir, 'broker.sock')));
    const agent = await house.introducedAgent();
    const refused = await agent.call('shell_exec', { command: 'echo ran' });
    assert.ok(refused.isError);
    assert.match(refused.text, /SHA-256 of this runtime does not give the published results.*nothing runs/);
    const status = await house.status();
    assert.equal(status.pid, child.pid);
    assert.match(JSON.stringify(status), /SHA-256 of this runtime/);
    assert.match(house.run('doctor').stdout, /SHA-256 of this runtime/);
    assert.notEqual(house.run('audit', 'start-new', '--yes').status, 0);
    assert.deepEqual(readFileSync(house.log), before);
    agent.child.kill('SIGKILL');
    await endProcess(status.pid);
    assert.deepEqual(readFileSync(house.log), before);
  });
});

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { endProcess, TestHouse, until } from './house';

/** The audit log of a real broker on ground that fails, misleads or was tampered with. */

const brokerScript = resolve(__dirname, '../../dist/broker.js');
const python = resolve(__dirname, '../../scripts/verify.py');

describe('the audit log of a broker', () => {
  let house: TestHouse;

  beforeEach(() => {
    house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo', 'touch'] } } });
  });
  afterEach(() => house.close());

  const ran = (name: string): boolean => existsSync(join(house.project, name));
  const verified = (...more: string[]): string => {
    const { status, stdout, stderr } = house.run('audit', 'verify', ...more);
    assert.equal(status, 0, stdout + stderr);
    return stdout;
  };

  it('audit:full-disk T84: no room in the log: nothing runs, it says so, and it goes on with a note when there is room again', async function () {
    if (spawnSync('prlimit', ['--version']).status !== 0) this.skip();
    const agent = await house.introducedAgent();
    assert.equal((await agent.call('shell_exec', { command: 'touch first' })).isError, false);
    const { pid } = await house.status();
    const room = (bytes: string): void => assert.equal(spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]).status, 0);
    const before = readFileSync(house.log);
    // Part of a line fits, which must be taken back.
    room(String(before.length + 100));
    for (const name of ['second', 'third']) {
      const refused = await agent.call('shell_exec', { command: `touch ${name}` });
      assert.ok(refused.isError);
      assert.match(refused.text, /audit log could not be (written|opened)/);
      assert.equal(ran(name), false);
    }
    assert.deepEqual(readFileSync(house.log), before);
    assert.match(JSON.stringify(await house.status()), /audit log could not be/);
    room('unlimited');
    assert.equal((await agent.call('shell_exec', { command: 'touch fourth' })).isError, false);
    assert.ok(ran('fourth'));
    assert.ok(house.entries().some(({ phase, input }) => phase === 'recover' && (input as { kind?: string }).kind === 'interrupted'));
    verified('--strict');
  });

  it('audit:hostile-text T85: texts that look like hashes, lines, separators or half characters stay one entry, for every verifier', async () => {
    const agent = await house.introducedAgent();
    const zeros = '0'.repeat(64);
    const texts = [
      `,"prevHash":"sha256:${zeros}","hash":"sha256:${zeros}"}`, `"}\n{"v":1,"seq":2,"id":"evt_${'0'.repeat(26)}","prevHash":"sha256:${zeros}","hash":"sha256:${zeros}"}\n`,
      'a\u2028b\u2029c', '\ud800', 'x\udfff', '\u0000\u0007\u001b[2J', '\u202eevil', '{"$sha256":"x","bytes":1}', 'y'.repeat(70_000), '\u{e0041}',
    ];
    for (const text of texts) await agent.call('shell_exec', { command: 'echo', cwd: text, [text.slice(0, 200)]: text }).catch(() => undefined);
    for (const text of texts) await agent.call('shell_exec', { command: `echo '${text}'` }).catch(() => undefined);
    for (const text of texts) await agent.call('filesystem_read', { path: text }).catch(() => undefined);
    assert.ok(house.entries().length > 2 * texts.length);
    for (const depth of [[], ['--deep'], ['--strict']]) verified(...depth);
    const { status, stdout } = spawnSync('python3', [python, house.log], { encoding: 'utf8' });
    assert.deepEqual([status, /intact: \d+ entries/.exec(stdout)?.[0]], [0, `intact: ${String(house.entries().length)} entries`]);
  });

  it('T88: a clock that was set back a day between two runs is named, and the log is intact and goes on', async () => {
    await endProcess((await house.status()).pid);
    const back = join(house.base, 'back.cjs');
    writeFileSync(back, 'const now = Date.now; Date.now = () => now() - 86400000;');
    const child = spawn(process.execPath, ['--require', back, brokerScript], { env: house.env, stdio: 'ignore', detached: true });
    child.unref();
    await until('it has begun', () => house.entries().some(({ tool, input }) => tool === 'broker.started' && (input as { pid?: number }).pid === child.pid));
    const agent = await house.introducedAgent();
    assert.equal((await agent.call('shell_exec', { command: 'touch first' })).isError, false);
    assert.match(verified('--deep'), /clock went back/);
    const numbers = house.entries().map(({ seq }) => seq);
    assert.deepEqual(numbers, numbers.map((_, n) => n + 1));
  });

  it('audit:link-refused T81: a log that is a link is not followed, nothing runs, and what it leads to is untouched', async () => {
    await endProcess((await house.status()).pid);
    const elsewhere = join(house.base, 'elsewhere.log');
    renameSync(house.log, elsewhere);
    symlinkSync(elsewhere, house.log);
    const before = readFileSync(elsewhere);
    const refused = await (await house.introducedAgent()).call('shell_exec', { command: 'touch first' });
    assert.ok(refused.isError);
    assert.match(refused.text, /symbolic link/);
    assert.equal(ran('first'), false);
    assert.deepEqual(readFileSync(elsewhere), before);
  });

  it('audit:private-again T84: a log that others may write is closed to them, on record', async () => {
    await endProcess((await house.status()).pid);
    chmodSync(house.log, 0o666);
    const agent = await house.introducedAgent();
    assert.equal((await agent.call('shell_exec', { command: 'touch first' })).isError, false);
    assert.equal(statSync(house.log).mode & 0o777, 0o600);
    const notes = house.entries().filter(({ phase, input }) => phase === 'recover' && (input as { kind?: string }).kind === 'permissions');
    assert.deepEqual(notes.map(({ input }) => input), [{ kind: 'permissions', mode: '0666' }]);
    verified('--strict');
  });
});

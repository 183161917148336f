import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CredentialState } from '../../protocol/src/credentials';
import { conductor, endProcess, TestHouse, until } from './house';

/** The real keyring of a desktop, with a session bus of its own. */
const programs = ['dbus-daemon', 'dbus-send', 'gnome-keyring-daemon', 'secret-tool', 'script'];
const missing = programs.filter((name) => spawnSync('which', [name]).status !== 0);

describe(`the keyring of the operating system${missing.length === 0 ? '' : ` (not tested here: no ${missing.join(', ')})`}`, function () {
  this.timeout(120_000);
  let house: TestHouse;
  let bus: ChildProcess;
  let keyring: ChildProcess;
  let env: NodeJS.ProcessEnv;

  before(function () {
    if (missing.length > 0) this.skip();
  });
  beforeEach(async () => {
    house = new TestHouse();
    const home = join(house.base, 'home');
    const runtime = join(house.base, 'runtime');
    for (const folder of [home, runtime]) mkdirSync(folder, { mode: 0o700 });
    const address = `unix:path=${join(runtime, 'bus')}`;
    env = { ...house.env, HOME: home, XDG_RUNTIME_DIR: runtime, XDG_DATA_HOME: join(home, 'data'), DBUS_SESSION_BUS_ADDRESS: address, TERM: 'dumb' };
    bus = spawn('dbus-daemon', ['--session', '--nofork', `--address=${address}`], { env, stdio: 'ignore' });
    await until('the bus is there', () => statSync(join(runtime, 'bus'), { throwIfNoEntry: false }) !== undefined);
    keyring = spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets', `--control-directory=${join(runtime, 'keyring')}`], { env, stdio: ['pipe', 'ignore', 'ignore'] });
    keyring.stdin?.end('password of the desktop');
    // Asked before, the bus would start a keyring of its own, which is locked.
    await until('the keyring is there', () => spawnSync('dbus-send', ['--session', '--print-reply', '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus.NameHasOwner', 'string:org.freedesktop.secrets'], { env, encoding: 'utf8' }).stdout.includes('true'));
    await until('the keyring is unlocked', () => secretTool('store', '--label=x', 'probe', 'probe').status === 0);
  });
  afterEach(async () => {
    for (const { pid } of [keyring, bus]) if (pid !== undefined) await endProcess(pid);
    await house.close();
  });

  const secretTool = (...args: string[]): { status: number | null; stdout: string } => spawnSync('secret-tool', args, { env, input: 'x', encoding: 'utf8', timeout: 20_000 });
  const own = ['application', 'conductor', 'purpose', 'credentials'];
  const secrets = (args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } => spawnSync(process.execPath, [conductor, 'secrets', ...args], { env, cwd: house.project, encoding: 'utf8', input, timeout: 60_000 });
  /** At a terminal with a person: `script` is one, and says "yes" to what is asked. */
  const atTerminal = (words: string): { status: number | null; screen: string } => {
    const { status, stdout } = spawnSync('script', ['-qec', `'${process.execPath}' '${conductor}' secrets ${words}`, '/dev/null'], { env, cwd: house.project, encoding: 'utf8', input: 'yes\n', timeout: 60_000 });
    return { status, screen: stdout };
  };
  const state = async (): Promise<CredentialState> => {
    const viewer = await house.control('viewer');
    const found = await viewer.sendRequest<CredentialState>('credentials/list', {});
    viewer.end();
    return found;
  };
  const restart = async (): Promise<void> => endProcess((await house.status()).pid);
  const everyByte = (): Buffer => Buffer.concat(readdirSync(house.configDir, { recursive: true, encoding: 'utf8' }).map((name) => join(house.configDir, name)).filter((path) => statSync(path).isFile()).map((path) => readFileSync(path)));

  it('credentials:keyring: a slot is added with a key that only the keyring has, and a terminal of the desktop opens the store with it', async () => {
    const noPerson = secrets(['slots', 'add', 'keyring']);
    assert.equal(noPerson.status, 2);
    assert.match(noPerson.stderr, /needs a person/);
    const added = atTerminal('slots add keyring');
    assert.equal(added.status, 0, added.screen);
    assert.match(added.screen, /The keyring slot [0-9a-f]{16} opens the store from now on/);
    const key = secretTool('lookup', ...own).stdout;
    assert.match(key, /^[0-9a-f]{64}$/);
    assert.ok(!added.screen.includes(key));
    assert.equal(secrets(['set', 'github.token'], 'a-value-of-a-test').status, 0);
    await restart();
    assert.deepEqual([(await state()).state, (await state()).slots.map(({ kind, atHand }) => [kind, atHand])], ['locked', [['keyring', false]]]);
    assert.match(secrets(['list']).stderr, /opens with the keyring of this system.*secrets unlock/s);
    const unlocked = secrets(['unlock']);
    assert.equal(unlocked.status, 0, unlocked.stderr);
    assert.deepEqual((await state()).credentials.map(({ name }) => name), ['github.token']);
    await restart();
    assert.equal(secrets(['unlock']).status, 0);
    assert.equal(secrets(['rotate']).status, 0, 'the key is at hand for the next data key as well');
    assert.ok(!everyByte().includes(key) && !everyByte().includes(Buffer.from(key, 'hex')), 'the key is on the disk of the configuration');
  });

  it('credentials:keyring: sealing anew fetches the key, and a slot that is removed opens nothing', async () => {
    assert.equal(atTerminal('slots add machine').status, 0);
    assert.equal(atTerminal('slots add keyring').status, 0);
    assert.equal(atTerminal('slots add keyring').status, 2, 'the same key twice');
    await restart();
    assert.equal(secrets(['rotate']).status, 0);
    assert.ok((await state()).slots.every(({ atHand }) => atHand));
    const [machine] = (await state()).slots.filter(({ kind }) => kind === 'machine');
    assert.equal(atTerminal(`slots remove ${machine?.id ?? ''}`).status, 0);
    await restart();
    assert.equal((await state()).state, 'locked');
    assert.equal(secrets(['unlock']).status, 0);
  });

  it('credentials:keyring: a key that is gone, nonsense in its place, no bus and no program are told, each with a way out', async () => {
    assert.equal(atTerminal('slots add keyring').status, 0);
    await restart();
    assert.equal(secretTool('clear', ...own).status, 0);
    const gone = secrets(['unlock']);
    assert.equal(gone.status, 2);
    assert.match(gone.stderr, /keyring of this desktop has no key/);
    assert.equal(secretTool('store', '--label=x', ...own).status, 0);
    assert.match(secrets(['unlock']).stderr, /is no key/);
    const reached = env;
    env = { ...env, DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(house.base, 'nowhere')}` };
    assert.match(secrets(['unlock']).stderr, /The keyring cannot be used: .+\n.*terminal of your desktop/);
    env = { ...reached, PATH: house.project };
    writeFileSync(join(house.project, 'secret-tool'), '#!/bin/sh\necho ' + 'ab'.repeat(32), { mode: 0o644 });
    assert.match(secrets(['unlock']).stderr, /"secret-tool", which is not installed.*\n.*libsecret/);
    env = reached;
    assert.equal((await state()).state, 'locked');
  });
});

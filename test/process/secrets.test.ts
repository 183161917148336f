import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CredentialState } from '../../protocol/src/credentials';
import { conductor, endProcess, TestHouse, until } from './house';

/** The command, a real broker and a real folder; windows are connections with their role. */
describe('credentials of a broker', () => {
  let house: TestHouse;
  beforeEach(() => { house = new TestHouse({ plugins: { shell: { allowedCommands: ['cat'] } } }); });
  afterEach(() => house.close());

  const canary = 'canary-9f27c1e0-do-not-leak';
  const secrets = (args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [conductor, 'secrets', ...args], { env: house.env, cwd: house.project, encoding: 'utf8', input, timeout: 60_000 });
    return { status, stdout, stderr };
  };
  const state = async (): Promise<CredentialState> => {
    const control = await house.control('viewer');
    const found = await control.sendRequest<CredentialState>('credentials/list', {});
    control.end();
    return found;
  };
  const restart = async (): Promise<void> => endProcess((await house.status()).pid);
  const events = (): string[] => house.entries().filter(({ tool }) => String(tool).startsWith('credential.')).map(({ tool, result }) => `${String(tool)} ${String(result)}`);
  const everyByte = (): Buffer => Buffer.concat(readdirSync(house.configDir, { recursive: true, encoding: 'utf8' }).map((name) => join(house.configDir, name)).filter((path) => statSync(path).isFile()).map((path) => readFileSync(path)));

  it('credentials:command sets, lists, seals anew and deletes by name, and no command prints a value', async () => {
    const said: string[] = [];
    const run = (args: readonly string[], input?: string): number | null => {
      const { status, stdout, stderr } = secrets(args, input);
      said.push(stdout, stderr);
      return status;
    };
    assert.equal(run(['set', 'github.token'], `${canary}\n`), 0);
    assert.equal(run(['list']), 0);
    assert.equal(run(['list', '--json']), 0);
    assert.equal(run(['rotate']), 0);
    assert.equal(run(['slots', 'list']), 0);
    assert.equal(run(['set', 'github.token', canary.slice(0, 9)]), 2);
    assert.match(said.join(''), /command line is seen by other programs/);
    await restart();
    assert.deepEqual((await state()).credentials.map(({ name }) => name), ['github.token']);
    assert.equal(run(['delete', 'github.token']), 0);
    assert.equal(run(['delete', 'github.token']), 1);
    assert.ok(!said.join('').includes('canary'), said.join(''));
    assert.ok(!everyByte().includes('canary'), 'a value, or a part of it, is readable on the disk');
    assert.deepEqual(events(), ['credential.set ok', 'credential.rotated ok', 'credential.opened ok', 'credential.deleted ok', 'credential.deleted ok']);
  });

  it('credentials:setup says which servers lack which credentials, and takes none from a terminal that is none', async () => {
    const setup = (): ReturnType<typeof secrets> => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [conductor, 'config', 'setup'], { env: house.env, cwd: house.project, encoding: 'utf8', input: canary, timeout: 60_000 });
      return { status, stdout, stderr };
    };
    assert.equal(setup().status, 0);
    const env = { A: '${secret:github.token}', B: 'x ${secret:other.key}' };
    writeFileSync(join(house.configDir, 'mcp_backends.json'), JSON.stringify({ version: 1, backends: { calc: { transport: 'stdio', command: 'cat', env, required_env: ['A', 'C'], egress_allowlist: [] } } }), { mode: 0o600 });
    secrets(['set', 'other.key'], canary);
    const missing = setup();
    assert.equal(missing.status, 1);
    assert.match(missing.stdout, /^calc: not configured, without github\.token$/m);
    assert.match(missing.stderr, /other\.key \(variable B of the server calc\): already set/);
    assert.match(missing.stderr, /"C": "\$\{secret:calc\.c\}"/);
    assert.deepEqual((await state()).credentials.map(({ name }) => name), ['other.key']);
  });

  it('credentials:agents no agent sets, lists or reads credentials, whatever it asks', async () => {
    assert.equal(secrets(['set', 'github.token'], canary).stderr, '');
    const agent = await house.introducedAgent();
    for (const method of ['credentials/list', 'credentials/set', 'credentials/offerKey']) {
      const answer = await agent.request(method, { name: 'a.b', value: 'x' });
      assert.ok(answer['error'] !== undefined, `${method} was served`);
    }
    const slots = join(house.configDir, 'credentials', 'slots.json');
    for (const call of [agent.call('filesystem_read', { path: slots }), agent.call('shell_exec', { command: `cat ${slots}` }), agent.call('filesystem_list', { path: join(house.configDir, 'credentials') })]) {
      assert.match((await call).text, /DENIED/);
    }
    assert.deepEqual((await state()).credentials.map(({ name }) => name), ['github.token']);
  });

  it('credentials:editor-slot a store that only a window opens is locked without it, and again when it leaves', async () => {
    const key = 'ab'.repeat(32);
    const window = await house.control('editor', { window: 'one' });
    await window.sendRequest('credentials/addSlot', { kind: 'editor', key });
    assert.equal(secrets(['set', 'github.token'], canary).status, 0);
    window.end();
    await until('the store is locked', async () => (await state()).state === 'locked');
    const refused = secrets(['set', 'github.token'], 'other');
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /locked.*\n.*Open VS Code/s);
    await restart();
    assert.deepEqual((await state()).credentials, []);
    const again = await house.control('editor', { window: 'two' });
    await assert.rejects(again.sendRequest('credentials/offerKey', { key: 'cd'.repeat(32) }), /opens no slot/);
    await again.sendRequest('credentials/offerKey', { key });
    assert.deepEqual((await state()).credentials.map(({ name }) => name), ['github.token']);
    assert.ok(!everyByte().includes(key) && !everyByte().includes(Buffer.from(key, 'hex')), 'the key of the window is on the disk');
    await until('the refused key is recorded', () => events().includes('credential.unlocked denied'));
  });

  it('credentials:rolled-back T74 an older copy of the whole folder is refused after a restart, until a person accepts it', async () => {
    const [folder, copy] = [join(house.configDir, 'credentials'), join(house.base, 'copy')];
    assert.equal(secrets(['set', 'github.token'], 'the old value').stderr, '');
    await restart();
    cpSync(folder, copy, { recursive: true });
    assert.equal(secrets(['set', 'github.token'], 'the new value').stderr, '');
    await restart();
    rmSync(folder, { recursive: true });
    cpSync(copy, folder, { recursive: true });
    const found = await state();
    assert.equal(found.state, 'refused', JSON.stringify([found, house.entries().map(({ tool, input }) => [tool, input])]));
    assert.match(found.message, /older copy.*secrets accept/);
    assert.equal(secrets(['set', 'npm.token'], 'x').status, 2);
    const control = await house.control();
    await control.sendRequest('credentials/accept', { reason: 'a test' });
    assert.equal((await state()).state, 'open');
    await restart();
    assert.equal((await state()).state, 'open');
  });

  it('credentials:missing T74 a folder that was removed is told as missing by the log, also to agents, and begun anew only when a person says so', async () => {
    const folder = join(house.configDir, 'credentials');
    assert.equal(secrets(['set', 'github.token'], canary).stderr, '');
    await restart();
    rmSync(folder, { recursive: true });
    const list = secrets(['list']);
    assert.equal(list.status, 1);
    assert.match(list.stderr, /The store of credentials is missing: the audit log knows of one, at change 1.*secrets accept/s);
    assert.equal(secrets(['set', 'github.token'], canary).status, 2);
    const control = await house.control();
    await control.sendRequest('credentials/accept', { reason: 'a test removed it' });
    assert.equal((await state()).state, 'empty');
    await restart();
    assert.equal((await state()).state, 'empty', 'what was accepted is not asked again');
    assert.equal(secrets(['set', 'github.token'], canary).status, 0);
    await restart();
    assert.deepEqual((await state()).credentials.map(({ name }) => name), ['github.token']);
  });
});

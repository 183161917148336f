import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createCipheriv, createHash, scryptSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CredentialState } from '../../protocol/src/credentials';
import { filesWith } from './canaries';
import { conductor, endProcess, TestHouse } from './house';

/** What depends on the id of the machine, with the real one: the slot that opens here and nowhere else, and files of the older format. */
describe('credentials and the id of this machine', function () {
  this.timeout(120_000);
  const canary = 'cAnary-M4chine-5kQw8zR';
  const id = process.platform === 'linux' && existsSync('/etc/machine-id') ? readFileSync('/etc/machine-id', 'utf8').trim() : '';
  let house: TestHouse;
  before(function () { if (!/^[0-9a-f]{32}$/.test(id)) this.skip(); });
  beforeEach(() => { house = new TestHouse({ plugins: { shell: { allowedCommands: ['printenv'], secrets: { printenv: { CANARY: '${secret:github.token}' } } } } }); });
  afterEach(() => house.close());

  type Said = Readonly<{ status: number | null; stdout: string; stderr: string }>;
  const secrets = (words: string, input = '', prefix: readonly string[] = []): Said => {
    const [file = '', ...args] = [...prefix, process.execPath, conductor, 'secrets', ...words.split(' ')];
    const { status, stdout, stderr } = spawnSync(file, args, { env: house.env, cwd: house.project, encoding: 'utf8', input, timeout: 60_000 });
    return { status, stdout, stderr };
  };
  /** Ends every broker of the household, also one that was started beside the first and would take its place: it would be on the wrong machine. */
  const ended = async (): Promise<void> => {
    const all = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
      try {
        return readFileSync(`/proc/${String(pid)}/environ`, 'latin1').includes(`CONDUCTOR_CONFIG_DIR=${house.configDir}\0`) && readFileSync(`/proc/${String(pid)}/cmdline`, 'latin1').includes('broker.js');
      } catch {
        return false; // it has ended
      }
    });
    for (let pids = all(); pids.length > 0; pids = all()) for (const pid of pids) await endProcess(pid);
  };

  describe('where mounts can be had', () => {
    /** Runs a program, and every broker that it starts, on this machine with another id. */
    let elsewhere: readonly string[];
    before(function () {
      const other = '/etc/machine-id';
      const script = 'mount --bind "$0" /etc/machine-id && exec "$@"';
      const ways = [['unshare', '-m'], ['unshare', '-rm']].map((way) => [...way, 'sh', '-c', script]);
      const way = ways.find((one) => spawnSync(one[0] ?? '', [...one.slice(1), other, 'true']).status === 0);
      if (way === undefined) return this.skip();
      elsewhere = way;
    });

    it('credentials:moved: on a machine with another id the real store does not open, says why, and opens by a passphrase that was taken along', async () => {
      const other = join(house.base, 'other-id');
      writeFileSync(other, `${'f'.repeat(32)}\n`);
      const there = [...elsewhere, other];
      assert.equal(secrets('set github.token', canary).status, 0);
      await ended();
      assert.match(secrets('list').stdout, /github\.token/, 'it opens by itself after a restart');
      await ended();

      const folder = join(house.configDir, 'credentials');
      const before = readdirSync(folder, { recursive: true }).sort().join();
      const locked = secrets('list', '', there);
      assert.deepEqual([locked.status, locked.stdout], [1, '']);
      assert.match(locked.stderr, /locked: The machine slot [0-9a-f]{16} does not open it: It was made on another machine[^]*add a passphrase[^]*secrets accept/);
      assert.match(secrets('set github.token', 'another', there).stderr, /locked/);
      const agent = await house.introducedAgent();
      assert.equal((await agent.call('shell_exec', { command: 'printenv CANARY' })).structured['code'], 'CREDENTIALS_LOCKED');
      await ended();
      assert.equal(readdirSync(folder, { recursive: true }).sort().join(), before, 'nothing was changed there');

      // Back at home the way out that was told.
      const passphrase = 'correct horse battery staple';
      assert.match(secrets('slots add passphrase', passphrase).stdout, /passphrase slot/);
      await ended();
      assert.match(secrets('unlock', 'not the right passphrase', there).stderr, /opens no slot/);
      assert.match(secrets('unlock', passphrase, there).stdout, /the store is open until the broker ends/);
      const control = await house.control('cli');
      const { slots } = await control.sendRequest<CredentialState>('credentials/list', {});
      const machine = slots.find(({ kind }) => kind === 'machine') ?? assert.fail('no slot of the machine');
      await control.sendRequest('credentials/removeSlot', { id: machine.id });
      await control.sendRequest('credentials/addSlot', { kind: 'machine' });
      await ended();
      assert.match(secrets('list', '', there).stdout, /github\.token/, 'it opens by itself there now');
      await ended();
      assert.match(secrets('list').stderr, /made on another machine/, 'and not here any more');
      assert.deepEqual(filesWith(house.configDir, [canary]), []);
    });
  });

  /** Files as the published versions write them. */
  const key = (): Buffer => scryptSync(id, createHash('sha256').update('conductor:keychain:v1').digest(), 32, { N: 16_384, r: 8, p: 1 });
  const v2 = (value: string): string => {
    const cipher = createCipheriv('aes-256-gcm', key(), Buffer.alloc(12, 5));
    const sealed = Buffer.concat([cipher.update(value), cipher.final()]);
    return ['v2', Buffer.alloc(12, 5).toString('hex'), cipher.getAuthTag().toString('hex'), sealed.toString('hex')].join(':');
  };
  const v1 = (value: string): string => {
    const cipher = createCipheriv('aes-256-cbc', key(), Buffer.alloc(16, 6));
    return [Buffer.alloc(16, 6).toString('hex'), Buffer.concat([cipher.update(value), cipher.final()]).toString('hex')].join(':');
  };

  it('credentials:import: the command takes over files of both older formats that were sealed on this machine, and they work', async () => {
    const folder = join(house.configDir, 'keychain');
    mkdirSync(folder);
    writeFileSync(join(folder, 'github.token.enc'), v2(canary));
    writeFileSync(join(folder, 'npm.token.enc'), v1('npm-value-of-a-test'));
    writeFileSync(join(folder, 'broken.one.enc'), v2('x').replace(/.$/, (digit) => (digit === '0' ? '1' : '0')));
    const partly = secrets('import');
    assert.equal(partly.status, 1);
    assert.match(partly.stdout, /github\.token is imported\.\nnpm\.token is imported\./);
    assert.match(partly.stderr, /broken\.one\.enc is not imported: it was changed, or written on another machine\n[^]*stay where they are/);
    assert.ok(existsSync(join(folder, 'github.token.enc')));
    writeFileSync(join(folder, 'broken.one.enc'), v2('another-value-of-a-test'));
    const whole = secrets('import');
    assert.deepEqual([whole.status, whole.stdout], [0, 'broken.one is imported.\n'], whole.stderr);
    assert.match(whole.stderr, /github\.token is set already[^]*The old files are in .*keychain\.imported-/);
    assert.ok(!existsSync(folder));
    assert.equal(secrets('import').status, 2);
    assert.match(secrets('list').stdout, /broken\.one[^]*github\.token[^]*npm\.token/);
    const agent = await house.introducedAgent();
    assert.match((await agent.call('shell_exec', { command: 'printenv CANARY' })).text, /‹secret github\.token›/);
    assert.deepEqual(house.entries().filter(({ tool }) => tool === 'credential.imported').map(({ input }) => { const { names, moved } = input as { names: string[]; moved: boolean }; return [names, moved]; }), [[['github.token', 'npm.token'], false], [['broken.one'], true]]);
    assert.deepEqual([partly, whole].filter(({ stdout, stderr }) => `${stdout}${stderr}`.includes('cAnary')), []);
  });
});

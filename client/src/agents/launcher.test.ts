import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync, chmodSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcherFor, refreshLauncher, type Target } from './launcher';
import { serverConfig } from './serverConfig';

const posix = process.platform === 'win32' ? it.skip : it;

describe('the launcher', () => {
  let base: string;
  let target: Target;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'launcher-'));
    const odd = join(base, "it's $HOME `x` \"y\"");
    mkdirSync(odd);
    const script = join(odd, 'conductor.js');
    writeFileSync(script, 'console.log(JSON.stringify({ args: process.argv.slice(2), electron: process.env.ELECTRON_RUN_AS_NODE ?? null }));');
    target = { configDir: join(base, 'config'), execPath: process.execPath, script, electron: false, platform: process.platform };
  });

  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const run = (file: string, ...args: string[]): unknown => {
    const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env: { PATH: '/nowhere' } });
    assert.equal(stderr, '');
    return JSON.parse(stdout);
  };

  posix('starts the script with the arguments as they are, whatever the paths contain', async () => {
    const launcher = launcherFor(target);
    assert.equal(await refreshLauncher(launcher, target.configDir), 'written');
    assert.deepEqual(run(launcher.file, 'mcp', 'a b', "$x'", ''), { args: ['mcp', 'a b', "$x'", ''], electron: null });
  });

  posix('makes an Electron be Node.js', async () => {
    const launcher = launcherFor({ ...target, electron: true });
    await refreshLauncher(launcher, target.configDir);
    assert.deepEqual(run(launcher.file), { args: [], electron: '1' });
  });

  posix('belongs to the user alone, and is written anew only when it differs', async () => {
    const launcher = launcherFor(target);
    await refreshLauncher(launcher, target.configDir);
    assert.deepEqual([launcher.folder, launcher.file].map((path) => lstatSync(path).mode & 0o777), [0o700, 0o700]);
    assert.equal(await refreshLauncher(launcher, target.configDir), 'kept');
    chmodSync(launcher.file, 0o777);
    assert.equal(await refreshLauncher(launcher, target.configDir), 'written');
    assert.equal(lstatSync(launcher.file).mode & 0o777, 0o700);
    const updated = launcherFor({ ...target, execPath: '/another/node' });
    assert.equal(await refreshLauncher(updated, target.configDir), 'written');
    assert.deepEqual(readdirSync(launcher.folder), ['conductor']);
  });

  posix('replaces a link instead of writing through it', async () => {
    const launcher = launcherFor(target);
    const elsewhere = join(base, 'elsewhere');
    writeFileSync(elsewhere, 'precious');
    mkdirSync(launcher.folder, { recursive: true, mode: 0o700 });
    symlinkSync(elsewhere, launcher.file);
    await refreshLauncher(launcher, target.configDir);
    assert.equal(readFileSync(elsewhere, 'utf8'), 'precious');
    assert.ok(lstatSync(launcher.file).isFile());
  });

  posix('says what to do when the extension is gone from where it was', async () => {
    const launcher = launcherFor({ ...target, script: join(base, 'gone.js') });
    await refreshLauncher(launcher, target.configDir);
    const { status, stderr } = spawnSync(launcher.file, { encoding: 'utf8' });
    assert.equal(status, 127);
    assert.match(stderr, /Open VS Code once/);
  });

  it('is a batch file on Windows, in which a percent sign is no variable', () => {
    const { file, text } = launcherFor({ ...target, platform: 'win32', execPath: 'C:\\100% Code\\Code.exe', script: 'C:\\x\\conductor.js', electron: true });
    assert.match(file, /conductor\.cmd$/);
    assert.match(text, /set "ELECTRON_RUN_AS_NODE=1"\r\n"C:\\100%% Code\\Code\.exe" "C:\\x\\conductor\.js" %\*\r\n$/);
  });

  it('stands in the configuration that is copied for other agents', () => {
    assert.deepEqual(JSON.parse(serverConfig('/c/bin/conductor', undefined)), { mcpServers: { conductor: { command: '/c/bin/conductor', args: ['mcp', 'start'], env: {} } } });
    assert.deepEqual(JSON.parse(serverConfig('/c/bin/conductor', '/c')), { mcpServers: { conductor: { command: '/c/bin/conductor', args: ['mcp', 'start'], env: { CONDUCTOR_CONFIG_DIR: '/c' } } } });
  });
});

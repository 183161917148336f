/** The key to the credentials in a window as people have it: it outlives a reload, opens the store of the next broker, and leaves with the window. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workbenchReady } from '../../../scripts/editorHost/page.mjs';
import { packagePath } from '../../../scripts/package.mjs';
import { endBroker, openWorkbench, runCommand, until } from '../product.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const command = join(root, 'dist', 'conductor.js');

describe('the credentials of the installed package', function () {
  this.timeout(180_000);

  it('product:credentials: a credential that only this editor opens is there after a reload and a new broker, locked when the window is closed', async () => {
    const base = mkdtempSync(join(tmpdir(), 'conductor-credentials-'));
    const [project, configDir] = [join(base, 'sample'), join(base, 'config')];
    cpSync(join(root, 'scripts', 'demo', 'sample'), project, { recursive: true });
    mkdirSync(configDir, { mode: 0o700 });
    const env = { ...process.env, CONDUCTOR_CONFIG_DIR: configDir };
    const conductor = (...args) => spawnSync(process.execPath, [command, ...args], { env, encoding: 'utf8', cwd: project });
    const status = () => JSON.parse(conductor('doctor', '--json').stdout).status;
    const nobody = { state: 'nobody there', message: '', slots: [], credentials: [] };
    // Between two brokers nobody answers.
    const state = () => JSON.parse(conductor('secrets', 'list', '--json').stdout || 'null') ?? nobody;
    const pidNow = () => JSON.parse(conductor('doctor', '--json').stdout || 'null')?.status?.pid;
    const window = await openWorkbench({ folder: project, vsix: packagePath(), configDir });
    const input = window.page.locator('.quick-input-widget');
    let pid;
    try {
      await until(async () => status().connections.editor, (count) => count === 1, 'the window', 60_000);
      await runCommand(window.page, 'Conductor: Set Credential…');
      await input.getByText('This Editor Only').waitFor();
      await window.page.keyboard.press('ArrowDown');
      await window.page.keyboard.press('Enter');
      await input.getByText('Name of the credential').waitFor();
      await window.page.keyboard.type('github.token');
      await window.page.keyboard.press('Enter');
      await input.getByText('Value of github.token').waitFor();
      await window.page.keyboard.type('a-value-that-nobody-reads');
      await window.page.keyboard.press('Enter');
      const first = await until(async () => state(), ({ credentials }) => credentials.length === 1, 'the credential');
      assert.deepEqual(first.slots.map(({ kind }) => kind), ['editor']);
      pid = status().pid;
      await window.page.reload();
      await workbenchReady(window.page);
      await until(async () => state().state, (now) => now === 'open', 'the window to open the store again', 60_000);
      process.kill(pid, 'SIGKILL');
      await until(async () => { pid = pidNow() ?? pid; return state(); }, ({ state: now, credentials }) => now === 'open' && credentials[0]?.name === 'github.token', 'the next broker, opened by the window', 60_000);
    } finally {
      await window.close();
    }
    try {
      const shut = await until(async () => state(), ({ state: now }) => now === 'locked', 'a store that is locked without the window', 30_000);
      assert.match(shut.message, /Open VS Code with Conductor/);
      assert.deepEqual(shut.credentials, []);
    } finally {
      await endBroker(pid, base);
    }
  });
});

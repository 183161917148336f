/** The servers of other programs, taken over in the installed package: shown as a difference first, approved in its title by keys, and taken back. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagePath } from '../../../scripts/package.mjs';
import { endBroker, openContainer, openWorkbench, pick, pressToastButton, quickInput, runCommand, screenshot, toasts, treeRows, until } from '../product.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const command = join(root, 'dist', 'conductor.js');
const shots = join(root, 'out', 'shots');
const secret = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';

describe('the servers of other programs in the installed package', function () {
  this.timeout(120_000);

  it('product:import: what would change is a difference, only what it showed is done, secrets go into the store, and all of it is taken back', async () => {
    const base = mkdtempSync(join(tmpdir(), 'conductor-importing-'));
    const [project, configDir, home] = [join(base, 'sample'), join(base, 'config'), join(base, 'home')];
    cpSync(join(root, 'scripts', 'demo', 'sample'), project, { recursive: true });
    for (const folder of [configDir, join(home, '.cursor'), join(home, '.gemini')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const foreign = (token) => JSON.stringify({ mcpServers: { github: { command: 'node', args: ['server.js'], env: { GITHUB_TOKEN: token } }, docs: { url: 'https://docs.example/mcp' } } });
    writeFileSync(join(home, '.cursor', 'mcp.json'), foreign(secret));
    writeFileSync(join(home, '.gemini', 'settings.json'), '{ broken');
    const env = { ...process.env, HOME: home, CONDUCTOR_CONFIG_DIR: configDir };
    const conductor = (...args) => spawnSync(process.execPath, [command, ...args], { env, encoding: 'utf8', cwd: project });
    const status = () => JSON.parse(conductor('doctor', '--json').stdout || 'null')?.status;
    const file = join(configDir, 'mcp_backends.json');
    const servers = () => JSON.parse(conductor('backends', 'list', '--json').stdout).backends.map(({ backend, launch }) => `${backend} ${launch}`);
    const credentials = () => JSON.parse(conductor('secrets', 'list', '--json').stdout).credentials.map(({ name }) => name);
    const window = await openWorkbench({ folder: project, vsix: packagePath(), configDir, home, env: { XDG_CONFIG_HOME: join(home, '.config'), CODEX_HOME: join(home, '.codex') }, settings: { 'security.workspace.trust.enabled': false }, trust: 'leave' });
    const { page } = window;
    // Without blanks, since the editor breaks long lines where it likes.
    const shown = async () => (await page.locator('.modified-in-monaco-diff-editor .view-lines').first().innerText()).replaceAll(/\s/g, '');
    const approve = () => page.locator('.editor-actions .action-label[aria-label^="Approve as Shown"]').first();
    let pid;
    try {
      await until(() => Promise.resolve(status()?.connections.editor), (count) => count === 1, 'the window to connect', 60_000);
      ({ pid } = status());
      await openContainer(page, 'Conductor');
      await runCommand(page, 'Conductor: Import Servers from Other Programs…');
      const text = await until(shown, (now) => now.includes('${secret:github.GITHUB_TOKEN}'), 'the difference');
      for (const part of ['from cursor', 'credential store as github.GITHUB_TOKEN', 'settings.json cannot be read', 'https://docs.example/mcp']) assert.ok(text.includes(part.replaceAll(' ', '')), `${part} in ${text}`);
      assert.ok(!text.includes(secret));
      await screenshot(page, join(shots, 'import.png'));
      assert.ok(!existsSync(file));
      // What was not shown is not done: the other program's file is another by now.
      writeFileSync(join(home, '.cursor', 'mcp.json'), foreign(`${secret}x`));
      await approve().click();
      await until(() => toasts(page), (all) => all.some(({ message }) => /another by now/.test(message)), 'the refusal');
      assert.ok(!existsSync(file));
      writeFileSync(join(home, '.cursor', 'mcp.json'), foreign(secret));
      await approve().click();
      await until(() => toasts(page), (all) => all.some(({ message, buttons }) => /2 servers imported/.test(message) && buttons.includes('Undo')), 'what was done');
      assert.deepEqual(servers(), ['github new', 'docs new']);
      assert.deepEqual(credentials(), ['github.GITHUB_TOKEN']);
      assert.ok(!readFileSync(file, 'utf8').includes(secret) && !readFileSync(join(configDir, 'audit.log'), 'utf8').includes(secret));
      await until(() => treeRows(page, 'Servers'), (rows) => rows.some(({ ariaLabel }) => ariaLabel.includes('github')), 'the rows');
      await screenshot(page, join(shots, 'imported.png'));
      await pressToastButton(page, 'Undo');
      await until(() => quickInput(page), (input) => input?.items.some(({ label, isActive }) => label === 'Leave It as It Is' && isActive) === true, 'the question');
      await pick(page, 'Remove What Was Imported');
      await until(() => Promise.resolve(servers()), (all) => all.length === 0, 'the servers to be gone');
      await until(() => Promise.resolve(credentials()), (all) => all.length === 0, 'the credential to be gone');
    } finally {
      await window.close();
      await endBroker(pid, base);
    }
  });
});

// Takes the pictures of the README in a real VS Code (scripts/editorHost), with calls of a real agent, into media/readme or the folder that is named.
// Needs the package: `node scripts/package.mjs`.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { clickTreeRow, openContainer, openWorkbench, runCommand, screenshot, statusItems, toasts, treeRows, until } from '../test/editor/product.mjs';
import { root } from './dependencies.mjs';
import { packagePath } from './package.mjs';

const place = mkdtempSync(join(tmpdir(), 'conductor-pictures-'));
const [project, configDir] = [join(place, 'sample'), join(place, 'config')];
const command = join(root, 'dist', 'conductor.js');
const env = { ...process.env, CONDUCTOR_CONFIG_DIR: configDir };
const doctor = () => JSON.parse(spawnSync(process.execPath, [command, 'doctor', '--json'], { env, encoding: 'utf8' }).stdout).status;
const target = (name) => join(process.argv[2] ?? join(root, 'media', 'readme'), name);

cpSync(join(root, 'scripts', 'demo', 'sample'), project, { recursive: true });
mkdirSync(configDir, { mode: 0o700 });
writeFileSync(join(configDir, 'config.json'), JSON.stringify({ server: { idleMinutes: 0.1 }, plugins: { shell: { allowedCommands: ['ls', 'cat'], requireApproval: ['npm', 'rm'] }, filesystem: { requireApproval: ['write'] } } }), { mode: 0o600 });
const window = await openWorkbench({ folder: project, vsix: packagePath(), configDir, settings: { 'security.workspace.trust.enabled': false, 'editor.minimap.enabled': false, 'editor.occurrencesHighlight': 'off', 'editor.wordWrap': 'on', 'conductor.approvals.notify': 'never' }, trust: 'leave', viewport: { width: 1200, height: 700 }, deviceScaleFactor: 2 });
const { page } = window;
await until(() => Promise.resolve(doctor().connections.editor), (count) => count === 1, 'the window to connect');
const { pid } = doctor();
const client = new Client({ name: 'sample-agent', version: '1.0.0' });
await client.connect(new StdioClientTransport({ command: process.execPath, args: [command, 'mcp', 'start', '--project', project], env, stderr: 'inherit' }));
const call = (name, args) => client.callTool({ name, arguments: args }, undefined, { timeout: 110_000 }).catch(() => undefined);
try {
  await openContainer(page, 'Conductor');
  await call('filesystem_read', { path: 'README.md' });
  const readme = readFileSync(join(project, 'README.md'), 'utf8');
  const writing = call('filesystem_write', { path: 'README.md', content: `${readme.trimEnd()}\n\n## Usage\n\nRun \`npm run greet\`, and it says hello.\n` });
  const running = call('shell_exec', { command: 'npm run greet' });
  await until(() => statusItems(page), (items) => items.some(({ text }) => text.includes('2 pending')), 'both calls');
  await page.keyboard.press('Control+Alt+Y');
  await page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
  // What the editor says in passing about the key of this window is gone by then.
  await until(() => statusItems(page), (items) => !items.some(({ text }) => text.includes('signed')), 'a quiet status bar', 30_000);
  // No tooltip of what was clicked last.
  await page.mouse.move(700, 600);
  await page.locator('.workbench-hover').first().waitFor({ state: 'hidden' });
  await screenshot(page, target('approval.png'));
  await page.keyboard.press('Control+Alt+Enter');
  await writing;
  await until(() => treeRows(page, 'Pending Approvals'), (rows) => rows.length === 1, 'the other call');
  await page.waitForTimeout(500);
  await clickTreeRow(page, { view: 'Pending Approvals', row: 'npm run greet', action: 'Deny' });
  await running;
  await call('shell_exec', { command: 'curl http://example.com' });
  await clickTreeRow(page, { view: 'Audit Log', row: 'entries' });
  await until(() => treeRows(page, 'Audit Log'), (rows) => rows.some(({ text }) => text.includes('curl')), 'the entries');
  await runCommand(page, 'Conductor: Verify Audit Log');
  await until(() => toasts(page), (all) => all.length > 0 && all.every(({ message }) => /Level:/.test(message)), 'the result alone');
  await clickTreeRow(page, { view: 'Audit Log', row: 'npm run greet' });
  await until(() => page.locator('.editor-instance .view-lines').first().innerText(), (text) => text.includes('greet'), 'the entry');
  await page.waitForTimeout(1000);
  await screenshot(page, target('audit.png'));
} finally {
  await client.close();
  await window.close();
  process.kill(pid, 'SIGTERM');
  await until(() => Promise.resolve(isThere(pid)), (there) => !there, 'the broker to end');
  rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

function isThere(process_) {
  try {
    return process.kill(process_, 0);
  } catch {
    return false;
  }
}

/** A window of several folders: one server definition for each, told apart by name, so that an agent works in the folder that it means. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workbenchReady } from '../../../scripts/editorHost/page.mjs';
import { packagePath } from '../../../scripts/package.mjs';
import { endBroker, openWorkbench, quickInput, runCommand, screenshot, until } from '../product.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const command = join(root, 'dist', 'conductor.js');

describe('the installed package in a window of several folders', function () {
  this.timeout(120_000);

  it('product:folders: each folder has a server of its own name in the editor’s list', async () => {
    const base = mkdtempSync(join(tmpdir(), 'conductor-folders-'));
    const configDir = join(base, 'config');
    const folders = ['one/app', 'two/app', 'library'];
    for (const folder of [...folders, 'config']) mkdirSync(join(base, folder), { recursive: true, mode: 0o700 });
    const workspace = join(base, 'all.code-workspace');
    writeFileSync(workspace, JSON.stringify({ folders: folders.map((path) => ({ path })) }));
    const env = { ...process.env, CONDUCTOR_CONFIG_DIR: configDir };
    const status = () => JSON.parse(spawnSync(process.execPath, [command, 'doctor', '--json'], { env, encoding: 'utf8' }).stdout).status;
    const settings = { 'chat.disableAIFeatures': false, 'security.workspace.trust.enabled': false };
    const window = await openWorkbench({ folder: join(base, 'library'), vsix: packagePath(), configDir, trust: 'leave', settings });
    try {
      const { page, server } = window;
      await page.goto(server.url(workspace).replace('folder=', 'workspace='));
      await workbenchReady(page);
      await until(() => Promise.resolve(status()?.connections.editor ?? 0), (count) => count === 1, 'the window to connect');
      const listed = await until(async () => {
        await page.keyboard.press('Escape');
        await runCommand(page, 'MCP: List Servers');
        // The list is not drawn anew when a server is told of later, so that one which is too early is opened once more.
        const rows = async () => JSON.stringify((await quickInput(page)) ?? null);
        return until(rows, (text) => text.includes('Conductor ('), 'our servers', 4000).catch(rows);
      }, (text) => text.includes('Conductor ('), 'our servers', 60_000);
      for (const label of ['Conductor (app)', 'Conductor (app 2)', 'Conductor (library)']) assert.ok(listed.includes(label), listed);
      await screenshot(page, join(root, 'out', 'shots', 'folders.png'));
      await page.keyboard.press('Escape');
    } finally {
      const pid = status()?.pid;
      await window.close();
      await endBroker(pid, base);
    }
  });
});

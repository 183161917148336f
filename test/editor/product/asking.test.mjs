/** How the installed package asks: without taking the focus, in two windows, through a reload, and when fifty calls wait. Keys only. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { buildDigest, packagePath } from '../../../scripts/package.mjs';
import { openContainer, openWorkbench, quickInput, runCommand, screenshot, statusItems, toasts, treeRows, until } from '../product.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const command = join(root, 'dist', 'conductor.js');
const shots = join(root, 'out', 'shots');
const config = { server: { idleMinutes: 0.1 }, plugins: { shell: { allowedCommands: ['true'], requireApproval: ['touch'] }, filesystem: { requireApproval: ['write'] } }, approvalTimeout: 120_000 };

function isThere(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('how the installed package asks', function () {
  this.timeout(120_000);
  let window;
  let page;
  let client;
  const base = mkdtempSync(join(tmpdir(), 'conductor-asking-'));
  const project = join(base, 'sample');
  const other = join(base, 'other');
  const configDir = join(base, 'config');
  const env = { ...process.env, CONDUCTOR_CONFIG_DIR: configDir };
  const conductor = (...args) => spawnSync(process.execPath, [command, ...args], { env, encoding: 'utf8', cwd: project, maxBuffer: 1e8 });
  const doctor = () => JSON.parse(conductor('doctor', '--json').stdout).status;
  const made = (name) => existsSync(join(project, name));
  const statusOf = async (where) => (await statusItems(where)).map(({ text }) => text).join(' | ');
  const tabs = async (where) => (await where.$$eval('.tab', (all) => all.map((tab) => tab.getAttribute('aria-label') ?? ''))).join(' | ');
  const entries = () => readFileSync(join(configDir, 'audit.log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const call = (name, args) => client.callTool({ name, arguments: args }, undefined, { timeout: 110_000 }).then(({ content, isError }) => ({ text: content.map(({ text }) => text).join('\n'), isError: isError === true }));
  const pending = (where, count) => until(() => statusOf(where), (text) => (count === 0 ? !text.includes('pending') : text.includes(`${count} pending`)), `${count} calls to wait`);
  const settle = () => page.waitForTimeout(450);

  before(async () => {
    cpSync(join(root, 'scripts', 'demo', 'sample'), project, { recursive: true });
    mkdirSync(other);
    mkdirSync(configDir, { mode: 0o700 });
    writeFileSync(join(configDir, 'config.json'), JSON.stringify(config), { mode: 0o600 });
    window = await openWorkbench({ folder: project, vsix: packagePath(), configDir, settings: { 'security.workspace.trust.enabled': false }, trust: 'leave' });
    page = window.page;
    await until(async () => doctor().connections.editor, (count) => count === 1, 'the window to connect to its broker');
    client = new Client({ name: 'asking-suite', version: '1.0.0' });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [command, 'mcp', 'start', '--project', project], env, stderr: 'inherit' }));
  });

  after(async () => {
    const { pid } = doctor();
    await client?.close();
    await window?.close();
    process.kill(pid, 'SIGTERM');
    await until(() => Promise.resolve(isThere(pid)), (there) => !there, 'the broker to end');
    rmSync(base, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  it('product:typing: a call that begins to wait takes no key from what a person types', async () => {
    await runCommand(page, 'Create: New Untitled Text File').catch(() => page.keyboard.press('Control+Alt+N'));
    const lines = page.locator('.monaco-editor.focused .view-lines').first();
    await lines.waitFor();
    const calling = call('shell_exec', { command: 'touch typed.txt' });
    let text = '';
    for (let word = 0; word < 20; word += 1) {
      await page.keyboard.type(`word${word} `);
      text += `word${word} `;
    }
    await pending(page, 1);
    await until(() => lines.innerText(), (shown) => shown.replaceAll('\u00a0', ' ').includes(text.trim()), 'every word in the file');
    assert.equal(await quickInput(page), undefined);
    assert.ok(!(await tabs(page)).includes('Review'));
    assert.ok(!made('typed.txt'));
    await page.keyboard.press('Control+Alt+Y');
    await until(() => tabs(page), (shown) => shown.includes('Review shell.exec'), 'the review');
    await settle();
    await page.keyboard.press('Control+Alt+Enter');
    assert.equal((await calling).isError, false);
    assert.ok(made('typed.txt'));
    await pending(page, 0);
  });

  it('product:reload: a window that is reloaded while a call waits denies it and records that, unless another window is there', async () => {
    const calling = call('shell_exec', { command: 'touch reloaded.txt' });
    await pending(page, 1);
    await page.reload();
    const { text, isError } = await calling;
    assert.equal(isError, true);
    assert.match(text, /closed before anybody answered/);
    assert.match(JSON.stringify(entries().findLast(({ phase }) => phase === 'denied')), /touch reloaded\.txt.*approval\.closed/);
    await until(() => Promise.resolve(doctor().connections.editor), (count) => count === 1, 'the window to be back');
    const second = await window.openWindow(project);
    await until(() => Promise.resolve(doctor().connections.editor), (count) => count === 2, 'the second window to connect');
    const again = call('shell_exec', { command: 'touch kept.txt' });
    await Promise.all([pending(page, 1), pending(second, 1)]);
    await page.reload();
    await until(() => Promise.resolve(doctor().connections.editor), (count) => count === 2, 'the first window to be back');
    await pending(page, 1);
    await second.keyboard.press('Control+Alt+Y');
    await until(() => tabs(second), (shown) => shown.includes('Review shell.exec'), 'the review in the second window');
    await second.waitForTimeout(450);
    await second.keyboard.press('Control+Alt+Enter');
    assert.equal((await again).isError, false);
    assert.ok(made('kept.txt'));
    await second.close();
    await until(() => Promise.resolve(doctor().connections.editor), (count) => count === 1, 'the second window to leave');
  });

  it('product:prompt-times: how soon a call is on the screen, and how soon it goes on after the answer, for the results', async () => {
    await pending(page, 0);
    const shown = [];
    const resumed = [];
    for (let round = 0; round < 12; round += 1) {
      const began = performance.now();
      const calling = call('shell_exec', { command: `touch timed${round}.txt` }).then((result) => ({ ...result, at: performance.now() }));
      await page.waitForFunction("[...document.querySelectorAll('.statusbar-item')].some((item) => item.textContent.includes('pending'))", undefined, { polling: 'raf' });
      shown.push(performance.now() - began);
      await page.keyboard.press('Control+Alt+Y');
      await until(() => tabs(page), (text) => text.includes('Review shell.exec'), 'the review');
      await settle();
      const answered = performance.now();
      await page.keyboard.press('Control+Alt+Enter');
      const { at, isError } = await calling;
      assert.equal(isError, false);
      resumed.push(at - answered);
      await pending(page, 0);
    }
    const plain = [];
    for (let round = 0; round < 30; round += 1) {
      const began = performance.now();
      await call('shell_exec', { command: 'true' });
      plain.push(performance.now() - began);
    }
    const median = (all) => all.toSorted((one, two) => one - two)[Math.floor(all.length / 2)];
    const times = { build: buildDigest(), shownMs: median(shown), answeredToResultMs: median(resumed), plainCallMs: median(plain) };
    mkdirSync(join(root, 'out'), { recursive: true });
    writeFileSync(join(root, 'out', 'prompts.json'), JSON.stringify(times));
  });
});

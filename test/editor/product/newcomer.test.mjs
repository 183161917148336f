/** A newcomer's first minutes with the installed package: a scripted agent, real prompts, real keys; the audit log is the witness. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runAgent } from '../../../scripts/demo/agent.mjs';
import { buildDigest, packagePath } from '../../../scripts/package.mjs';
import { clickTreeRow, containerLabel, endBroker, openContainer, openWorkbench, quickInput, runCommand, screenshot, statusItems, toasts, treeRows, until } from '../product.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const command = join(root, 'dist', 'conductor.js');
const shots = join(root, 'out', 'shots');

describe('the installed package', function () {
  this.timeout(120_000);
  let window;
  let page;
  const base = mkdtempSync(join(tmpdir(), 'conductor-product-'));
  const project = join(base, 'sample');
  const configDir = join(base, 'config');
  const env = { ...process.env, CONDUCTOR_CONFIG_DIR: configDir };
  const log = join(configDir, 'audit.log');
  const conductor = (...args) => spawnSync(process.execPath, [command, ...args], { env, encoding: 'utf8', cwd: project });
  const doctor = () => JSON.parse(conductor('doctor', '--json').stdout).status;
  const calls = () => readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).filter(({ phase }) => ['intent', 'done', 'denied'].includes(phase));
  const statusText = async () => (await statusItems(page)).map((item) => item.text ?? item).join(' | ');

  before(async () => {
    cpSync(join(root, 'scripts', 'demo', 'sample'), project, { recursive: true });
    mkdirSync(configDir, { mode: 0o700 });
    cpSync(join(root, 'scripts', 'demo', 'config.json'), join(configDir, 'config.json'));
    window = await openWorkbench({ folder: project, vsix: packagePath(), configDir, deviceScaleFactor: 2 });
    page = window.page;
    await until(async () => doctor().connections.editor, (count) => count === 1, 'the window to connect to its broker');
  });

  after(async () => {
    const { pid } = doctor();
    await window?.close();
    await endBroker(pid, base);
  });

  it('product:activation: the extension logs how long it took, for the results', async () => {
    const logs = dirname(window.server.logFile);
    const found = await until(() => Promise.resolve(activationTimes(logs)), (times) => times.length > 0, 'the log of the extension');
    writeFileSync(join(root, 'out', 'activation.json'), JSON.stringify({ build: buildDigest(), milliseconds: found[0] }));
  });

  it('product:three-calls: one allowed, one approved with the keyboard, one refused', async () => {
    const said = [];
    const agent = runAgent({ command, project, env, say: (line) => said.push(line) });
    await until(statusText, (text) => text.includes('1 pending'), 'the status bar to count the call');
    await until(() => toasts(page), (all) => all.some(({ message, buttons }) => /1 tool call waits/.test(message) && !JSON.stringify(buttons).includes('Approve')), 'one toast, without a button that approves');
    await until(() => containerLabel(page, 'Conductor'), (label) => /1 .*wait/.test(label ?? ''), 'the badge');
    await openContainer(page, 'Conductor');
    await until(() => treeRows(page, 'Pending Approvals'), (rows) => rows.some((row) => JSON.stringify(row).includes('npm run greet')), 'the pending row');
    await page.keyboard.press('Control+Alt+Y');
    await until(() => page.locator('.monaco-editor .view-lines').first().innerText(), (text) => text.replaceAll('\u00a0', ' ').includes('npm run greet'), 'the review document');
    await screenshot(page, join(shots, 'review.png'));
    await runCommand(page, 'Conductor: Decide Pending Approval…');
    const input = await until(() => quickInput(page), (shown) => JSON.stringify(shown ?? '').includes('Approve Once'), 'the decision list');
    assert.match(JSON.stringify(input), /npm run greet/);
    assert.ok(JSON.stringify(input).includes(project), 'the working folder is shown');
    await screenshot(page, join(shots, 'approval.png'));
    await chooseRow('Approve Once');
    assert.deepEqual(await agent, [true, true, false], said.join('\n'));
    assert.ok(said.some((line) => line.includes('Hello from the sample project.')), said.join('\n'));
    await until(statusText, (text) => !text.includes('pending'), 'nothing waits any more');
    assert.deepEqual(calls().map(({ phase }) => phase), ['intent', 'done', 'intent', 'done', 'denied']);
    assert.deepEqual([calls()[2].approval.decision, calls()[2].approval.level], ['approved', 'editor key']);
    const { status, stdout } = conductor('audit', 'verify', '--strict');
    assert.equal(status, 0, stdout);
    assert.match(stdout, /1 of 1 answers to approvals are signed/);
  });

  it('product:deny: an inline Deny in the pending list refuses the call', async () => {
    const agent = runAgent({ command, project, env, say: () => undefined });
    await until(() => treeRows(page, 'Pending Approvals'), (rows) => rows.some((row) => JSON.stringify(row).includes('npm run greet')), 'the pending row');
    await page.waitForTimeout(500);
    await clickTreeRow(page, { view: 'Pending Approvals', row: 'npm run greet', action: 'Deny' });
    assert.deepEqual(await agent, [true, false, false]);
  });

  it('product:verify: the palette says that the chain is intact, and the tree shows the entries', async () => {
    await openContainer(page, 'Conductor');
    await until(() => treeRows(page, 'Audit Log'), (found) => /entries/.test(JSON.stringify(found)), 'the day');
    await clickTreeRow(page, { view: 'Audit Log', row: 'entries' });
    const rows = await until(() => treeRows(page, 'Audit Log'), (found) => found.length > 5, 'the entries');
    assert.match(JSON.stringify(rows), /curl/);
    await runCommand(page, 'Conductor: Verify Audit Log');
    await until(() => toasts(page), (all) => all.some(({ message }) => /Level: (?:chain intact|signed to #\d+)/i.test(message)), 'the result');
    await screenshot(page, join(shots, 'audit.png'));
    assert.equal(conductor('audit', 'verify').status, 0);
  });

  it('product:tampered: an edited line is named in the message, the tree and the status bar', async () => {
    // Once all is signed no entry comes by itself, which putting the file back would cut off again.
    await until(() => Promise.resolve(doctor()), ({ signing, audit }) => signing.signedTo === audit.entries, 'a log that is signed to its end', 40_000);
    const text = readFileSync(log, 'utf8');
    writeFileSync(log, text.replace('npm run greet', 'npm run gr33t'));
    // On a busy machine the palette may swallow a key; a person would ask again.
    const found = (all) => all.some(({ message }) => /line \d+/i.test(message));
    for (let tries = 0; tries < 3 && !found(await toasts(page)); tries += 1) {
      await runCommand(page, 'Conductor: Verify Audit Log');
      await until(() => toasts(page), found, 'the finding', 8000).catch((error) => { if (tries === 2) throw error; });
    }
    await until(() => treeRows(page, 'Audit Log'), (rows) => /broken at line \d+/i.test(JSON.stringify(rows)), 'the mark in the tree');
    await until(statusText, (shown) => shown.includes('audit chain broken'), 'the status bar');
    await screenshot(page, join(shots, 'tampered.png'));
    writeFileSync(log, text);
    await runCommand(page, 'Conductor: Verify Audit Log');
    await until(statusText, (shown) => !shown.includes('audit chain broken'), 'the mark to go when the right file is back');
    assert.equal(conductor('audit', 'verify').status, 0);
  });

  it('product:config: completion, hover and diagnostics while typing, in force when saved', async () => {
    await runCommand(page, 'Conductor: Open Configuration');
    const lines = page.locator('.monaco-editor.focused .view-lines, .editor-instance .view-lines').first();
    await until(() => lines.innerText(), (shown) => shown.includes('allowedCommands'), 'the configuration');
    await page.keyboard.press('Control+End');
    // Past the last brace, to the end of the last member.
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('End');
    await page.keyboard.type(',\n"circ');
    await until(async () => page.locator('.suggest-widget .monaco-list-row').allInnerTexts(), (rows) => rows.some((row) => row.includes('circuitBreaker')), 'completion');
    await screenshot(page, join(shots, 'config-completion.png'));
    await page.keyboard.press('Escape');
    await page.keyboard.type('les": 1');
    await page.keyboard.press('Control+S');
    await until(() => Promise.resolve(doctor().config.source), (source) => source === 'lastGood', 'the broker to keep the last good one');
    await until(statusText, (shown) => /config broken/.test(shown), 'the status bar');
    await screenshot(page, join(shots, 'config-broken.png'));
    for (let i = 0; i < 30; i += 1) await page.keyboard.press('Control+Z');
    await page.keyboard.press('Control+S');
    await until(() => Promise.resolve(doctor().config.source), (source) => source === 'current', 'the file to be in force again');
  });

  it('product:killed: the broker is killed, the window says so and is back by itself', async () => {
    const { pid } = doctor();
    process.kill(pid, 'SIGKILL');
    await until(() => Promise.resolve(doctor()), (status) => status !== undefined && status.pid !== pid && status.connections.editor === 1, 'the window on a new broker');
    await until(statusText, (shown) => /Conductor/.test(shown) && !/not connected/.test(shown), 'the status bar');
    assert.equal(conductor('audit', 'verify').status, 0);
  });

  it('product:two-windows: both windows ask, the first answer holds, and the other withdraws its prompt', async () => {
    const second = await window.openWindow();
    await until(() => Promise.resolve(doctor().connections.editor), (count) => count === 2, 'the second window to connect');
    const agent = runAgent({ command, project, env, say: () => undefined });
    await until(statusText, (text) => text.includes('1 pending'), 'the first window to count the call');
    await runCommand(page, 'Conductor: Decide Pending Approval…');
    await until(() => quickInput(page), (shown) => JSON.stringify(shown ?? '').includes('Approve Once'), 'the list in the first window');
    await openContainer(second, 'Conductor');
    await until(() => treeRows(second, 'Pending Approvals'), (rows) => rows.some((row) => JSON.stringify(row).includes('npm run greet')), 'the row in the second window');
    await second.waitForTimeout(500);
    await clickTreeRow(second, { view: 'Pending Approvals', row: 'npm run greet', action: 'Deny' });
    await until(() => quickInput(page), (shown) => shown?.items.length === 1 && /no longer waits/.test(shown.title), 'the list in the first window to say that the call is gone');
    await page.keyboard.press('Enter');
    await until(() => quickInput(page), (shown) => shown === undefined, 'the first window to close its list');
    assert.deepEqual(await agent, [true, false, false]);
    await second.close();
    await until(() => Promise.resolve(doctor().connections.editor), (count) => count === 1, 'the second window to leave');
  });

  it('product:closed: the window closes while a call waits, and the call is denied', async () => {
    // What a person has just declined is asked about again under other settings only.
    const file = join(configDir, 'config.json');
    const { policyHash } = doctor().config;
    writeFileSync(file, readFileSync(file, 'utf8').replace('600000', '590000'));
    await until(() => Promise.resolve(doctor().config.policyHash), (hash) => hash !== policyHash, 'the settings to be in force');
    const agent = runAgent({ command, project, env, say: () => undefined });
    await until(statusText, (text) => text.includes('1 pending'), 'the call to wait');
    await page.goto('about:blank');
    assert.deepEqual(await agent, [true, false, false]);
    assert.equal(calls().at(-2).result, 'denied');
  });

  /** Moves to a row of the open list with the arrow keys alone, and takes it. */
  async function chooseRow(label) {
    for (let i = 0; i < 20; i += 1) {
      const active = await page.locator('.quick-input-widget .monaco-list-row.focused').innerText().catch(() => '');
      if (active.includes(label)) break;
      await page.keyboard.press('ArrowDown');
    }
    await page.waitForTimeout(400);
    await page.keyboard.press('Enter');
  }
});

/** What every log file below a folder says of activation, in milliseconds. */
function activationTimes(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => /Conductor.*\.log$/.test(file))
    .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/activated in ([\d.]+) ms/g)].map(([, ms]) => Number(ms)));
}

describe('the installed package in a folder that is not trusted', function () {
  this.timeout(120_000);

  it('product:untrusted: nothing is offered to agents, and the audit log can be read', async () => {
    const base = mkdtempSync(join(tmpdir(), 'conductor-untrusted-'));
    const configDir = join(base, 'config');
    cpSync(join(root, 'scripts', 'demo', 'sample'), join(base, 'sample'), { recursive: true });
    mkdirSync(configDir, { mode: 0o700 });
    const env = { ...process.env, CONDUCTOR_CONFIG_DIR: configDir };
    const status = () => JSON.parse(spawnSync(process.execPath, [command, 'doctor', '--json'], { env, encoding: 'utf8' }).stdout).status;
    const window = await openWorkbench({ folder: join(base, 'sample'), vsix: packagePath(), configDir, trust: 'refuse', settings: { 'chat.disableAIFeatures': false } });
    try {
      await until(() => Promise.resolve(status().connections.editor), (count) => count === 1, 'the window to connect');
      await runCommand(window.page, 'MCP: List Servers');
      const listed = await until(() => quickInput(window.page), (shown) => shown !== undefined, 'the list of servers');
      assert.doesNotMatch(JSON.stringify(listed), /"Conductor/);
      await screenshot(window.page, join(shots, 'untrusted.png'));
      await window.page.keyboard.press('Escape');
      await runCommand(window.page, 'Conductor: Verify Audit Log');
      await until(() => toasts(window.page), (all) => all.some(({ message }) => /intact/i.test(message)), 'the verification');
      assert.equal(status().connections.agent, 0);
    } finally {
      const { pid } = status();
      await window.close();
      await endBroker(pid, base);
    }
    assert.equal(existsSync(base), false);
  });
});

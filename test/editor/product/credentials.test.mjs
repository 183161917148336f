/** The key to the credentials in a window as people have it: it outlives a reload, opens the store of the next broker, and leaves with the window. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workbenchReady } from '../../../scripts/editorHost/page.mjs';
import { packagePath } from '../../../scripts/package.mjs';
import { endBroker, openWorkbench, runCommand, until } from '../product.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const command = join(root, 'dist', 'conductor.js');

/** One call of an agent over `conductor mcp start`: the line of its answer. */
function callOnce(env, project, args) {
  const agent = spawn(process.execPath, [command, 'mcp', 'start', '--project', project], { env, cwd: project });
  const send = (message) => agent.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  return new Promise((resolve, reject) => {
    let text = '';
    agent.once('error', reject);
    agent.stdout.on('data', (chunk) => {
      text += chunk;
      const answer = text.split('\n').find((line) => /"id":2[,}]/.test(line) && line.endsWith('}'));
      if (answer !== undefined) resolve(answer);
    });
    send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } } });
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/call', params: { name: 'shell_exec', arguments: args } });
  }).finally(() => agent.kill());
}

/** Empties the secret storage of the page of this editor, as somebody does who clears the data of the site. */
function emptySecretStorage(page) {
  return page.evaluate(async () => {
    let removed = 0;
    for (const { name } of await indexedDB.databases()) {
      const base = await new Promise((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error);
      });
      for (const table of base.objectStoreNames) {
        removed += await new Promise((resolve, reject) => {
          const change = base.transaction(table, 'readwrite');
          const keys = change.objectStore(table).getAllKeys();
          let count = 0;
          keys.onsuccess = () => {
            for (const key of keys.result) if (String(key).startsWith('secret://')) { change.objectStore(table).delete(key); count += 1; }
          };
          change.oncomplete = () => resolve(count);
          change.onerror = () => reject(change.error);
        });
      }
      base.close();
    }
    for (const key of Object.keys(localStorage)) if (key.includes('secret')) { localStorage.removeItem(key); removed += 1; }
    return removed;
  });
}

describe('the credentials of the installed package', function () {
  this.timeout(180_000);

  it('product:credentials: a credential that only this editor opens is there after a reload and a new broker, locked when the window is closed', async () => {
    const base = mkdtempSync(join(tmpdir(), 'conductor-credentials-'));
    const [project, configDir] = [join(base, 'sample'), join(base, 'config')];
    cpSync(join(root, 'scripts', 'demo', 'sample'), project, { recursive: true });
    mkdirSync(configDir, { mode: 0o700 });
    writeFileSync(join(configDir, 'config.json'), JSON.stringify({ plugins: { shell: { allowedCommands: ['printenv'], secrets: { printenv: { GITHUB_TOKEN: '${secret:github.token}' } } } } }), { mode: 0o600 });
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
      // The key is lost: the store stays locked, also for the next broker, and the view says why and what is left.
      assert.ok((await emptySecretStorage(window.page)) > 0, 'the secret storage had nothing');
      await window.page.reload();
      await workbenchReady(window.page);
      await until(async () => state().state, (now) => now === 'locked', 'a store that nobody can open', 60_000);
      process.kill(pidNow() ?? pid, 'SIGKILL');
      await until(async () => { pid = pidNow() ?? pid; return state().state; }, (now) => now === 'locked', 'the next broker, locked', 60_000);
      await runCommand(window.page, 'Conductor: Unlock Credentials…');
      await window.page.getByText('The secret storage of this editor has no key to them').first().waitFor();
      assert.deepEqual(state().slots.map(({ kind }) => kind), ['editor'], 'no key is made in place of a lost one');
    } finally {
      await window.close();
    }
    try {
      // An agent goes on while no window is there, and needs the secret.
      const refused = await callOnce(env, project, { command: 'printenv GITHUB_TOKEN' });
      assert.match(refused, /CREDENTIALS_LOCKED/);
      assert.match(refused, /Open VS Code with Conductor/);
      assert.ok(!refused.includes('a-value-that-nobody-reads'));
      const shut = await until(async () => state(), ({ state: now }) => now === 'locked', 'a store that is locked without the window', 30_000);
      assert.match(shut.message, /Open VS Code with Conductor/);
      assert.deepEqual(shut.credentials, []);
    } finally {
      await endBroker(pid, base);
    }
  });
});

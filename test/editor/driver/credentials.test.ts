/** Credentials in the real workbench: set by keys alone, sealed under a key of the real secret storage, shown by name, and gone when deleted. */
import * as assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { CredentialState } from '../../../protocol/src/credentials';
import { isPageReachable, press, shown, takePicture } from '../harnessPage';
import { ask, configDir, configure, connected, eventually, logLines, settle } from '../workbench';

const list = '.quick-input-widget .monaco-list-row';
const rows = '.pane-body .monaco-list-row';
const canary = 'cnry-Zq7vW2-nobody-may-read-this';

async function texts(selector: string): Promise<string[]> {
  return (await shown(selector)).map(({ text, ariaLabel }) => `${text} ${ariaLabel ?? ''}`);
}

async function until(what: string, selector: string, part: string | RegExp): Promise<string> {
  return eventually(what, async () => (await texts(selector)).find((text) => (typeof part === 'string' ? text.includes(part) : part.test(text))));
}

async function store(): Promise<CredentialState> {
  return ask('credentials/list', {});
}

/** Types into the input that is open, letter by letter, as a person does. */
async function type(text: string): Promise<void> {
  await press(...[...text].map((letter) => (letter === ' ' ? 'Space' : letter)), 'Enter');
}

/** Moves to the row that has a text, and takes it. */
async function pick(part: string): Promise<void> {
  await until(part, list, part);
  for (let down = 0; !(await texts(`${list}.focused`)).some((text) => text.includes(part)); down += 1) {
    assert.ok(down < 20, `no way to ${part}`);
    await press('ArrowDown');
  }
  await press('Enter');
}

async function filesWith(needle: string, folder = configDir): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesWith(needle, path)));
    else if (entry.isFile() && (await readFile(path)).includes(needle)) found.push(path);
  }
  return found;
}

/** Begins without a store, whatever other suites of this workspace left. */
async function forgetStore(): Promise<void> {
  if ((await store()).state === 'empty') return;
  const { pid } = await ask('conductor/status', {});
  await rm(join(configDir, 'credentials'), { recursive: true });
  process.kill(pid, 'SIGKILL');
  // The log knows of the store that is gone, and wants to hear that somebody meant it.
  await eventually('a broker that misses the store', async () => (await ask('conductor/status', {})).pid !== pid && (await store()).state === 'refused');
  await ask('credentials/accept', { reason: 'these tests begin without a store' });
}

describe('credentials in the editor', function () {
  this.timeout(120_000);
  before(async function () {
    if (!isPageReachable) this.skip();
    await connected();
    await configure({});
    await forgetStore();
    await vscode.commands.executeCommand('conductor.credentials.focus');
  });

  // A store that only a passphrase opens would be locked, and said so in the status bar, in every suite after this one.
  after(async () => {
    if (isPageReachable) await forgetStore();
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('notifications.clearAll');
  });

  it('credentials:editor: the first one is set by keys alone, with the key in this editor only, and no file has it', async () => {
    await until('the welcome', '.pane-body .welcome-view-content', 'Set Credential');
    await takePicture('credentials-welcome');
    void vscode.commands.executeCommand('conductor.credentials.set');
    await until('what opens it', list, 'This Machine');
    await takePicture('credentials-opener');
    await pick('This Editor Only');
    await until('the name', '.quick-input-widget', 'Name of the credential');
    await type('github');
    await until('the finding', '.quick-input-message', 'Write service.key');
    await press('.', 't', 'o', 'k', 'e', 'n', 'Enter');
    await until('the value', '.quick-input-widget', 'Value of github.token');
    await press(...canary);
    await takePicture('credentials-value');
    assert.deepEqual((await texts('.quick-input-widget')).filter((text) => text.includes(canary)), []);
    await press('Enter');
    const state = await eventually('the credential', async () => (await store()).credentials.length === 1 && store());
    assert.deepEqual([state.state, state.slots.map(({ kind, atHand }) => [kind, atHand]), state.credentials.map(({ name }) => name)], ['open', [['editor', true]], ['github.token']]);
    const row = await until('the row', rows, 'github.token');
    assert.match(row, /Credential github\.token: used by nothing, set today, never used/);
    await takePicture('credentials-rows');
    assert.deepEqual(await filesWith(canary), []);
    assert.match((await logLines()).join('\n'), /"tool":"credential.set"/);
  });

  it('credentials:relock: a broker that starts anew is locked, and this window opens it again by itself', async () => {
    const { pid } = await ask('conductor/status', {});
    process.kill(pid, 'SIGKILL');
    await eventually('another broker, opened by this window', async () => {
      const status = await ask('conductor/status', {});
      return status.pid !== pid && (await store()).state === 'open';
    });
    assert.deepEqual((await store()).credentials.map(({ name }) => name), ['github.token']);
    await until('the row', rows, 'github.token');
  });

  it('credentials:slots: a passphrase is added, and the key of this editor is taken away again', async () => {
    void vscode.commands.executeCommand('conductor.credentials.addSlot');
    await pick('A Passphrase');
    await until('the prompt', '.quick-input-widget', 'New passphrase');
    await type('correct horse battery');
    await until('once more', '.quick-input-widget', 'once more');
    await type('correct horse bakery');
    await until('the difference', '.quick-input-message', 'not the same');
    for (let step = 0; step < 6; step += 1) await press('Backspace');
    await type('battery');
    await eventually('two slots', async () => (await store()).slots.length === 2);
    const heading = await until('the slots', rows, 'Key slots (2)');
    assert.ok(heading);
    void vscode.commands.executeCommand('conductor.credentials.removeSlot');
    await pick('Editor');
    await until('the question', list, 'Keep It');
    await takePicture('credentials-remove-slot');
    await pick('Remove Editor');
    await eventually('one slot', async () => (await store()).slots.map(({ kind }) => kind).join() === 'passphrase');
  });

  it('credentials:locked: without its key the store says so everywhere, and the passphrase opens it', async () => {
    const { pid } = await ask('conductor/status', {});
    process.kill(pid, 'SIGKILL');
    await eventually('another broker', async () => (await ask('conductor/status', {})).pid !== pid);
    await until('the welcome', '.pane-body .welcome-view-content', 'Unlock Credentials');
    await until('the status', '[id$="conductor"]', /credentials locked/);
    await takePicture('credentials-locked');
    void vscode.commands.executeCommand('conductor.credentials.unlock');
    await until('the prompt', '.quick-input-widget', 'Passphrase of the credentials');
    await type('wrong wrong wrong');
    await until('the reason', '.quick-input-widget', 'opens no slot');
    await takePicture('credentials-unlock-wrong');
    await type('correct horse battery');
    await eventually('an open store', async () => (await store()).state === 'open');
    await until('the row', rows, 'github.token');
  });

  it('credentials:delete: nothing is deleted by Enter alone; when chosen, it is gone', async () => {
    void vscode.commands.executeCommand('conductor.credentials.delete');
    await pick('github.token');
    await until('the question', list, 'Keep It');
    await settle();
    await takePicture('credentials-delete');
    await press('Enter');
    assert.equal((await store()).credentials.length, 1);
    void vscode.commands.executeCommand('conductor.credentials.delete');
    await pick('github.token');
    await pick('Delete github.token');
    await eventually('no credential', async () => (await store()).credentials.length === 0);
    await until('the welcome', '.pane-body .welcome-view-content', 'Set Credential');
  });
});

/** A secret that somebody typed into the configuration, in the real workbench: marked, moved by its light bulb, and gone from the file when saved. */
import * as assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { isPageReachable, press, shown, takePicture } from '../harnessPage';
import { ask, configDir, configure, connected, eventually, files } from '../workbench';

const canary = 'cnry-T9xK4mQ7wZ2pL5vB';
const typed = `{\n  "server": { "idleMinutes": 0.1 },\n  // "token": "${canary}"\n  "audit": {}\n}\n`;
const list = '.quick-input-widget .monaco-list-row';

async function until(what: string, selector: string, part: string): Promise<void> {
  await eventually(what, async () => (await shown(selector)).some(({ text, ariaLabel }) => `${text} ${ariaLabel ?? ''}`.includes(part)));
}

async function filesWith(needle: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesWith(needle, path);
    return entry.isFile() && (await readFile(path)).includes(needle) ? [path] : [];
  }));
  return found.flat();
}

async function opened(text: string): Promise<vscode.TextDocument> {
  await writeFile(files.config, text);
  await vscode.commands.executeCommand('conductor.config.open');
  return eventually('the configuration', () => {
    const document = vscode.window.activeTextEditor?.document;
    return document?.uri.fsPath === files.config && document.languageId === 'conductor-config' && document.getText() === text && document;
  });
}

async function actionsOf(document: vscode.TextDocument, code: string): Promise<vscode.CodeAction[]> {
  const marked = await eventually(code, () => vscode.languages.getDiagnostics(document.uri).find((one) => one.code === code));
  return eventually('a light bulb', async () => {
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, marked.range, vscode.CodeActionKind.QuickFix.value);
    return actions.length > 0 && actions;
  });
}

async function run({ command }: vscode.CodeAction): Promise<void> {
  assert.ok(command);
  // It ends when the person has answered.
  void vscode.commands.executeCommand(command.command, ...(command.arguments ?? []));
  await Promise.resolve();
}

describe('secrets that are typed into the configuration', function () {
  this.timeout(120_000);
  before(async function () {
    if (!isPageReachable) this.skip();
    await connected();
    await configure({});
    if ((await ask('credentials/list', {})).state === 'empty') await ask('credentials/addSlot', { kind: 'machine' });
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('notifications.clearAll');
    for (const { name } of (await ask('credentials/list', {})).credentials) await ask('credentials/delete', { name });
    await configure({});
  });

  it('credentials:typed: the light bulb moves it into the store, says what may still hold it, and saves nothing by itself', async () => {
    const document = await opened(typed);
    const action = (await actionsOf(document, 'config.secret')).find(({ title }) => title === 'Move to credential store…');
    assert.ok(action);
    assert.equal(JSON.stringify(action.command?.arguments).includes(canary), false);
    await run(action);
    await until('the name', '.quick-input-widget', 'Name of the credential');
    await takePicture('typed-secret-name');
    await press('Enter');
    await eventually('the reference', () => document.getText().includes('${secret:my.token}') && !document.getText().includes(canary));
    assert.deepEqual((await ask('credentials/list', {})).credentials.map(({ name }) => name), ['my.token']);
    await vscode.commands.executeCommand('notifications.showList');
    await until('the warning', '.notifications-center .notification-list-item', 'undo history');
    await takePicture('typed-secret-moved');
    await vscode.commands.executeCommand('notifications.hideList');
    assert.ok(document.isDirty);
    assert.deepEqual(await filesWith(canary, configDir), [files.config]);
    assert.ok(await document.save());
    assert.deepEqual(await filesWith(canary, configDir), []);
  });

  it('credentials:references: a missing one is marked, and its light bulb asks only for the value', async () => {
    await vscode.commands.executeCommand('notifications.clearAll');
    const document = await opened('{ "server": { "idleMinutes": 0.1 }, "plugins": { "shell": { "secrets": { "gh": { "GH_TOKEN": "${secret:gh.other}" } } } } }\n');
    const action = (await actionsOf(document, 'credentials.missing')).find(({ title }) => title === 'Set it now…');
    assert.ok(action);
    await run(action);
    await until('the value', '.quick-input-widget', 'Value of gh.other');
    assert.equal((await shown(list)).length, 0);
    await press(...canary, 'Enter');
    await eventually('the credential', async () => (await ask('credentials/list', {})).credentials.some(({ name }) => name === 'gh.other'));
    await eventually('no mark', () => vscode.languages.getDiagnostics(document.uri).every(({ code }) => code !== 'credentials.missing'));
  });
});

/** The configuration in the real workbench: completion, hover and diagnostics from the server; a broken file changes nothing. */
import * as assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import { isPageReachable, shown, takePicture } from '../harnessPage';
import { ask, configure, connected, eventually, files, shell, toolName } from '../workbench';

const good = { server: { idleMinutes: 0.1 }, plugins: { shell: { allowedCommands: ['ls'] } } };

async function openConfig(): Promise<vscode.TextDocument> {
  await vscode.commands.executeCommand('conductor.config.open');
  const onDisk = await readFile(files.config, 'utf8');
  // The editor may still hold what stood there before; saving over a newer file would fail.
  return eventually('the configuration', () => {
    const document = vscode.window.activeTextEditor?.document;
    return document?.uri.fsPath === files.config && document.languageId === 'conductor-config' && document.getText() === onDisk && document;
  });
}

async function replaceAll(text: string): Promise<vscode.TextDocument> {
  const document = await openConfig();
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
  assert.ok(await vscode.workspace.applyEdit(edit));
  return document;
}

function placeOf(document: vscode.TextDocument, part: string): vscode.Position {
  const offset = document.getText().indexOf(part);
  assert.ok(offset >= 0, part);
  return document.positionAt(offset + part.length);
}

describe('the configuration in the editor', () => {
  before(async () => {
    await connected();
    await configure(good);
    await toolName('shell_exec');
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await configure(good);
  });

  it('has its own language wherever the configuration folder is', async () => {
    assert.equal((await openConfig()).languageId, 'conductor-config');
  });

  it('completes keys, once each, with an explanation', async () => {
    const document = await replaceAll('{\n  "plugins": {\n    "shell": {\n      \n    }\n  }\n}\n');
    const keys = await eventually('completions', async () => {
      const found = await vscode.commands.executeCommand<vscode.CompletionList>('vscode.executeCompletionItemProvider', document.uri, new vscode.Position(3, 6));
      const labels = found.items.map(({ label }) => (typeof label === 'string' ? label : label.label));
      return labels.includes('allowedCommands') && labels;
    });
    for (const key of ['enabled', 'allowedCommands', 'requireApproval', 'timeoutMs']) assert.equal(keys.filter((label) => label === key).length, 1, key);
    if (!isPageReachable) return;
    const editor = vscode.window.activeTextEditor;
    assert.ok(editor);
    editor.selection = new vscode.Selection(3, 6, 3, 6);
    await vscode.commands.executeCommand('editor.action.triggerSuggest');
    await eventually('the suggestions', async () => (await shown('.suggest-widget .monaco-list-row')).length >= 4);
    await takePicture('config-completion');
    await vscode.commands.executeCommand('hideSuggestWidget');
  });

  it('explains a key on hover', async () => {
    const document = await replaceAll(JSON.stringify(good, null, 2));
    const text = await eventually('a hover', async () => {
      const hovers = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, placeOf(document, '"allowedCo'));
      const words = hovers.flatMap(({ contents }) => contents.map((content) => (typeof content === 'string' ? content : content.value))).join('\n');
      return words !== '' && words;
    });
    assert.match(text, /without asking/i);
  });

  it('marks a mistyped key, and a wildcard in the allowlist', async () => {
    const document = await replaceAll('{\n  "plugins": {\n    "shell": {\n      "allowedComands": ["ls"],\n      "requireApproval": ["git *"]\n    }\n  }\n}\n');
    await eventually('two problems', () => {
      const lines = new Set(vscode.languages.getDiagnostics(document.uri).map(({ range }) => range.start.line));
      return lines.has(3) && lines.has(4);
    });
    if (!isPageReachable) return;
    await vscode.commands.executeCommand('workbench.action.problems.focus');
    await eventually('the problems', async () => (await shown('.markers-panel .monaco-list-row')).length >= 2);
    await takePicture('config-problems');
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });

  it('applies a saved change at once', async () => {
    const document = await replaceAll(JSON.stringify({ plugins: { shell: { allowedCommands: ['ls', 'echo'] } } }, null, 2));
    assert.ok(await document.save());
    await eventually('the change', async () => (await shell('echo applied')).text.includes('applied'));
  });

  it('warns of a file that others can write, which is in force all the same', async function () {
    if (process.platform === 'win32') this.skip();
    await chmod(files.config, 0o666);
    await eventually('the warning', async () => (await ask('conductor/status', {})).config.problems.length === 1);
    assert.match((await shell('ls')).text, /README\.md/);
    if (isPageReachable) {
      await eventually('the status item', async () => (await shown('.statusbar-item')).some(({ text }) => text.includes('others can change the config')));
      assert.ok(!(await shown('.statusbar-item')).some(({ text }) => text.includes('broken')));
      await takePicture('config-rights');
    }
    await chmod(files.config, 0o600);
    await eventually('no warning', async () => (await ask('conductor/status', {})).config.problems.length === 0);
    if (isPageReachable) await eventually('a quiet status item', async () => !(await shown('.statusbar-item')).some(({ text }) => text.includes('others can')));
  });

  it('keeps the last good configuration when the saved file is broken, and shows it', async () => {
    const document = await replaceAll('{ "plugins": { "shell": { "allowedCommands": ["ls", "echo"] }');
    assert.ok(await document.save());
    const { config } = await eventually('the broken state', async () => {
      const status = await ask('conductor/status', {});
      return status.config.source === 'lastGood' && status;
    });
    assert.equal(config.problems[0]?.line, 1);
    assert.match((await shell('ls')).text, /README\.md/);
    assert.ok(!(await shell('echo wide open')).text.includes('wide open'));
    if (isPageReachable) {
      await eventually('the status item', async () => (await shown('.statusbar-item')).some(({ text }) => text.includes('config broken')));
      await takePicture('config-broken');
    }
    await writeFile(files.config, JSON.stringify(good));
    await eventually('the sound state', async () => (await ask('conductor/status', {})).config.source === 'current');
    assert.equal(await readFile(files.config, 'utf8'), JSON.stringify(good));
  });
});

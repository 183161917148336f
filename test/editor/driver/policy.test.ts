/** The attack vectors in the Test Explorer: the tree, a run, what is shown of findings, and stale results after a change. */
import * as assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import * as vscode from 'vscode';
import { isPageReachable, shown, takePicture } from '../harnessPage';
import { atRest, configure, connected, eventually, logLines, projectFolder } from '../workbench';

type Totals = Readonly<{ held: number; exposed: number; asks: number; silent: number }>;

const row = '.test-explorer .monaco-list-row';

async function rowShows(pattern: RegExp): Promise<void> {
  await eventually(`a row like ${String(pattern)}`, async () => (await shown(row)).some(({ text }) => pattern.test(text)));
}

async function prove(): Promise<Totals> {
  const totals = await vscode.commands.executeCommand<Totals | undefined>('conductor.policy.prove');
  assert.ok(totals);
  return totals;
}

describe('attack vectors', () => {
  before(async () => {
    await connected();
    await configure({ plugins: { shell: { allowedCommands: ['ls', 'cat', 'rg'], requireApproval: ['npm', 'node', 'rm'] } } });
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('workbench.view.explorer');
  });

  it('policy:explorer: a careful policy holds every vector; nothing is run, written or recorded', async () => {
    await atRest();
    const [files, lines] = [await readdir(projectFolder()), (await logLines()).length];
    const totals = await prove();
    assert.ok(totals.held > 1000);
    assert.deepEqual([totals.exposed, totals.asks, totals.silent], [0, 0, 0]);
    assert.deepEqual(await readdir(projectFolder()), files);
    assert.equal((await logLines()).length, lines);
    if (!isPageReachable) return;
    await rowShows(/T1 More commands than one in a line/);
    await takePicture('policy-held');
  });

  it('policy:explorer: what settings open is shown as failed, with rule, reason and what to change', async () => {
    await configure({ plugins: { shell: { allowedCommands: ['ls', 'node', 'npm', 'git'] }, filesystem: { requireApproval: ['delete'] } } });
    const totals = await prove();
    assert.ok(totals.exposed >= 5);
    assert.deepEqual([totals.asks, totals.silent], [0, 0]);
    if (!isPageReachable) return;
    await eventually('a failed group', async () => (await shown(row)).some(({ ariaLabel }) => /Your own choices.*Failed/s.test(ariaLabel ?? '')));
    await eventually('a held group', async () => (await shown(row)).some(({ ariaLabel }) => /T6 Options.*Passed/s.test(ariaLabel ?? '')));
    await vscode.window.showTextDocument(vscode.Uri.from({ scheme: 'conductor-vector', path: '/choice-interpreter.jsonc' }));
    await eventually('the vector', async () => (await shown('.editor-instance .view-lines')).some(({ text }) => text.includes('choice-interpreter')));
    await eventually('the mark of a failed test beside the vector', async () => (await shown('.glyph-margin-widgets .codicon-testing-failed-icon')).length > 0);
    await takePicture('policy-vector');
    await vscode.commands.executeCommand('workbench.panel.testResults.view.focus');
    await eventually('the message', async () => (await shown('.panel .monaco-list-row')).some(({ text }) => text.includes('Exposed: your settings let this run')));
    await takePicture('policy-exposed');
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('shows a vector, with what the rules say of it', async () => {
    const uri = vscode.Uri.from({ scheme: 'conductor-vector', path: '/choice-interpreter.jsonc' });
    const document = await vscode.workspace.openTextDocument(uri);
    assert.match(document.getText(), /^\/\/ Exposed: your settings let this run without asking\.[\s\S]*allow \[shell\.allowed\] node tools\/step[\s\S]*"id": "choice-interpreter"/);
    await configure({ plugins: { shell: { allowedCommands: ['ls'] } } });
    await eventually('the verdict of the new rules', () => document.getText().startsWith('// Held'));
  });
});

/** Changes of files in the real workbench: differences in the editor's own view, answered by keys, lenses and commands. */
import * as assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { isPageReachable, press, shown, takePicture } from '../harnessPage';
import { ask, call, configure, connected, denyAll, eventually, projectFolder, settle, toolName } from '../workbench';

const lines = Array.from({ length: 30 }, (_, line) => `export const value${line} = ${line};`);
const oldText = `${lines.join('\n')}\n`;
const newText = oldText.replace('= 2;', '= 22;').replace('= 15;', '= 1515;').replace('= 28;', '= 2828;');
const path = (name: string): string => join(projectFolder(), name);

/** The difference in front, when its text is there. */
async function difference(): Promise<vscode.TabInputTextDiff> {
  return eventually('the difference', () => {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof vscode.TabInputTextDiff && input.modified.scheme === 'conductor-change' && vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-change' && input;
  });
}

async function waits(count: number): Promise<void> {
  await eventually(`${count} calls to wait`, async () => (await ask('approvals/list', {})).pending.length === count);
}

function title(): string {
  return vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? '';
}

describe('changes of files in the editor', () => {
  before(async () => {
    await connected();
    await configure({ plugins: { filesystem: { requireApproval: ['write'] } }, approvalTimeout: 60_000 });
    await toolName('filesystem_write');
  });

  beforeEach(() => {
    writeFileSync(path('values.ts'), oldText);
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await denyAll();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    for (const name of ['values.ts', 'fresh.md', 'indent.py', 'huge.txt', 'binary.dat']) rmSync(path(name), { force: true });
  });

  it('opens a write as a difference, in the colours of its language, and approves it by key alone', async function () {
    if (!isPageReachable) this.skip();
    const calling = call('filesystem_write', { path: 'values.ts', content: newText });
    await waits(1);
    await press('Control+Alt+Y');
    const { original, modified } = await difference();
    const [old, now] = await Promise.all([original, modified].map(async (uri) => (await vscode.workspace.openTextDocument(uri)).getText()));
    assert.deepEqual([old, now], [oldText, newText]);
    assert.equal(vscode.window.activeTextEditor?.document.languageId, 'typescript');
    assert.match(title(), /^Write values\.ts · 3 changes$/);
    const actions = (await shown('.editor-actions .action-label')).map(({ ariaLabel }) => ariaLabel ?? '');
    for (const wanted of ['Deny (', 'Deny with Reason…', 'Approve Some Changes…', 'Approve Once (', 'Show Details of the Call']) assert.ok(actions.some((label) => label.startsWith(wanted)), actions.join(', '));
    await takePicture('changes-diff');
    await settle();
    await press('Control+Alt+Enter');
    assert.match((await calling).text, /"created":false|Replaced/);
    assert.equal(readFileSync(path('values.ts'), 'utf8'), newText);
    await eventually('a closed difference', () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).length === 0);
  });

  it('takes no approval in the moment in which the difference appears', async () => {
    const calling = call('filesystem_write', { path: 'values.ts', content: newText });
    await waits(1);
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    await vscode.commands.executeCommand('conductor.approvals.approve');
    await waits(1);
    assert.equal(readFileSync(path('values.ts'), 'utf8'), oldText);
    await denyAll();
    await calling;
  });

  it('leaves out a change by keys: what is left is shown anew, runs, and the agent reads both lists', async function () {
    if (!isPageReachable) this.skip();
    const calling = call('filesystem_write', { path: 'values.ts', content: newText });
    await waits(1);
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    await difference();
    void vscode.commands.executeCommand('conductor.approvals.approveSome');
    await eventually('the list of changes', async () => (await shown('.quick-input-widget .monaco-list-row')).length === 3);
    await press('ArrowDown', 'ArrowDown', 'Space');
    await takePicture('changes-some');
    await press('Enter');
    await eventually('what is left', () => title().includes('2 of 3, the rest left out'));
    const left = oldText.replace('= 2;', '= 22;').replace('= 28;', '= 2828;');
    const { modified } = await difference();
    await eventually('its text', async () => (await vscode.workspace.openTextDocument(modified)).getText() === left);
    assert.equal(readFileSync(path('values.ts'), 'utf8'), oldText);
    await takePicture('changes-left');
    await settle();
    await vscode.commands.executeCommand('conductor.approvals.approve');
    assert.match((await calling).text, /only 2 of (?:the )?3 changes[^]*@@ line 16 @@(?:\\n|\n)-export const value15 = 15;/);
    assert.equal(readFileSync(path('values.ts'), 'utf8'), left);
  });

  it('shows a change of indentation whatever the settings say, in a language of its own with lenses (T45)', async function () {
    if (!isPageReachable) this.skip();
    const settings = vscode.workspace.getConfiguration('diffEditor');
    await settings.update('ignoreTrimWhitespace', true, vscode.ConfigurationTarget.Global);
    try {
      const python = 'def f(x):\n    if x:\n        return 1\n    return 2\n';
      writeFileSync(path('indent.py'), python);
      const calling = call('filesystem_write', { path: 'indent.py', content: python.replace('    return 2', '        return 2') });
      await waits(1);
      await vscode.commands.executeCommand('conductor.approvals.reviewNext');
      await difference();
      assert.equal(vscode.window.activeTextEditor?.document.languageId, 'conductor-change');
      await eventually('the line that differs', async () => (await shown('.modified-in-monaco-diff-editor .line-insert')).length > 0);
      await eventually('the lenses', async () => (await shown('.codelens-decoration a')).length === 3);
      await takePicture('changes-indentation');
      await denyAll();
      await calling;
    } finally {
      await settings.update('ignoreTrimWhitespace', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('opens several files in one editor, each with its own answers', async function () {
    if (!isPageReachable) this.skip();
    const first = call('filesystem_write', { path: 'values.ts', content: newText });
    await waits(1);
    const second = call('filesystem_write', { path: 'fresh.md', content: '# Fresh\n' });
    await waits(2);
    await vscode.commands.executeCommand('conductor.approvals.reviewChanges');
    await eventually('the lenses of both', async () => (await shown('.codelens-decoration a')).length === 6);
    await takePicture('changes-several');
    const lenses = await Promise.all(vscode.workspace.textDocuments.filter(({ uri }) => uri.scheme === 'conductor-change' && uri.path.includes('fresh.md') && uri.query.includes('.after.')).map((document) => vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 10)));
    const approve = lenses.flat().find(({ command }) => command?.title === 'Approve Once')?.command;
    assert.ok(approve);
    await settle();
    await vscode.commands.executeCommand(approve.command, ...(approve.arguments ?? []) as unknown[]);
    assert.match((await second).text, /"created":true|Created/);
    assert.ok(existsSync(path('fresh.md')));
    await waits(1);
    assert.equal(readFileSync(path('values.ts'), 'utf8'), oldText);
    await eventually('the note in place of the answered one', async () => (await shown('.view-line')).some(({ text }) => /You.approved.this.call.once/.test(text)));
    await denyAll();
    await first;
  });

  it('says so where a text is too long or is none, and shows the call as a document', async () => {
    const calling = call('filesystem_write', { path: 'huge.txt', content: `${'0123456789'.repeat(120_000)}\n` });
    await waits(1);
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    const text = await eventually('the document', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-call' && vscode.window.activeTextEditor.document.getText());
    assert.match(text, /NOT SHOWN WHOLE\. The action has 12000\d\d characters/);
    await vscode.commands.executeCommand('conductor.approvals.deny');
    await calling;
    writeFileSync(path('binary.dat'), Buffer.from([0, 255, 1, 2]));
    const replacing = call('filesystem_write', { path: 'binary.dat', content: 'text\n' });
    await waits(1);
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    const { original } = await difference();
    assert.match((await vscode.workspace.openTextDocument(original)).getText(), /Not shown: It is no text in UTF-8/);
    await vscode.commands.executeCommand('conductor.approvals.deny');
    await replacing;
  });
});

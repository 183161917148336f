/** Answers that last, in the real workbench: chosen by keys, listed, and taken back. */
import * as assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { click, isPageReachable, press, shown, takePicture } from '../harnessPage';
import { ask, configure, connected, denyAll, eventually, logLines, pickDown, projectFolder, settle, shell, toolName, waiting } from '../workbench';

const rules = { plugins: { shell: { allowedCommands: ['ls', 'true', 'sh'], requireApproval: ['touch', 'mkdir'] } }, approvalTimeout: 60_000 };
const list = '.quick-input-widget .monaco-list-row';

async function rowTexts(selector: string): Promise<string[]> {
  return (await shown(selector)).map(({ text, ariaLabel }) => `${text} ${ariaLabel ?? ''}`);
}

describe('answers that last, in the editor', () => {
  before(async () => {
    await connected();
    await configure(rules);
    await toolName('shell_exec');
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await denyAll();
    for (const { id } of (await ask('grants/list', {})).grants) await ask('grants/undo', { id });
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('grants:prompt: by keys alone an answer is made to last, is listed below the waiting calls, and is taken back', async function () {
    if (!isPageReachable) this.skip();
    const calling = shell('touch granted.txt');
    await waiting('touch granted.txt');
    void vscode.commands.executeCommand('conductor.approvals.decide');
    await eventually('the decision list', async () => (await rowTexts(list)).some((text) => text.includes('Approve for Longer')));
    await settle();
    await pickDown(3);
    await eventually('the rungs', async () => (await rowTexts(list)).some((text) => text.includes('Approve for This Session')));
    await settle();
    await takePicture('grants-rungs');
    // Rows that only inform are passed by.
    let down = 0;
    for (; !(await rowTexts(`${list}.focused`)).some((text) => text.includes('touch with Other Operands')); down += 1) {
      assert.ok(down < 20);
      await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
      await settle();
    }
    await press('Enter');
    await calling;
    assert.match((await shell('touch two.txt')).text, /"exitCode":0/);
    assert.equal(existsSync(join(projectFolder(), 'two.txt')), true);
    assert.match((await logLines()).join('\n'), /"approval":\{"id":"grant_[^}]*"decision":"granted"/);
    await vscode.commands.executeCommand('conductor.approvals.focus');
    await eventually('the section', async () => (await rowTexts('.pane-body .monaco-list-row')).some((text) => text.includes('Answers that last (1)')));
    await eventually('the row', async () => (await rowTexts('.pane-body .monaco-list-row')).some((text) => text.includes('touch with Other Operands')));
    await takePicture('grants-section');
    void vscode.commands.executeCommand('conductor.grants.undo');
    await eventually('the list of grants', async () => (await rowTexts(list)).some((text) => text.includes('touch with Other Operands')));
    await settle();
    await press('Enter');
    await eventually('nothing that lasts', async () => (await ask('grants/list', {})).grants.length === 0);
    const again = shell('touch three.txt');
    await waiting('touch three.txt');
    await denyAll();
    await again;
  });

  it('grants:from-the-log approvals:shown-kept: from its line of the log an answer is taken back, and what was shown is opened', async function () {
    if (!isPageReachable) this.skip();
    const calling = shell('touch logged.txt');
    await waiting('touch logged.txt');
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    await eventually('the review', () => vscode.window.activeTextEditor?.document.getText().includes('touch logged.txt'));
    await settle();
    void vscode.commands.executeCommand('conductor.grants.approve');
    await eventually('the rungs', async () => (await rowTexts(list)).some((text) => text.includes('Approve for This Session')));
    await settle();
    for (let down = 0; !(await rowTexts(`${list}.focused`)).some((text) => text.includes('Approve for This Session')); down += 1) {
      assert.ok(down < 20);
      await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
      await settle();
    }
    await press('Enter');
    await calling;
    assert.equal((await ask('grants/list', {})).grants.length, 1);
    const lines = (await logLines()).map((line) => JSON.parse(line) as { seq: number; tool: string; phase: string; input: { command?: string } });
    const granted = lines.filter(({ tool }) => tool === 'grant.created').at(-1)?.seq;
    const answered = lines.find(({ phase, input }) => phase === 'intent' && input.command === 'touch logged.txt')?.seq;
    assert.ok(granted !== undefined && answered !== undefined);
    const opened = async (seq: number, lens: string): Promise<void> => {
      await vscode.commands.executeCommand('conductor.audit.openEntry', seq);
      await eventually(`the lens "${lens}"`, async () => (await shown('.codelens-decoration a')).some(({ text }) => text.includes(lens)));
      await settle();
    };
    await opened(answered, 'What Was Shown');
    await takePicture('grants-entry');
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', vscode.window.activeTextEditor?.document.uri, 20);
    const shownLens = lenses.find(({ command }) => command?.title === 'What Was Shown')?.command;
    assert.ok(shownLens);
    await vscode.commands.executeCommand(shownLens.command, ...(shownLens.arguments ?? []));
    await eventually('the question as it was shown', () => vscode.window.activeTextEditor?.document.getText().includes('"raw": "touch logged.txt"'));
    await takePicture('grants-shown');
    await opened(granted, 'Undo What Was Granted Here');
    await click('.codelens-decoration a:has-text("Undo What Was Granted Here")');
    await eventually('nothing that lasts', async () => (await ask('grants/list', {})).grants.length === 0);
    const again = shell('touch logged.txt');
    await waiting('touch logged.txt');
    await denyAll();
    await again;
  });

  it('grants:batch: calls that are alike are answered together after a look at each', async function () {
    if (!isPageReachable) this.skip();
    const calls = [shell('touch a.txt'), shell('touch b.txt'), shell('mkdir other')];
    await eventually('three wait', async () => (await ask('approvals/list', {})).pending.length === 3);
    await settle();
    void vscode.commands.executeCommand('conductor.grants.approveAlike');
    await eventually('the preview', async () => (await rowTexts(list)).some((text) => text.includes('Approve All 2 Once')));
    await settle();
    await takePicture('grants-batch');
    await pickDown(1);
    await Promise.all(calls.slice(0, 2));
    assert.ok(existsSync(join(projectFolder(), 'a.txt')) && existsSync(join(projectFolder(), 'b.txt')));
    await waiting('mkdir other');
    await denyAll();
    await calls[2];
  });

  it('grants:difference: the review of a call shows what changed since it was granted, and offers to answer for longer', async function () {
    if (!isPageReachable) this.skip();
    await vscode.workspace.fs.writeFile(vscode.Uri.file(join(projectFolder(), 's.sh')), Buffer.from('true\n'));
    const first = shell('sh -e s.sh');
    const [call] = await waiting('sh -e s.sh');
    await ask('approvals/decide', { id: call?.id ?? '', digest: call?.digest ?? '', decision: 'approve', rung: 'session' });
    await first;
    await vscode.workspace.fs.writeFile(vscode.Uri.file(join(projectFolder(), 's.sh')), Buffer.from('true changed\n'));
    const second = shell('sh -e s.sh');
    await waiting('sh -e s.sh');
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    await eventually('the difference', () => vscode.window.activeTextEditor?.document.getText().includes('GRANTED BEFORE, AND CHANGED SINCE'));
    await eventually('the lenses', async () => (await rowTexts('.codelens-decoration')).join(' ').includes('Approve for Longer'));
    await takePicture('grants-outgrown');
    await denyAll();
    await second;
  });
});

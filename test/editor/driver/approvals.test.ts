/** Approvals in the real workbench: real calls of a real MCP client, answered by keys, clicks and commands. */
import * as assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { click, isPageReachable, press, shown, takePicture } from '../harnessPage';
import { decisionList, made, openDecision, rowTexts, touchRules, vanished } from '../prompts';
import { ask, configure, connected, denyAll, eventually, logLines, pickDown, projectFolder, settle, shell, toolName, waiting } from '../workbench';

describe('approvals in the editor', () => {
  before(async () => {
    await connected();
    await configure(touchRules);
    await toolName('shell_exec');
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await denyAll();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('offers the tools to VS Code’s own agent', () => {
    const names = vscode.lm.tools.map(({ name }) => name).filter((name) => /shell_exec|filesystem_(read|write|list|search|delete)/.test(name));
    assert.equal(names.length, 6, names.join(', '));
  });

  it('lets an allowed command run without asking, and refuses what is not listed', async () => {
    assert.match((await shell('ls')).text, /README\.md/);
    assert.match((await shell('curl http://localhost')).text, /curl/);
    assert.match((await logLines()).at(-1) ?? '', /"phase":"denied".*curl http:\/\/localhost/);
    assert.deepEqual((await ask('approvals/list', {})).pending, []);
  });

  it('counts what waits in badge and status bar, and shows it in the tree', async function () {
    if (!isPageReachable) this.skip();
    const calling = shell('touch counted.txt');
    await waiting('touch counted.txt');
    await vscode.commands.executeCommand('conductor.approvals.focus');
    await eventually('the status item', async () => (await rowTexts('.statusbar-item')).some((text) => text.includes('1 pending')));
    await eventually('the badge', async () => (await rowTexts('.activitybar .action-label')).some((text) => /Conductor.*1 tool call waits/.test(text)));
    await eventually('the row', async () => (await rowTexts('.pane-body .monaco-list-row')).some((text) => text.includes('touch counted.txt')));
    await takePicture('approvals-tree');
    await denyAll();
    await calling;
    await eventually('an empty status item', async () => !(await rowTexts('.statusbar-item')).some((text) => text.includes('pending')));
  });

  it('approves once by the quick pick, which shows command and folder', async () => {
    const calling = shell('touch approved.txt');
    await waiting('touch approved.txt');
    await openDecision();
    if (isPageReachable) {
      const rows = (await rowTexts(decisionList)).join('\n');
      assert.ok(rows.includes('touch approved.txt') && rows.includes(projectFolder()), rows);
      await takePicture('approvals-decide');
    }
    await pickDown(2);
    await calling;
    assert.ok(made('approved.txt'));
    const last = (await logLines()).join('\n');
    assert.match(last, /"approval":\{[^}]*"decision":"approve/);
    assert.match(last, /"approval":\{[^}]*"level":"editor key"/);
  });

  it('tells once more of a call that nobody answers, and takes nothing from what has the focus', async function () {
    if (!isPageReachable) this.skip();
    this.timeout(60_000);
    const settings = vscode.workspace.getConfiguration('conductor.approvals');
    await settings.update('notify', 'always', vscode.ConfigurationTarget.Global);
    await settings.update('remindAfterSeconds', 1, vscode.ConfigurationTarget.Global);
    try {
      const calling = shell('touch reminded.txt');
      await waiting('touch reminded.txt');
      // Between two notifications lie ten seconds; a workbench under test keeps them in the list behind the bell.
      await vscode.commands.executeCommand('notifications.showList');
      await eventually('the reminder', async () => (await rowTexts('.notifications-center .notification-list-item')).some((text) => /1 tool call waits for your decision still/.test(text)), 40_000);
      await takePicture('approvals-reminder');
      assert.equal((await shown('.quick-input-widget input')).length, 0);
      await denyAll();
      await calling;
    } finally {
      await vscode.commands.executeCommand('notifications.clearAll');
      for (const name of ['notify', 'remindAfterSeconds']) await settings.update(name, undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('denies by Enter alone: Deny is preselected (T45)', async () => {
    const calling = shell('touch denied.txt');
    await waiting('touch denied.txt');
    await openDecision();
    await pickDown(0);
    assert.match((await calling).text, /declin|denied/i);
    assert.ok(!made('denied.txt'));
  });

  it('tells the agent the reason of a denial', async function () {
    if (!isPageReachable) this.skip();
    const calling = shell('touch reasoned.txt');
    await waiting('touch reasoned.txt');
    await openDecision();
    await pickDown(1);
    await eventually('the input box', async () => (await shown('.quick-input-widget input')).length > 0 && (await shown(decisionList)).length === 0);
    await press(...'use'.split(''), 'Space', ...'mkdir'.split(''));
    await takePicture('approvals-reason');
    await press('Enter');
    assert.match((await calling).text, /use mkdir/);
    assert.ok(!made('reasoned.txt'));
  });

  it('leaves the call waiting on Esc', async () => {
    const calling = shell('touch escaped.txt');
    await waiting('touch escaped.txt');
    await openDecision();
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await settle();
    await waiting('touch escaped.txt');
    await denyAll();
    await calling;
    assert.ok(!made('escaped.txt'));
  });

  it('answers the second of two first; neither blocks the other', async () => {
    const first = shell('touch one.txt');
    await waiting('touch one.txt');
    const second = shell('mkdir two');
    await waiting('touch one.txt', 'mkdir two');
    await vscode.commands.executeCommand('conductor.approvals.focus');
    void vscode.commands.executeCommand('conductor.approvals.decide');
    if (isPageReachable) await eventually('the list of calls', async () => (await shown(decisionList)).length === 2);
    await settle();
    if (isPageReachable) await takePicture('approvals-two');
    await pickDown(1);
    if (isPageReachable) await eventually('the decision list', async () => (await rowTexts(decisionList)).some((text) => text.includes('Approve Once')));
    await settle();
    await pickDown(2);
    await second;
    assert.ok(made('two') && !made('one.txt'));
    await waiting('touch one.txt');
    await openDecision();
    await pickDown(2);
    await first;
    assert.ok(made('one.txt'));
  });

  it('denies when the time is over, and says so in the list that was open for it', async () => {
    await configure({ ...touchRules, approvalTimeout: 2500 });
    try {
      const calling = shell('touch late.txt');
      await waiting('touch late.txt');
      await openDecision();
      assert.match((await calling).text, /time|nobody|answer/i);
      assert.ok(!made('late.txt'));
      await vanished();
    } finally {
      await configure(touchRules);
    }
  });

  it('says in the list that somebody else answered; Enter closes it and does nothing else', async () => {
    const calling = shell('touch elsewhere.txt');
    const [only] = await waiting('touch elsewhere.txt');
    assert.ok(only);
    await openDecision();
    await ask('approvals/decide', { id: only.id, digest: only.digest, decision: 'deny' });
    await calling;
    await vanished();
    await pickDown(2);
    if (isPageReachable) await eventually('a closed list', async () => (await shown(decisionList)).length === 0);
    assert.ok(!made('elsewhere.txt'));
  });

  it('goes on asking about a call whose agent was told to call again, and runs it once, when it comes again', async () => {
    await configure({ ...touchRules, approvals: { callAgainAfterSeconds: 0.5 } });
    try {
      assert.match((await shell('touch parked.txt')).text, /nothing has run.*same arguments/s);
      await waiting('touch parked.txt');
      await vscode.commands.executeCommand('conductor.approvals.focus');
      if (isPageReachable) {
        const row = '.pane-body .monaco-list-row[aria-label*="parked.txt"]';
        await eventually('the row', async () => (await shown(row)).length === 1);
        await takePicture('approvals-parked-row');
      }
      await vscode.commands.executeCommand('conductor.approvals.reviewNext');
      await eventually('the review', () => vscode.window.activeTextEditor?.document.getText().includes('touch parked.txt'));
      await settle();
      if (isPageReachable) await takePicture('approvals-parked-review');
      await vscode.commands.executeCommand('conductor.approvals.approve');
      await waiting();
      if (isPageReachable) {
        await eventually('the word about its agent', async () => (await rowTexts('.statusbar-item')).some((text) => text.includes('it waits until its agent calls again')));
        await takePicture('approvals-parked-approved');
      }
      assert.ok(!made('parked.txt'));
      assert.doesNotMatch((await shell('touch parked.txt')).text, /nothing has run/);
      assert.ok(made('parked.txt'));
      await waiting();
    } finally {
      rmSync(join(projectFolder(), 'parked.txt'), { force: true });
      await configure(touchRules);
    }
  });

  it('asks instead of approving when a command names no waiting call (T40)', async () => {
    const calling = shell('touch guessed.txt');
    const [only] = await waiting('touch guessed.txt');
    assert.ok(only);
    for (const target of [undefined, {}, 'evt_x', { id: only.id, digest: '0'.repeat(64) }, { id: 'evt_x', digest: only.digest }]) {
      for (const command of ['conductor.approvals.approve', 'conductor.approvals.approveRow']) {
        void vscode.commands.executeCommand(command, target);
        await settle();
        await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      }
      await waiting('touch guessed.txt');
    }
    assert.ok(!made('guessed.txt'));
    await denyAll();
    await calling;
  });

  it('opens what a row cannot show whole instead of approving it, and folds it so that nothing wraps (T45)', async function () {
    if (!isPageReachable) this.skip();
    const raw = `touch 'unseen.txt${' '.repeat(90)}Rule  shell.allowed: fine${' '.repeat(90)}end'`;
    const calling = shell(raw);
    await waiting(raw);
    await vscode.commands.executeCommand('conductor.approvals.focus');
    const row = '.pane-body .monaco-list-row[aria-label*="unseen.txt"]';
    await eventually('the row', async () => (await shown(row)).length === 1);
    await settle();
    await click(`${row} .monaco-icon-label`);
    await click(`${row} .action-label[aria-label="Approve Once"]`);
    const editor = await eventually('the review', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-call' && vscode.window.activeTextEditor);
    await waiting(raw);
    for (const line of editor.document.getText().split('\n')) assert.ok(line.length <= 80 && !/^\s{0,3}(Rule +shell\.allowed|end)/.test(line), line);
    await eventually('the lenses', async () => (await shown('.codelens-decoration a')).length >= 3);
    await takePicture('approvals-long');
    await denyAll();
    await calling;
  });

  it('says in the tooltip of a row when it will be denied', async function () {
    if (!isPageReachable) this.skip();
    const calling = shell('touch hovered.txt');
    await waiting('touch hovered.txt');
    // Away from the rows: a pointer that rests on a button shows the tooltip of that button.
    await click('.part.editor');
    await eventually('the row', async () => (await shown('.pane-body .monaco-list-row[aria-label*="hovered.txt"]')).length === 1);
    // The view may take the focus only after it drew its rows, and a hover is shown only for a row that has it.
    await eventually('the tooltip', async () => {
      await vscode.commands.executeCommand('conductor.approvals.focus');
      await press('Home');
      await vscode.commands.executeCommand('list.showHover');
      await settle();
      return (await shown('.monaco-hover')).some(({ text }) => /Denied\sin\s\d+\ss\swithout\san\sanswer,\sat\s\d\d:\d\d:\d\d/.test(text));
    });
    await takePicture('approvals-tooltip');
    await denyAll();
    await calling;
  });

  it('denies with a reason from the row; Esc leaves the call waiting', async function () {
    if (!isPageReachable) this.skip();
    const calling = shell('touch rowed.txt');
    const [only] = await waiting('touch rowed.txt');
    await settle();
    for (const last of ['Escape', 'Enter']) {
      void vscode.commands.executeCommand('conductor.approvals.denyRowWithReason', only);
      await eventually('the input box', async () => (await shown('.quick-input-widget input')).length > 0);
      await waiting('touch rowed.txt');
      await press(...'later'.split(''), last);
      await eventually('no input box', async () => (await shown('.quick-input-widget input')).length === 0);
    }
    assert.match((await calling).text, /later/);
    assert.ok(!made('rowed.txt'));
  });

  it('approves by the icon of the row that it belongs to', async function () {
    if (!isPageReachable) this.skip();
    const first = shell('touch row1.txt');
    await waiting('touch row1.txt');
    const second = shell('touch row2.txt');
    await waiting('touch row1.txt', 'touch row2.txt');
    await vscode.commands.executeCommand('conductor.approvals.focus');
    const row = '.pane-body .monaco-list-row[aria-label*="touch row2.txt"]';
    await eventually('the row', async () => (await shown(row)).length === 1);
    await settle();
    await click(`${row} .monaco-icon-label`);
    await takePicture('approvals-inline');
    await click(`${row} .action-label[aria-label="Approve Once"]`);
    await second;
    assert.ok(made('row2.txt') && !made('row1.txt'));
    await waiting('touch row1.txt');
    await denyAll();
    await first;
  });

  after(() => {
    for (const name of ['approved.txt', 'one.txt', 'two', 'row2.txt']) rmSync(join(projectFolder(), name), { recursive: true, force: true });
  });
});

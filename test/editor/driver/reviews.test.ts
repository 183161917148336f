/** Reviews of waiting calls in the real workbench: what they show, what becomes of them, and answers given in them. */
import * as assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { isPageReachable, press, shown, takePicture } from '../harnessPage';
import { decisionList, made, openDecision, rowTexts, touchRules } from '../prompts';
import { ask, call, configure, connected, denyAll, eventually, pickDown, projectFolder, settle, shell, toolName, waiting } from '../workbench';

describe('reviews of calls in the editor', () => {
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

  it('asks again with the difference when what was approved changed, and runs only after the second yes (T41)', async () => {
    await configure({ ...touchRules, plugins: { shell: { ...touchRules.plugins.shell, requireApproval: ['bash'] } } });
    const script = join(projectFolder(), 'again.sh');
    const edit = (name: string): void => writeFileSync(script, `# A script that an agent edits while you read.\ntouch ${name}\n`);
    try {
      edit('again-old.txt');
      const calling = shell('bash again.sh');
      const [first] = await waiting('bash again.sh');
      await openDecision();
      edit('again-new.txt');
      await pickDown(2);
      const second = await eventually('the second question', async () => (await ask('approvals/list', {})).pending.find(({ id }) => id !== first?.id));
      assert.deepEqual(second.again?.changes.map(({ key }) => key), [script]);
      assert.ok(!made('again-old.txt') && !made('again-new.txt'));
      if (isPageReachable) {
        // A workbench under test keeps toasts in the list behind the bell.
        await vscode.commands.executeCommand('notifications.showList');
        await eventually('the message', async () => (await rowTexts('.notifications-center .notification-list-item')).some((text) => text.includes('changed before it ran')));
        await takePicture('approvals-again-message');
        await vscode.commands.executeCommand('notifications.hideList');
        await vscode.commands.executeCommand('conductor.approvals.focus');
        await eventually('the row', async () => (await rowTexts('.pane-body .monaco-list-row')).some((text) => text.includes('asked again')));
        await eventually('the status item', async () => (await rowTexts('.statusbar-item')).some((text) => text.includes('1 asked again')));
        await takePicture('approvals-again-row');
      }
      await vscode.commands.executeCommand('notifications.clearAll');
      await vscode.commands.executeCommand('conductor.approvals.reviewNext');
      const text = await eventually('the review', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-call' && vscode.window.activeTextEditor.document.getText());
      const order = ['bash again.sh', 'CHANGED SINCE YOU APPROVED IT', '-touch again-old.txt', '+touch again-new.txt', 'Working folder'].map((part) => text.indexOf(part));
      assert.ok(order.every((place, index) => place > (order[index - 1] ?? 0)), text);
      if (isPageReachable) await takePicture('approvals-again-review');
      await openDecision();
      if (isPageReachable) {
        const rows = (await rowTexts(decisionList)).join('\n');
        assert.ok(rows.includes('Asked again') && rows.includes('+touch again-new.txt'), rows);
        await takePicture('approvals-again-decide');
      }
      await pickDown(2);
      await calling;
      assert.ok(made('again-new.txt') && !made('again-old.txt'));
    } finally {
      for (const name of ['again.sh', 'again-old.txt', 'again-new.txt']) rmSync(join(projectFolder(), name), { force: true });
      await configure(touchRules);
    }
  });

  it('reviews in a read-only document with lenses, and approves from there', async () => {
    const calling = shell('touch reviewed.txt');
    await waiting('touch reviewed.txt');
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    const document = await eventually('the review', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-call' && vscode.window.activeTextEditor.document);
    assert.equal(document.languageId, 'conductor-call');
    const text = document.getText();
    assert.ok(text.indexOf('touch reviewed.txt') < text.indexOf(projectFolder()), text);
    assert.match(text, /No hidden characters/);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 10);
    const titles = lenses.map(({ command }) => command?.title);
    for (const title of ['Deny', 'Deny with Reason…', 'Approve Once']) assert.ok(titles.includes(title), titles.join());
    if (isPageReachable) {
      await eventually('the lenses', async () => (await shown('.codelens-decoration a')).length >= 3);
      await takePicture('approvals-review');
    }
    await settle();
    await vscode.commands.executeCommand('conductor.approvals.approve');
    await calling;
    assert.ok(made('reviewed.txt'));
    await eventually('a closed review', () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).length === 0);
  });

  it('results:released: shows a result before the agent gets it, where the settings want that', async () => {
    await configure({ ...touchRules, reviewResults: ['shell.exec'] });
    try {
      const calling = shell('ls');
      const [result] = await eventually('the result to wait', async () => { const { pending } = await ask('approvals/list', {}); return pending.length === 1 && pending; });
      assert.match(result?.raw ?? '', /README\.md/);
      await vscode.commands.executeCommand('conductor.approvals.reviewNext');
      await eventually('the review', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-call' && vscode.window.activeTextEditor.document.getText().includes('README.md'));
      await settle();
      if (isPageReachable) await takePicture('approvals-result');
      await vscode.commands.executeCommand('conductor.approvals.approve');
      assert.match((await calling).text, /README\.md/);
    } finally {
      await configure(touchRules);
    }
  });

  it('answers one call only while the key is held down, whatever comes in front next (T45)', async () => {
    const first = shell('touch held1.txt');
    await waiting('touch held1.txt');
    const second = shell('touch held2.txt');
    await waiting('touch held1.txt', 'touch held2.txt');
    const inFront = async (name: string): Promise<void> => {
      await vscode.commands.executeCommand('conductor.approvals.reviewNext');
      await eventually(`the review of ${name}`, () => vscode.window.activeTextEditor?.document.getText().includes(name));
      await vscode.commands.executeCommand('workbench.action.keepEditor');
    };
    await inFront('held1.txt');
    await inFront('held2.txt');
    await settle();
    // What the key starts, again and again, until the other review has stood in front for a while.
    const other = (): boolean => vscode.window.activeTextEditor?.document.getText().includes('held1.txt') === true;
    for (let repeats = 0; repeats < 20; repeats += other() ? 1 : 0) {
      await vscode.commands.executeCommand('conductor.approvals.approve');
      await new Promise((done) => setTimeout(done, 30));
    }
    await second;
    assert.ok(made('held2.txt') && !made('held1.txt'));
    await waiting('touch held1.txt');
    await new Promise((done) => setTimeout(done, 1200));
    await vscode.commands.executeCommand('conductor.approvals.approve');
    await first;
    assert.ok(made('held1.txt'));
    for (const name of ['held1.txt', 'held2.txt']) rmSync(join(projectFolder(), name));
  });

  it('shows hidden characters in the review, and counts them (T45)', async () => {
    const calling = call('filesystem_write', { path: 'hidden.txt', content: `safe${String.fromCodePoint(0x202e)}txt` });
    await eventually('a waiting write', async () => (await ask('approvals/list', {})).pending.length === 1);
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    const text = await eventually('the review', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-change' && vscode.window.activeTextEditor.document.getText());
    assert.match(vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? '', /1 HIDDEN CHARACTER/);
    assert.ok(text.includes('safe\\u{202e}txt'), text);
    await denyAll();
    await calling;
  });

  it('withdraws a review when its call is cancelled', async () => {
    const source = new vscode.CancellationTokenSource();
    const calling = shell('touch cancelled.txt', source.token);
    calling.catch(() => undefined);
    await waiting('touch cancelled.txt');
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    const editor = await eventually('the review', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-call' && vscode.window.activeTextEditor);
    source.cancel();
    await waiting();
    await eventually('the withdrawn text', () => editor.document.getText().includes('no longer waits'));
    await assert.rejects(calling);
    assert.ok(!made('cancelled.txt'));
  });

  it('denies with a reason from the review, which closes', async function () {
    if (!isPageReachable) this.skip();
    const calling = shell('touch documented.txt');
    await waiting('touch documented.txt');
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    await eventually('the review', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-call');
    void vscode.commands.executeCommand('conductor.approvals.denyWithReason');
    await eventually('the input box', async () => (await shown('.quick-input-widget input')).length > 0);
    await press(...'tidy'.split(''), 'Space', ...'first'.split(''), 'Enter');
    assert.match((await calling).text, /tidy first/);
    await eventually('a closed review', () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).length === 0);
    assert.ok(!made('documented.txt'));
  });

  it('shows the whole content of a file before it is written', async () => {
    const content = Array.from({ length: 30 }, (_, line) => `line ${line}`).join('\n');
    const calling = call('filesystem_write', { path: 'written.txt', content });
    await eventually('a waiting write', async () => (await ask('approvals/list', {})).pending.length === 1);
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    const text = await eventually('the review', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-change' && vscode.window.activeTextEditor.document.getText());
    assert.ok(text.includes('line 0') && text.includes('line 29'), text);
    if (isPageReachable) await takePicture('approvals-write');
    await vscode.commands.executeCommand('conductor.approvals.deny');
    await calling;
    assert.ok(!made('written.txt'));
  });

  after(() => rmSync(join(projectFolder(), 'reviewed.txt'), { force: true }));
});

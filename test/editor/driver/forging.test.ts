/** Actions that try to look like something else, asked about in the real workbench; the pictures are there to be looked at. */
import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { reveal } from '../../../protocol/src/display';
import { forgings } from '../../fakes/forging';
import { isPageReachable, shown, takePicture } from '../harnessPage';
import { ask, call, configure, connected, denyAll, eventually, settle, toolName } from '../workbench';

const lenses = ['Deny', 'Deny with Reason…', 'Approve Once', 'Approve for Longer…', 'Deny for Longer…', 'Deny for Good…', 'Show the Difference'];
const root = join(__dirname, '..', '..', '..', '..');

describe('forged prompts in the editor (T45)', () => {
  before(async () => {
    await connected();
    await configure({ plugins: { shell: { requireApproval: ['echo', 'rm', 'true'] }, filesystem: { requireApproval: ['write'] } }, approvalTimeout: 60_000 });
    await toolName('shell_exec');
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await denyAll();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  for (const { id, about, tool, text } of forgings(root)) {
    it(`T45 ${id}: ${about}`, async function () {
      const write = (): ReturnType<typeof call> => call('filesystem_write', { path: `${id}.txt`, content: text });
      let calling = tool === 'shell' ? call('shell_exec', { command: text }) : write();
      const refused = await Promise.race([eventually('the call to wait', async () => (await ask('approvals/list', {})).pending.length === 1).then(() => false), calling.then(() => true)]);
      // The rules refuse most of these as commands before anybody is asked; as the content of a file they are asked about.
      if (refused) calling = write();
      await eventually('the call to wait', async () => (await ask('approvals/list', {})).pending.length === 1);
      await vscode.commands.executeCommand('conductor.approvals.reviewNext');
      const document = await eventually('the review', () => /^conductor-c/.test(vscode.window.activeTextEditor?.document.uri.scheme ?? '') && vscode.window.activeTextEditor?.document);
      assert.equal(reveal(document.getText()).count, 0);
      assert.match(vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? '', /^(Review shell\.exec|Create )/);
      if (!isPageReachable) return;
      const plain = document.languageId.startsWith('conductor-');
      await eventually('the actions in the title', async () => (await shown('.editor-actions .action-label[aria-label^="Approve Once"]')).length === 1);
      if (plain) await eventually('the lenses', async () => (await shown('.codelens-decoration a')).length >= 3);
      for (const lens of await shown('.codelens-decoration a')) assert.ok(lenses.includes(lens.text.trim()), lens.text);
      for (const element of ['img', 'script', 'a[href^="command:"]', 'b']) assert.deepEqual(await shown(`.editor-instance .view-lines ${element}`), [], element);
      await takePicture(`forging-${id}`);
      void vscode.commands.executeCommand('conductor.approvals.decide');
      await eventually('the list', async () => (await shown('.quick-input-widget .monaco-list-row')).some((row) => row.text.includes('Deny')));
      await settle();
      const active = await shown('.quick-input-widget .monaco-list-row.focused');
      assert.match(active[0]?.text ?? '', /^\s*Deny\s/);
      await takePicture(`forging-${id}-list`);
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      await denyAll();
      await calling;
    });
  }
});

/** Restricted Mode: what works before a person trusts the folder, and what does not. */
import * as assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { isPageReachable, shown, takePicture } from '../harnessPage';
import { ask, configure, connected, eventually, extensionId } from '../workbench';

describe('a window in Restricted Mode', () => {
  before(async () => {
    assert.equal(vscode.workspace.isTrusted, false, 'this suite needs a window that is not trusted: VSCODE_HOST_TRUST=1');
    await connected();
    await configure({});
  });

  it('is connected, and shows approvals and the audit log', async () => {
    assert.ok(vscode.extensions.getExtension(extensionId)?.isActive);
    assert.equal((await ask('conductor/status', {})).connections.editor, 1);
    const report = await vscode.commands.executeCommand<{ verdict: string } | undefined>('conductor.audit.verify');
    assert.equal(report?.verdict, 'intact');
    if (!isPageReachable) return;
    await vscode.commands.executeCommand('conductor.audit.focus');
    await eventually('the day', async () => (await shown('.pane-body .monaco-list-row')).some(({ text }) => /entries \(UTC\)|\d entr/.test(text)));
    await takePicture('trust-restricted');
  });

  it('offers agents no tools for its folders', async () => {
    await sleep(2000);
    assert.deepEqual(vscode.lm.tools.filter(({ name }) => /conductor/.test(name)), []);
    assert.equal((await ask('conductor/status', {})).connections.agent, 0);
  });
});

/** The host itself: that suites run in a real VS Code of the promised age, on a copy of the sample, and can see the page. */
import * as assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { isPageReachable, press, shown, takePicture } from '../harnessPage';

const oldestMinor = 101;

describe('the editor under test', () => {
  it('is at least as new as the extension demands', () => {
    const [major, minor] = vscode.version.split('.').map(Number);
    assert.ok(major === 1 && minor !== undefined && minor >= oldestMinor, vscode.version);
  });

  it('shows a copy of the sample project', async () => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    assert.equal(basename(folder.uri.fsPath), 'sample');
    assert.ok(existsSync(join(folder.uri.fsPath, 'src', 'app.js')));
    assert.ok(!folder.uri.fsPath.includes('fixtures'), 'the suites must not work in the checkout');
  });

  it('has a config folder of its own', () => {
    const folder = process.env['CONDUCTOR_CONFIG_DIR'];
    assert.ok(folder !== undefined && existsSync(folder));
  });
});

describe('the page around the suites', () => {
  before(function () {
    if (!isPageReachable) this.skip();
  });

  it('can be pictured', async () => {
    await takePicture('host');
    const file = join(process.env['CONDUCTOR_SHOT_DIR'] ?? '', 'host.png');
    assert.deepEqual([...(await readFile(file)).subarray(1, 4)], [...Buffer.from('PNG')]);
  });

  it('can be read: a status bar item is there with its text and its label, and gone when hidden', async () => {
    const item = vscode.window.createStatusBarItem('host.test', vscode.StatusBarAlignment.Left);
    item.text = 'Harness';
    item.accessibilityInformation = { label: 'Harness speaks' };
    item.show();
    assert.deepEqual(await appear('[id$="host.test"]'), [{ text: 'Harness', ariaLabel: 'Harness speaks' }]);
    item.dispose();
    await disappear('[id$="host.test"]');
  });

  it('takes keys: the second of two choices', async () => {
    const choice = vscode.window.showQuickPick(['Deny', 'Approve'], { placeHolder: 'Which?' });
    await appear('.quick-input-list .monaco-list-row');
    await press('ArrowDown', 'Enter');
    assert.equal(await choice, 'Approve');
  });
});

async function appear(selector: string): Promise<Awaited<ReturnType<typeof shown>>> {
  for (;;) {
    const found = await shown(selector);
    if (found.length > 0) return found;
    await sleep(100);
  }
}

async function disappear(selector: string): Promise<void> {
  while ((await shown(selector)).length > 0) await sleep(100);
}

/** The broker killed under a running window: calls fail clearly, nothing recorded is lost, and everything comes back by itself. */
import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { connectToBroker } from '../../../link/src/connect';
import { isPageReachable, press, shown, takePicture } from '../harnessPage';
import { ask, configDir, configure, connected, denyAll, eventually, logLines, shell, toolName, waiting } from '../workbench';

async function statusShows(part: string): Promise<void> {
  await eventually(`the status item with ${part}`, async () => {
    const texts = (await shown('.statusbar-item')).map(({ text }) => text);
    assert.ok(texts.some((text) => text.includes(part)), texts.join(' | '));
    return true;
  });
}

describe('the broker and its window', () => {
  before(async () => {
    await connected();
    await configure({ plugins: { shell: { allowedCommands: ['ls'], requireApproval: ['touch'] } } });
    await toolName('shell_exec');
  });

  it('comes back after SIGKILL: a waiting call fails clearly, entries stay, calls and approvals work again', async () => {
    const { pid } = await ask('conductor/status', {});
    const calling = shell('touch orphan.txt');
    calling.catch(() => undefined);
    await waiting('touch orphan.txt');
    const before = await logLines();
    process.kill(pid, 'SIGKILL');
    const said = await calling.then(({ text }) => text, (error: unknown) => String(error));
    assert.match(said, /broker/i);
    const next = await eventually('another broker', async () => {
      const status = await ask('conductor/status', {});
      return status.pid !== pid && status.connections.editor > 0 && status;
    });
    assert.equal(next.audit.health, 'ok');
    assert.deepEqual((await logLines()).slice(0, before.length), before);
    assert.match((await shell('ls')).text, /README\.md/);
    const again = shell('touch again.txt');
    await waiting('touch again.txt');
    if (isPageReachable) {
      await statusShows('1 pending');
      await takePicture('broker-back');
    }
    await denyAll();
    await again;
    const report = await vscode.commands.executeCommand<{ verdict: string } | undefined>('conductor.audit.verify');
    assert.equal(report?.verdict, 'intact');
  });

  it('shows everything in one list', async function () {
    if (!isPageReachable) this.skip();
    void vscode.commands.executeCommand('conductor.status.show');
    await eventually('the status', async () => {
      const texts = (await shown('.quick-input-widget .monaco-list-row')).map(({ text }) => text).join('\n');
      assert.match(texts, /Broker 0\.1\.0[\s\S]*Audit log[\s\S]*Configuration/);
      return true;
    });
    await takePicture('broker-status');
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
  });

  it('shows a breaker that opened after five failures, and resets it with a reason (A27, A28)', async function () {
    if (!isPageReachable) this.skip();
    for (let failure = 0; failure < 5; failure += 1) await shell(`ls no-such-file-${failure}`);
    assert.match((await shell('ls')).text, /breaker|CIRCUIT|repeated/i);
    await vscode.commands.executeCommand('conductor.breakers.focus');
    await eventually('the open breaker', async () => (await shown('.pane-body .monaco-list-row')).some(({ text }) => /shell\.exec.*stopped/s.test(text)));
    await takePicture('breakers');
    void vscode.commands.executeCommand('conductor.breakers.reset', { tool: 'shell.exec' });
    await eventually('the question why', async () => (await shown('.quick-input-widget input')).length > 0);
    await press(...'repaired'.split(''), 'Enter');
    await eventually('a closed breaker', async () => (await ask('breakers/list', {})).breakers.every(({ state }) => state === 'closed'));
    assert.match((await shell('ls')).text, /README\.md/);
    assert.ok((await logLines()).some((line) => line.includes('breaker.reset') && line.includes('repaired')));
  });

  it('says in the status bar that a tool is stopped, and in the row when it is tried again (A28)', async function () {
    if (!isPageReachable) this.skip();
    await configure({ plugins: { shell: { allowedCommands: ['ls'] } }, circuitBreaker: { timeout: 5000 } });
    for (let failure = 0; failure < 5; failure += 1) await shell(`ls no-such-file-${failure}`);
    assert.match((await shell('ls')).text, /breaker|CIRCUIT|repeated/i);
    await statusShows('shell.exec stopped');
    await vscode.commands.executeCommand('conductor.breakers.focus');
    const row = '.pane-body .monaco-list-row';
    await eventually('when it is tried again', async () => (await shown(row)).some(({ text }) => /stopped, tries again at \d\d:\d\d:\d\d/.test(text)));
    await takePicture('breakers-open');
    await eventually('the probe', async () => (await shown(row)).some(({ text }) => text.includes('next call is a probe')));
    await takePicture('breakers-probe');
    assert.match((await shell('ls')).text, /README\.md/);
    await eventually('no row', async () => !(await shown(row)).some(({ text }) => text.includes('shell.exec') && text.includes('probe')));
    await eventually('a quiet status item', async () => !(await shown('.statusbar-item')).some(({ text }) => text.includes('stopped')));
  });

  it('shows its logs', async () => {
    await vscode.commands.executeCommand('conductor.broker.showLog');
    const document = await eventually('the log of the broker', () => vscode.window.activeTextEditor?.document.uri.fsPath.endsWith('broker.log') && vscode.window.activeTextEditor.document);
    assert.match(document.getText(), /broker/);
    if (isPageReachable) {
      await eventually('the log of the extension', async () => (await shown('.panel .view-lines')).some(({ text }) => /Connected\s+to\s+broker/.test(text)));
      await takePicture('broker-logs');
    }
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('product:prompt-times: how long a small request of the language protocol takes from here, for the results', async () => {
    const root = join(__dirname, '..', '..', '..', '..');
    const { socket } = await connectToBroker({ configDir, who: { role: 'editor', version: '0.1.0' } });
    const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
    connection.listen();
    try {
      await connection.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {} });
      const times: number[] = [];
      for (let round = 0; round < 200; round += 1) {
        const began = performance.now();
        await connection.sendRequest('approvals/list', {});
        times.push(performance.now() - began);
      }
      // The same as `buildDigest` in scripts/package.mjs.
      const digest = createHash('sha256');
      for (const part of ['extension.js', 'server.js']) digest.update(readFileSync(join(root, 'dist', part)));
      mkdirSync(join(root, 'out'), { recursive: true });
      writeFileSync(join(root, 'out', 'roundTrip.json'), JSON.stringify({ build: digest.digest('hex'), roundTripMs: times.sort((one, two) => one - two)[100] }));
    } finally {
      connection.dispose();
      socket.destroy();
    }
  });

  it('connects anew on demand', async () => {
    await vscode.commands.executeCommand('conductor.broker.restart');
    await connected();
    assert.match((await shell('ls')).text, /README\.md/);
  });
});

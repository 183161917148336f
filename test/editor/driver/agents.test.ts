/** Conductor for agents outside VS Code: the launcher, and the configuration that is copied for them. */
import * as assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { isPageReachable, takePicture } from '../harnessPage';
import { configDir, configure, connected, eventually, extensionId, projectFolder } from '../workbench';

const launcher = join(configDir, 'bin', process.platform === 'win32' ? 'conductor.cmd' : 'conductor');

type Snippet = { mcpServers: { conductor: { command: string; args: string[]; env: Record<string, string> } } };

async function copied(): Promise<string> {
  const text = await vscode.commands.executeCommand<string | undefined>('conductor.agents.copyServerConfig');
  assert.ok(text);
  return text;
}

/** The first answer of an MCP server to an initialization. */
function introduce({ command, args, env }: Snippet['mcpServers']['conductor']): Promise<string> {
  const message = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'launched', version: '1' } } };
  const child = spawn(command, args, { cwd: projectFolder(), env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write(`${JSON.stringify(message)}\n`);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.stdout.once('data', (chunk: Buffer) => {
      child.kill();
      resolve(chunk.toString('utf8'));
    });
  });
}

describe('Conductor for other agents', () => {
  before(async () => {
    await connected();
    await configure({});
  });

  it('has a launcher in its own folder that runs the command of this version', async () => {
    await eventually('the launcher', () => existsSync(launcher));
    if (process.platform !== 'win32') assert.equal(lstatSync(launcher).mode & 0o777, 0o700);
    const { stdout, stderr } = spawnSync(launcher, ['--version'], { encoding: 'utf8' });
    const manifest = vscode.extensions.getExtension(extensionId)?.packageJSON as { version: string } | undefined;
    assert.equal(stdout.trim(), manifest?.version, stderr);
  });

  it('copies a configuration with which an agent finds it', async function () {
    const snippet = JSON.parse(await copied()) as Snippet;
    assert.deepEqual(snippet, { mcpServers: { conductor: { command: launcher, args: ['mcp', 'start'], env: { CONDUCTOR_CONFIG_DIR: configDir } } } });
    assert.match(await introduce(snippet.mcpServers.conductor), /"serverInfo"/);
  });

  it('puts it on the clipboard', async function () {
    if (!isPageReachable) this.skip();
    await vscode.env.clipboard.writeText('something else');
    const text = await copied();
    const document = await vscode.workspace.openTextDocument({ content: '' });
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('editor.action.clipboardPasteAction');
    await eventually('the pasted text', () => document.getText().replace(/\s+/g, '') === text.replace(/\s+/g, ''));
    await takePicture('agents-copied');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('writes a launcher that somebody changed anew, before its path is copied', async () => {
    const before = readFileSync(launcher, 'utf8');
    writeFileSync(launcher, 'exit 1');
    await copied();
    assert.equal(readFileSync(launcher, 'utf8'), before);
  });
});

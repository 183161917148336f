/** What the suites in the extension host have in common: the broker seen from a terminal, calls through VS Code's own MCP support, waits. */
import * as assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter, type MessageConnection } from 'vscode-jsonrpc/node';
import { connectToBroker } from '../../link/src/connect';
import { requests, type RequestName, type RequestParams, type RequestResult } from '../../protocol/src/messages';
import type { ConfigInput } from '../../protocol/src/config';
import type { Pending } from '../../protocol/src/approvals';

/** Our extension's name. */
export const extensionId = 'conductor-tools.conductor-vscode';

/** The configuration folder of this run. */
export const configDir = process.env['CONDUCTOR_CONFIG_DIR'] ?? '';

/** The files of that folder. */
export const files = { config: join(configDir, 'config.json'), log: join(configDir, 'audit.log') } as const;

/** Looks until `look` gives something else than undefined or false, at most `patienceMs`; the last failure is the reason of giving up. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false, patienceMs = 20_000): Promise<T> {
  const deadline = performance.now() + patienceMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  throw new Error(`Waited in vain for: ${what}`, { cause: last });
}

/** The broker as a terminal sees it, on a connection of its own for each request. Never starts one. */
export async function ask<Name extends RequestName>(name: Name, params: RequestParams<Name>): Promise<RequestResult<Name>> {
  const { socket } = await connectToBroker({ configDir, who: { role: 'cli', version: '0.1.0' } });
  const connection: MessageConnection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  connection.listen();
  try {
    return requests[name].result.parse(await connection.sendRequest(name, params)) as RequestResult<Name>;
  } finally {
    connection.dispose();
    socket.destroy();
  }
}

/** Waits until this window is connected and may answer approvals. */
export async function connected(): Promise<void> {
  await vscode.extensions.getExtension(extensionId)?.activate();
  await eventually('a connected window', async () => (await ask('conductor/status', {})).connections.editor > 0);
}

/** Writes the configuration and waits until it is in force. The broker ends soon after the last window, so that no run leaves one behind. */
export async function configure(config: ConfigInput): Promise<void> {
  const text = JSON.stringify({ server: { idleMinutes: 0.1 }, ...config });
  const before = (await ask('conductor/status', {})).config;
  // Another suite may have left just this.
  const present = await readFile(files.config, 'utf8').catch(() => '');
  await writeFile(files.config, text);
  await eventually('the new configuration', async () => {
    const { config: now } = await ask('conductor/status', {});
    return now.source === 'current' && (now.policyHash !== before.policyHash || text === present);
  });
}

/** The name under which VS Code knows one of our tools, after its server was started. */
export async function toolName(wire: string): Promise<string> {
  return eventually(`the tool ${wire}`, async () => {
    const found = vscode.lm.tools.find(({ name }) => name.startsWith('mcp_') && name.endsWith(wire));
    if (found === undefined) await vscode.commands.executeCommand('workbench.mcp.startServer', `${extensionId}/Conductor`, { waitForLiveTools: true });
    return found?.name;
  });
}

/** How a call ended, as its agent reads it. */
export type Called = Readonly<{ text: string }>;

/** Calls a tool as VS Code's agent would. */
export async function call(wire: string, input: Readonly<Record<string, unknown>>, token?: vscode.CancellationToken): Promise<Called> {
  const result = await vscode.lm.invokeTool(await toolName(wire), { input, toolInvocationToken: undefined }, token);
  const parts = result.content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : ''));
  return { text: parts.join('\n') };
}

/** Calls `shell_exec`. */
export async function shell(command: string, token?: vscode.CancellationToken): Promise<Called> {
  return call('shell_exec', { command }, token);
}

/** Waits until exactly these commands wait, in this order of asking. */
export async function waiting(...raws: readonly string[]): Promise<readonly Pending[]> {
  return eventually(`waiting: ${raws.join(', ')}`, async () => {
    const { pending } = await ask('approvals/list', {});
    assert.deepEqual(pending.map(({ raw }) => raw), raws);
    return pending;
  });
}

/** Denies everything that waits, so that one test's remains do not disturb the next. */
export async function denyAll(): Promise<void> {
  const { pending } = await ask('approvals/list', {});
  for (const { id, digest } of pending) await ask('approvals/decide', { id, digest, decision: 'deny' });
  await waiting();
}

/** Waits until every entry is signed: then nothing adds one by itself, and a test that puts the file back loses none. */
export async function atRest(): Promise<void> {
  await eventually('a log that is signed to its end', async () => {
    const { signing, audit } = await ask('conductor/status', {});
    assert.equal(signing.signedTo, audit.entries, signing.problem ?? '');
    return true;
  }, 40_000);
}

/** The lines of the audit log. */
export async function logLines(): Promise<string[]> {
  return (await readFile(files.log, 'utf8')).trimEnd().split('\n');
}

/** The folder in which the agents work. */
export function projectFolder(): string {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder);
  return folder.uri.fsPath;
}

/** Moves down in an open quick pick, and takes what is there. */
export async function pickDown(steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
  await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
}

/** Longer than the time during which a fresh row or list takes no answer. */
export async function settle(): Promise<void> {
  await sleep(450);
}

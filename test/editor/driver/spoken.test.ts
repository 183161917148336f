/** What a screen reader is told in the real workbench: every row, list, action and status item of ours, as the editor hands it on. */
import * as assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { isPageReachable, shown } from '../harnessPage';
import { ask, call, configDir, configure, connected, denyAll, eventually, settle, shell, toolName, waiting } from '../workbench';

const rows = '.pane-body .monaco-list-row';
const list = '.quick-input-widget .monaco-list-row';
// Names of icons that we use; no word that a person hears is one of them followed by two blanks, as the editor writes an icon of a label.
const icons = /\b(?:chevron-right|folder|terminal|question|account|circle-slash|comment|check|check-all|eye|warning|pass|error|bell|zap|output|info|lock|key|close|trash|edit|vm|window|blank) {2}/;

async function spokenBy(selector: string): Promise<string[]> {
  return (await shown(selector)).map(({ ariaLabel }) => ariaLabel ?? '');
}

/** Waits until a list is open that has such a row, and gives what is said of each row. */
async function listWith(text: string): Promise<string[]> {
  await eventually(`a list with ${text}`, async () => (await shown(list)).some((row) => row.text.includes(text)));
  return spokenBy(list);
}

function speaks(all: readonly string[], what: string): void {
  assert.ok(all.length > 0, `no ${what}`);
  for (const label of all) assert.ok(label.trim() !== '' && !icons.test(label) && !label.includes('$('), `${what}: ${JSON.stringify(label)}`);
}

describe('what a screen reader is told in the editor', () => {
  before(async function () {
    if (!isPageReachable) this.skip();
    await connected();
    writeFileSync(join(configDir, 'mcp_backends.json'), JSON.stringify({ version: 1, backends: { calc: { transport: 'stdio', command: 'no-such-program', args: [] } } }));
    await configure({ plugins: { shell: { allowedCommands: ['ls'], requireApproval: ['touch', 'echo'] } }, approvalTimeout: 60_000 });
    await toolName('shell_exec');
  });

  after(() => rm(join(configDir, 'mcp_backends.json'), { force: true }));

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await denyAll();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('client:spoken-editor every row of every view says what it is', async () => {
    const calling = shell('touch spoken.txt');
    await waiting('touch spoken.txt');
    for (const view of ['approvals', 'servers', 'audit', 'credentials', 'breakers']) {
      await vscode.commands.executeCommand(`conductor.${view}.focus`);
      await vscode.commands.executeCommand('list.expandRecursively').then(undefined, () => undefined);
      if (view === 'audit') await vscode.commands.executeCommand('list.expand');
    }
    const all = await eventually('rows of waiting calls, servers and the log', async () => {
      const now = await spokenBy(rows);
      return ['touch spoken.txt', 'calc', 'entries'].every((word) => now.some((label) => label.includes(word))) && now;
    });
    speaks(all, 'row');
    const waits = all.find((label) => label.includes('touch spoken.txt, in '));
    assert.match(waits ?? all.join('\n'), /^Run a command: touch spoken\.txt, in \/.*, waits for your decision/);
    await denyAll();
    await calling;
  });

  it('client:spoken-editor the status item says how many wait, and its badge as well', async () => {
    const calling = shell('touch counted.txt');
    await waiting('touch counted.txt');
    await eventually('the status item', async () => (await spokenBy('.statusbar-item[id*="conductor"], .statusbar-item[id*="conductor"] a')).some((label) => /1 tool call waits for your decision/.test(label)));
    await eventually('the badge', async () => (await spokenBy('.activitybar .action-label')).some((label) => /Conductor.*1 tool call waits/.test(label)));
    await denyAll();
    await calling;
  });

  it('client:spoken-editor lists read their words without the names of icons', async () => {
    const calling = shell('touch listed.txt');
    await waiting('touch listed.txt');
    void vscode.commands.executeCommand('conductor.approvals.decide');
    const decision = await listWith('Approve Once');
    speaks(decision, 'row of the decision list');
    for (const wanted of [/^touch listed\.txt/, /^in \//, /^asks because: Your settings let touch run/, /^\(shell\.requireApproval\)/, /^runs \/\S*touch/, /^the agent calls itself /, /^Deny, Nothing runs/, /^Deny with Reason…, /, /^Approve Once, Exactly this/]) assert.ok(decision.some((label) => wanted.test(label)), `${String(wanted)} in ${decision.join(' | ')}`);
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    void vscode.commands.executeCommand('conductor.status.show');
    speaks(await listWith('Broker'), 'row of the status');
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await denyAll();
    await calling;
  });

  it('client:spoken-editor the actions in the title of a review have names', async () => {
    const calling = call('filesystem_write', { path: 'short.txt', content: 'x' }).then(undefined, () => undefined);
    await eventually('a waiting write', async () => (await ask('approvals/list', {})).pending.length === 1);
    await vscode.commands.executeCommand('conductor.approvals.reviewNext');
    await eventually('the difference', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-change');
    await settle();
    const titles = await eventually('the actions in the title', async () => {
      const labels = await spokenBy('.editor-actions .action-label');
      return labels.some((label) => label.startsWith('Approve Once')) && labels;
    });
    speaks(titles, 'action in the title');
    await denyAll();
    await calling;
  });
});

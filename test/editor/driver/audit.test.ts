/** The audit log in the real workbench: listed, filtered, opened, verified, and marked where somebody changed it. */
import * as assert from 'node:assert/strict';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { click, isPageReachable, press, shown, takePicture } from '../harnessPage';
import { ask, atRest, call, configure, connected, eventually, files, logLines, pickDown, settle, shell, toolName } from '../workbench';

const rows = '.pane-body .monaco-list-row';
const told = '.notifications-center .notification-list-item';

async function verify(): Promise<VerificationReport> {
  const report = await vscode.commands.executeCommand<VerificationReport | undefined>('conductor.audit.verify');
  assert.ok(report);
  return report;
}

async function texts(selector: string): Promise<string[]> {
  return (await shown(selector)).map(({ text, ariaLabel }) => `${text.replace(/\s+/g, ' ')} ${ariaLabel ?? ''}`);
}

async function see(selector: string, part: RegExp): Promise<void> {
  await eventually(`${selector} with ${String(part)}`, async () => {
    const found = await texts(selector);
    assert.ok(found.some((text) => part.test(text)), found.join('\n'));
    return true;
  });
}

/** Makes at least so many entries today, two with each call. */
async function fillLog(entries: number): Promise<void> {
  for (let made = (await logLines()).length; made < entries; made += 50) {
    await Promise.all(Array.from({ length: 25 }, () => call('filesystem_list', { path: 'src' })));
  }
  await eventually('a long log', async () => (await logLines()).length >= entries);
}

/** The lowest entry number on show. */
async function lowest(): Promise<number> {
  return Math.min(...(await texts(rows)).flatMap((text) => [...text.matchAll(/number (\d+)/g)].map(([, seq]) => Number(seq))));
}

/** Opens the fullest hour of today. */
async function openFullestHour(): Promise<void> {
  await vscode.commands.executeCommand('conductor.audit.focus');
  await press('Home');
  if ((await texts(`${rows}[aria-expanded="true"]`)).length === 0) await press('ArrowRight');
  await see(rows, /\d\d:00 ?[\d,]+ entries/);
  const hours = (await texts(rows)).flatMap((text) => [...text.matchAll(/(\d\d:00) ?([\d,]+) entries/g)].map(([, hour = '', count = '']) => ({ hour, count: Number(count.replace(',', '')) })));
  const [fullest] = hours.sort((one, other) => other.count - one.count);
  assert.ok(fullest !== undefined && fullest.count > 400, JSON.stringify(hours));
  await click(`${rows}[aria-label*="${fullest.hour}"] .monaco-tl-twistie`);
}

async function gone(selector: string, part: RegExp): Promise<void> {
  await eventually(`${selector} without ${String(part)}`, async () => !(await texts(selector)).some((text) => part.test(text)));
}

describe('the audit log in the editor', () => {
  before(async () => {
    await connected();
    await configure({ plugins: { shell: { allowedCommands: ['ls', 'true', 'echo'] } } });
    await toolName('shell_exec');
    for (const word of ['alpha', 'beta', 'gamma']) await shell(`echo ${word}`);
    await vscode.commands.executeCommand('conductor.audit.focus');
    await vscode.commands.executeCommand('conductor.audit.clearFilter');
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('lists entries by day, live', async function () {
    if (!isPageReachable) this.skip();
    const today = new Date().toISOString().slice(0, 10);
    await see(rows, new RegExp(today));
    if ((await texts(`${rows}[aria-expanded="true"]`)).length === 0) await click(`${rows}[aria-label*="${today}"] .monaco-tl-twistie`);
    await see(rows, /shell\.exec.*echo gamma/);
    await shell('echo delta');
    await see(rows, /shell\.exec.*echo delta/);
    await takePicture('audit-tree');
  });

  it('opens an entry to read, and as it stands in the log, laid out', async () => {
    const denied = JSON.parse((await logLines()).find((line) => line.includes('echo beta')) ?? '{}') as { seq: number };
    await vscode.commands.executeCommand('conductor.audit.openEntry', denied.seq);
    const document = await eventually('the entry', () => vscode.window.activeTextEditor?.document.uri.scheme === 'conductor-audit-entry' && vscode.window.activeTextEditor.document);
    const text = document.getText();
    for (const part of [/^Entry \d+ {2}shell\.exec: /, /\nNo hidden characters\.\n/, /Input\n {4}echo beta\n/, /Decision {2,}Allowed without asking, by the rule shell\.allowed/, /Who {2,}agent, /, /When {2,}\d{4}-.* UTC, .* here/, /As it stands in the log\n {4}\{\n {6}"v": 1/]) assert.match(text, part);
    const lenses = await eventually('its lenses', async () => {
      const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri);
      return found.length > 0 && found;
    });
    assert.deepEqual(lenses.map(({ command }) => command?.title), ['Open Rule in Configuration', 'Policy at That Time', 'All Entries of This Call', 'Show in Audit Log', 'As JSON']);
    if (isPageReachable) await takePicture('audit-entry');
    const run = async (title: string): Promise<void> => {
      const command = lenses.find((lens) => lens.command?.title === title)?.command;
      await vscode.commands.executeCommand(command?.command ?? '', ...((command?.arguments ?? []) as unknown[]));
    };
    await run('As JSON');
    const json = await eventually('the entry as JSON', () => vscode.window.activeTextEditor?.document.languageId === 'json' && vscode.window.activeTextEditor.document);
    assert.deepEqual(JSON.parse(json.getText()), JSON.parse((await logLines())[denied.seq - 1] ?? ''));
    await run('Policy at That Time');
    await eventually('the policy', () => /"allowedCommands"/.test(vscode.window.activeTextEditor?.document.getText() ?? ''));
    await run('Open Rule in Configuration');
    const editor = await eventually('the configuration', () => vscode.window.activeTextEditor?.document.uri.fsPath === files.config && vscode.window.activeTextEditor);
    assert.equal(editor.document.getText(editor.selection), '"allowedCommands"');
    if (!isPageReachable) return;
    await run('All Entries of This Call');
    await see('.pane-body', /Filter: call evt_/);
    await run('Show in Audit Log');
    await see(`${rows}.selected`, /echo beta/);
    await vscode.commands.executeCommand('conductor.audit.clearFilter');
  });

  it('shows an opened log with the level reached, decoded, and folded by hour', async () => {
    await verify();
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(files.log));
    await vscode.window.showTextDocument(document);
    await eventually('its language', () => vscode.workspace.textDocuments.find(({ uri }) => uri.fsPath === files.log)?.languageId === 'conductor-audit');
    const titles = await eventually('lenses', async () => {
      const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri);
      return lenses.length > 0 && lenses.map(({ command }) => command?.title ?? '');
    });
    assert.match(titles[0] ?? '', /Verified to #\d+ · (not signed|signed to #\d+)/);
    const index = (await logLines()).findIndex((line) => line.includes('echo beta'));
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, new vscode.Position(index, 4));
    const shownText = hovers.flatMap(({ contents }) => contents.map((content) => (typeof content === 'string' ? content : content.value))).join('\n');
    assert.match(shownText, /Open Entry/);
    assert.match(shownText, /command {2}echo beta/);
    const folds = await vscode.commands.executeCommand<vscode.FoldingRange[]>('vscode.executeFoldingRangeProvider', document.uri);
    assert.deepEqual(folds[0] === undefined ? undefined : [folds[0].start, folds[0].end >= index], [0, true]);
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>('vscode.executeDocumentSymbolProvider', document.uri);
    assert.match(symbols[0]?.name ?? '', /^\d{4}-\d\d-\d\d \(UTC\)$/);
    if (isPageReachable) await takePicture('audit-opened');
  });

  it('lets nobody type into an opened log, whatever the name of its folder', async () => {
    const typed = async (file: string): Promise<boolean> => {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.file(file));
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
      await vscode.commands.executeCommand('type', { text: 'x' });
      const { isDirty } = document;
      if (isDirty) await vscode.commands.executeCommand('workbench.action.files.revert');
      return isDirty;
    };
    assert.notEqual(basename(dirname(files.log)), '.conductor');
    assert.equal(await typed(files.config), true, 'other files can be edited');
    await eventually('a log that cannot be edited', async () => !(await typed(files.log)));
  });

  it('says what helps with a file that VS Code shows to no extension', async function () {
    if (!isPageReachable) this.skip();
    const large = join(dirname(files.log), 'audit', 'large.log');
    await mkdir(dirname(large), { recursive: true, mode: 0o700 });
    await writeFile(large, '');
    await truncate(large, 51 * 1_048_576);
    try {
      await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(large));
      await vscode.commands.executeCommand('notifications.showList');
      await see(told, /this file of the audit log has 51 MB\. VS Code shows files above 50 MB to no extension/);
      await takePicture('audit-large');
    } finally {
      await rm(large);
      await vscode.commands.executeCommand('notifications.clearAll');
    }
  });

  it('ends a verification that is cancelled, without a result', async function () {
    if (!isPageReachable) this.skip();
    await vscode.commands.executeCommand('notifications.clearAll');
    const { pid } = await ask('conductor/status', {});
    // As long as any log takes.
    process.kill(pid, 'SIGSTOP');
    let verifying: Thenable<unknown>;
    try {
      verifying = vscode.commands.executeCommand('conductor.audit.verify');
      await vscode.commands.executeCommand('notifications.showList');
      await see(told, /verifying the audit log/);
      await takePicture('audit-verifying');
      await click(`${told} .monaco-button`);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    assert.equal(await verifying, undefined);
    await gone(told, /audit log/);
    await vscode.commands.executeCommand('notifications.hideList');
  });

  it('filters by result and shows that it does', async function () {
    if (!isPageReachable) this.skip();
    await shell('curl http://localhost');
    void vscode.commands.executeCommand('conductor.audit.filter');
    await see('.quick-input-widget .monaco-list-row', /Result/);
    await pickDown(1);
    await see('.quick-input-widget .monaco-list-row', /denied, \d+ entr/);
    await press(...'denied', 'Enter');
    await see('.pane-body', /Filter: result denied/);
    await gone(rows, /echo gamma/);
    await see(rows, /curl/);
    await takePicture('audit-filter');
    await vscode.commands.executeCommand('conductor.audit.clearFilter');
    await see(rows, /echo gamma/);
  });

  it('finds entries while typing', async function () {
    if (!isPageReachable) this.skip();
    void vscode.commands.executeCommand('conductor.audit.search');
    await see('.quick-input-widget .monaco-list-row', /shell\.exec/);
    await takePicture('audit-search');
  });

  it('verifies an untouched log as intact, and says the level', async () => {
    const report = await verify();
    assert.equal(report.verdict, 'intact');
    assert.ok(report.level !== null);
    assert.ok(report.entries >= 8);
  });

  it('loads a long day by hours and pages, and starts over when refreshed', async function () {
    if (!isPageReachable) this.skip();
    this.timeout(120_000);
    await fillLog(1400);
    await vscode.commands.executeCommand('conductor.audit.refresh');
    await openFullestHour();
    await see(rows, /filesystem\.list/);
    await press('End');
    await see(rows, /Load 200 More…/);
    const firstEnd = await lowest();
    // A busy workbench may lose a key; a person would press it again.
    for (let tries = 0; tries < 3; tries += 1) {
      await press('Enter');
      if (await eventually('more rows', async () => !(await texts(rows)).some((text) => /Load 200 More…/.test(text)), 5000).catch(() => false)) break;
    }
    await gone(rows, /Load 200 More…/);
    await press('End');
    await see(rows, /Load 200 More…/);
    assert.equal(await lowest(), firstEnd - 200);
    await takePicture('audit-more');
    await vscode.commands.executeCommand('conductor.audit.refresh');
    await press('End');
    // A signature of the log may have added entries meanwhile.
    await eventually('the first page again', async () => (await lowest()) >= firstEnd && (await lowest()) < firstEnd + 100);
  });

  it('names and marks an edited line, and takes the mark away when it is as before', async function () {
    this.timeout(90_000);
    await atRest();
    const original = await readFile(files.log);
    const lines = original.toString('utf8').split('\n');
    const index = lines.findIndex((line) => line.includes('echo beta'));
    assert.ok(index > 0);
    await writeFile(files.log, original.toString('utf8').replace('echo beta', 'echo BETA'));
    try {
      const report = await verify();
      assert.equal(report.verdict, 'tampered');
      assert.equal(report.line, index + 1);
      assert.equal(report.class, 'hash');
      const problems = vscode.languages.getDiagnostics(vscode.Uri.file(files.log));
      assert.deepEqual(problems.map(({ range, source, code }) => [range.start.line, source, code]), [[index, 'conductor', 'hash']]);
      assert.match(problems[0]?.message ?? '', /^Edited: Line \d+ was edited: .*\nExpected sha256:[0-9a-f]{64}\nFound sha256:[0-9a-f]{64}$/);
      if (isPageReachable) {
        // Far below the first page of its hour: the tree jumps there, and says so.
        await see(rows, /EDITED.*echo BETA/i);
        await takePicture('audit-jumped');
        await vscode.commands.executeCommand('conductor.audit.focus');
        await press('Home');
        await see(rows, new RegExp(`Chain broken at line ${index + 1}: edited`));
        await see(rows, /Show the Newest…/);
        await see(rows, /BROKEN ·/);
        await see('.statusbar-item', /audit chain broken/);
        await vscode.commands.executeCommand('workbench.action.problems.focus');
        await takePicture('audit-tampered');
      }
    } finally {
      await writeFile(files.log, original);
    }
    assert.equal((await verify()).verdict, 'intact');
    assert.deepEqual(vscode.languages.getDiagnostics(vscode.Uri.file(files.log)), []);
    if (!isPageReachable) return;
    await gone(rows, /Chain broken|BROKEN/);
    await gone('.statusbar-item', /audit chain broken/);
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await vscode.commands.executeCommand('conductor.audit.focus');
    await press('Home');
    // The tree may be drawn anew at the newest before the click gets there.
    await eventually('the newest again', async () => {
      if (!(await texts(rows)).some((text) => /Show the Newest…/.test(text))) return true;
      await click(`${rows}[aria-label*="Show the newest"]`).catch(() => undefined);
      return false;
    });
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });

  it('notices that the end of the log was cut off, since it remembers how long it was', async function () {
    this.timeout(90_000);
    await atRest();
    const whole = await verify();
    const original = await readFile(files.log);
    const kept = original.toString('utf8').trimEnd().split('\n').slice(0, -2);
    await writeFile(files.log, `${kept.join('\n')}\n`);
    try {
      const report = await verify();
      assert.equal(report.verdict, 'tampered');
      assert.equal(report.class, 'truncation');
      assert.equal(report.entries, whole.entries - 2);
    } finally {
      await writeFile(files.log, original);
    }
    await settle();
    assert.equal((await verify()).verdict, 'intact');
    assert.equal((await ask('conductor/status', {})).audit.health, 'ok');
  });

  it('audit:told-when-wrong verifies by itself after each start, says nothing of a sound log, and what and where of a damaged one', async function () {
    if (!isPageReachable) this.skip();
    this.timeout(90_000);
    const restarted = async (): Promise<void> => {
      const { pid } = await ask('conductor/status', {});
      await vscode.commands.executeCommand('notifications.clearAll');
      process.kill(pid, 'SIGKILL');
      await eventually('the next broker', async () => {
        const status = await ask('conductor/status', {});
        return status.pid !== pid && status.connections.editor > 0;
      });
      await vscode.commands.executeCommand('notifications.showList');
    };
    await restarted();
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(files.log));
    await eventually('a verification that nobody asked for', async () => {
      const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri);
      return lenses.some(({ command }) => /^\$\(verified(?:-filled)?\) ?Verified to #|Verified to #\d+ ·/.test(command?.title ?? ''));
    });
    assert.deepEqual((await texts(told)).filter((text) => /audit log/i.test(text)), []);
    const original = await readFile(files.log);
    await writeFile(files.log, original.toString('utf8').replace('echo beta', 'echo BETA'));
    await restarted();
    await see(told, /Audit log TAMPERED: Line \d+ was edited/);
    await takePicture('audit-told');
    await vscode.commands.executeCommand('notifications.clearAll');
    await vscode.commands.executeCommand('notifications.hideList');
    await writeFile(files.log, original);
    await settle();
    assert.equal((await verify()).verdict, 'intact');
    assert.equal((await ask('conductor/status', {})).audit.health, 'ok');
  });

  it('marks a log that was damaged before the broker started, and a person begins a new one from the view', async function () {
    if (!isPageReachable) this.skip();
    this.timeout(60_000);
    const startNew = '.pane-header .action-label[aria-label^="Start New Audit Log"]';
    await eventually('no action while the log is sound', async () => (await shown(startNew)).length === 0);
    const { pid } = await ask('conductor/status', {});
    await writeFile(files.log, (await readFile(files.log, 'utf8')).replace('echo gamma', 'echo GAMMA'));
    process.kill(pid, 'SIGKILL');
    await eventually('a broker that refuses the log', async () => {
      const status = await ask('conductor/status', {});
      return status.audit.health === 'tampered' && status.connections.editor > 0;
    });
    await see(rows, /EDITED.*echo GAMMA/i);
    await vscode.commands.executeCommand('conductor.audit.focus');
    await press('Home');
    await see(rows, /Chain broken at line \d+: edited/);
    await see(rows, /BROKEN ·/);
    await see('.statusbar-item', /audit chain broken/);
    assert.match((await shell('ls')).text, /damaged/);
    await takePicture('audit-refused');
    await click(startNew);
    await eventually('the question why', async () => (await shown('.quick-input-widget input')).length > 0);
    await press(...'kept'.split(''), 'Space', ...'as'.split(''), 'Space', ...'evidence'.split(''));
    await takePicture('audit-start-new');
    await press('Enter');
    await eventually('a sound log', async () => (await ask('conductor/status', {})).audit.health === 'ok');
    assert.match((await shell('ls')).text, /README\.md/);
    await gone(rows, /Chain broken|BROKEN ·|Audit log damaged/);
    await gone('.statusbar-item', /audit chain broken/);
    await eventually('no action any more', async () => (await shown(startNew)).length === 0);
    assert.match((await logLines())[0] ?? '', /"file":"audit\/damaged-.*kept as evidence/);
    assert.equal((await verify()).verdict, 'intact');
    await takePicture('audit-new');
  });
});

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProgressLocation, Range, Selection, Uri, commands as editorCommands, window, workspace } from 'vscode';
import type { BackendChange, ImportPlan } from '../../../protocol/src/externalServers';
import type { Broker } from '../broker';
import { views } from '../ids';
import { counted, plainLabel } from '../labels';
import { askChoice, askText } from '../steps';
import type { ServerModel } from './model';
import { nameFlaw, profileFrom } from './profile';
import type { ServerReviews } from './review';
import { preflightLines, serverRow, waitingTools } from './rows';

/** What the commands about external servers use. */
export type Room = Readonly<{ broker: Broker; model: ServerModel; reviews: ServerReviews }>;

/** Opens what was approved of a server beside what is there now. */
export async function reviewServer({ model, reviews }: Room, row: unknown): Promise<void> {
  const backend = await serverFor(model, row, 'Review Server');
  if (backend === undefined) return;
  const { launch, tools } = await reviews.open(backend);
  if (launch === 'approved' && tools.length === 0) window.setStatusBarMessage(`Conductor: nothing of ${backend} waits for approval.`, 4000);
}

/** Shows what taking over the servers of other programs would change. */
export async function importServers({ broker, reviews }: Room): Promise<void> {
  const plan = await broker.request('backends/importPlan', {});
  if (plan.servers.length === 0) {
    const why = plan.leftOut.length === 0 ? '' : ` ${plainLabel(plan.leftOut.join(' '), 400)}`;
    return void window.showInformationMessage(`Conductor: no other program has a server to take over.${why}`);
  }
  await reviews.openImport(plan);
  window.setStatusBarMessage('Conductor: read what would change, then approve it in the title of the editor', 8000);
}

/** Takes back what the last import added, after a second question: credentials go with it. */
export async function undoImport({ broker, model }: Room): Promise<void> {
  if (!(await broker.request('backends/importPlan', { sources: [] })).undoable) return void window.setStatusBarMessage('Conductor: there is no import to undo.', 4000);
  const sure = await askChoice<boolean>({ title: 'Undo Import of Servers', back: false, placeholder: 'The servers that it added are removed, and their credentials deleted' }, [
    { label: '$(close) Leave It as It Is', value: false },
    { label: '$(trash) Remove What Was Imported', value: true },
  ]);
  if (typeof sure === 'string' || !sure.value) return;
  const { backends } = await broker.request('backends/undoImport', {});
  await model.refresh();
  window.setStatusBarMessage(`Conductor: ${counted(backends.length, 'server')} of the import ${backends.length === 1 ? 'is' : 'are'} removed`, 5000);
}

async function takeOver({ broker, model, reviews }: Room, plan: ImportPlan): Promise<void> {
  const { backends } = await progress('importing servers', () => broker.request('backends/import', { digest: plan.digest }));
  await reviews.closeImport();
  await model.refresh();
  await editorCommands.executeCommand(`${views.servers}.focus`);
  const undo = 'Undo';
  const chosen = await window.showInformationMessage(`Conductor: ${counted(backends.length, 'server')} imported. Each waits for your approval in the view Servers, and agents reach only what external_mcp_policy.json lists. Remove them from the other programs.`, undo);
  if (chosen === undo) await undoImport({ broker, model, reviews });
}

/** Approves just what the document in front shows. */
export async function approveServer({ broker, model, reviews }: Room, given: unknown): Promise<void> {
  const shown = reviews.at(given);
  if (shown === undefined) return void window.setStatusBarMessage('Conductor: open the review of a server and read it first.', 4000);
  if (shown.kind === 'import') return takeOver({ broker, model, reviews }, shown.plan);
  const { backend, difference } = shown;
  const isStart = difference.launch !== 'approved';
  if (!isStart && difference.tools.length === 0) return void window.setStatusBarMessage(`Conductor: nothing of ${backend} waits for approval.`, 4000);
  // Tools that were offered before it was started this way are none of this approval.
  const tools = isStart ? [] : difference.tools;
  await progress(`approving ${backend}`, () => broker.request('backends/approve', { backend, identity: difference.identity, tools }));
  await model.refresh();
  await reviews.close(backend);
  const view = model.servers.find((server) => server.view.backend === backend)?.view;
  if (isStart && view !== undefined && waitingTools(view) > 0) {
    await reviews.open(backend);
    return void window.setStatusBarMessage(`Conductor: ${backend} may be started. Its tools wait for your approval here.`, 8000);
  }
  if (view !== undefined && view.failure !== '') return void window.showWarningMessage(`Conductor: ${backend} is approved, but did not start. ${plainLabel(view.failure, 300)}`);
  window.setStatusBarMessage(`Conductor: ${backend} is approved as shown${tools.length === 0 ? '' : `, with ${counted(tools.length, 'tool')}`}`, 5000);
}

/** Takes an approval back. */
export async function withdrawServer({ broker, model }: Room, row: unknown): Promise<void> {
  const backend = await serverFor(model, row, 'Withdraw Approval of Server');
  if (backend === undefined) return;
  const { withdrawn } = await broker.request('backends/withdraw', { backend });
  window.setStatusBarMessage(withdrawn ? `Conductor: ${backend} waits for your approval again` : `Conductor: ${backend} was not approved`, 5000);
}

/** Starts or reaches a server now. */
export async function startServer({ broker, model }: Room, row: unknown): Promise<void> {
  const backend = await serverFor(model, row, 'Start Server');
  if (backend === undefined) return;
  const { tools } = await progress(`starting ${backend}`, () => broker.request('backends/start', { backend }));
  window.setStatusBarMessage(`Conductor: ${backend} is ready with ${counted(tools, 'tool')}`, 5000);
}

/** Ends the connection of a server until it is used next. */
export async function stopServer({ broker, model }: Room, row: unknown): Promise<void> {
  const backend = await serverFor(model, row, 'Stop Server');
  if (backend === undefined) return;
  await broker.request('backends/stop', { backend });
  await model.refresh();
  window.setStatusBarMessage(`Conductor: ${backend} is stopped until it is used next; disable it to keep it off`, 6000);
}

/** Switches a server on or off in `mcp_backends.json`. What lets agents do more is asked about first. */
export async function switchServer({ broker, model }: Room, row: unknown, change: 'enable' | 'disable'): Promise<void> {
  const backend = await serverFor(model, row, change === 'enable' ? 'Enable Server' : 'Disable Server');
  if (backend === undefined) return;
  const plan = await broker.request('backends/plan', { change, backend });
  if (plan.says.length === 0) return void window.setStatusBarMessage(`Conductor: nothing becomes different for ${backend}.`, 4000);
  if (plan.widens) {
    const sure = await askChoice<boolean>({ title: `Enable ${backend}`, back: false, placeholder: plainLabel(plan.says.join(' '), 200) }, [
      { label: '$(close) Leave It as It Is', value: false },
      { label: `$(check) Enable ${backend}`, detail: 'Agents can call what the policy lists of it, once it is approved.', value: true },
    ]);
    if (typeof sure === 'string' || !sure.value) return;
  }
  await broker.request('backends/change', { change, backend });
  window.setStatusBarMessage(`Conductor: ${backend} is ${change}d`, 5000);
}

/** Adds a server, asked for in three steps; what it would be is shown before it is. It waits for approval then, like every other. */
export async function addServer({ broker, model, reviews }: Room): Promise<void> {
  await model.refresh();
  const taken = model.servers.map(({ view }) => view.backend);
  const said = (flaw: string | undefined) => (flaw === undefined ? undefined : ({ kind: 'error', text: flaw }) as const);
  const name = await askText({ title: 'Add Server', step: 1, of: 3, back: false, prompt: 'Its name, as agents will see it before its tools', placeholder: 'files', check: (text) => said(nameFlaw(text, taken)) });
  if (typeof name === 'string') return;
  const flawOf = (goal: string, hosts: string): string | undefined => ((one) => ('flaw' in one ? one.flaw : undefined))(profileFrom(name.text, goal, hosts));
  const goal = await askText({ title: `Add Server ${name.text}`, step: 2, of: 3, back: false, prompt: 'The program with its arguments, or the address of the server', placeholder: 'npx -y @example/server "/a folder"   or   https://mcp.example.com/mcp', check: (text) => said(flawOf(text, '')) });
  if (typeof goal === 'string') return;
  const hosts = await askText({ title: `Add Server ${name.text}`, step: 3, of: 3, back: false, prompt: 'Hosts that it may reach, with commas. Nothing: none at all, or the one of its address', placeholder: 'registry.npmjs.org:443', check: (text) => said(flawOf(goal.text, text)) });
  if (typeof hosts === 'string') return;
  const made = profileFrom(name.text, goal.text, hosts.text);
  if ('flaw' in made || !(await agreedTo(broker, { change: 'set', backend: name.text, profile: made.profile }, `Add ${name.text}`))) return;
  await model.refresh();
  await reviews.open(name.text);
}

/** Takes a server out of `mcp_backends.json`, after a question. */
export async function removeServer({ broker, model }: Room, row: unknown): Promise<void> {
  const backend = await serverFor(model, row, 'Remove Server');
  if (backend === undefined || !(await agreedTo(broker, { change: 'remove', backend }, `Remove ${backend}`))) return;
  await model.refresh();
  window.setStatusBarMessage(`Conductor: ${backend} is removed; its credentials stay until they are deleted`, 5000);
}

/** Shows what a change would make different, and makes it when a person says so. */
async function agreedTo(broker: Broker, change: BackendChange, title: string): Promise<boolean> {
  const { says } = await broker.request('backends/plan', change);
  const sure = await askChoice<boolean>({ title, back: false, placeholder: plainLabel(says.join(' '), 300) }, [
    { label: '$(close) Leave It as It Is', value: false },
    { label: `$(check) ${title}`, value: true },
  ]);
  if (typeof sure === 'string' || !sure.value) return false;
  await broker.request('backends/change', change);
  return true;
}

/** Runs the checks of a server, and shows each. */
export async function preflightServer({ broker, model, reviews }: Room, row: unknown): Promise<void> {
  const backend = await serverFor(model, row, 'Preflight Server');
  if (backend === undefined) return;
  const report = await progress(`checking ${backend}`, () => broker.request('backends/preflight', { backend }));
  await reviews.show(`Preflight of ${backend}`, preflightLines(report));
}

/** Closes the breaker of a server, with a reason for the log. */
export async function resetServer({ broker, model }: Room, row: unknown): Promise<void> {
  const backend = await serverFor(model, row, 'Reset Breaker of Server');
  if (backend === undefined) return;
  const reason = await askText({ title: `Reset Breaker of ${backend}`, back: false, prompt: 'Why may it be tried again? The audit log keeps your answer.', check: (text) => (text.trim() === '' || text.length > 500 ? { kind: 'error', text: 'Write 1 to 500 characters.' } : undefined) });
  if (typeof reason === 'string') return;
  const { reset } = await broker.request('backends/reset', { backend, reason: reason.text.trim() });
  window.setStatusBarMessage(reset ? `Conductor: the breaker of ${backend} is reset` : `Conductor: the breaker of ${backend} was closed already`, 5000);
}

/** What a new file begins with. */
const starters = {
  'mcp_backends.json': '{\n  "version": 1,\n  "backends": {\n  }\n}\n',
  'external_mcp_policy.json': '{\n  "version": "1",\n  "default": "deny",\n  "rules": [\n  ]\n}\n',
} as const;

/** Opens one of the two files, at a server when a row names one. */
export async function openServerFile({ broker }: Room, name: keyof typeof starters, row: unknown): Promise<void> {
  const file = join(broker.configDir, name);
  await writeFile(file, starters[name], { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  const editor = await window.showTextDocument(await workspace.openTextDocument(Uri.file(file)));
  const backend = backendOf(row);
  const at = backend === undefined ? -1 : (await readFile(file, 'utf8')).indexOf(`"${backend}"`);
  if (at < 0) return;
  const place = editor.document.positionAt(at);
  editor.selection = new Selection(place, place);
  editor.revealRange(new Range(place, place));
}

async function progress<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
  return window.withProgress({ location: ProgressLocation.Window, title: `Conductor: ${what}` }, work);
}

/** The server that a row names, or one that is chosen. */
async function serverFor(model: ServerModel, row: unknown, title: string): Promise<string | undefined> {
  const given = backendOf(row);
  if (given !== undefined) return given;
  await model.refresh();
  if (model.servers.length === 0) return void window.setStatusBarMessage('Conductor: there are no external servers.', 4000);
  const chosen = await askChoice({ title, back: false, placeholder: 'Choose a server' }, model.servers.map((server) => ({ label: server.view.backend, description: plainLabel(serverRow(server).description, 120), value: server.view.backend })));
  return typeof chosen === 'string' ? undefined : chosen.value;
}

function backendOf(row: unknown): string | undefined {
  const server = typeof row === 'object' && row !== null && 'server' in row ? row.server : undefined;
  const view = typeof server === 'object' && server !== null && 'view' in server ? server.view : undefined;
  return typeof view === 'object' && view !== null && 'backend' in view && typeof view.backend === 'string' ? view.backend : undefined;
}

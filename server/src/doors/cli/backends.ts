import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { BackendChange, BackendsState, BackendView, PreflightReport } from '../../../../protocol/src/externalServers';
import type { BreakerView } from '../../../../protocol/src/messages';
import { ConductorError } from '../../../../protocol/src/errors';
import { confirmed, requirePerson, withBroker } from './approvals';
import { importBackends, undoImport } from './backendsImport';
import type { BrokerClient } from './brokerClient';
import { line, note, print, printTable, run, safe } from './terminal';

/** `conductor backends`: see external MCP servers, approve them, look whether they work, and change what agents may call of them. */
export function addBackends(program: Command, configDir: () => string): void {
  const backends = program.command('backends').description('See, approve and change external MCP servers');
  const at = (work: (broker: BrokerClient) => Promise<number>): Promise<void> => run(() => withBroker(configDir(), work));
  backends.command('list').description('List them').option('--json', 'print JSON').action((options: { json?: boolean }) => at((broker) => list(broker, options.json === true)));
  backends.command('get').description('Show one: how it starts, its tools, what is in quarantine').argument('<name>').option('--json', 'print JSON').action((name: string, options: { json?: boolean }) => at((broker) => get(broker, name, options.json === true)));
  backends.command('approve').description('Approve how a server starts and the tools that it offers; shows both first').argument('<name>').action((name: string) => at((broker) => approve(broker, name)));
  backends.command('withdraw').description('Take the approval back').argument('<name>').action((name: string) => at((broker) => withdraw(broker, name)));
  backends.command('preflight').description('Run the checks of a server; no tool is called').argument('<name>').option('--timeout <ms>', 'time limit in milliseconds', Number).option('--json', 'print JSON').action((name: string, options: { timeout?: number; json?: boolean }) => at((broker) => preflight(broker, name, options)));
  backends.command('set').description('Add or replace a server by its profile, a JSON object').argument('<name>').argument('<profile>', 'JSON, or @file').option('--expect <hash>', 'only if mcp_backends.json has this hash').action((name: string, profile: string, options: { expect?: string }) => at((broker) => change(broker, { change: 'set', backend: name, profile: objectOf(profile), ...expected(options) })));
  for (const kind of ['remove', 'enable', 'disable'] as const) {
    backends.command(kind).description(`${kind.charAt(0).toUpperCase()}${kind.slice(1)} a server`).argument('<name>').option('--expect <hash>', 'only if mcp_backends.json has this hash').action((name: string, options: { expect?: string }) => at((broker) => change(broker, { change: kind, backend: name, ...expected(options) })));
  }
  backends.command('reset').description('Close the breaker of a server by hand').argument('<name>').requiredOption('--reason <text>', 'why; it is recorded').action((name: string, { reason }: { reason: string }) => at((broker) => reset(broker, name, reason)));
  backends.command('check').description('Say whether a call would be allowed; nothing is called').argument('<name>').argument('<tool>').argument('[arguments]', 'JSON object', '{}').action((name: string, tool: string, given: string) => at((broker) => check(broker, name, tool, given)));
  backends
    .command('import')
    .description('Take over the servers that VS Code, Claude, Cursor, Codex and Gemini have; shows what changes first')
    .option('--from <programs>', 'only these, with commas: vscode, claude, claude-desktop, cursor, codex, gemini')
    .option('--file <file...>', 'these files instead')
    .option('--undo', 'take the last import back')
    .action((options: { from?: string; file?: string[]; undo?: boolean }) => at((broker) => (options.undo === true ? undoImport(broker) : importBackends(broker, options))));
  const policy = backends.command('policy').description('The policy for external servers');
  policy.command('get').description('Print the policy in force').action(() => at(getPolicy));
  policy
    .command('set')
    .description('Replace the policy, or add rules to it')
    .argument('<policy>', 'JSON object, or @file')
    .option('--merge', 'add its rules and denials to those that are there')
    .option('--expect <hash>', 'only if external_mcp_policy.json has this hash')
    .action((given: string, options: { merge?: boolean; expect?: string }) => at((broker) => change(broker, { change: 'policy', policy: objectOf(given), mode: options.merge === true ? 'merge' : 'replace', ...expected(options) })));
}

function expected({ expect }: { expect?: string }): { expectedHash?: string } {
  return expect === undefined ? {} : { expectedHash: expect };
}

function objectOf(given: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given);
  } catch (error) {
    throw new ConductorError('INVALID_INPUT', `This is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ConductorError('INVALID_INPUT', 'Write a JSON object.');
  return value as Record<string, unknown>;
}

async function list(broker: BrokerClient, json: boolean): Promise<number> {
  const [state, { breakers }] = await Promise.all([broker.request('backends/list', {}), broker.request('breakers/list', {})]);
  if (json) print(JSON.stringify(state));
  else if (state.backends.length === 0) print('There are no external servers. Copy templates/mcp_backends.example.json to mcp_backends.json, or run "conductor backends set".');
  else printTable([['NAME', 'TRANSPORT', 'STATE', 'HOSTS', 'BREAKER', 'LAST ANSWER', 'PREFLIGHT', 'TOOLS', 'WAITING', 'REMARKS'], ...state.backends.map((view) => rowOf(view, breakers.find(({ tool }) => tool === view.backend)))]);
  tell(state);
  return state.problems.length > 0 ? 1 : 0;
}

function tell({ problems, trouble, mode }: BackendsState): void {
  for (const { file, line: at, column, message } of problems) note(line(`${file}:${String(at)}:${String(column)}: ${message}`));
  if (trouble !== '') note(line(trouble));
  for (const remark of mode.remarks) note(line(remark));
  if (mode.strict) note('Strict mode is on.');
}

function breakerWord(breaker: BreakerView | undefined): string {
  if (breaker?.state === 'open') return `open, probe in ${String(Math.ceil((breaker.retryAfterMs ?? 0) / 1000))} s`;
  return breaker === undefined || (breaker.state === 'closed' && breaker.failures === 0) ? 'closed' : `${breaker.state}, ${String(breaker.failures)} of ${String(breaker.threshold)}`;
}

/** What holds a server to its hosts, short enough for a row; `get` has the sentence. */
const hostsHeld: Readonly<Record<BackendView['egress']['level'], string>> = { dialer: 'held', namespace: 'held', proxy: 'only asked', open: 'not held' };

function rowOf(view: BackendView, breaker: BreakerView | undefined): string[] {
  const waiting = (view.tools ?? []).filter(({ state }) => state === 'new' || state === 'changed').length;
  const state = !view.enabled ? 'disabled' : view.launch === 'approved' ? view.connection : `quarantined (${view.launch})`;
  return [view.backend, view.transport, state, hostsHeld[view.egress.level], breakerWord(breaker), view.latencyMs === null ? '-' : `${String(view.latencyMs)} ms`, view.preflightAgeMs === null ? view.preflight : `${view.preflight}, ${ago(view.preflightAgeMs)}`, view.tools === null ? '-' : String(view.tools.length), String(waiting), [...view.warnings, view.failure, ...(view.missingEnv.length > 0 ? [`not set: ${view.missingEnv.join(', ')}`] : [])].filter((word) => word !== '').join(' ')];
}

async function find(broker: BrokerClient, name: string): Promise<BackendView> {
  const { backends } = await broker.request('backends/list', {});
  const found = backends.find(({ backend }) => backend === name);
  if (found === undefined) throw new ConductorError('NOT_FOUND', `There is no server "${safe(name)}".`);
  return found;
}

async function get(broker: BrokerClient, name: string, json: boolean): Promise<number> {
  const view = await find(broker, name);
  const breaker = (await broker.request('breakers/list', {})).breakers.find(({ tool }) => tool === name);
  if (json) print(JSON.stringify({ ...view, breaker: breaker ?? null }));
  else {
    show(view);
    showHealth(view, breaker);
  }
  return 0;
}

/** How it did so far: its checks, its answers, its failures, and when it is tried again. */
function showHealth({ connection, failure, preflight: checked, preflightAgeMs, latencyMs }: BackendView, breaker: BreakerView | undefined): void {
  print(line(`  connection: ${connection}${failure === '' ? '' : `: ${failure}`}`));
  print(`  preflight: ${checked}${preflightAgeMs === null ? '' : `, ${ago(preflightAgeMs)}`}`);
  if (latencyMs !== null) print(`  last answer: ${String(latencyMs)} ms`);
  if (breaker === undefined) return;
  print(`  breaker: ${breaker.state}, ${String(breaker.failures)} of ${String(breaker.threshold)} failures${breaker.retryAfterMs === undefined ? '' : `, next probe in ${String(Math.ceil(breaker.retryAfterMs / 1000))} s`}`);
  for (const { agoMs, message } of breaker.recent ?? []) print(line(`    ${ago(agoMs)}: ${message}`));
}

function ago(ms: number): string {
  return ms < 120_000 ? `${String(Math.round(ms / 1000))} s ago` : `${String(Math.round(ms / 60_000))} min ago`;
}

function show(view: BackendView): void {
  print(`${view.backend} (${view.launch === 'approved' ? 'approved' : view.launch === 'new' ? 'never approved' : 'changed since it was approved'})`);
  for (const [label, value] of view.parts) print(line(`  ${label}: ${value}`));
  print(line(`  hosts: ${view.egress.says}`));
  for (const change of view.changes) print(line(`  ! ${change}`));
  showTools(view);
}

function showTools({ tools }: BackendView): void {
  if (tools === null) return print('  Its tools are not known yet.');
  for (const tool of tools) {
    print(line(`  ${tool.state === 'approved' ? ' ' : '!'} ${tool.name} (${tool.state})`));
    if (tool.state === 'new') print(line(`      ${tool.description}`));
    for (const says of tool.state === 'changed' ? tool.changes : []) print(line(`      ${says}`));
    for (const says of tool.doubts) print(line(`      Careful: ${says}`));
  }
}

async function approve(broker: BrokerClient, name: string): Promise<number> {
  requirePerson();
  let view = await find(broker, name);
  show(view);
  if (view.launch !== 'approved') {
    if (!(await confirmed('Type "yes" to let it be started or reached this way: '))) return declined();
    await broker.request('backends/approve', { backend: name, identity: view.identity, tools: [] });
    view = await find(broker, name);
    if (view.failure !== '') note(line(view.failure));
    showTools(view);
  }
  const waiting = (view.tools ?? []).filter(({ state }) => state === 'new' || state === 'changed');
  if (waiting.length === 0) {
    print(view.tools === null ? 'Its tools can be approved once it answers.' : 'None of its tools waits for approval.');
    return view.tools === null ? 1 : 0;
  }
  if (!(await confirmed(`Type "yes" to approve ${waiting.length === 1 ? 'this tool' : `these ${String(waiting.length)} tools`} as described: `))) return declined();
  await broker.request('backends/approve', { backend: name, identity: view.identity, tools: waiting.map(({ name: tool, digest }) => ({ name: tool, digest })) });
  print('Approved.');
  return 0;
}

function declined(): number {
  note('Not approved; it stays in quarantine.');
  return 1;
}

async function withdraw(broker: BrokerClient, name: string): Promise<number> {
  const { withdrawn } = await broker.request('backends/withdraw', { backend: name });
  print(withdrawn ? 'Withdrawn; it waits for approval again.' : 'It was not approved.');
  return withdrawn ? 0 : 1;
}

async function preflight(broker: BrokerClient, name: string, { timeout, json }: { timeout?: number; json?: boolean }): Promise<number> {
  const report: PreflightReport = await broker.request('backends/preflight', { backend: name, ...(timeout === undefined ? {} : { timeoutMs: timeout }) });
  if (json === true) print(JSON.stringify(report));
  else {
    printTable([['CHECK', 'RESULT', 'MS', 'DETAIL'], ...report.checks.map(({ name: check, status, ms, detail }) => [check, status, String(ms), detail])]);
    print(report.ok ? `It passed; this counts until ${report.expires_at ?? ''}.` : 'It did not pass.');
  }
  return report.ok ? 0 : 1;
}

async function change(broker: BrokerClient, wanted: BackendChange): Promise<number> {
  const plan = await broker.request('backends/plan', wanted);
  for (const says of plan.says) print(line(says));
  if (plan.says.length === 0) print('Nothing becomes different.');
  if (plan.widens) {
    // An agent that runs this command must not free itself.
    requirePerson();
    if (!(await confirmed('This lets agents do more. Type "yes" to make it so: '))) {
      note('Nothing was changed.');
      return 1;
    }
  }
  const { hash } = await broker.request('backends/change', wanted);
  print(`Done; the file has the hash ${hash}.`);
  return 0;
}

async function reset(broker: BrokerClient, name: string, reason: string): Promise<number> {
  const { reset: done } = await broker.request('backends/reset', { backend: name, reason });
  print(done ? `The breaker of ${name} is closed.` : `The breaker of ${name} was closed already.`);
  return 0;
}

async function check(broker: BrokerClient, name: string, tool: string, given: string): Promise<number> {
  const { verdict, rule, reason, warnings } = await broker.request('backends/check', { backend: name, tool, arguments: objectOf(given) });
  print(line(`${verdict} (${rule}): ${reason}`));
  for (const warning of warnings) note(line(warning));
  return verdict === 'deny' ? 1 : 0;
}

async function getPolicy(broker: BrokerClient): Promise<number> {
  const { policy, hash, problems } = await broker.request('backends/policy', {});
  print(safe(policy));
  note(`hash ${hash}`);
  for (const { line: at, message } of problems) note(line(`line ${String(at)}: ${message}`));
  return problems.length > 0 ? 1 : 0;
}

import { accessSync, constants } from 'node:fs';
import type { Command } from 'commander';
import { defaultConfig } from '../../../../protocol/src/config';
import { toConductorError } from '../../../../protocol/src/errors';
import type { AnchorState } from '../../../../protocol/src/audit/signing';
import type { RequestResult, Status } from '../../../../protocol/src/messages';
import { configFileIn, readConfigFile } from '../../config/file';
import { parseConfig } from '../../config/parse';
import { reportLimits, reportSandbox } from '../../tools/shell/sandbox/report';
import { openBroker } from './brokerClient';
import { print, run } from './terminal';

/** One thing that was looked at. */
type Check = Readonly<{ name: string; status: 'ok' | 'warning' | 'error'; message: string }>;

/** `conductor doctor`: looks at everything that must be in order, and says what to do about what is not. */
export function addDoctor(program: Command, configDir: () => string): void {
  program
    .command('doctor')
    .description('Check the installation; exit 0 when nothing is wrong, 1 otherwise')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) => run(() => examine(configDir(), options.json === true)));
}

async function examine(configDir: string, json: boolean): Promise<number> {
  const { status, keys, grants } = await askBroker(configDir);
  const checks = [nodeCheck(), await configCheck(configFileIn(configDir)), folderCheck(configDir), ...(await confinementChecks(configDir)), ...brokerChecks(status), ...(keys === undefined ? [] : [approverCheck(keys)]), ...(grants === undefined ? [] : [grantsCheck(grants)])];
  if (json) print(JSON.stringify({ checks, ...('version' in status ? { status } : {}) }));
  else for (const { name, status: state, message } of checks) print(`${{ ok: '✓', warning: '!', error: '✗' }[state]} ${name}: ${message}`);
  return checks.some((check) => check.status === 'error') ? 1 : 0;
}

type Asked = Readonly<{ status: Status | { failure: string }; keys?: RequestResult<'approvals/keys'>; grants?: RequestResult<'grants/list'> }>;

async function askBroker(configDir: string): Promise<Asked> {
  try {
    const broker = await openBroker(configDir);
    const status = await broker.request('conductor/status', {});
    const keys = await broker.request('approvals/keys', {});
    const grants = await broker.request('grants/list', {});
    broker.close();
    return { status, keys, grants };
  } catch (thrown) {
    const error = toConductorError(thrown, 'BROKER_UNAVAILABLE');
    return { status: { failure: `${error.message} The broker's own log is broker.log in the configuration folder.` } };
  }
}

function approverCheck({ keys, problem, requireSigned }: RequestResult<'approvals/keys'>): Check {
  const name = 'approver keys';
  if (problem !== null) return { name, status: 'error', message: `no signature under an answer counts: ${problem}` };
  const places = `${String(keys.filter(({ place }) => place === 'editor').length)} in editors, ${String(keys.filter(({ place }) => place !== 'editor').length)} in key files`;
  if (keys.length > 0) return { name, status: 'ok', message: `${places}${requireSigned ? '; only signed approvals count' : ''}` };
  if (requireSigned) return { name, status: 'error', message: 'none is registered, and approvals.requireSigned is set: nothing can be approved. Open VS Code with Conductor, or run "conductor approvals keys add".' };
  return { name, status: 'ok', message: 'none is registered, so that answers are not signed' };
}

function grantsCheck({ grants, trouble }: RequestResult<'grants/list'>): Check {
  const name = 'answers that last';
  const denials = grants.filter(({ effect }) => effect === 'deny').length;
  if (trouble !== undefined) return { name, status: 'warning', message: `${trouble} Look at them with "conductor grants list".` };
  return { name, status: 'ok', message: `${String(grants.length - denials)} allow, ${String(denials)} forbid` };
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const good = major > 20 || (major === 20 && minor >= 12);
  return { name: 'Node.js', status: good ? 'ok' : 'error', message: good ? process.versions.node : `${process.versions.node} is too old; install 20.12 or later.` };
}

async function configCheck(file: string): Promise<Check> {
  const name = 'configuration';
  const content = await readConfigFile(file);
  if (content.kind === 'missing') return { name, status: 'warning', message: `${file} does not exist: the defaults hold, by which no command is allowed.` };
  if (content.kind === 'unreadable') return { name, status: 'error', message: content.message };
  const parsed = parseConfig(content.bytes);
  if (parsed.kind === 'config') return content.remarks.length === 0 ? { name, status: 'ok', message: file } : { name, status: 'warning', message: content.remarks.join(' ') };
  const first = parsed.problems[0];
  return { name, status: 'error', message: `${file}:${String(first?.line ?? 1)}:${String(first?.column ?? 1)}: ${first?.message ?? 'it is broken'}` };
}

/** With the programs of this terminal; those of the broker are the same where both were started alike. */
async function confinementChecks(configDir: string): Promise<Check[]> {
  const content = await readConfigFile(configFileIn(configDir));
  const parsed = content.kind === 'bytes' ? parseConfig(content.bytes) : undefined;
  const { shell } = (parsed?.kind === 'config' ? parsed.config : defaultConfig).plugins;
  const path = process.env['PATH'] ?? '';
  return [{ name: 'sandbox', ...(await reportSandbox(shell.sandbox, configDir, path)) }, { name: 'limits of commands', ...reportLimits(shell.limits, path) }];
}

function folderCheck(configDir: string): Check {
  try {
    accessSync(configDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return { name: 'configuration folder', status: 'ok', message: configDir };
  } catch {
    return { name: 'configuration folder', status: 'error', message: `${configDir} cannot be written; nothing runs until it can.` };
  }
}

function brokerChecks(status: Status | { failure: string }): Check[] {
  if (!('version' in status)) return [{ name: 'broker', status: 'error', message: status.failure }];
  const { connections, audit, signing, config, doors } = status;
  const shut = doors.filter((door) => !door.open);
  return [
    { name: 'broker', status: 'ok', message: `version ${status.version}, process ${String(status.pid)}, ${String(status.memoryMb)} MB, path isolation by ${status.pathIsolation}` },
    { name: 'visitors', status: 'ok', message: `${String(connections.agent)} agents, ${String(connections.editor)} editor windows, ${String(connections.cli + connections.viewer)} terminals; ${String(status.pending)} calls wait` },
    { name: 'audit log', status: audit.health === 'ok' ? 'ok' : 'error', message: `${String(audit.entries)} entries. ${audit.message}` },
    signingCheck(status),
    ...signing.anchors.map(anchorCheck),
    { name: 'configuration in force', status: config.source === 'current' || config.problems.length === 0 ? 'ok' : 'warning', message: { current: 'the file as it is', lastGood: 'an earlier one, since the file is broken', defaults: 'the defaults' }[config.source] },
    { name: 'doors', status: shut.length === 0 ? 'ok' : 'error', message: shut.length === 0 ? 'each refused a forbidden call at start' : shut.map((door) => `${door.door}: ${door.message}`).join(' ') },
  ];
}

function signingCheck({ signing, audit }: Status): Check {
  const { signedTo, place, problem } = signing;
  const name = 'signatures';
  if (problem !== null) return { name, status: 'warning', message: problem };
  if (signedTo === null) return { name, status: 'warning', message: 'the audit log is not signed yet; it is some seconds after the first activity' };
  const reach = `signed to #${String(signedTo)} of ${String(audit.entries)}`;
  if (place === 'editor') return { name, status: 'ok', message: `${reach} with a key in an editor's secret storage` };
  return { name, status: 'warning', message: `${reach} with the key file beside the log, the weaker level: who can write the log can use that key. Open VS Code with Conductor to sign with a key in its secret storage.` };
}

function anchorCheck({ name, entries, at, problem }: AnchorState): Check {
  if (problem !== null) return { name: `anchor ${name}`, status: 'warning', message: problem };
  return { name: `anchor ${name}`, status: 'ok', message: entries === null ? 'nothing was put there yet' : `has the log to #${String(entries)}${at === null ? '' : `, since ${at}`}` };
}

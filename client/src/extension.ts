import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { commands as editorCommands, env, version as editorVersion, window, type ExtensionContext } from 'vscode';
import { configDirOf } from '../../link/src/address';
import { registerAgents } from './agents/register';
import { registerApprovals } from './approvals/register';
import { registerAudit } from './audit/register';
import { registerServers } from './backends/register';
import { registerBreakers } from './breakers/register';
import { registerConfig } from './config/register';
import { Connection } from './connection';
import { registerCredentials } from './credentials/register';
import { commands, type CommandId } from './ids';
import { Lifetime } from './lifetime';
import { showLogs } from './log';
import { registerPolicy } from './policy/register';
import { registerStatus } from './status/register';

/** Builds the features and starts to connect. It hands out nothing that another extension could use. */
export function activate(context: ExtensionContext): void {
  const began = performance.now();
  const life = new Lifetime();
  context.subscriptions.push(life);
  const log = life.add(window.createOutputChannel('Conductor', { log: true }));
  const version = String((context.extension.packageJSON as Readonly<Record<string, unknown>>)['version']);
  const configDir = configDirOf(process.env, homedir());
  // The log names it beside what this window decided, and beside the calls of agents that it started.
  const windowId = randomBytes(8).toString('hex');
  const connection = life.add(new Connection({ configDir, client: `${env.appName} ${editorVersion}`, window: windowId, brokerScript: context.asAbsolutePath('dist/broker.js'), version, log }));

  const approvals = registerApprovals(connection, context, life);
  const audit = registerAudit(connection, context, life);
  const breakers = registerBreakers(connection, life);
  const credentials = registerCredentials(connection, context, life);
  register(life, {
    ...approvals.handlers,
    ...audit.handlers,
    ...breakers.handlers,
    ...credentials.handlers,
    ...registerServers(connection, life),
    ...registerStatus(connection, { approvals, audit, breakers, credentials }, life),
    ...registerConfig(configDir, life),
    ...registerPolicy(connection, life),
    ...registerAgents({ script: context.asAbsolutePath('dist/conductor.js'), version, configDir, window: windowId, log }, life),
    [commands.showLog]: () => showLogs(join(configDir, 'broker.log'), log),
    [commands.restart]: () => connection.restart(),
  });
  void connection.run();

  log.info(`Conductor ${version} activated in ${(performance.now() - began).toFixed(1)} ms.`);
}

/** Every command has a handler, or this does not compile. */
function register(life: Lifetime, handlers: Readonly<Record<CommandId, (...args: unknown[]) => unknown>>): void {
  for (const [id, handler] of Object.entries(handlers)) life.add(editorCommands.registerCommand(id, handler));
}

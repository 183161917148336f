import { EventEmitter, McpStdioServerDefinition, Uri, env, lm, window, workspace, type LogOutputChannel } from 'vscode';
import { messageOf } from '../broker';
import { commands, mcpProvider, type CommandId } from '../ids';
import { after, type Lifetime } from '../lifetime';
import { definitionsFor } from './definitions';
import { launcherFor, refreshLauncher, type Launcher } from './launcher';
import { serverConfig } from './serverConfig';

/** The commands of this folder. */
export type AgentCommand = Extract<CommandId, `conductor.agents.${string}`>;

/** What agents are told to start. */
export type Installed = Readonly<{ script: string; version: string; configDir: string; window: string; log: LogOutputChannel }>;

/** Milliseconds after activation until the launcher is looked at: nobody waits for it. */
const launcherMs = 1000;

/** Offers Conductor to VS Code's own MCP support, and to other agents by a launcher. No agent is started by this. */
export function registerAgents(installed: Installed, life: Lifetime): Readonly<Record<AgentCommand, () => unknown>> {
  const changes = life.add(new EventEmitter<void>());
  life.add(workspace.onDidGrantWorkspaceTrust(() => changes.fire()));
  life.add(workspace.onDidChangeWorkspaceFolders(() => changes.fire()));
  life.add(
    lm.registerMcpServerDefinitionProvider(mcpProvider, {
      onDidChangeMcpServerDefinitions: changes.event,
      provideMcpServerDefinitions: () => provide(installed),
    }),
  );
  life.add(after(launcherMs, () => void keepLauncher(installed)));
  return { [commands.copyServerConfig]: () => copyServerConfig(installed) };
}

function provide({ script, version, window: own }: Installed): McpStdioServerDefinition[] {
  const folders = (workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file').map((folder) => ({ name: folder.name, path: folder.uri.fsPath }));
  const around = { trusted: workspace.isTrusted, folders, execPath: process.execPath, script, configDir: givenConfigDir(), window: own };
  return definitionsFor(around).map((definition) => {
    const server = new McpStdioServerDefinition(definition.label, definition.command, [...definition.args], { ...definition.env }, version);
    server.cwd = Uri.file(definition.cwd);
    return server;
  });
}

function givenConfigDir(): string | undefined {
  return process.env['CONDUCTOR_CONFIG_DIR'];
}

async function keepLauncher(installed: Installed): Promise<void> {
  try {
    const launcher = launcherOf(installed);
    if ((await refreshLauncher(launcher, installed.configDir)) === 'written') installed.log.info(`The launcher for other agents is ${launcher.file}.`);
  } catch (error) {
    installed.log.warn(`The launcher for other agents could not be written: ${messageOf(error)}`);
  }
}

function launcherOf({ script, configDir }: Installed): Launcher {
  const electron = process.versions['electron'] !== undefined || process.env['ELECTRON_RUN_AS_NODE'] !== undefined;
  return launcherFor({ configDir, execPath: process.execPath, script, electron, platform: process.platform });
}

/** Puts the configuration on the clipboard and hands it out, too. */
async function copyServerConfig(installed: Installed): Promise<string | undefined> {
  try {
    const launcher = launcherOf(installed);
    await refreshLauncher(launcher, installed.configDir);
    const text = serverConfig(launcher.file, givenConfigDir());
    await env.clipboard.writeText(text);
    void window.showInformationMessage('Conductor: the MCP server configuration is on the clipboard. Paste it into the MCP settings of your agent, where its "mcpServers" are. It stays valid when Conductor is updated.');
    return text;
  } catch (error) {
    void window.showErrorMessage(`Conductor: the MCP server configuration was not copied. ${messageOf(error)}`);
    return undefined;
  }
}

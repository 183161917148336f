import { EventEmitter, McpStdioServerDefinition, Uri, lm, workspace } from 'vscode';
import { mcpProvider } from '../ids';
import type { Lifetime } from '../lifetime';
import { definitionsFor } from './definitions';

/** Offers Conductor to VS Code's own MCP support. Nothing is started by this. */
export function registerAgents(script: string, version: string, life: Lifetime): void {
  const changes = life.add(new EventEmitter<void>());
  life.add(workspace.onDidGrantWorkspaceTrust(() => changes.fire()));
  life.add(workspace.onDidChangeWorkspaceFolders(() => changes.fire()));
  life.add(
    lm.registerMcpServerDefinitionProvider(mcpProvider, {
      onDidChangeMcpServerDefinitions: changes.event,
      provideMcpServerDefinitions: () => provide(script, version),
    }),
  );
}

function provide(script: string, version: string): McpStdioServerDefinition[] {
  const folders = (workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file').map((folder) => ({ name: folder.name, path: folder.uri.fsPath }));
  const around = { trusted: workspace.isTrusted, folders, execPath: process.execPath, script, configDir: process.env['CONDUCTOR_CONFIG_DIR'] };
  return definitionsFor(around).map((definition) => {
    const server = new McpStdioServerDefinition(definition.label, definition.command, [...definition.args], { ...definition.env }, version);
    server.cwd = Uri.file(definition.cwd);
    return server;
  });
}

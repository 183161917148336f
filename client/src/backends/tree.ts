import { EventEmitter, ThemeColor, ThemeIcon, TreeItemCollapsibleState, window, type TreeDataProvider, type TreeItem } from 'vscode';
import { commands, rowKinds, views } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';
import { plainTooltip } from '../plainTooltip';
import { treeRow } from '../treeRow';
import type { ServerModel } from './model';
import { needsLook, serverFacts, serverRow, standingOf, toolLines, toolRow, type Server, type ServerTool, type Standing } from './rows';

/** A row of the view. */
export type ServerNode = Readonly<{ kind: 'server'; server: Server }> | Readonly<{ kind: 'fact'; backend: string; text: string }> | Readonly<{ kind: 'tool'; backend: string; tool: ServerTool }> | Readonly<{ kind: 'trouble'; text: string }>;

/** The view "Servers": each external server with how it stands; below it what is known of it, and its tools. */
export class ServersTree implements TreeDataProvider<ServerNode>, Disposable {
  private readonly life = new Lifetime();
  private readonly changes = this.life.add(new EventEmitter<undefined>());
  readonly onDidChangeTreeData = this.changes.event;

  constructor(private readonly model: ServerModel) {
    const view = this.life.add(window.createTreeView(views.servers, { treeDataProvider: this }));
    const draw = (): void => {
      const waiting = model.servers.filter(needsLook).length;
      view.badge = waiting === 0 ? undefined : { value: waiting, tooltip: waiting === 1 ? '1 server waits for your approval' : `${waiting} servers wait for your approval` };
      this.changes.fire(undefined);
    };
    this.life.add(model.onDidChange(draw));
    // Nothing tells of the time that an answer took, so it is asked for when somebody looks.
    this.life.add(view.onDidChangeVisibility(({ visible }) => visible && void model.refresh()));
  }

  getChildren(parent?: ServerNode): ServerNode[] {
    if (parent === undefined) return [...this.model.troubles.map((text): ServerNode => ({ kind: 'trouble', text })), ...this.model.servers.map((server): ServerNode => ({ kind: 'server', server }))];
    if (parent.kind !== 'server') return [];
    const { view } = parent.server;
    return [...serverFacts(parent.server).map((text): ServerNode => ({ kind: 'fact', backend: view.backend, text })), ...(view.tools ?? []).map((tool): ServerNode => ({ kind: 'tool', backend: view.backend, tool }))];
  }

  getTreeItem(node: ServerNode): TreeItem {
    switch (node.kind) {
      case 'server':
        return serverItem(node.server);
      case 'fact':
        return treeRow({ label: node.text, spoken: node.text });
      case 'tool':
        return toolItem(node.backend, node.tool);
      case 'trouble': {
        const item = treeRow({ label: node.text, spoken: `Trouble: ${node.text}` });
        item.iconPath = new ThemeIcon('error', new ThemeColor('list.errorForeground'));
        item.tooltip = node.text;
        return item;
      }
    }
  }

  /** Plain lines: nothing that a server says can become markup. */
  resolveTreeItem(item: TreeItem, node: ServerNode): TreeItem {
    const lines = node.kind === 'server' ? serverFacts(node.server) : node.kind === 'tool' ? toolLines(node.tool) : undefined;
    if (lines !== undefined) item.tooltip = plainTooltip(lines);
    return item;
  }

  dispose(): void {
    this.life.dispose();
  }
}

const icons = {
  off: new ThemeIcon('circle-slash'),
  quarantined: new ThemeIcon('question', new ThemeColor('list.warningForeground')),
  stopped: new ThemeIcon('circle-outline'),
  starting: new ThemeIcon('loading~spin'),
  ready: new ThemeIcon('pass'),
  failed: new ThemeIcon('error', new ThemeColor('list.errorForeground')),
  held: new ThemeIcon('zap', new ThemeColor('list.warningForeground')),
} as const satisfies Record<Standing, ThemeIcon>;

function serverItem(server: Server): TreeItem {
  const standing = standingOf(server);
  const item = treeRow(serverRow(server), TreeItemCollapsibleState.Collapsed);
  item.id = `server ${server.view.backend}`;
  item.iconPath = standing === 'ready' && needsLook(server) ? icons.quarantined : icons[standing];
  // Menus look for words in it: how it stands, and whether something waits for a look.
  item.contextValue = [rowKinds.server, standing, ...(needsLook(server) ? ['look'] : [])].join(' ');
  if (needsLook(server)) item.command = { command: commands.reviewServer, title: 'Review Server', arguments: [{ kind: 'server', server }] };
  return item;
}

function toolItem(backend: string, tool: ServerTool): TreeItem {
  const item = treeRow(toolRow(tool));
  item.id = `tool ${backend} ${tool.name}`;
  item.iconPath = tool.state === 'approved' && tool.doubts.length === 0 ? new ThemeIcon('tools') : new ThemeIcon(tool.state === 'gone' ? 'circle-slash' : 'question', new ThemeColor('list.warningForeground'));
  return item;
}

import { EventEmitter, ThemeColor, ThemeIcon, window, type TreeDataProvider, type TreeItem } from 'vscode';
import type { BreakerView } from '../../../protocol/src/messages';
import { messageOf, type Broker } from '../broker';
import { commands, rowKinds, views, type CommandId } from '../ids';
import type { Disposable, Lifetime } from '../lifetime';
import { treeRow } from '../treeRow';
import { breakerLabel, breakerTooltip, isNews, type Heard } from './rows';

/** The commands of this folder. */
export type BreakerCommand = Extract<CommandId, `conductor.breakers.${string}`>;

/** The feature "breakers" as the rest of the extension sees it. */
export type Breakers = Readonly<{
  /** Names of the tools that are stopped now. */
  stopped: () => readonly string[];
  onChange: (listener: () => void) => void;
  handlers: Readonly<Record<BreakerCommand, (...args: unknown[]) => unknown>>;
}>;

/** Shows which tools were stopped after repeated failures, and lets a person reset one with a reason. */
export function registerBreakers(broker: Broker, life: Lifetime): Breakers {
  const tree = life.add(new BreakersTree());
  life.add(window.createTreeView(views.breakers, { treeDataProvider: tree }));
  life.add(broker.on('breakers/changed', ({ breakers }) => tree.show(breakers)));
  life.add(
    broker.onLink((link) => {
      if (link.kind !== 'connected') return tree.show([]);
      broker.request('breakers/list', {}).then(({ breakers }) => tree.show(breakers), () => undefined);
    }),
  );
  return {
    stopped: () => tree.stopped,
    onChange: (listener) => void life.add(tree.onDidChangeTreeData(listener)),
    handlers: { [commands.resetBreaker]: (row) => reset(broker, toolOf(row)) },
  };
}

class BreakersTree implements TreeDataProvider<Heard>, Disposable {
  private readonly changes = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changes.event;
  private breakers: readonly Heard[] = [];

  get stopped(): readonly string[] {
    return this.breakers.flatMap(({ breaker }) => (breaker.state === 'open' ? [breaker.tool] : []));
  }

  show(breakers: readonly BreakerView[]): void {
    const atMs = Date.now();
    this.breakers = breakers.map((breaker) => ({ breaker, atMs })).filter(isNews);
    this.changes.fire(undefined);
  }

  getChildren(parent?: Heard): Heard[] {
    return parent === undefined ? [...this.breakers] : [];
  }

  getTreeItem(heard: Heard): TreeItem {
    const { breaker } = heard;
    const { label, description } = breakerLabel(heard);
    const item = treeRow({ label, description, spoken: `${label}: ${description}` });
    item.id = breaker.tool;
    item.contextValue = rowKinds.breaker;
    item.iconPath = breaker.state === 'closed' ? new ThemeIcon('pass') : new ThemeIcon('zap', new ThemeColor('list.warningForeground'));
    item.tooltip = breakerTooltip(heard);
    return item;
  }

  dispose(): void {
    this.changes.dispose();
  }
}

async function reset(broker: Broker, given: string | undefined): Promise<void> {
  try {
    const tool = given ?? (await chooseTool(broker));
    if (tool === undefined) return;
    const reason = await window.showInputBox({
      title: `Conductor: Reset Breaker of ${tool}`,
      prompt: 'Why may it be tried again? The audit log keeps your answer.',
      validateInput: (text) => (text.trim() === '' || text.length > 500 ? 'Write 1 to 500 characters.' : undefined),
    });
    if (reason === undefined) return;
    await broker.request('breakers/reset', { tool, reason: reason.trim() });
    window.setStatusBarMessage(`Conductor: the breaker of ${tool} is reset`, 4000);
  } catch (error) {
    void window.showErrorMessage(`Conductor: the breaker was not reset. ${messageOf(error)}`);
  }
}

async function chooseTool(broker: Broker): Promise<string | undefined> {
  const { breakers } = await broker.request('breakers/list', {});
  if (breakers.length === 0) {
    window.setStatusBarMessage('Conductor: no breaker has anything to reset.', 4000);
    return undefined;
  }
  const items = breakers.map((breaker) => ({ ...breakerLabel({ breaker, atMs: Date.now() }), tool: breaker.tool }));
  return (await window.showQuickPick(items, { title: 'Conductor: Reset Breaker' }))?.tool;
}

function toolOf(row: unknown): string | undefined {
  const named = typeof row === 'object' && row !== null && 'breaker' in row ? row.breaker : row;
  return typeof named === 'object' && named !== null && 'tool' in named && typeof named.tool === 'string' ? named.tool : undefined;
}

import { EventEmitter, ThemeColor, ThemeIcon, TreeItem, window, type TreeDataProvider } from 'vscode';
import type { BreakerView } from '../../../protocol/src/messages';
import { reveal } from '../../../protocol/src/display';
import { messageOf, type Broker } from '../broker';
import { commands, rowKinds, views, type CommandId } from '../ids';
import type { Disposable, Lifetime } from '../lifetime';
import { breakerLabel, isNews } from './rows';

/** The commands of this folder. */
export type BreakerCommand = Extract<CommandId, `conductor.breakers.${string}`>;

/** Shows which tools were stopped after repeated failures, and lets a person reset one with a reason. */
export function registerBreakers(broker: Broker, life: Lifetime): Readonly<Record<BreakerCommand, (...args: unknown[]) => unknown>> {
  const tree = life.add(new BreakersTree());
  life.add(window.createTreeView(views.breakers, { treeDataProvider: tree }));
  life.add(broker.on('breakers/changed', ({ breakers }) => tree.show(breakers)));
  life.add(
    broker.onLink((link) => {
      if (link.kind !== 'connected') return tree.show([]);
      broker.request('breakers/list', {}).then(({ breakers }) => tree.show(breakers), () => undefined);
    }),
  );
  return { [commands.resetBreaker]: (row) => reset(broker, toolOf(row)) };
}

class BreakersTree implements TreeDataProvider<BreakerView>, Disposable {
  private readonly changes = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changes.event;
  private breakers: readonly BreakerView[] = [];

  show(breakers: readonly BreakerView[]): void {
    this.breakers = breakers.filter(isNews);
    this.changes.fire(undefined);
  }

  getChildren(parent?: BreakerView): BreakerView[] {
    return parent === undefined ? [...this.breakers] : [];
  }

  getTreeItem(breaker: BreakerView): TreeItem {
    const { label, description } = breakerLabel(breaker);
    const item = new TreeItem(label);
    item.id = breaker.tool;
    item.description = description;
    item.contextValue = rowKinds.breaker;
    item.iconPath = breaker.state === 'closed' ? new ThemeIcon('pass') : new ThemeIcon('zap', new ThemeColor('list.warningForeground'));
    if (breaker.lastFailure !== undefined) item.tooltip = `Last failure: ${reveal(breaker.lastFailure).text}`;
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
  return (await window.showQuickPick(breakers.map(breakerLabel), { title: 'Conductor: Reset Breaker' }))?.label;
}

function toolOf(row: unknown): string | undefined {
  return typeof row === 'object' && row !== null && 'tool' in row && typeof row.tool === 'string' ? row.tool : undefined;
}

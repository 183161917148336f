import { EventEmitter, ThemeColor, ThemeIcon, TreeItemCollapsibleState, window, type TreeDataProvider, type TreeItem } from 'vscode';
import type { CredentialView, SlotView } from '../../../protocol/src/credentials';
import { rowKinds, views } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';
import { plainTooltip } from '../plainTooltip';
import { treeRow } from '../treeRow';
import type { CredentialModel } from './model';
import { credentialLines, credentialRow, slotLines, slotRow, slotsHeading } from './rows';

/** A row of the view: a credential, the heading of the slots, or a slot. */
export type CredentialNode = Readonly<{ kind: 'credential'; credential: CredentialView }> | Readonly<{ kind: 'slots'; slots: readonly SlotView[] }> | Readonly<{ kind: 'slot'; slot: SlotView }>;

/** The view "Credentials": what the store holds, by name alone, and below it who can open the store. */
export class CredentialsTree implements TreeDataProvider<CredentialNode>, Disposable {
  private readonly life = new Lifetime();
  private readonly changes = this.life.add(new EventEmitter<undefined>());
  readonly onDidChangeTreeData = this.changes.event;

  constructor(private readonly model: CredentialModel) {
    this.life.add(model.onDidChange(() => this.changes.fire(undefined)));
    const view = this.life.add(window.createTreeView(views.credentials, { treeDataProvider: this }));
    // Rows say "today" and "yesterday", which does not stay true.
    this.life.add(view.onDidChangeVisibility(({ visible }) => visible && this.changes.fire(undefined)));
  }

  /** Rows only while the store is open and holds something; all else is told by the welcome text, with what to do. */
  getChildren(parent?: CredentialNode): CredentialNode[] {
    if (parent !== undefined) return parent.kind === 'slots' ? parent.slots.map((slot) => ({ kind: 'slot', slot })) : [];
    const { state } = this.model;
    if (state?.state !== 'open' || state.credentials.length === 0) return [];
    return [...state.credentials.map((credential): CredentialNode => ({ kind: 'credential', credential })), { kind: 'slots', slots: state.slots }];
  }

  getTreeItem(node: CredentialNode): TreeItem {
    switch (node.kind) {
      case 'credential':
        return credentialItem(node.credential);
      case 'slots': {
        const label = slotsHeading(node.slots);
        const item = treeRow({ label, spoken: label }, TreeItemCollapsibleState.Collapsed);
        item.id = 'slots';
        item.iconPath = new ThemeIcon('key');
        item.contextValue = rowKinds.keySlots;
        return item;
      }
      case 'slot':
        return slotItem(node.slot);
    }
  }

  /** Plain lines: nothing from a file can become markup. */
  resolveTreeItem(item: TreeItem, node: CredentialNode): TreeItem {
    const lines = node.kind === 'credential' ? credentialLines(node.credential) : node.kind === 'slot' ? slotLines(node.slot) : undefined;
    if (lines !== undefined) item.tooltip = plainTooltip(lines);
    return item;
  }

  dispose(): void {
    this.life.dispose();
  }
}

function credentialItem(credential: CredentialView): TreeItem {
  const item = treeRow(credentialRow(credential, Date.now()));
  item.id = `credential ${credential.name}`;
  item.contextValue = rowKinds.credential;
  item.iconPath = credential.trouble === null ? new ThemeIcon('lock') : new ThemeIcon('warning', new ThemeColor('list.warningForeground'));
  return item;
}

function slotItem(slot: SlotView): TreeItem {
  const item = treeRow(slotRow(slot, Date.now()));
  item.id = `slot ${slot.id}`;
  item.contextValue = rowKinds.keySlot;
  item.iconPath = slot.trouble === null ? new ThemeIcon(slot.atHand ? 'pass' : 'circle-outline') : new ThemeIcon('warning', new ThemeColor('list.warningForeground'));
  return item;
}

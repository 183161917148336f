import { EventEmitter, ThemeColor, ThemeIcon, TreeItemCollapsibleState, window, type TreeDataProvider, type TreeItem, type TreeView } from 'vscode';
import { damageWord } from '../../../protocol/src/audit/damageWords';
import { reveal } from '../../../protocol/src/display';
import { commands, rowKinds, views } from '../ids';
import type { Disposable } from '../lifetime';
import { treeRow } from '../treeRow';
import { nodeId, pageSize, type AuditModel, type AuditNode, type Bucket, type RowNode } from './model';
import { bucketLabel, entryIcon, entryLabel, filterText, spokenBucket, spokenEntry } from './rows';
import type { Marks } from './marks';

/** The row on top that says that the chain is broken. */
export type NoticeNode = Readonly<{ kind: 'notice'; text: string; advice: string | undefined }>;
/** A row of this tree. */
export type TreeNode = AuditNode | NoticeNode;

/** The view "Audit Log": days, hours and pages of entries, newest first, with the place where the chain is broken. */
export class AuditTree implements TreeDataProvider<TreeNode>, Disposable {
  private readonly changes = new EventEmitter<TreeNode | undefined>();
  readonly onDidChangeTreeData = this.changes.event;
  private readonly view: TreeView<TreeNode>;

  constructor(private readonly model: AuditModel, private readonly marks: Marks, private readonly connected: () => boolean) {
    this.view = window.createTreeView(views.audit, { treeDataProvider: this });
  }

  get visible(): boolean {
    return this.view.visible;
  }

  /** Draws one row and what is under it anew, or everything. */
  refresh(node?: TreeNode): void {
    const filter = filterText(this.model.filter);
    this.view.message = filter === '' ? '' : `Filter: ${filter}${this.model.isCounting ? ' · counting older entries…' : ''}`;
    this.changes.fire(node);
  }

  async reveal(node: RowNode): Promise<void> {
    await this.view.reveal(node, { select: true, focus: false, expand: false });
  }

  async getChildren(node?: TreeNode): Promise<TreeNode[]> {
    if (!this.connected() || node?.kind === 'notice') return [];
    const children = await this.model.children(node);
    const notice = this.marks.notice();
    return node === undefined && notice !== undefined ? [{ kind: 'notice', text: notice, advice: this.marks.advice() }, ...children] : children;
  }

  getParent(node: TreeNode): TreeNode | undefined {
    return node.kind === 'notice' ? undefined : this.model.parent(node);
  }

  getTreeItem(node: TreeNode): TreeItem {
    switch (node.kind) {
      case 'notice':
        return noticeItem(node);
      case 'day':
      case 'hour':
        return this.bucketItem(node);
      case 'more':
        return moreItem(node.bucket);
      case 'newest':
        return newestItem(node.bucket);
      case 'row':
        return this.rowItem(node);
    }
  }

  dispose(): void {
    this.view.dispose();
    this.changes.dispose();
  }

  private bucketItem(bucket: Bucket): TreeItem {
    const { label, description } = bucketLabel(bucket);
    const broken = this.marks.holds(bucket.key);
    const item = treeRow({ label, description: broken ? `BROKEN · ${description}` : description, spoken: spokenBucket(bucket, broken) }, TreeItemCollapsibleState.Collapsed);
    item.id = nodeId(bucket);
    item.iconPath = broken ? errorIcon() : new ThemeIcon(bucket.kind === 'day' ? 'calendar' : 'clock');
    return item;
  }

  private rowItem(node: RowNode): TreeItem {
    const { label, description } = entryLabel(node.row);
    const broken = this.marks.at(node.row.seq);
    const damage = broken === undefined ? undefined : damageWord(broken);
    const item = treeRow({ label, description: damage === undefined ? description : `${damage.toUpperCase()} · ${description}`, spoken: spokenEntry(node.row, damage) });
    item.id = nodeId(node);
    item.iconPath = broken === undefined ? themeIcon(entryIcon(node.row)) : errorIcon();
    item.tooltip = broken === undefined ? tooltip(node) : reveal(broken.message).text;
    item.command = { command: commands.openEntry, title: 'Open Entry', arguments: [node.row.seq] };
    if (node.row.grant !== undefined) item.contextValue = rowKinds.grantedEntry;
    return item;
  }
}

function noticeItem(node: NoticeNode): TreeItem {
  const item = treeRow({ label: node.text, spoken: `Warning: ${node.text}` });
  item.id = 'notice';
  item.iconPath = errorIcon();
  if (node.advice !== undefined) item.tooltip = reveal(node.advice).text;
  item.command = { command: commands.openEntry, title: 'Show the Place', arguments: [] };
  return item;
}

function moreItem(bucket: Bucket): TreeItem {
  const some = bucket.jumped ? '' : `${Math.min(pageSize, Math.max(1, bucket.count - (bucket.rows?.length ?? 0)))} `;
  const item = treeRow({ label: `Load ${some}More…`, spoken: `Load ${some}more entries of ${bucketLabel(bucket).label}` });
  item.id = nodeId({ kind: 'more', bucket });
  item.iconPath = new ThemeIcon('ellipsis');
  item.command = { command: commands.loadMore, title: 'Load More', arguments: [bucket.key] };
  return item;
}

function newestItem(bucket: Bucket): TreeItem {
  const item = treeRow({ label: 'Show the Newest…', spoken: `Show the newest entries of ${bucketLabel(bucket).label}` });
  item.id = nodeId({ kind: 'newest', bucket });
  item.iconPath = new ThemeIcon('arrow-up');
  item.command = { command: commands.loadMore, title: 'Show the Newest', arguments: [bucket.key, 'newest'] };
  return item;
}

function errorIcon(): ThemeIcon {
  return new ThemeIcon('error', new ThemeColor('list.errorForeground'));
}

function themeIcon(described: { icon: string; color?: string }): ThemeIcon {
  return described.color === undefined ? new ThemeIcon(described.icon) : new ThemeIcon(described.icon, new ThemeColor(described.color));
}

/** A plain text tooltip: what an agent wrote is never markup. */
function tooltip({ row }: RowNode): string {
  const lines = [`#${row.seq} ${row.timestamp}`, ...localTime(row.timestamp), `${row.tool}: ${row.phase} ${row.result}`, reveal(row.summary).text, row.client === undefined ? '' : `by ${reveal(row.client).text} (its own words)`];
  return lines.filter((line) => line !== '').join('\n');
}

function localTime(timestamp: string): string[] {
  const moment = new Date(timestamp);
  return Number.isNaN(moment.getTime()) ? [] : [`${moment.toLocaleString('en-GB')} on this machine's clock`];
}

import { EventEmitter, MarkdownString, ThemeColor, ThemeIcon, window, type TreeDataProvider, type TreeItem, type TreeView } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import { reveal } from '../../../protocol/src/display';
import { commands, rowKinds, views } from '../ids';
import type { Disposable } from '../lifetime';
import { treeRow } from '../treeRow';
import { changeRows } from './changes';
import { isGrantNode, type GrantNode, type GrantsNode, type GrantsSection } from './grantsTree';
import type { Queue } from './queue';
import { expiryText, rowOf, waitingText } from './rows';

type Node = Pending | GrantsNode | GrantNode;

/** The view "Pending Approvals": one row a call, in order of arrival, with a badge that counts them; below them what was answered to last. */
export class ApprovalsTree implements TreeDataProvider<Node>, Disposable {
  private readonly changes = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changes.event;
  private readonly view: TreeView<Node>;
  private below: GrantsSection | undefined;

  constructor(private readonly queue: Queue) {
    this.view = window.createTreeView(views.approvals, { treeDataProvider: this });
  }

  get visible(): boolean {
    return this.view.visible;
  }

  /** Draws the queue as it is now. */
  refresh(): void {
    const { size } = this.queue;
    this.view.badge = size === 0 ? undefined : { value: size, tooltip: waitingText(size) };
    this.changes.fire(undefined);
  }

  /** Puts a section below the calls. */
  putBelow(section: GrantsSection): void {
    this.below = section;
    section.onDidChange(() => this.changes.fire(undefined));
  }

  getChildren(parent?: Node): Node[] {
    if (parent === undefined) return [...this.queue.all, ...(this.below?.roots() ?? [])];
    return isGrantNode(parent) ? (this.below?.children(parent) ?? []) : [];
  }

  getTreeItem(node: Node): TreeItem {
    return isGrantNode(node) ? (this.below?.item(node) ?? treeRow({ label: '', spoken: '' })) : callItem(node);
  }

  /** The tooltip is made when it is about to be seen, since it says how much time is left. */
  resolveTreeItem(item: TreeItem, node: Node): TreeItem {
    item.tooltip = isGrantNode(node) ? this.below?.tooltip(node) : tooltipOf(node);
    return item;
  }

  dispose(): void {
    this.view.dispose();
    this.changes.dispose();
  }
}

function callItem(call: Pending): TreeItem {
  const item = treeRow(rowOf(call));
  item.id = `${call.id} ${call.digest}`;
  item.iconPath = new ThemeIcon(call.again === undefined ? 'question' : 'warning', new ThemeColor('list.warningForeground'));
  item.contextValue = rowKinds.waiting;
  item.command = { command: commands.review, title: 'Review', arguments: [call] };
  return item;
}

/** The raw action in a code block; nothing in it can become a link, an image or markup. */
function tooltipOf(call: Pending): MarkdownString {
  const text = new MarkdownString(undefined, false);
  text.isTrusted = false;
  text.supportHtml = false;
  text.appendText(`${call.title}\n`);
  text.appendCodeblock(clip(reveal(call.raw).text), 'text');
  const { rows, left } = changeRows(call, 100, 12);
  if (rows.length > 0) text.appendText('Changed after you approved it; nothing was run:\n').appendCodeblock([...rows, ...(left === 0 ? [] : [`… and ${left} more lines in the review`])].join('\n'), 'text');
  text.appendText(`in ${reveal(call.cwd).text}\n\n${reveal(call.reason).text}\n\n${expiryText(call, Date.now())}`);
  return text;
}

function clip(text: string): string {
  return text.length <= 2000 ? text : `${text.slice(0, 2000)}\n… open the review to read all of it`;
}

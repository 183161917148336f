import { EventEmitter, type MarkdownString, ThemeColor, ThemeIcon, type TreeItem, TreeItemCollapsibleState, window } from 'vscode';
import type { GrantsState, GrantView } from '../../../protocol/src/grants';
import type { Broker } from '../broker';
import { rowKinds } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';
import { plainTooltip } from '../plainTooltip';
import { treeRow } from '../treeRow';
import { grantLines, grantRow, grantsHeading } from './grants';

/** The heading under which the rows of answers that last stand. */
export type GrantsNode = Readonly<{ kind: 'grants'; count: number }>;

/** The row of one answer that lasts. */
export type GrantNode = Readonly<{ kind: 'grant'; grant: GrantView }>;

/** What this window knows of answers that last: the section below the waiting calls. */
export class GrantsSection implements Disposable {
  private readonly life = new Lifetime();
  private readonly changes = this.life.add(new EventEmitter<void>());
  readonly onDidChange = this.changes.event;
  private known: readonly GrantView[] = [];
  private trouble: string | undefined;

  constructor(broker: Broker) {
    this.life.add(broker.on('grants/changed', (state) => this.take(state)));
    this.life.add(
      broker.onLink((link) => {
        if (link.kind !== 'connected') return this.take({ grants: [] });
        broker.request('grants/list', {}).then((state) => this.take(state), () => this.take({ grants: [] }));
      }),
    );
  }

  /** All of them, oldest first. */
  get all(): readonly GrantView[] {
    return this.known;
  }

  roots(): GrantsNode[] {
    return this.known.length === 0 ? [] : [{ kind: 'grants', count: this.known.length }];
  }

  children(node: GrantsNode | GrantNode): GrantNode[] {
    return node.kind === 'grants' ? this.known.map((grant) => ({ kind: 'grant', grant })) : [];
  }

  item(node: GrantsNode | GrantNode): TreeItem {
    if (node.kind === 'grants') {
      const label = grantsHeading(node.count);
      const item = treeRow({ label, spoken: label }, TreeItemCollapsibleState.Expanded);
      item.id = 'grants';
      item.iconPath = new ThemeIcon('history');
      return item;
    }
    const { grant } = node;
    const item = treeRow(grantRow(grant, Date.now()));
    item.id = grant.id;
    item.iconPath = grant.effect === 'deny' ? new ThemeIcon('circle-slash', new ThemeColor('list.warningForeground')) : new ThemeIcon('check-all');
    item.contextValue = rowKinds.grant;
    return item;
  }

  /** Plain lines: nothing of an agent can become markup. */
  tooltip(node: GrantsNode | GrantNode): MarkdownString | undefined {
    if (node.kind === 'grants') return undefined;
    return plainTooltip(grantLines(node.grant, Date.now()));
  }

  dispose(): void {
    this.life.dispose();
  }

  private take({ grants, trouble }: GrantsState): void {
    this.known = grants;
    if (trouble !== undefined && trouble !== this.trouble) void window.showWarningMessage(`Conductor: ${trouble}`);
    this.trouble = trouble;
    this.changes.fire();
  }
}

/** Whether a row belongs to this section. */
export function isGrantNode(node: object): node is GrantsNode | GrantNode {
  return 'kind' in node && (node.kind === 'grants' || node.kind === 'grant');
}

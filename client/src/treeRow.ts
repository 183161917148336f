import { TreeItem, TreeItemCollapsibleState } from 'vscode';

/** The words of a row: what is read, and what a screen reader says, which has neither icons nor colours to tell it more. */
export type RowWords = Readonly<{ label: string; description?: string; spoken: string }>;

/** Makes a row of a view. All rows are made here, so that none is without words for a screen reader; a test holds the rooms to it. */
export function treeRow({ label, description, spoken }: RowWords, state = TreeItemCollapsibleState.None): TreeItem {
  const item = new TreeItem(label, state);
  if (description !== undefined) item.description = description;
  item.accessibilityInformation = { label: spoken };
  return item;
}

import { ThemeIcon, type QuickPickItem } from 'vscode';
import { rowIndent } from './labels';

/** Rows of quick picks. A screen reader is given the label with the names of its icons, so that ours stand beside the label instead. */

const begins = /^\$\(([a-z-]+)\) /;

/** Moves the icon that begins a label of ours out of it. What agents wrote has a backslash before what looks like one, and keeps it. */
export function quickRow<Item extends QuickPickItem>(item: Item): Item {
  const name = begins.exec(item.label)?.[1];
  if (name !== undefined) return { ...item, label: item.label.replace(begins, ''), iconPath: new ThemeIcon(name) };
  return item.label.startsWith(rowIndent) ? { ...item, label: item.label.slice(rowIndent.length), iconPath: new ThemeIcon('blank') } : item;
}

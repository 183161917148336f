import { StatusBarAlignment, ThemeColor, window } from 'vscode';
import { commands } from '../ids';
import type { Disposable } from '../lifetime';
import { statusText, type Facts } from './text';

/** Our one item in the status bar; a click leads to what waits, or to the status. */
export class StatusItem implements Disposable {
  private readonly item = window.createStatusBarItem('conductor', StatusBarAlignment.Left, 100);

  constructor() {
    this.item.name = 'Conductor';
    this.item.show();
  }

  draw(facts: Facts): void {
    const { text, tooltip, spoken, background } = statusText(facts);
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: spoken };
    this.item.command = facts.waiting > 0 ? commands.reviewNext : commands.showStatus;
    this.item.backgroundColor = background === 'none' ? undefined : new ThemeColor(`statusBarItem.${background}Background`);
  }

  dispose(): void {
    this.item.dispose();
  }
}

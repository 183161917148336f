/** What suites about prompts have in common: the rules under which `touch` and `mkdir` ask, and the decision list. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { isPageReachable, shown } from './harnessPage';
import { eventually, projectFolder, settle } from './workbench';

/** Rules under which `touch` and `mkdir` ask. */
export const touchRules = { plugins: { shell: { allowedCommands: ['ls', 'true'], requireApproval: ['touch', 'mkdir'] } }, approvalTimeout: 60_000 };

/** Selector of the rows of the list that is open. */
export const decisionList = '.quick-input-widget .monaco-list-row';

/** Whether a file or folder is in the project. */
export function made(name: string): boolean {
  return existsSync(join(projectFolder(), name));
}

/** Opens the decision list and waits until it stands and takes answers. */
export async function openDecision(): Promise<void> {
  void vscode.commands.executeCommand('conductor.approvals.decide');
  if (isPageReachable) await eventually('the decision list', async () => (await shown(decisionList)).some(({ text }) => text.includes('Deny')));
  await settle();
}

/** Waits until the list that is open says that its call is gone. */
export async function vanished(): Promise<void> {
  if (isPageReachable) await eventually('a list that says so', async () => (await shown(decisionList)).map(({ text }) => text).join().startsWith('This call no longer waits'));
}

/** What the elements of a selector say, to eyes and to ears. */
export async function rowTexts(selector: string): Promise<string[]> {
  return (await shown(selector)).map(({ text, ariaLabel }) => `${text} ${ariaLabel ?? ''}`);
}

import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TabInputText, commands as editorCommands, languages as editorLanguages, window, workspace, type Tab, type TextDocument } from 'vscode';
import { commands, languages, views } from '../ids';
import type { Lifetime } from '../lifetime';

/** Above this size VS Code hands a file to no extension, in bytes. */
const mostBytes = 50 * 1_048_576;

/** VS Code's own command: what is in front cannot be edited any more in this window, until it is told otherwise. */
const makeReadOnly = 'workbench.action.files.setActiveEditorReadonlyInSession';

/** Gives opened files of the log their language wherever the configuration folder is, keeps them from being edited, and says what to do with one that VS Code cannot show to extensions. */
export function registerLogFiles(configDir: string, life: Lifetime): void {
  const name = (document: TextDocument): void => {
    if (document.uri.scheme !== 'file' || document.languageId === languages.audit || !isLogFile(document.uri.fsPath, configDir)) return;
    editorLanguages.setTextDocumentLanguage(document, languages.audit).then(undefined, () => undefined);
  };
  workspace.textDocuments.forEach(name);
  life.add(workspace.onDidOpenTextDocument(name));
  const told = new Set<string>();
  const look = (tabs: readonly Tab[]): void => {
    for (const { input } of tabs) {
      if (!(input instanceof TabInputText) || input.uri.scheme !== 'file' || !isLogFile(input.uri.fsPath, configDir)) continue;
      const size = statSync(input.uri.fsPath, { throwIfNoEntry: false })?.size ?? 0;
      if (size <= mostBytes || told.has(input.uri.fsPath)) continue;
      told.add(input.uri.fsPath);
      void tellTooLarge(size);
    }
  };
  const closed = new Set<string>();
  const close = (): void => {
    const { input } = window.tabGroups.activeTabGroup.activeTab ?? {};
    if (!(input instanceof TabInputText) || input.uri.scheme !== 'file' || closed.has(input.uri.fsPath) || !belongsToLog(input.uri.fsPath, configDir)) return;
    closed.add(input.uri.fsPath);
    editorCommands.executeCommand(makeReadOnly).then(undefined, () => undefined);
  };
  look(window.tabGroups.all.flatMap(({ tabs }) => tabs));
  life.add(window.tabGroups.onDidChangeTabs(({ opened }) => look(opened)));
  // The patterns in the manifest know the usual folder only.
  if (basename(configDir) === usualFolder) return;
  close();
  life.add(window.tabGroups.onDidChangeTabs(close));
  life.add(window.tabGroups.onDidChangeTabGroups(close));
}

const usualFolder = '.conductor';

/** The log in use, and closed files beside it in the folder `audit`. */
function isLogFile(path: string, configDir: string): boolean {
  return path === join(configDir, 'audit.log') || (dirname(path) === join(configDir, 'audit') && path.endsWith('.log'));
}

/** Those, and what repairs set aside. */
function belongsToLog(path: string, configDir: string): boolean {
  return path === join(configDir, 'audit.log') || dirname(path) === join(configDir, 'audit');
}

async function tellTooLarge(size: number): Promise<void> {
  const show = 'Show in the Audit Log View';
  const verify = 'Verify';
  const chosen = await window.showInformationMessage(`Conductor: this file of the audit log has ${Math.round(size / 1_048_576)} MB. VS Code shows files above 50 MB to no extension, so there are no hovers, lenses or folding in it. The view lists, filters and verifies logs of any size.`, show, verify);
  if (chosen === show) await editorCommands.executeCommand(`${views.audit}.focus`);
  if (chosen === verify) await editorCommands.executeCommand(commands.verify);
}

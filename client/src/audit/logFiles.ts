import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TabInputText, commands as editorCommands, languages as editorLanguages, window, workspace, type Tab, type TextDocument } from 'vscode';
import { commands, languages, views } from '../ids';
import type { Lifetime } from '../lifetime';

/** Above this size VS Code hands a file to no extension, in bytes. */
const mostBytes = 50 * 1_048_576;

/** Gives opened files of the log their language wherever the configuration folder is, and says what to do with one that VS Code cannot show to extensions. */
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
  look(window.tabGroups.all.flatMap(({ tabs }) => tabs));
  life.add(window.tabGroups.onDidChangeTabs(({ opened }) => look(opened)));
}

/** The log in use, and closed files beside it in the folder `audit`. */
function isLogFile(path: string, configDir: string): boolean {
  return path === join(configDir, 'audit.log') || (dirname(path) === join(configDir, 'audit') && path.endsWith('.log'));
}

async function tellTooLarge(size: number): Promise<void> {
  const show = 'Show in the Audit Log View';
  const verify = 'Verify';
  const chosen = await window.showInformationMessage(`Conductor: this file of the audit log has ${Math.round(size / 1_048_576)} MB. VS Code shows files above 50 MB to no extension, so there are no hovers, lenses or folding in it. The view lists, filters and verifies logs of any size.`, show, verify);
  if (chosen === show) await editorCommands.executeCommand(`${views.audit}.focus`);
  if (chosen === verify) await editorCommands.executeCommand(commands.verify);
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Uri, languages as editorLanguages, window, workspace, type TextDocument } from 'vscode';
import { messageOf } from '../broker';
import { commands, languages, type CommandId } from '../ids';
import type { Lifetime } from '../lifetime';
import { starterConfig } from './starter';

/** The commands of this folder. */
export type ConfigCommand = Extract<CommandId, `conductor.config.${string}`>;

/** Opens the configuration, and gives it its language wherever the configuration folder is. */
export function registerConfig(configDir: string, life: Lifetime): Readonly<Record<ConfigCommand, () => unknown>> {
  const file = join(configDir, 'config.json');
  const name = (document: TextDocument): void => {
    const language = languageFor(document, file);
    if (language !== document.languageId) editorLanguages.setTextDocumentLanguage(document, language).then(undefined, () => undefined);
  };
  workspace.textDocuments.forEach(name);
  life.add(workspace.onDidOpenTextDocument(name));
  return { [commands.openConfig]: () => openConfig(configDir, file) };
}

/** The configuration has our language wherever it is; a file that is only called like it, in a project, stays JSON with comments. */
function languageFor(document: TextDocument, file: string): string {
  if (document.uri.scheme === 'file' && document.uri.fsPath === file) return languages.config;
  return document.languageId === languages.config ? 'jsonc' : document.languageId;
}

async function openConfig(configDir: string, file: string): Promise<void> {
  try {
    await mkdir(configDir, { recursive: true, mode: 0o700 });
    await writeStarter(file);
    await window.showTextDocument(await workspace.openTextDocument(Uri.file(file)));
  } catch (error) {
    void window.showErrorMessage(`Conductor: the configuration cannot be opened. ${messageOf(error)}`);
  }
}

/** Writes the starter unless there is a file, whatever is in it. */
async function writeStarter(file: string): Promise<void> {
  try {
    await writeFile(file, starterConfig, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

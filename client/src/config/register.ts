import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Selection, TextEditorRevealType, Uri, commands as editorCommands, languages as editorLanguages, window, workspace, type DocumentSymbol, type TextDocument, type TextEditor } from 'vscode';
import { backendsFileName, projectFolderName } from '../../../protocol/src/backends';
import { externalPolicyFileName } from '../../../protocol/src/externalPolicy';
import { messageOf } from '../broker';
import { commands, languages, type CommandId } from '../ids';
import type { Lifetime } from '../lifetime';
import { starterConfig } from './starter';

/** The commands of this folder. */
export type ConfigCommand = Extract<CommandId, `conductor.config.${string}`>;

/** Opens the configuration, and gives it its language wherever the configuration folder is. */
export function registerConfig(configDir: string, life: Lifetime): Readonly<Record<ConfigCommand, (place?: unknown) => unknown>> {
  const file = join(configDir, 'config.json');
  const name = (document: TextDocument): void => {
    const language = languageFor(document, configDir);
    if (language !== document.languageId) editorLanguages.setTextDocumentLanguage(document, language).then(undefined, () => undefined);
  };
  workspace.textDocuments.forEach(name);
  life.add(workspace.onDidOpenTextDocument(name));
  return { [commands.openConfig]: (place) => openConfig(configDir, file, place) };
}

const externalFiles: readonly string[] = [backendsFileName, externalPolicyFileName];

/** The configuration has our language wherever it is; a file that is only called like it, in a project, stays JSON with comments. The files of external servers have it in projects, too. */
function languageFor(document: TextDocument, configDir: string): string {
  const { scheme, fsPath } = document.uri;
  const own = dirname(fsPath) === configDir && ['config.json', ...externalFiles].includes(basename(fsPath));
  const ofProject = basename(dirname(fsPath)) === projectFolderName && externalFiles.includes(basename(fsPath));
  if (scheme === 'file' && (own || ofProject)) return languages.config;
  return document.languageId === languages.config ? 'jsonc' : document.languageId;
}

/** Opens the configuration, at a member when its place is given as names from the outside in. */
async function openConfig(configDir: string, file: string, place: unknown): Promise<void> {
  try {
    await mkdir(configDir, { recursive: true, mode: 0o700 });
    await writeStarter(file);
    const editor = await window.showTextDocument(await workspace.openTextDocument(Uri.file(file)));
    if (Array.isArray(place)) await showMember(editor, place.filter((name) => typeof name === 'string'));
  } catch (error) {
    void window.showErrorMessage(`Conductor: the configuration cannot be opened. ${messageOf(error)}`);
  }
}

/** Selects a member, or the innermost one around it that the file has. */
async function showMember(editor: TextEditor, names: readonly string[]): Promise<void> {
  let inside = (await editorCommands.executeCommand<DocumentSymbol[] | undefined>('vscode.executeDocumentSymbolProvider', editor.document.uri)) ?? [];
  let found: DocumentSymbol | undefined;
  for (const name of names) {
    const next = inside.find((symbol) => symbol.name === name);
    if (next === undefined) break;
    found = next;
    inside = next.children;
  }
  if (found === undefined) return;
  editor.selection = new Selection(found.selectionRange.start, found.selectionRange.end);
  editor.revealRange(found.range, TextEditorRevealType.InCenterIfOutsideViewport);
}

/** Writes the starter unless there is a file, whatever is in it. */
async function writeStarter(file: string): Promise<void> {
  try {
    await writeFile(file, starterConfig, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

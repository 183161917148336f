import { existsSync } from 'node:fs';
import { Uri, window, workspace, type LogOutputChannel } from 'vscode';

/** Opens the broker's own log beside this extension's, which always exists. */
export async function showLogs(brokerLog: string, own: LogOutputChannel): Promise<void> {
  own.show(true);
  if (existsSync(brokerLog)) await window.showTextDocument(await workspace.openTextDocument(Uri.file(brokerLog)), { preview: true });
}

import { ProgressLocation, commands as editorCommands, window, type CancellationToken } from 'vscode';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { messageOf, type Broker } from '../broker';
import { commands } from '../ids';
import type { Memory } from './memory';
import { announce } from './verdict';

/** Verifies the whole log in the broker with progress that can be cancelled; undefined when it was, or could not be done. */
export async function verifyLog(broker: Broker, memory: Memory): Promise<VerificationReport | undefined> {
  const expected = memory.recall();
  try {
    const report = await window.withProgress({ location: ProgressLocation.Notification, title: 'Conductor: verifying the audit log', cancellable: true }, (_, token) => ask(broker, memory, token));
    if (report === undefined) return undefined;
    if (report.verdict === 'intact' && report.head !== null) await memory.keep({ entries: report.entries, head: report.head });
    tell(report, expected?.entries);
    return report;
  } catch (error) {
    void window.showErrorMessage(`Conductor: the audit log was not verified. ${messageOf(error)}`);
    return undefined;
  }
}

async function ask(broker: Broker, memory: Memory, token: CancellationToken): Promise<VerificationReport | undefined> {
  const expected = memory.recall();
  try {
    return await broker.request('audit/verify', expected === undefined ? {} : { expected }, token);
  } catch (error) {
    if (token.isCancellationRequested) return undefined;
    throw error;
  }
}

/** Says the result; nobody waits for the message to be closed. */
function tell(report: VerificationReport, remembered: number | undefined): void {
  const { tone, text } = announce(report, remembered);
  const message = `Conductor: ${text}`;
  if (tone === 'good') void window.showInformationMessage(message);
  else if (tone === 'warning') void window.showWarningMessage(message);
  else void window.showErrorMessage(message, 'Show the Place').then((chosen) => chosen !== undefined && editorCommands.executeCommand(commands.openEntry));
}

import { ProgressLocation, commands as editorCommands, window, type CancellationToken } from 'vscode';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { messageOf, type Broker } from '../broker';
import { commands } from '../ids';
import type { Memory } from './memory';
import type { LogSigner } from './lazySigner';
import { announce, contradictsMemory } from './verdict';

/** The broker, and what this editor knows of the log by itself. */
type Witnesses = Readonly<{ broker: Broker; memory: Memory; signer: LogSigner }>;

/** Verifies the whole log in the broker with progress that can be cancelled; undefined when it was, or could not be done. */
export async function verifyLog({ broker, memory, signer }: Witnesses): Promise<VerificationReport | undefined> {
  const expected = memory.recall();
  try {
    const report = await window.withProgress({ location: ProgressLocation.Notification, title: 'Conductor: verifying the audit log', cancellable: true }, (_, token) => ask({ broker, memory, signer }, token));
    if (report === undefined) return undefined;
    if (report.verdict === 'intact' && report.head !== null) await memory.keep({ entries: report.entries, head: report.head });
    tell(report, { broker, memory, signer }, expected?.entries);
    return report;
  } catch (error) {
    void window.showErrorMessage(`Conductor: the audit log was not verified. ${messageOf(error)}`);
    return undefined;
  }
}

/** Verifies without a word, to know where a damaged log is damaged; undefined when that could not be done. */
export async function verifyQuietly(broker: Broker): Promise<VerificationReport | undefined> {
  return broker.request('audit/verify', {}).catch(() => undefined);
}

async function ask({ broker, memory, signer }: Witnesses, token: CancellationToken): Promise<VerificationReport | undefined> {
  const expected = memory.recall();
  try {
    const { signing } = await broker.request('conductor/status', {}, token);
    const known = signing.logId === null ? undefined : await signer.known(signing.logId);
    const own = known === undefined ? {} : { anchor: { ...known.signed, place: "this editor's secret storage" }, publicKeys: [known.publicKey] };
    return await broker.request('audit/verify', { ...own, ...(expected === undefined ? {} : { expected }) }, token);
  } catch (error) {
    if (token.isCancellationRequested) return undefined;
    throw error;
  }
}

/** Says the result; nobody waits for the message to be closed. */
function tell(report: VerificationReport, { memory }: Witnesses, remembered: number | undefined): void {
  const { tone, text } = announce(report, remembered);
  const message = `Conductor: ${text}`;
  if (tone === 'good') void window.showInformationMessage(message);
  else if (tone === 'warning') void window.showWarningMessage(message);
  else void tellTampered(message, memory, remembered !== undefined && contradictsMemory(report));
}

/** A log that this editor remembers differently may be one that a person began anew elsewhere; only a person can say so. */
async function tellTampered(message: string, memory: Memory, forgettable: boolean): Promise<void> {
  const show = 'Show the Place';
  const forget = 'Trust This Log Instead';
  const chosen = await window.showErrorMessage(message, ...(forgettable ? [forget] : [show]));
  if (chosen === show) await editorCommands.executeCommand(commands.openEntry);
  if (chosen !== forget) return;
  await memory.forget();
  await editorCommands.executeCommand(commands.verify);
}

import { randomUUID } from 'node:crypto';
import { ProgressLocation, commands as editorCommands, window, type CancellationToken, type Progress } from 'vscode';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { messageOf, type Broker } from '../broker';
import { commands } from '../ids';
import { counted } from '../labels';
import type { Memory } from './memory';
import type { LogSigner } from './lazySigner';
import { announce, contradictsMemory } from './verdict';

/** The broker, and what this editor knows of the log by itself. */
export type Witnesses = Readonly<{ broker: Broker; memory: Memory; signer: LogSigner }>;

/** Verifies the whole log in the broker with progress that can be cancelled; undefined when it was, or could not be done. */
export async function verifyLog(witnesses: Witnesses): Promise<VerificationReport | undefined> {
  const { broker, memory } = witnesses;
  const expected = memory.recall();
  try {
    const report = await window.withProgress({ location: ProgressLocation.Notification, title: 'Conductor: verifying the audit log', cancellable: true }, (progress, token) => askWithProgress(witnesses, progress, token));
    if (report === undefined) return undefined;
    await remember(report, memory);
    tell(report, { broker, memory }, expected?.entries);
    return report;
  } catch (error) {
    void window.showErrorMessage(`Conductor: the audit log was not verified. ${messageOf(error)}`);
    return undefined;
  }
}

/** Verifies without a word; undefined when that could not be done. */
export async function verifyQuietly(witnesses: Witnesses): Promise<VerificationReport | undefined> {
  const report = await ask(witnesses, {}).catch(() => undefined);
  if (report !== undefined) await remember(report, witnesses.memory);
  return report;
}

/** Says that something is wrong with the log, for whoever did not ask. */
export function tellWrong(report: VerificationReport, { memory }: Pick<Witnesses, 'memory'>): void {
  const { tone, text } = announce(report, undefined);
  if (tone === 'warning') void window.showWarningMessage(`Conductor: ${text}`);
  else void tellTampered(`Conductor: ${text}`, memory, memory.recall() !== undefined && contradictsMemory(report));
}

async function remember(report: VerificationReport, memory: Memory): Promise<void> {
  if (report.verdict === 'intact' && report.head !== null) await memory.keep({ entries: report.from + report.entries - 1, head: report.head });
}

async function askWithProgress(witnesses: Witnesses, progress: Progress<{ message?: string; increment?: number }>, token: CancellationToken): Promise<VerificationReport | undefined> {
  const own = randomUUID();
  let shown = 0;
  const listening = witnesses.broker.on('audit/progress', (heard) => {
    if (heard.progress !== own || heard.total === 0) return;
    const percent = Math.floor((heard.done / heard.total) * 100);
    progress.report({ message: `${percent} % of ${counted(Math.ceil(heard.total / 1_048_576), 'MB', 'MB')}`, increment: Math.max(0, percent - shown) });
    shown = Math.max(shown, percent);
  });
  try {
    return await ask(witnesses, { progress: own }, token);
  } catch (error) {
    if (token.isCancellationRequested) return undefined;
    throw error;
  } finally {
    listening.dispose();
  }
}

/** The editor's own knowledge goes along: what it remembers, and what it signed last with its key. */
async function ask({ broker, memory, signer }: Witnesses, more: { progress?: string }, token?: CancellationToken): Promise<VerificationReport> {
  const expected = memory.recall();
  const { signing } = await broker.request('conductor/status', {}, token);
  const known = signing.logId === null ? undefined : await signer.known(signing.logId);
  const own = known === undefined ? {} : { anchor: { ...known.signed, place: "this editor's secret storage" }, publicKeys: [known.publicKey] };
  return broker.request('audit/verify', { ...own, ...more, ...(expected === undefined ? {} : { expected }) }, token);
}

/** Says the result; nobody waits for the message to be closed. */
function tell(report: VerificationReport, { memory }: Pick<Witnesses, 'broker' | 'memory'>, remembered: number | undefined): void {
  const { tone, text } = announce(report, remembered);
  const message = `Conductor: ${text}`;
  if (tone === 'good') void window.showInformationMessage(message);
  else if (tone === 'warning') void window.showWarningMessage(message);
  else void tellTampered(message, memory, remembered !== undefined && contradictsMemory(report));
}

/** A log that this editor remembers differently may be one that a person began anew elsewhere; only a person can say so. */
async function tellTampered(message: string, memory: Memory, forgettable: boolean): Promise<void> {
  const show = 'Show the Place';
  const problems = 'Show Problems';
  const forget = 'Trust This Log Instead';
  const chosen = await window.showErrorMessage(message, ...(forgettable ? [forget] : [show, problems]));
  if (chosen === show) await editorCommands.executeCommand(commands.openEntry);
  if (chosen === problems) await editorCommands.executeCommand('workbench.actions.view.problems');
  if (chosen !== forget) return;
  await memory.forget();
  await editorCommands.executeCommand(commands.verify);
}

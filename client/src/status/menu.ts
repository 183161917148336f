import { commands as editorCommands, window, type QuickPickItem } from 'vscode';
import type { Status } from '../../../protocol/src/messages';
import type { SigningStand } from '../approvals/signing';
import type { Link } from '../broker';
import { commands, type CommandId } from '../ids';
import { counted, plainLabel } from '../labels';
import { quickRow } from '../quickRow';
import { configText, signingText, type Shut } from './text';

type Line = QuickPickItem & { command: CommandId };

/** What the window itself knows: the sentence of a broken chain, whether its answers are signed, and why the credentials are shut. */
export type Notices = Readonly<{ broken: string | undefined; signing: SigningStand; credentials: Shut | undefined }>;

/** Shows the state of everything, one line each; choosing a line does what helps there. */
export async function showStatusMenu(link: Link, status: Status | undefined, { broken, signing, credentials }: Notices): Promise<void> {
  const lines = [brokerLine(link, status), ...(credentials === undefined ? [] : [credentialLine(credentials)]), ...(status === undefined ? [] : statusLines(status, broken, signing)), { label: '$(output) Show Broker Log', command: commands.showLog }];
  const chosen = await window.showQuickPick(lines.map(quickRow), { title: 'Conductor: Status', placeHolder: 'Choose a line to look closer' });
  if (chosen !== undefined) await editorCommands.executeCommand(chosen.command);
}

function brokerLine(link: Link, status: Status | undefined): Line {
  if (link.kind !== 'connected') {
    const reason = link.kind === 'connecting' && link.reason !== undefined ? plainLabel(link.reason, 160) : 'Agents can do nothing through Conductor until it is back.';
    return { label: '$(debug-disconnect) Not connected to the broker', detail: `${reason} Choose to try again now.`, command: commands.restart };
  }
  const facts = status === undefined ? '' : `process ${status.pid}, ${Math.round(status.memoryMb)} MB, since ${status.startedAt}, ${visitors(status)}`;
  return { label: `$(pass) Broker ${link.version}`, detail: facts, command: commands.restart };
}

function statusLines(status: Status, broken: string | undefined, signing: SigningStand): Line[] {
  const { audit } = status;
  const sound = audit.health === 'ok' && broken === undefined;
  return [
    { label: `$(bell) ${status.pending === 0 ? 'Nothing waits for you' : `${status.pending} pending`}`, command: commands.decide },
    { label: `${signing.kind === 'signed' ? '$(pass)' : '$(warning)'} Your approvals`, detail: plainLabel(signing.words, 300), command: commands.showLog },
    { label: `${sound ? '$(pass)' : '$(error)'} Audit log: ${counted(audit.entries, 'entry', 'entries')}`, detail: plainLabel(broken ?? (sound ? signingText(status) : audit.message), 200), command: commands.verify },
    { label: `${status.config.problems.length === 0 ? '$(pass)' : '$(warning)'} Configuration`, description: plainLabel(status.config.file, 120), detail: plainLabel(configText(status), 200), command: commands.openConfig },
    { label: '$(folder) Project isolation', detail: plainLabel(status.pathIsolation, 200), command: commands.showLog },
    ...status.doors.map((door): Line => ({ label: `${door.open ? '$(pass)' : '$(error)'} Door: ${plainLabel(door.door, 40)}`, detail: plainLabel(door.message, 200), command: commands.showLog })),
    { label: '$(zap) Breakers', detail: 'Reset one with a reason.', command: commands.resetBreaker },
  ];
}

function credentialLine({ reason, next, refused }: Shut): Line {
  return { label: refused ? '$(error) Credentials cannot be used' : '$(lock) Credentials are locked', detail: plainLabel(`${reason} ${next}`, 300), command: commands.unlockCredentials };
}

function visitors({ connections }: Status): string {
  return `${counted(connections.editor, 'window')}, ${counted(connections.agent, 'agent')}, ${counted(connections.cli, 'terminal')}`;
}

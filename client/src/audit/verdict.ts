import { damageWord } from '../../../protocol/src/audit/damageWords';
import type { Finding, VerificationReport } from '../../../protocol/src/audit/report';
import { reveal } from '../../../protocol/src/display';
import { counted } from '../labels';

/** A sentence about a verification and how loudly to say it. */
export type Announcement = Readonly<{ tone: 'good' | 'warning' | 'bad'; text: string }>;

/** What to tell a person after a verification; `remembered` is the entry count that this window kept and had compared. */
export function announce(report: VerificationReport, remembered: number | undefined): Announcement {
  switch (report.verdict) {
    case 'intact':
      return { tone: 'good', text: `Audit log intact: ${counted(report.entries, 'entry', 'entries')}. ${levelText(report, remembered)}` };
    case 'tampered':
      return { tone: 'bad', text: `Audit log TAMPERED: ${firstMessage(report)}${moreText(report)}` };
    case 'torn':
      return { tone: 'warning', text: `Audit log torn by a crash after ${counted(report.entries, 'intact entry', 'intact entries')}. The broker repairs this when it starts and records the repair.` };
    case 'unverifiable':
      return { tone: 'warning', text: `The audit log could not be verified: ${firstMessage(report)}` };
  }
}

/** The row on top of the tree when the chain is broken; undefined when it is not. */
export function brokenText(report: VerificationReport): string | undefined {
  if (report.verdict !== 'tampered') return undefined;
  const kind = report.class === null ? 'tampered' : damageWord({ class: report.class, message: report.message });
  const file = report.file === undefined ? '' : ` of ${report.file}`;
  return report.line === null ? `Chain broken: ${kind}` : `Chain broken at line ${report.line}${file}: ${kind}`;
}

/** Whether the log is sound in itself and only not the one that was remembered. */
export function contradictsMemory(report: VerificationReport): boolean {
  return report.verdict === 'tampered' && report.findings.every((item) => item.class === 'truncation' || item.class === 'rollback' || item.class === 'fork');
}

/** The findings that stand at a line, by the number that the entry there has in an undamaged log. */
export function findingsByEntry(report: VerificationReport): ReadonlyMap<number, Finding> {
  const byEntry = new Map<number, Finding>();
  for (const item of report.findings) {
    const entry = item.entry ?? item.line;
    if (entry !== null && !byEntry.has(entry)) byEntry.set(entry, item);
  }
  return byEntry;
}

/** How far the proof reaches, in plain words. A chain alone does not show a complete rewrite. */
function levelText(report: VerificationReport, remembered: number | undefined): string {
  const words = report.trust?.words ?? `${report.level ?? 'unknown'}, not signed or anchored outside`;
  const level = `Level: ${words}.`;
  return remembered === undefined ? level : `${level} It contains the ${counted(remembered, 'entry', 'entries')} that this editor remembers.`;
}

function firstMessage(report: VerificationReport): string {
  return reveal(report.message).text;
}

function moreText(report: VerificationReport): string {
  return report.findingCount > 1 ? ` (${counted(report.findingCount - 1, 'more finding')})` : '';
}

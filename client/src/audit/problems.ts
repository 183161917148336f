import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Diagnostic, DiagnosticSeverity, Range, Uri, languages } from 'vscode';
import { damageWord } from '../../../protocol/src/audit/damageWords';
import type { Finding } from '../../../protocol/src/audit/report';
import { reveal } from '../../../protocol/src/display';
import type { Disposable } from '../lifetime';
import type { Marks } from './marks';

/** Shows what a verification found in the Problems view, at the lines of the files of the log. */
export class AuditProblems implements Disposable {
  private readonly collection = languages.createDiagnosticCollection('conductor-audit');

  constructor(private readonly configDir: string) {}

  show(marks: Marks): void {
    this.collection.clear();
    const byFile = new Map<string, Diagnostic[]>();
    for (const finding of marks.findings()) {
      const file = join(this.configDir, finding.file ?? 'audit.log');
      if (existsSync(file)) byFile.set(file, [...(byFile.get(file) ?? []), problemOf(finding)]);
    }
    for (const [file, problems] of byFile) this.collection.set(Uri.file(file), problems);
  }

  dispose(): void {
    this.collection.dispose();
  }
}

/** What is wrong with the log as a whole, such as a cut end, stands at the first line. */
function problemOf(finding: Finding): Diagnostic {
  const line = Math.max(1, finding.line ?? 1) - 1;
  const problem = new Diagnostic(new Range(line, 0, line, 2000), problemText(finding), finding.class === 'crash' ? DiagnosticSeverity.Warning : DiagnosticSeverity.Error);
  problem.source = 'conductor';
  problem.code = finding.class;
  return problem;
}

/** The kind, what happened, and what must and what does stand there. */
function problemText(finding: Finding): string {
  // The file stands above the problem already.
  const message = finding.file !== undefined && finding.message.startsWith(`${finding.file}: `) ? finding.message.slice(finding.file.length + 2) : finding.message;
  const parts = [`${capital(damageWord(finding))}: ${message}`, ...(finding.expected === null ? [] : [`Expected ${finding.expected}`]), ...(finding.found === null ? [] : [`Found ${finding.found}`])];
  return reveal(parts.join('\n')).text;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

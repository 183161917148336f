import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Diagnostic, DiagnosticSeverity, Range, Uri, languages } from 'vscode';
import { reveal } from '../../../protocol/src/display';
import type { Disposable } from '../lifetime';
import type { Marks } from './marks';

/** Shows what a verification found in the Problems view, at the lines of the log file. */
export class AuditProblems implements Disposable {
  private readonly collection = languages.createDiagnosticCollection('conductor-audit');

  constructor(private readonly configDir: string) {}

  /** The log file of this configuration folder. */
  get file(): string {
    return join(this.configDir, 'audit.log');
  }

  show(marks: Marks): void {
    this.collection.clear();
    const found = marks.all();
    if (found.length === 0 || !existsSync(this.file)) return;
    this.collection.set(
      Uri.file(this.file),
      found.map(([line, finding]) => {
        const problem = new Diagnostic(new Range(line - 1, 0, line - 1, 2000), reveal(finding.message).text, DiagnosticSeverity.Error);
        problem.source = 'conductor';
        problem.code = finding.class;
        return problem;
      }),
    );
  }

  dispose(): void {
    this.collection.dispose();
  }
}

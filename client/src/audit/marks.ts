import type { Finding, VerificationReport } from '../../../protocol/src/audit/report';
import { brokenText, findingsByLine } from './verdict';

/** What is known to be wrong with the log: the last verification's findings, or that it lost what this editor remembers. */
export class Marks {
  private report: VerificationReport | undefined;
  private lines: ReadonlyMap<number, Finding> = new Map();
  private loss: string | undefined;

  /** Takes over a finished verification. One that could not be done changes nothing. */
  verified(report: VerificationReport): void {
    if (report.verdict === 'unverifiable') return;
    this.report = report;
    this.lines = findingsByLine(report);
    this.loss = undefined;
  }

  /** The log no longer contains what this editor remembers. */
  lost(text: string): void {
    this.loss = text;
  }

  clear(): void {
    this.report = undefined;
    this.lines = new Map();
    this.loss = undefined;
  }

  /** The sentence on top of the tree; undefined when nothing is known to be wrong. */
  notice(): string | undefined {
    return (this.report === undefined ? undefined : brokenText(this.report)) ?? this.loss;
  }

  /** What is wrong at a line. */
  at(line: number): Finding | undefined {
    return this.report?.verdict === 'tampered' ? this.lines.get(line) : undefined;
  }

  /** The first line that is wrong, and the finding. */
  first(): Readonly<{ line: number; finding: Finding }> | undefined {
    const [entry] = this.report?.verdict === 'tampered' ? this.lines : [];
    return entry === undefined ? undefined : { line: entry[0], finding: entry[1] };
  }

  /** All findings with a line. */
  all(): readonly (readonly [number, Finding])[] {
    return this.report?.verdict === 'tampered' ? [...this.lines] : [];
  }
}

import type { AuditRow } from '../../../protocol/src/audit/query';
import type { Finding, VerificationReport } from '../../../protocol/src/audit/report';
import type { AuditHealth } from '../../../protocol/src/messages';
import { clockText } from '../labels';
import { brokenText, findingsByEntry } from './verdict';

/** What is known to be wrong with the log: the last verification's findings, what the broker found when it opened the log, or that it lost what this editor remembers. */
export class Marks {
  private report: VerificationReport | undefined;
  private verifiedAt = 0;
  private entries: ReadonlyMap<number, Finding> = new Map();
  private keys: ReadonlySet<string> = new Set();
  private loss: string | undefined;
  private refusal: string | undefined;

  /** Takes over a verification that finished now, or at a time in milliseconds since 1970. One that could not be done changes nothing. */
  verified(report: VerificationReport, at = Date.now()): void {
    if (report.verdict === 'unverifiable') return;
    this.report = report;
    this.verifiedAt = at;
    this.entries = findingsByEntry(report);
    this.keys = new Set();
    this.loss = undefined;
  }

  /** Takes over what the broker says of its log; true when that is news. A broker that refuses a damaged log runs nothing. */
  told({ health, message }: AuditHealth): boolean {
    const before = this.refusal;
    this.refusal = health === 'tampered' ? message : undefined;
    return before !== this.refusal;
  }

  /** Whether the broker refuses the log as damaged. */
  get refused(): boolean {
    return this.refusal !== undefined;
  }

  /** The entries at the broken lines, as far as they are known: the days and hours that hold them are marked, too. */
  placed(rows: readonly AuditRow[]): void {
    this.keys = new Set(rows.flatMap(({ timestamp }) => [timestamp.slice(0, 10), timestamp.slice(0, 13)]));
  }

  /** The log no longer contains what this editor remembers. */
  lost(text: string): void {
    this.loss = text;
  }

  clear(): void {
    this.report = undefined;
    this.entries = new Map();
    this.keys = new Set();
    this.loss = undefined;
    this.refusal = undefined;
  }

  /** The sentence on top of the tree; undefined when nothing is known to be wrong. */
  notice(): string | undefined {
    const broken = this.report === undefined ? undefined : brokenText(this.report);
    return broken ?? (this.refusal === undefined ? this.loss : 'Audit log damaged: nothing runs');
  }

  /** How far the last verification reached, in a sentence; undefined before the first, and when something is wrong. */
  level(): string | undefined {
    if (this.report?.verdict !== 'intact' || this.notice() !== undefined) return undefined;
    const { trust, level, from, entries } = this.report;
    return `Verified to #${from + entries - 1} at ${clockText(this.verifiedAt).slice(0, 5)}: ${trust?.words ?? level ?? 'chain intact'}.`;
  }

  /** More about the notice, when there is more to say. */
  advice(): string | undefined {
    return this.refusal;
  }

  /** What is wrong with an entry, by its number. */
  at(entry: number): Finding | undefined {
    return this.report?.verdict === 'tampered' ? this.entries.get(entry) : undefined;
  }

  /** Whether a day or an hour, by its key, holds a broken line. */
  holds(key: string): boolean {
    return this.report?.verdict === 'tampered' && this.keys.has(key);
  }

  /** The number of the first entry that is wrong, and the finding. */
  first(): Readonly<{ entry: number; finding: Finding }> | undefined {
    const [first] = this.all();
    return first === undefined ? undefined : { entry: first[0], finding: first[1] };
  }

  /** Everything that is wrong, with a line or without; a torn end too. */
  findings(): readonly Finding[] {
    return this.report?.verdict === 'tampered' || this.report?.verdict === 'torn' ? this.report.findings : [];
  }

  /** All findings with a line, by the number of the entry. */
  all(): readonly (readonly [number, Finding])[] {
    return this.report?.verdict === 'tampered' ? [...this.entries] : [];
  }
}

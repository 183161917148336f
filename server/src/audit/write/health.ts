/** Whether entries can be recorded, and the words in which callers and people hear that they cannot. */
import type { VerificationReport } from '../../../../protocol/src/audit/report';
import { ConductorError } from '../../../../protocol/src/errors';
import { News } from './news';

/** Whether entries can be recorded. `failed` is tried again with every append; `tampered` as soon as the file changes. */
export type AuditHealth =
  | Readonly<{ state: 'healthy' }>
  | Readonly<{ state: 'failed'; message: string }>
  | Readonly<{ state: 'tampered'; message: string; report: VerificationReport }>
  | Readonly<{ state: 'closed' }>;

/** The health of one log; listeners hear when its state changes. */
export class Health {
  readonly changed = new News<AuditHealth>();
  #now: AuditHealth = { state: 'failed', message: 'The audit log is not open yet.' };

  get now(): AuditHealth {
    return this.#now;
  }

  become(health: AuditHealth): void {
    const before = this.#now;
    this.#now = health;
    if (before.state !== health.state) this.changed.tell(() => health);
  }
}

/** The health of a log that must not be appended to. */
export function tampered(report: VerificationReport): AuditHealth {
  const message = `The audit log is damaged, so nothing runs. ${report.message} "conductor audit verify" shows the damage; "conductor audit start-new" in a terminal, or "Conductor: Start New Audit Log…" in the editor, begins a new one and keeps this one as evidence.`;
  return { state: 'tampered', message, report };
}

/** The error of a caller whose entry cannot be recorded. */
export function unavailable(message: string, cause?: unknown): ConductorError {
  return new ConductorError('AUDIT_UNAVAILABLE', message, { cause });
}

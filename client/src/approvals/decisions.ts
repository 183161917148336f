import { window } from 'vscode';
import type { Pending } from '../../../protocol/src/approvals';
import type { RungName } from '../../../protocol/src/grants';
import { messageOf, type Broker } from '../broker';
import { Fates } from './fates';
import type { Fate } from './reviewText';
import type { AnswerSigner } from './signing';

/** Milliseconds that a word about a decision stays in the status bar. */
const noteMs = 4000;

/** What the status bar says of an answer that counted. */
export function answerWords({ decision, lasting, unsigned, parked }: Readonly<{ decision: 'approve' | 'deny'; lasting: boolean; unsigned: boolean; parked: boolean }>): string {
  if (decision === 'deny') return lasting ? 'denied for good' : 'denied';
  return `${lasting ? 'approved for longer' : 'approved once'}${unsigned ? ', not signed' : ''}${parked ? '; it waits until its agent calls again' : ''}`;
}

/** Sends answers of the person at this window, bound to the bytes that were shown, and remembers what became of each call. */
export class Decisions {
  private readonly fates = new Fates();
  /** Approvals on their way: what comes of one may arrive before the answer to it. */
  private readonly sent = new Set<string>();

  constructor(
    private readonly broker: Broker,
    private readonly signer: Pick<AnswerSigner, 'sign'>,
  ) {}

  /** What this window knows of a call that no longer waits. */
  fateOf(id: string): Fate {
    return this.fates.of(id);
  }

  /** Whether this window approved a question, or is just about to learn that it did. */
  approvedHere(id: string): boolean {
    return this.sent.has(id) || this.fates.of(id) === 'approved here';
  }

  /** Sends one answer about the call as it was shown; true when it counted. Tells the person when it did not. */
  async send(shown: Pending, decision: 'approve' | 'deny', reason?: string, rung?: RungName): Promise<boolean> {
    const answer = { id: shown.id, digest: shown.digest, decision, ...(reason === undefined ? {} : { reason }), ...(rung === undefined ? {} : { rung }) };
    if (decision === 'approve') this.sent.add(shown.id);
    try {
      const { outcome, message, level, parked } = await this.broker.request('approvals/decide', await this.signer.sign(shown, answer));
      if (outcome !== 'accepted') {
        void window.showWarningMessage(`Conductor: your answer ${outcome === 'refused' ? 'does not count' : 'came too late'}. ${message}`);
        return false;
      }
      this.fates.set(shown.id, decision === 'approve' ? 'approved here' : 'denied here');
      window.setStatusBarMessage(`Conductor: ${answerWords({ decision, lasting: rung !== undefined && rung !== 'once', unsigned: level === 'unsigned', parked: parked === true })}`, parked === true ? 2 * noteMs : noteMs);
      return true;
    } catch (error) {
      void window.showErrorMessage(`Conductor: your answer did not arrive, so nothing was approved. ${messageOf(error)}`);
      return false;
    } finally {
      this.sent.delete(shown.id);
    }
  }
}

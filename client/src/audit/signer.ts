import { keysAfter, logKeyOf, newLogKeys, signCheckpoint } from '../../../protocol/src/audit/keys';
import { verifierKeyText } from '../../../protocol/src/audit/note';
import type { SignAnswer, SignRequest } from '../../../protocol/src/audit/signing';
import { cryptoFlaw } from '../../../protocol/src/audit/soundness';
import { LogKeyStore, type KeptKeys, type Secrets, type SignedHead } from '../credentials/logKeys';

/** Signs checkpoints of the audit log with a key that only this editor holds, and never for a log that went back or was rewritten. */

/** Gives the hash of an entry as the log has it now, in bare hex; undefined when it cannot be read. */
export type HashAt = (seq: number) => Promise<string | undefined>;

/** What this editor knows of a log from its secret storage: its key as text, and what it signed last. */
export type Known = Readonly<{ publicKey: string; signed: SignedHead }>;

/** Makes the signer over the editor's secret storage. */
export function createSigner(secrets: Secrets, hashAt: HashAt): Signer {
  return new Signer(new LogKeyStore(secrets), hashAt);
}

/** One window's signer. Requests are answered one after the other, because each changes what is remembered. */
export class Signer {
  private turn: Promise<unknown> = Promise.resolve();
  private readonly flaw: string | undefined;

  /** `findFlaw` is asked once: an editor brings another cryptographic library than the broker has. */
  constructor(
    private readonly store: LogKeyStore,
    private readonly hashAt: HashAt,
    findFlaw: () => string | undefined = cryptoFlaw,
  ) {
    this.flaw = findFlaw();
  }

  /** Answers a request of the broker; never rejects. */
  answer(request: SignRequest): Promise<SignAnswer> {
    const done = this.turn.then(() => this.sign(request)).catch((cause: unknown): SignAnswer => ({ kind: 'unavailable', reason: `its secret storage cannot be used: ${cause instanceof Error ? cause.message : String(cause)}` }));
    this.turn = done;
    return done;
  }

  /** What this editor knows of a log; undefined when it never signed it, or cannot say. */
  async known(logId: string): Promise<Known | undefined> {
    const kept = await this.store.read(logId).catch(() => undefined);
    return kept === undefined || kept.signed === null ? undefined : { publicKey: verifierKeyText(logKeyOf(kept.keys, logId)), signed: kept.signed };
  }

  private async sign({ facts, closed }: SignRequest): Promise<SignAnswer> {
    if (this.flaw !== undefined) return { kind: 'unavailable', reason: `${this.flaw} It signs nothing.` };
    const kept = await this.store.read(facts.logId);
    const contradiction = kept === undefined || kept.signed === null ? undefined : await this.contradiction(kept.signed, facts);
    if (contradiction !== undefined) return { kind: 'refused', reason: contradiction };
    const keys = kept === undefined ? newLogKeys() : keysAfter(kept.keys, closed);
    const next: KeptKeys = { keys, signed: { entries: facts.size, head: facts.head, at: facts.time } };
    // Kept before it leaves: what was signed once is never forgotten, and the key of a closed epoch is gone before the next is used.
    await this.store.write(facts.logId, next);
    return { kind: 'signed', note: signCheckpoint(keys, facts, 'editor') };
  }

  private async contradiction(signed: SignedHead, facts: SignRequest['facts']): Promise<string | undefined> {
    if (facts.size < signed.entries) return `It signed ${signed.entries} entries before, and the log has ${facts.size} now: it was cut off, or an older copy was put back.`;
    const now = facts.size === signed.entries ? facts.head : await this.hashAt(signed.entries);
    return now === signed.head ? undefined : `Entry #${signed.entries}, which it signed before, is not the same any more: the log was rewritten or replaced.`;
  }
}

import type { CredentialState } from '../../../protocol/src/credentials';
import { messageOf, type Broker } from '../broker';
import type { EditorKey } from './editorKey';

/**
 * How this editor's key stands to the store. `unused`: no slot is of an editor; `fits`: the broker has it; `absent`: the secret storage has none;
 * `foreign`: it fits no slot; `failed`: nobody can tell, and `message` says why.
 */
export type KeyStanding = Readonly<{ kind: 'unused' | 'offering' | 'fits' | 'absent' | 'foreign' }> | Readonly<{ kind: 'failed'; message: string }>;

/** Offers the key in this editor's secret storage to the broker: on each connection, and again when the store lost it. */
export class KeyProvider {
  private standing: KeyStanding = { kind: 'unused' };
  /** The slots that were offered the key on this connection, so that one that does not fit is not offered without end. */
  private offeredTo = '';
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly broker: Pick<Broker, 'request'>,
    private readonly key: EditorKey,
    /** Hears that the standing is another. */
    private readonly changed: () => void,
  ) {}

  get stand(): KeyStanding {
    return this.standing;
  }

  /** A connection began: what was offered before was to another broker, or is forgotten. */
  begin(): void {
    this.offeredTo = '';
  }

  /** The broker told how the store is. */
  heard(state: CredentialState): void {
    const slots = state.slots.filter(({ kind }) => kind === 'editor');
    if (slots.length === 0) return this.become({ kind: 'unused' });
    // A window that left took its key along: then it is this one's turn.
    const lost = this.standing.kind === 'fits' && slots.every(({ atHand }) => !atHand);
    const fingerprint = [state.store, ...slots.map(({ id }) => id)].join(' ');
    if (fingerprint === this.offeredTo && !lost) return;
    this.offeredTo = fingerprint;
    void this.offer();
  }

  /** Offers the key now; resolves with how it stands afterwards. Never rejects. */
  async offer(): Promise<KeyStanding> {
    this.become({ kind: 'offering' });
    // One after the other, so that the last answer is the one that holds.
    this.turn = this.turn.then(async () => this.become(await this.outcome()));
    await this.turn;
    return this.standing;
  }

  private async outcome(): Promise<KeyStanding> {
    try {
      const key = await this.key.kept();
      if (key === undefined) return { kind: 'absent' };
      await this.broker.request('credentials/offerKey', { key });
      return { kind: 'fits' };
    } catch (error) {
      return codeOf(error) === 'CREDENTIALS_LOCKED' ? { kind: 'foreign' } : { kind: 'failed', message: messageOf(error) };
    }
  }

  private become(standing: KeyStanding): void {
    if (standing.kind === this.standing.kind && standing.kind !== 'failed') return;
    this.standing = standing;
    this.changed();
  }
}

/** The code in an error of the broker, which travels beside the words. */
function codeOf(error: unknown): unknown {
  const data = typeof error === 'object' && error !== null && 'data' in error ? error.data : undefined;
  return typeof data === 'object' && data !== null && 'code' in data ? data.code : undefined;
}

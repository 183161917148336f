import type { Decision, Pending } from '../../../protocol/src/approvals';
import type { RegistrationState } from '../../../protocol/src/approvers';
import type { Unsigned } from '../../../protocol/src/statement';
import { messageOf, type Broker } from '../broker';
import { plainLabel } from '../labels';
import type { Lifetime } from '../lifetime';
import type { Approver } from './approver';

/** Has the answers given at this window signed, and says plainly when they are not. */

/** Milliseconds that the word about a key that was believed stays in the status bar. */
const noteMs = 15_000;

/** How this window stands: its key counts; it has one that does not count yet; or it has none. */
export type SigningStand = Readonly<{ kind: 'signed' | 'asked' | 'refused' | 'none'; words: string }>;

/** How a window tells of it: in passing, or so that nobody misses it. */
export type SigningWords = Readonly<{ note(text: string, ms: number): void; warn(text: string): void }>;

/** Signs what is decided at one window. */
export class AnswerSigner {
  private approver: Promise<Approver> | undefined;
  private registering: Promise<unknown> = Promise.resolve();
  private now: SigningStand = { kind: 'none', words: 'Not signed: this window has not spoken with the broker yet.' };

  /** `open` opens the key of this editor; it is tried again after a failure. */
  constructor(
    private readonly broker: Broker,
    private readonly open: () => Promise<Approver>,
    private readonly words: SigningWords,
    life: Lifetime,
  ) {
    life.add(broker.onLink((link) => link.kind === 'connected' && this.register()));
    life.add(broker.on('approvals/keysChanged', () => this.register()));
  }

  get stand(): SigningStand {
    return this.now;
  }

  /** The answer with a signature, when the key of this window counts; else as it is, which the broker takes for the weaker level or refuses. */
  async sign(call: Pending, answer: Unsigned): Promise<Decision> {
    await this.registering;
    if (this.now.kind !== 'signed' || this.approver === undefined) return answer;
    return (await this.approver).sign(call, answer);
  }

  private register(): void {
    this.registering = this.registering.then(() => this.enrol()).catch((error: unknown) => this.withoutKey(error));
  }

  private async enrol(): Promise<void> {
    this.approver ??= this.open();
    const approver = await this.approver.catch((error: unknown) => {
      this.approver = undefined;
      throw error;
    });
    this.take(await this.broker.request('approvals/register', approver.registration), approver.shown);
  }

  private take({ state, message }: RegistrationState, shown: string): void {
    const before = this.now.kind;
    switch (state) {
      case 'first use':
        this.now = { kind: 'signed', words: `Signed with key ${shown}, trusted as the first one.` };
        return this.words.note(`Conductor: your approvals are signed with key ${shown} from now on`, noteMs);
      case 'registered':
        this.now = { kind: 'signed', words: `Signed with key ${shown}.` };
        return;
      case 'asked':
      case 'refused':
        this.now = { kind: state, words: `Not signed: ${message}` };
        if (before !== state) this.words.warn(`Conductor: what you approve at this window is not signed. ${plainLabel(message, 300)}`);
    }
  }

  private withoutKey(error: unknown): void {
    const first = this.now.kind !== 'none' || this.now.words.endsWith('yet.');
    this.now = { kind: 'none', words: `Not signed, which is the weaker level: ${messageOf(error)}` };
    if (first) this.words.note('Conductor: what you approve at this window is not signed; its status says why', noteMs);
  }
}

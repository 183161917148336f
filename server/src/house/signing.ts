import type { Actor } from '../../../protocol/src/call';
import type { SigningState } from '../../../protocol/src/audit/signing';
import { AnchorKeeper, type Anchor } from '../audit/anchors/keeper';
import { Checkpointer, type Signer } from '../audit/checkpoints/checkpointer';
import type { CheckpointStore } from '../audit/checkpoints/checkpointStore';
import { realDisk } from '../audit/files/disk';
import { keyFileSigner } from '../audit/checkpoints/keyFile';
import type { AuditWriter } from '../audit/write/writer';
import { askEditor, type AskingWire } from '../doors/requests';
import type { Audience } from './audience';

/** Who signs the log: the windows that are connected, the one that came last first, and a key file when there is none. */

/** The signing of the log as the rest of the house sees it. */
export type Signing = Readonly<{
  /** A window came; gives what is to be called when it leaves. */
  joined(wire: AskingWire): () => void;
  state(): SigningState;
  /** Signs to the end while the windows are still here; `last` records what comes last. */
  seal(last: () => Promise<void>): Promise<void>;
  /** The places outside that get the head with each checkpoint, from now on. */
  useAnchors(anchors: readonly Anchor[]): void;
  /** The log was replaced by a new one. */
  startAnew(): Promise<void>;
  close(): Promise<void>;
}>;

/** Milliseconds that a window gets for a signature: its keyring may ask a person to unlock it. */
const patienceMs = 10_000;

/** Milliseconds that the places outside get for the last checkpoint when the broker ends. */
const lastVisitMs = 3_000;

const schedule = (run: () => void, ms: number): (() => void) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Begins to have the log signed. */
export function openSigning(ground: Readonly<{ log: string; writer: AuditWriter; store: CheckpointStore; actor: Actor; audience: Audience }>): Signing {
  const { log, writer, store, actor, audience } = ground;
  const windows: AskingWire[] = [];
  const fileSigner: Signer = { name: 'The key file', sign: keyFileSigner(log, realDisk) };
  const windowSigner = (wire: AskingWire): Signer => ({ name: 'An editor window', sign: (request) => askEditor(wire, 'audit/sign', request, patienceMs) });
  const state = (): SigningState => ({ ...checkpointer.state(), anchors: keeper.states() });
  const changed = (): void => audience.tellSoon('audit/signed', state);
  const keeper = new AnchorKeeper({ now: () => performance.now(), wallNow: Date.now, schedule, signed: (checkpoint, signatures) => checkpointer.addSignatures(checkpoint, signatures), changed });
  const checkpointer = new Checkpointer({
    log, writer, store, actor, disk: realDisk, now: Date.now,
    signers: () => [...windows.map(windowSigner), fileSigner],
    schedule,
    made: (checkpoint, { edge }) => keeper.offer({ checkpoint, edge }),
    changed,
  });
  return {
    joined(wire) {
      windows.unshift(wire);
      return () => void windows.splice(windows.indexOf(wire), 1);
    },
    state,
    useAnchors: (anchors) => keeper.use(anchors),
    seal: async (last) => {
      if (!(await checkpointer.make('end', last))) await last();
    },
    startAnew: () => checkpointer.startAnew(),
    close: async () => {
      await keeper.finish(lastVisitMs);
      keeper.close();
      await checkpointer.close();
    },
  };
}

import { randomBytes } from 'node:crypto';
import { env } from 'vscode';
import { approverId, fingerprintText, registrationOf, type Registration } from '../../../protocol/src/approvers';
import type { Decision, Pending } from '../../../protocol/src/approvals';
import { publicKeyOf } from '../../../protocol/src/audit/ed25519';
import { signAnswer, type Unsigned } from '../../../protocol/src/statement';
import { approverSeed } from '../credentials/approverKey';
import type { Secrets } from '../credentials/logKeys';

/** Signs answers with a key that only this editor holds, bundled on its own. What is signed is made from the question as this window has it and shows it. */
export type Approver = Readonly<{ shown: string; registration: Registration; sign(call: Pending, answer: Unsigned): Decision }>;

/** Opens the key of this editor, which is made when there is none. Rejects when its secret storage cannot be used. */
export async function openApprover(secrets: Secrets): Promise<Approver> {
  const seed = await approverSeed(secrets, () => randomBytes(32));
  return {
    shown: fingerprintText(approverId(publicKeyOf(seed))),
    registration: registrationOf(seed, 'editor', env.appName.slice(0, 100) || 'editor'),
    sign: (call, answer) => signAnswer(call, answer, seed, new Date().toISOString()),
  };
}

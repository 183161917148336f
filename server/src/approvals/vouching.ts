import { statementFits, statementOf, statementText } from '../../../protocol/src/statement';
import type { ApprovalLevel, Decision, Pending } from '../../../protocol/src/approvals';
import type { ApproverKey } from '../../../protocol/src/approvers';
import type { Approvers } from './approvers';
import type { Person } from './question';

/** Says how far an answer is vouched for, and refuses signatures that do not count. */

/** The statement that was signed, with the signature in base64. The key is named in it. */
export type Signed = Readonly<{ statement: string; signature: string }>;

/** An answer that counts, and how far it is vouched for; or why it does not count. */
export type Vouched = Readonly<{ kind: 'vouched'; level: ApprovalLevel; signed?: Signed }> | Readonly<{ kind: 'refused'; message: string }>;

/** What vouching rests on. */
export type Vouching = Readonly<{
  approvers: Approvers;
  /** Whether the rules in force want every approval signed. */
  requireSigned(): boolean;
  /** Milliseconds since 1970. */
  wallNow(): number;
}>;

/** Most milliseconds by which the clock of a signer may differ from ours. */
const clockSkewMs = 300_000;

/** Looks at the signature of an answer, which must be over what waits here, and never over what the answer itself tells of it. */
export function vouch({ approvers, requireSigned, wallNow }: Vouching, pending: Pending, answer: Decision, by: Person): Vouched {
  const { signature } = answer;
  if (signature === undefined) {
    // Saying no needs no proof.
    if (answer.decision === 'deny' || !(pending.signedOnly === true || requireSigned())) return { kind: 'vouched', level: 'unsigned' };
    return refused('Only a signed approval counts for this call, and yours is not. Answer at a window or terminal with a registered key ("conductor approvals keys" lists them).');
  }
  const problem = approvers.problem();
  if (problem !== undefined) return refused(`No signature can be checked: ${problem}`);
  const key = approvers.find(signature.key);
  if (key === undefined) return refused(`The key ${signature.key} is not registered, so what it signs does not count.`);
  if (key.place !== placeOf(by)) return refused('This key belongs to another kind of place than the one that answers.');
  const given = Date.parse(signature.given);
  if (given > Date.parse(pending.expiresAt) || Math.abs(given - wallNow()) > clockSkewMs) return refused(`The answer says that it was given at ${signature.given}, which does not fit the clock here.`);
  return checked(pending, answer, key, signature);
}

function checked(pending: Pending, answer: Decision, key: ApproverKey, { given, bytes }: NonNullable<Decision['signature']>): Vouched {
  const statement = statementText(statementOf(pending, answer, { given, key: key.id }));
  if (!statementFits(statement, bytes, key.publicKey)) return refused('The signature does not fit what waits here, so the answer does not count. Look at the call again.');
  return { kind: 'vouched', level: key.place === 'editor' ? 'editor key' : 'terminal key', signed: { statement, signature: bytes } };
}

function placeOf({ role }: Person): ApproverKey['place'] {
  return role === 'editor' ? 'editor' : 'terminal';
}

function refused(message: string): Vouched {
  return { kind: 'refused', message };
}

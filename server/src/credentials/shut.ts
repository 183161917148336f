import type { SlotKind } from '../../../protocol/src/credentials';
import { ConductorError } from '../../../protocol/src/errors';
import type { Slot, Slots } from './slots';

/** Why a store is shut, and what opens it, in words for people. */

const keepers = { machine: 'this machine', editor: 'the editor that has its key', passphrase: 'a passphrase', keyring: 'the keyring of this system' } as const satisfies Record<SlotKind, string>;

/** There is no store. */
export function nothingThere(): ConductorError {
  return new ConductorError('NOT_FOUND', 'There are no credentials yet.', { next: 'Set one with "conductor secrets set SERVICE.KEY".' });
}

/** No slot opened it; `troubles` says by the slot why one cannot. */
export function locked({ slots }: Slots, troubles: ReadonlyMap<string, string>): ConductorError {
  const able = slots.filter(({ id }) => !troubles.has(id));
  const reasons = slots.flatMap(({ id, kind }) => (troubles.has(id) ? [`The ${kind} slot ${id} does not open it: ${troubles.get(id) ?? ''}`] : []));
  const because = [...reasons, `It opens with ${able.map(({ kind }) => keepers[kind]).join(' or ') || 'nothing that is here'}.`].join(' ');
  return new ConductorError('CREDENTIALS_LOCKED', `The store of credentials is locked: ${because}`, { next: wayIn(new Set(able.map(({ kind }) => kind))) });
}

function wayIn(kinds: ReadonlySet<SlotKind>): string {
  if (kinds.has('editor')) return 'Open VS Code with Conductor, whose secret storage has the key.';
  if (kinds.has('passphrase') || kinds.has('keyring')) return 'Run "conductor secrets unlock" in a terminal.';
  return 'On the machine that it comes from, add a passphrase ("conductor secrets slots add passphrase") and copy the folder again; or move the folder credentials/ away and begin anew with "conductor secrets accept".';
}

/** What was offered fits nothing. */
export function fitsNoSlot(what: 'passphrase' | 'key'): ConductorError {
  return what === 'passphrase'
    ? new ConductorError('CREDENTIALS_LOCKED', 'This passphrase opens no slot of the store of credentials.', { next: 'Try again; passphrases cannot be recovered.' })
    : new ConductorError('CREDENTIALS_LOCKED', 'The key that was offered opens no slot of the store of credentials.', { next: 'Add the key as a slot while the store is open; see "conductor secrets slots list".' });
}

/** Keys are missing without which nothing can be sealed anew. */
export function notAtHand(absent: readonly Slot[]): ConductorError {
  return new ConductorError('CONFLICT', `The data key cannot be changed, because the keys of these slots are not at hand: ${absent.map(({ id, kind }) => `${id} (${kind})`).join(', ')}.`, {
    next: 'Open the editor that has the key, or run "conductor secrets unlock", or remove the slot ("conductor secrets slots remove ID").',
  });
}

/** There is no store where the log knows of one. */
export function missing(folder: string, known: number): ConductorError {
  return new ConductorError('CREDENTIALS_REFUSED', `The store of credentials is missing: the audit log knows of one, at change ${String(known)}, and ${folder} is not there or is empty.`, {
    data: { known }, next: `Put the folder back from a copy. If you removed it yourself, begin anew with "conductor secrets accept". If not, somebody else did: look at the audit log.`,
  });
}

/** Another store than the last one is there. */
export function anotherStore(): ConductorError {
  return new ConductorError('CREDENTIALS_REFUSED', 'The store of credentials is another one than the audit log knows of.', {
    next: 'If you put it there yourself, say so with "conductor secrets accept". If not, somebody else did: look at the audit log.',
  });
}

/** An older copy was put back. */
export function rolledBack(found: number, known: number): ConductorError {
  return new ConductorError('CREDENTIALS_REFUSED', `An older copy of the store of credentials was put back: it is at change ${String(found)}, and the audit log knows of change ${String(known)}.`, {
    data: { found, known }, next: 'If you restored it yourself, say so with "conductor secrets accept". If not, somebody else did: look at the audit log.',
  });
}

/** Something failed that is no failure of ours yet. */
export function refusedFor(thrown: unknown): ConductorError {
  return thrown instanceof ConductorError ? thrown : new ConductorError('CREDENTIALS_REFUSED', `The store of credentials cannot be used: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
}

import { reveal, revealLine } from '../../../protocol/src/display';
import type { CredentialState, CredentialView, SlotKind, SlotView } from '../../../protocol/src/credentials';
import { counted, dateText, dayText } from '../labels';
import type { KeyStanding } from './provider';

/** The words of one row: what is read at a glance, and what a screen reader says. Names and reasons come from files, so they are shown harmless. */
export type Row = Readonly<{ label: string; description: string; spoken: string }>;

/** The words of one credential. There is no value in them, nor a hint at one. */
export function credentialRow(credential: CredentialView, nowMs: number): Row {
  const name = revealLine(credential.name, 130);
  const parts = credential.trouble === null ? [usersText(credential), `set ${dateText(credential.changedAt, nowMs)}`, usedText(credential, nowMs)] : ['cannot be read'];
  return { label: name, description: parts.join(', '), spoken: `Credential ${name}: ${parts.join(', ')}` };
}

/** More about one credential than its row has room for. */
export function credentialLines({ name, createdAt, changedAt, lastUsedAt, usableBy, trouble }: CredentialView): readonly string[] {
  return [
    revealLine(name, 130),
    ...(trouble === null ? [] : [reveal(trouble).text]),
    `Set first: ${createdAt}`,
    `Value since: ${changedAt}`,
    `Last used: ${lastUsedAt ?? 'never'}`,
    `May be used by: ${usableBy.length === 0 ? 'nothing that is configured' : usableBy.map((holder) => revealLine(holder, 80)).join(', ')}`,
    `In configuration: ${referenceTo(name)}`,
  ];
}

/** How configuration refers to a credential. */
export function referenceTo(name: string): string {
  return `\${secret:${name}}`;
}

function usedText({ lastUsedAt }: CredentialView, nowMs: number): string {
  return lastUsedAt === null ? 'never used' : `used ${dayText(lastUsedAt, nowMs)}`;
}

function usersText({ usableBy }: CredentialView): string {
  const [first] = usableBy;
  if (first === undefined) return 'used by nothing';
  return usableBy.length === 1 ? `for ${revealLine(first, 40)}` : `for ${counted(usableBy.length, 'user')}`;
}

const slotNames = { machine: 'This machine', editor: 'Editor', passphrase: 'Passphrase', keyring: 'Keyring' } as const satisfies Record<SlotKind, string>;

const slotMeanings = {
  machine: 'Opens by itself, also with the editor closed, for whoever can read your files here.',
  editor: 'Opens while a window of an editor is open whose secret storage has the key.',
  passphrase: 'Opens when somebody types it; until the broker ends.',
  keyring: 'Opens with the keyring of the operating system.',
} as const satisfies Record<SlotKind, string>;

/** The words of one key slot. */
export function slotRow(slot: SlotView, nowMs: number): Row {
  const parts = [`since ${dateText(slot.createdAt, nowMs)}`, slot.trouble !== null ? 'does not open it' : slot.atHand ? 'key at hand' : 'key not at hand'];
  return { label: slotNames[slot.kind], description: parts.join(', '), spoken: `Key slot ${slotNames[slot.kind]}: ${parts.join(', ')}` };
}

/** More about one key slot. */
export function slotLines({ id, kind, createdAt, trouble }: SlotView): readonly string[] {
  return [`${slotNames[kind]}, slot ${id}`, ...(trouble === null ? [] : [reveal(trouble).text]), slotMeanings[kind], `Since: ${createdAt}`];
}

/** What a slot of a kind means for who can open the store. */
export function slotMeaning(kind: SlotKind): string {
  return slotMeanings[kind];
}

/** The name of a kind of slot. */
export function slotName(kind: SlotKind): string {
  return slotNames[kind];
}

/** The heading above the key slots. */
export function slotsHeading(slots: readonly SlotView[]): string {
  return `Key slots (${slots.length})`;
}

/** Why a store is shut that a person should know of, and what opens it; undefined when nothing is wrong, or is not known yet. */
export function shutText(state: CredentialState | undefined, key: KeyStanding): Readonly<{ reason: string; next: string }> | undefined {
  if (state?.state === 'refused') return { reason: reveal(state.message).text, next: 'No credential can be used until this is mended.' };
  if (state?.state !== 'locked' || key.kind === 'offering' || key.kind === 'fits') return undefined;
  const kinds = new Set(state.slots.filter(({ trouble }) => trouble === null).map(({ kind }) => kind));
  return { reason: lockedReason(state.slots, key), next: wayIn(kinds) };
}

function lockedReason(slots: readonly SlotView[], key: KeyStanding): string {
  const troubles = slots.flatMap(({ kind, trouble }) => (trouble === null ? [] : [`${slotNames[kind]}: ${reveal(trouble).text}`]));
  return ['The credentials are locked.', ...troubles, ...keyReason(key)].join(' ');
}

function keyReason(key: KeyStanding): readonly string[] {
  switch (key.kind) {
    case 'absent':
      return ['The secret storage of this editor has no key to them: another editor has it, or this storage was emptied.'];
    case 'foreign':
      return ['The key in the secret storage of this editor does not fit: another editor has the one that does.'];
    case 'failed':
      return [`The key of this editor could not be offered: ${reveal(key.message).text}`];
    case 'unused':
    case 'offering':
    case 'fits':
      return [];
  }
}

function wayIn(kinds: ReadonlySet<SlotKind>): string {
  if (kinds.has('passphrase')) return 'Type the passphrase to open them.';
  if (kinds.has('keyring')) return 'Run "conductor secrets unlock" in a terminal to open them.';
  if (kinds.has('editor')) return 'Open the editor that has the key. If it is lost, nothing can read these credentials any more: begin a new store and set them again.';
  return 'On the machine that they come from, add a passphrase and copy the folder again; or begin a new store and set them again.';
}

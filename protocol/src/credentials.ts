import { z } from 'zod';

/** The words for credentials: their names, who holds the key to them, and what may be shown of them. Never a value. */

/** One part of a name: 1 to 64 letters, digits, `_` and `-`, not beginning with `-`. */
const part = '[A-Za-z0-9_][A-Za-z0-9_-]{0,63}';

/** How a credential is named: `service.key`, for instance `github.token`; upper and lower case are told apart. */
export const credentialNameSchema = z.string().regex(new RegExp(`^${part}\\.${part}$`), 'must be service.key: two parts of at most 64 letters, digits, "_" and "-"');

/** Bytes that a value may have at most, as UTF-8. */
export const mostValueBytes = 65_536;

/** Credentials that a store holds at most. */
export const mostCredentials = 1_000;

/** Characters of a passphrase, at least and at most. */
export const passphraseLength = { least: 12, most: 1_000 } as const;

/** A value as it is set: well-formed text without NUL, since no environment can carry one. Errors never quote it. */
export const credentialValueSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(mostValueBytes, `must have at most ${mostValueBytes} bytes`)
  .refine((text) => !/[\0\p{Surrogate}]/u.test(text) && Buffer.byteLength(text) <= mostValueBytes, `must be text of at most ${mostValueBytes} bytes without NUL`);

/** Where a key to the store lies: with this machine, in an editor's secret storage, in somebody's head, in the keyring of the operating system. */
export const slotKinds = ['machine', 'editor', 'passphrase', 'keyring'] as const;

/** One of `slotKinds`. */
export type SlotKind = (typeof slotKinds)[number];

/** A key that a window or a keyring keeps: 32 bytes as hex. */
export const slotKeySchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');

/** A passphrase for a slot. Errors never quote it. */
export const passphraseSchema = z.string().min(passphraseLength.least, `must have at least ${passphraseLength.least} characters`).max(passphraseLength.most);

/** The number of a slot: 16 hex digits. */
export const slotIdSchema = z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 hex digits, as "conductor secrets slots list" shows them');

/** One key slot as people see it. */
export const slotViewSchema = z.strictObject({
  id: slotIdSchema,
  kind: z.enum(slotKinds),
  createdAt: z.string(),
  /** Whether its key is at hand, so that the data key could be carried over when it is changed. */
  atHand: z.boolean(),
  /** Why it cannot open the store, for instance on another machine; null when nothing is known against it. */
  trouble: z.string().nullable(),
});

/** One key slot as people see it. */
export type SlotView = z.infer<typeof slotViewSchema>;

/** One credential as people see it. */
export const credentialViewSchema = z.strictObject({
  name: credentialNameSchema,
  createdAt: z.string(),
  changedAt: z.string(),
  /** When it was leased last; null when never. A use in the last seconds before a crash may be missing; the audit log has it. */
  lastUsedAt: z.string().nullable(),
  /** Who declared it and so may lease it: ids of tools and backends. */
  usableBy: z.array(z.string()),
  /** Why its value cannot be read; null when it can. */
  trouble: z.string().nullable(),
});

/** One credential as people see it. */
export type CredentialView = z.infer<typeof credentialViewSchema>;

/**
 * How the store is. `empty`: there is none yet, the first credential makes it; `locked`: no slot has opened it in this run;
 * `open`; `refused`: what lies on the disk cannot be used, and `message` says why and what to do.
 */
export const credentialStates = ['empty', 'locked', 'open', 'refused'] as const;

/** The store as people see it; credentials are empty while it is not open, since their names are sealed as well. */
export const credentialStateSchema = z.strictObject({
  state: z.enum(credentialStates),
  message: z.string(),
  /** 32 hex digits; null while there is no store, or none that can be read. */
  store: z.string().nullable(),
  /** Rises with each change; null while it is not open. */
  generation: z.number().int().nullable(),
  slots: z.array(slotViewSchema),
  credentials: z.array(credentialViewSchema),
  /** What was found and repaired, or could not be, in sentences. */
  remarks: z.array(z.string()),
});

/** The store as people see it. */
export type CredentialState = z.infer<typeof credentialStateSchema>;

/** A slot that somebody asks for. A window offers the key in its secret storage, a terminal that of the keyring. */
export const newSlotSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('machine') }),
  z.strictObject({ kind: z.literal('editor'), key: slotKeySchema }),
  z.strictObject({ kind: z.literal('keyring'), key: slotKeySchema }),
  z.strictObject({ kind: z.literal('passphrase'), passphrase: passphraseSchema }),
]);

/** A slot that somebody asks for. */
export type NewSlot = z.infer<typeof newSlotSchema>;

/** What opens a store: a key that a window or a keyring keeps, or a passphrase. */
export const offeredKeySchema = z.union([z.strictObject({ key: slotKeySchema }), z.strictObject({ passphrase: passphraseSchema })]);

/** What opens a store. */
export type OfferedKey = z.infer<typeof offeredKeySchema>;

/** What became of older files of the published format. */
export const importedSchema = z.strictObject({
  /** Names that are in the store now. */
  imported: z.array(credentialNameSchema),
  /** Names that were there already and were left as they are. */
  kept: z.array(credentialNameSchema),
  /** Files that could not be taken over, and why. */
  problems: z.array(z.string()),
  /** Where the old files are now; null when they stayed, because something could not be taken over. */
  movedTo: z.string().nullable(),
});

/** What became of older files of the published format. */
export type Imported = z.infer<typeof importedSchema>;

/** The two parts of a name. */
export function partsOf(name: string): Readonly<{ service: string; key: string }> {
  const dot = name.indexOf('.');
  return { service: name.slice(0, dot), key: name.slice(dot + 1) };
}

/** Whether a text is a name of a credential. */
export function isCredentialName(text: string): boolean {
  return credentialNameSchema.safeParse(text).success;
}

/** A reference to the credential store as texts hold it; what stands in it may still be no name of a credential. Its first group is the name. */
export const referencePattern = /\$\{secret:([A-Za-z0-9_.-]{1,140})\}/g;

/** The source of an expression for a reference whose name can be one of a credential. */
export const soundReference = `\\$\\{secret:${part}\\.${part}\\}`;

/** Names that `${secret:service.key}` stands for in a text, each once, in order. */
export function referencesIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(referencePattern)].map(([, name = '']) => name))];
}

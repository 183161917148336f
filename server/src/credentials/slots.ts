import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { slotIdSchema, type SlotKind } from '../../../protocol/src/credentials';
import { ConductorError } from '../../../protocol/src/errors';
import { boundTo, mac, seal, unseal } from './sealing';

/** Key slots: the data key of the store, wrapped once for each place that may open it. One file lists them, and is the word on which data key holds. */

/** Cost of scrypt: memory is 128 times N times r bytes. */
const costSchema = z.strictObject({ N: z.number().int().min(2 ** 10).max(2 ** 20).refine((n) => Number.isInteger(Math.log2(n))), r: z.number().int().min(1).max(16), p: z.number().int().min(1).max(8) });
/** Cost of scrypt. */
export type Cost = z.infer<typeof costSchema>;

/** What new slots cost. A machine id has 128 bits, so that slot need not be slow; a passphrase gets what OWASP asks for. */
export const defaultCosts: Readonly<{ machine: Cost; passphrase: Cost }> = { machine: { N: 2 ** 15, r: 8, p: 1 }, passphrase: { N: 2 ** 17, r: 8, p: 1 } };

const hex = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${String(2 * bytes)}}$`));
const common = { id: slotIdSchema, createdAt: z.string(), /** The sealed data key, hex. */ wrapped: hex(60) };
const slotSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('machine'), ...common, cost: costSchema, /** SHA-256-HMAC of the salt file, which tells a changed salt from another machine. */ salt: hex(32) }),
  z.strictObject({ kind: z.literal('passphrase'), ...common, cost: costSchema, salt: hex(32) }),
  z.strictObject({ kind: z.literal('editor'), ...common, /** Which key of its keeper it is. */ key: hex(8) }),
  z.strictObject({ kind: z.literal('keyring'), ...common, key: hex(8) }),
]);

/** One key slot as it is stored. */
export type Slot = z.infer<typeof slotSchema>;

const bodySchema = z.strictObject({ v: z.literal(1), store: hex(16), epoch: hex(8), slots: z.array(slotSchema).min(1).max(20) });
/** What the file of slots says: which store, which epoch of its data key, and who can open it. */
export type Slots = z.infer<typeof bodySchema>;
const fileSchema = z.strictObject({ mac: hex(32), body: bodySchema });

/** Name of the file in the folder of the store. */
export const slotsName = 'slots.json';
/** Bytes above which the file is none of ours. */
export const mostSlotsBytes = 65_536;

/** The text of the file. `key` is the store's key for slots, so that nobody without the data key can add one. */
export function slotsText(slots: Slots, key: Uint8Array): string {
  // Members in the order in which a reader gets them.
  const body = bodySchema.parse(slots);
  return textOf(body, mac(key, boundTo(JSON.stringify(body))).toString('hex'));
}

/** What a file of slots says, and whether it was written with a key. Throws CREDENTIALS_REFUSED when it is none. */
export function parseSlots(text: string): Readonly<{ body: Slots; isWrittenWith(key: Uint8Array): boolean }> {
  const parsed = fileSchema.safeParse(jsonOf(text));
  if (!parsed.success || textOf(parsed.data.body, parsed.data.mac) !== text) throw changed();
  const { body, mac: given } = parsed.data;
  return { body, isWrittenWith: (key) => timingSafeEqual(Buffer.from(given, 'hex'), mac(key, boundTo(JSON.stringify(body)))) };
}

/** The failure that says that the list of slots is not as it was written. */
export function changed(): ConductorError {
  return new ConductorError('CREDENTIALS_REFUSED', 'The list of key slots (credentials/slots.json) was changed or is damaged.', { next: 'Put back a copy of the whole folder, or move it away and begin anew with "conductor secrets accept".' });
}

/** What a slot is before the data key is wrapped for it. */
export type SlotHead = Slot extends infer Each ? (Each extends Slot ? Omit<Each, 'wrapped'> : never) : never;

/** Wraps the data key. */
export function wrap(head: SlotHead, key: Uint8Array, dataKey: Uint8Array, { store, epoch }: Pick<Slots, 'store' | 'epoch'>): Slot {
  return { ...head, wrapped: seal(key, dataKey, headBytes(head, store, epoch)).toString('hex') } as Slot;
}

/** The data key; undefined when the key does not fit, or the slot was changed. */
export function unwrap(slot: Slot, key: Uint8Array, { store, epoch }: Pick<Slots, 'store' | 'epoch'>): Buffer | undefined {
  const { wrapped, ...head } = slot;
  return unseal(key, Buffer.from(wrapped, 'hex'), headBytes(head, store, epoch));
}

/** A new slot of a kind whose key somebody else keeps. */
export function keptHead(kind: Extract<SlotKind, 'editor' | 'keyring'>, key: Uint8Array, at: string): SlotHead {
  return { kind, id: newId(), createdAt: at, key: keyMark(key) };
}

/** A new slot whose key is derived, with its salt. */
export function derivedHead(kind: Extract<SlotKind, 'machine' | 'passphrase'>, salt: Uint8Array, cost: Cost, at: string): SlotHead {
  return { kind, id: newId(), createdAt: at, cost, salt: kind === 'machine' ? saltMark(salt) : Buffer.from(salt).toString('hex') };
}

/** What tells a key from others without giving it away. */
export function keyMark(key: Uint8Array): string {
  return mac(key, boundTo('conductor slot key')).subarray(0, 8).toString('hex');
}

/** What tells the salt of a machine slot from others. */
export function saltMark(salt: Uint8Array): string {
  return mac(salt, boundTo('conductor machine salt')).toString('hex');
}

/** Name of the file that holds the salt of a machine slot: 32 bytes, mode 0600. */
export function saltNameOf({ id }: Pick<Slot, 'id'>): string {
  return `machine-${id}.salt`;
}

/** The 32 bytes of key that a text and a salt make. Takes a tenth of a second or more, on another thread. */
export function derive(text: string, salt: Uint8Array, { N, r, p }: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(text.normalize('NFKC'), salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

function newId(): string {
  return randomBytes(8).toString('hex');
}

function headBytes(head: object, store: string, epoch: string): Buffer {
  return boundTo('conductor slot', 1, store, epoch, ...Object.entries(head).sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, value]) => `${name}=${JSON.stringify(value)}`));
}

function textOf(body: Slots, given: string): string {
  return `${JSON.stringify({ mac: given, body }, undefined, 1)}\n`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The byte layout of one line: where the hashes sit, what is hashed, and how an entry is written.
 * A line ends `,"prevHash":"sha256:<64 hex>","hash":"sha256:<64 hex>"}` and one 0x0A; everything is at a fixed offset from it.
 */
import { hash } from 'node:crypto';
import { canonicalInput, canonicalJson, escapeInvisible } from './canonical';
import type { InputDigest, NewEntry, OwnEntry } from './entry';
import { jsonText, quoted } from './json';

/** The longest line that may be written or read, in bytes, newline included. */
export const maxLineBytes = 1_048_576;
/** Inputs whose canonical text is longer, in bytes, are stored as their digest. */
export const maxInlineInputBytes = 65_536;
/** The same for outcomes, whose intent already holds the input. */
export const maxRepeatedInputBytes = 1_024;
/** Inputs that nest deeper are stored as their digest, because most JSON parsers give up somewhere. */
export const maxInlineDepth = 64;
/** What the first entry of a log has as its predecessor: 64 zeros. */
export const zeroHash = '0'.repeat(64);
/** Bytes of both hash members and the closing brace, without the newline. */
export const tailBytes = 167;
/** Distance of the `,"hash":…` member from the newline. */
const hashMember = 82;
const prevMemberText = ',"prevHash":"sha256:';
const hashMemberText = '","hash":"sha256:';
const closing = '"}';
/** Distances of the hex digits of both hashes from the newline. */
const ownHex = 66;
const prevHex = 147;

/** SHA-256 as 64 lower-case hex digits; text is hashed as UTF-8. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/** The two hashes that a line carries, as bare hex. */
export type Tail = Readonly<{ prevHash: string; hash: string }>;

/** Reads both hashes of the line that ends before `newline`, or undefined when the fixed layout is not there. */
export function readTail(bytes: Buffer, start: number, newline: number): Tail | undefined {
  if (newline - start <= tailBytes) return undefined;
  const tail = bytes.toString('latin1', newline - tailBytes, newline);
  const found = /^,"prevHash":"sha256:([0-9a-f]{64})","hash":"sha256:([0-9a-f]{64})"\}$/.exec(tail);
  const [, prevHash, own] = found ?? [];
  return prevHash === undefined || own === undefined ? undefined : { prevHash, hash: own };
}

/** Whether the end of the line is laid out as it must be; the hashes themselves are not looked at. */
export function hasLayout(bytes: Uint8Array, newline: number): boolean {
  return isText(bytes, newline - tailBytes, prevMemberText) && isText(bytes, newline - hashMember - 1, hashMemberText) && isText(bytes, newline - closing.length, closing);
}

/** Whether the line names this hash as its predecessor's. */
export function linksTo(bytes: Buffer, newline: number, prevHash: string): boolean {
  return bytes.toString('latin1', newline - prevHex, newline - prevHex + 64) === prevHash;
}

/** The same, when the predecessor ends in the same buffer: compares with the hash that stands there. */
export function linksInPlace(bytes: Uint8Array, newline: number, before: number): boolean {
  for (let from = before - ownHex, to = newline - prevHex; from < before - closing.length; from += 1, to += 1) if (bytes[from] !== bytes[to]) return false;
  return true;
}

/** Whether the line carries this hash as its own. */
export function carries(bytes: Buffer, newline: number, own: string): boolean {
  return bytes.toString('latin1', newline - ownHex, newline - closing.length) === own;
}

function isText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/**
 * Computes the hash of a line: SHA-256 over everything before its `hash` member and a closing brace.
 * The comma is overwritten for the moment of hashing, so that no byte is copied. The line must be longer than its tail.
 */
export function hashOfLine(bytes: Buffer, start: number, newline: number): string {
  const comma = newline - hashMember;
  const kept = bytes[comma] ?? 0;
  bytes[comma] = 0x7d;
  const computed = hash('sha256', new Uint8Array(bytes.buffer, bytes.byteOffset + start, comma + 1 - start), 'hex');
  bytes[comma] = kept;
  return computed;
}

/** An entry made ready for the log; only its place in the chain is missing. */
export type PreparedEntry = Readonly<{
  id: string;
  phase: string;
  call: string | undefined;
  tool: string;
  /** The members from `id` up to, not including, `prevHash`. */
  members: string;
  /** UTF-8 length of `members`. */
  bytes: number;
}>;

/** Room for `{"v":1,"seq":<16 digits>,`, the tail and the newline. */
const frameBytes = 40 + tailBytes + 1;

/**
 * Renders an entry in the fixed member order. An input that is too long or too deep is stored as its digest; a `detail`
 * that makes the line too long as well. Throws RangeError when the line would still be longer than `maxLineBytes`.
 */
export function prepareEntry(entry: NewEntry | OwnEntry, id: string, timestamp: string): PreparedEntry {
  const call = entry.phase === 'intent' || entry.phase === 'denied' ? id : entry.call;
  const input = inputOf(entry);
  const detail = entry.detail === undefined ? '' : `,"detail":${canonicalJson(entry.detail).text}`;
  const idText = quoted(id);
  const callMember = call === undefined ? '' : `,"call":${call === id ? idText : quoted(call)}`;
  const before = `"id":${idText},"timestamp":"${timestamp}","phase":"${entry.phase}"${callMember},"tool":${quoted(entry.tool)},"input":`;
  const after =
    `,"inputHash":"${('inputHash' in entry ? entry.inputHash : undefined) ?? input.hash}","result":"${entry.result}"` +
    `${member('verdict', entry.verdict)}${member('approval', entry.approval)}${actorMember(entry.actor)}` +
    `${member('project', entry.project)}${member('durationMs', entry.durationMs)}${member('output', entry.output)}${member('removed', entry.removed)}`;
  const inline = input.depth <= maxInlineDepth && input.bytes <= inlineLimit(entry);
  let members = harmless(before + (inline ? input.text : digestText(input)) + after + detail);
  if (tooLong(members)) members = harmless(before + digestText(input) + after + detail);
  if (tooLong(members) && entry.detail !== undefined) members = harmless(`${before}${digestText(input)}${after},"detail":${shortDetail(entry.detail, canonicalJson(entry.detail).text)}`);
  if (tooLong(members)) throw new RangeError(`an audit entry may be ${maxLineBytes} bytes long at most`);
  return { id, phase: entry.phase, call, tool: entry.tool, members: members.text, bytes: members.bytes };
}

/** The canonical text of an input, its length in UTF-8, its depth, and its hash as entries name it. */
type CanonicalInput = Readonly<{ text: string; bytes: number; depth: number; hash: string }>;

/** Inputs of calls that were decided: the outcome holds the same object, which nobody changes after it was judged. */
const decided = new WeakMap<object, CanonicalInput>();

function inputOf({ phase, input }: NewEntry | OwnEntry): CanonicalInput {
  const known = phase === 'done' ? decided.get(input) : undefined;
  if (known !== undefined) return known;
  const { text, depth } = phase === 'intent' ? canonicalInput(input) : canonicalJson(input);
  const made = { text, bytes: Buffer.byteLength(text), depth, hash: `sha256:${sha256(text)}` };
  // What the outcome holds as a digest need not stay in memory for it.
  if (phase === 'intent') decided.set(input, made.bytes > maxRepeatedInputBytes ? { ...made, text: '' } : made);
  return made;
}

/** Text that no screen acts on, and its UTF-8 length. */
type Harmless = Readonly<{ text: string; bytes: number }>;

function harmless(json: string): Harmless {
  const bytes = Buffer.byteLength(json);
  // In plain ASCII there is only one character to escape.
  if (bytes === json.length && !json.includes('\u007f')) return { text: json, bytes };
  const text = escapeInvisible(json);
  return { text, bytes: Buffer.byteLength(text) };
}

function tooLong(members: Harmless): boolean {
  return members.bytes > maxLineBytes - frameBytes;
}

/** Actors as text: all calls of a connection hold the same object. */
const actors = new WeakMap<object, string>();

function actorMember(actor: NewEntry['actor']): string {
  if (actor === undefined) return '';
  const known = actors.get(actor);
  if (known !== undefined) return known;
  const text = member('actor', actor);
  actors.set(actor, text);
  return text;
}

function member(name: string, value: unknown): string {
  return value === undefined ? '' : `,"${name}":${jsonText(value)}`;
}

/** The most bytes of an input that is stored as it is. Without what the header of a file says, the file could not be verified. */
function inlineLimit({ phase }: NewEntry | OwnEntry): number {
  return phase === 'done' ? maxRepeatedInputBytes : phase === 'segment' ? maxLineBytes : maxInlineInputBytes;
}

function digestText({ hash, bytes }: CanonicalInput): string {
  return jsonText({ $sha256: hash, bytes } satisfies InputDigest);
}

/** What is left of a detail that is too long: its hash, its length, and the digest of the plan, to which a signed approval must fit. */
function shortDetail(detail: NewEntry['detail'], text: string): string {
  const { digest } = detail ?? {};
  return jsonText({ $sha256: `sha256:${sha256(text)}`, bytes: Buffer.byteLength(text), ...(typeof digest === 'string' && digest.length <= 71 ? { digest } : {}) });
}

/** The most bytes that a prepared entry takes as a line. */
export function lineBytesAtMost(entry: PreparedEntry): number {
  return entry.bytes + frameBytes;
}

/** Writes an entry as line number `seq` at `at`, linked to `prevHash`; gives the end (after the newline) and its own hash. */
export function writeLine(
  target: Buffer,
  at: number,
  entry: PreparedEntry,
  seq: number,
  prevHash: string,
): Readonly<{ end: number; hash: string }> {
  const hashed = `{"v":1,"seq":${seq},${entry.members}${prevMemberText}${prevHash}"}`;
  const own = sha256(hashed);
  // Most entries are plain ASCII, which is copied; the others are encoded.
  const end = at + target.write(`${hashed.slice(0, -1)},"hash":"sha256:${own}"}\n`, at, entry.bytes === entry.members.length ? 'latin1' : 'utf8');
  return { end, hash: own };
}

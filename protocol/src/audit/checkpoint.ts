/**
 * Checkpoints (c2sp.org/tlog-checkpoint): origin, size and RFC 6962 root of a log, and one extension line of our own with
 * everything that ties the checkpoint to the bytes on the disk and to the keys of its epoch.
 */
import { noteText, parseNote, type Note } from './note';
import { sha256 } from './bytes';

/** Where the key lives that signed: in the editor's secret storage, or in a file beside the log, which is the weaker place. */
export type SignerPlace = 'editor' | 'file';

/** What the broker knows and wants signed. */
export type LogFacts = Readonly<{
  /** 32 hex digits; from the genesis entry. */
  logId: string;
  /** Entries of the whole log, which are also the leaves of the tree. */
  size: number;
  /** Root of the tree, 64 hex digits. */
  root: string;
  /** Hash of the last entry, 64 hex digits. */
  head: string;
  /** Which file of the log the last entry stands in, from 1, and up to which byte of it. */
  segment: number;
  bytes: number;
  /** SHA-256 of these bytes, 64 hex digits. */
  segmentDigest: string;
  /** `noteHash` of the checkpoint before, 64 hex digits; undefined for the first. */
  previous?: string | undefined;
  /** UTC with milliseconds, by the clock of the signing machine. */
  time: string;
}>;

/** Who signs: the public keys of the log, of the epoch, and of the epoch to come, 32 bytes each. */
export type SigningKeys = Readonly<{ logKey: Buffer; epoch: number; epochKey: Buffer; nextKey: Buffer; signer: SignerPlace }>;

/** All that a checkpoint says. */
export type CheckpointBody = LogFacts & SigningKeys;

/** A checkpoint as read: its body, the note it came in, and the note as text. */
export type Checkpoint = CheckpointBody & Readonly<{ note: Note }>;

/** The name of a log, which is also the name of its key. */
export function originOf(logId: string): string {
  return `conductor.local/audit/${logId}`;
}

/** The name under which the key of an epoch signs beside the key of the log. */
export function epochKeyName(logId: string): string {
  return `${originOf(logId)}/epoch`;
}

/** The text that is signed. */
export function checkpointText(body: CheckpointBody): string {
  const { logId, size, root, head, bytes, segment, segmentDigest, logKey, epoch, epochKey, nextKey, signer, time, previous } = body;
  return (
    `${originOf(logId)}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n` +
    `head sha256:${head} bytes ${bytes} segment ${segment} sha256:${segmentDigest} logkey ${logKey.toString('base64')} ` +
    `epoch ${epoch} key ${epochKey.toString('base64')} nextkey ${nextKey.toString('base64')} signer ${signer} time ${time} ` +
    `previous ${previous === undefined ? 'none' : `sha256:${previous}`}\n`
  );
}

const number = '(0|[1-9][0-9]{0,15})';
const hex = 'sha256:([0-9a-f]{64})';
const key = '([A-Za-z0-9+/]{43}=)';
const shape = new RegExp(
  `^conductor\\.local/audit/([0-9a-f]{32})\\n${number}\\n${key}\\n` +
    `head ${hex} bytes ${number} segment ${number} ${hex} logkey ${key} epoch ${number} key ${key} ` +
    `nextkey ${key} signer (editor|file) time ([0-9T:.Z-]{24}) previous (?:none|${hex})\\n$`,
);

/** Reads a checkpoint of ours from the text of a note, believing nothing; undefined when it is none. */
export function parseCheckpoint(whole: string): Checkpoint | undefined {
  const note = parseNote(whole);
  return note === undefined ? undefined : checkpointOf(note);
}

/** Reads a checkpoint of ours from a note. */
export function checkpointOf(note: Note): Checkpoint | undefined {
  const found = shape.exec(note.text);
  if (found === null) return undefined;
  const [, logId = '', size, root = '', head = '', bytes, segment, segmentDigest = '', logKey = '', epoch, epochKey = '', nextKey = '', signer, time = '', previous] = found;
  const body: CheckpointBody = {
    logId, size: Number(size), root: Buffer.from(root, 'base64').toString('hex'), head, bytes: Number(bytes), segment: Number(segment), segmentDigest, previous, time,
    logKey: Buffer.from(logKey, 'base64'), epoch: Number(epoch), epochKey: Buffer.from(epochKey, 'base64'), nextKey: Buffer.from(nextKey, 'base64'), signer: signer === 'editor' ? 'editor' : 'file',
  };
  // Base64 has several spellings for the same bytes; only the one that we would write is ours.
  return checkpointText(body) === note.text ? { ...body, note } : undefined;
}

/** How the next checkpoint and the log itself name this one: SHA-256 of its text without signatures, 64 hex digits. */
export function noteHash({ note }: Pick<Checkpoint, 'note'>): string {
  return sha256(note.text);
}

/** What a file of checkpoints holds: the checkpoints in order, where the last whole one ends, and whether something else follows or lies between. */
export type CheckpointFile = Readonly<{ checkpoints: readonly Checkpoint[]; wholeBytes: number; torn: boolean; damaged: boolean }>;

/** Reads a file of checkpoints: notes, each followed by an empty line. A note that comes again with more signatures adds them to the first. */
export function readCheckpointFile(text: string): CheckpointFile {
  const found = new Map<string, Checkpoint>();
  let at = 0;
  let damaged = false;
  for (let end = noteEnd(text, at); end !== undefined; end = noteEnd(text, at)) {
    const checkpoint = parseCheckpoint(text.slice(at, end));
    if (checkpoint === undefined) damaged = true;
    else found.set(checkpoint.note.text, merged(found.get(checkpoint.note.text), checkpoint));
    at = end + 1;
  }
  return { checkpoints: [...found.values()], wholeBytes: Buffer.byteLength(text.slice(0, at)), torn: at < text.length, damaged };
}

/** A checkpoint as it is appended to the file. */
export function checkpointRecord(note: Note): string {
  return `${noteText(note)}\n`;
}

/** Where the signatures of the note that begins at `from` end; undefined when the note is not whole. */
function noteEnd(text: string, from: number): number | undefined {
  const gap = text.indexOf('\n\n', from);
  const end = gap < 0 ? -1 : text.indexOf('\n\n', gap + 2);
  return end < 0 ? undefined : end + 1;
}

function merged(first: Checkpoint | undefined, again: Checkpoint): Checkpoint {
  if (first === undefined) return again;
  const lines = [...first.note.signatures, ...again.note.signatures];
  const signatures = lines.filter((one, at) => lines.findIndex((other) => other.name === one.name && other.keyId === one.keyId && other.bytes.equals(one.bytes)) === at);
  return { ...first, note: { text: first.note.text, signatures } };
}

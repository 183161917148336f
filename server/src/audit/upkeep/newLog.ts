/** Begins a log: the very first one, or a new one that names the damaged log it replaces. */
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { maxLineBytes, prepareEntry, writeLine, zeroHash } from '../../../../protocol/src/audit/bytes';
import type { OwnEntry } from '../../../../protocol/src/audit/entry';
import type { Actor } from '../../../../protocol/src/call';
import { digestOf } from '../files/digest';
import type { Disk } from '../files/disk';
import { segmentNumbers } from '../files/segments';
import { verifyAuditLog } from '../verify/verifier';
import type { KnownHead } from '../../../../protocol/src/audit/chain';

/** Where a log is kept, and what its own entries need. */
export type LogPlace = Readonly<{
  /** Absolute path of the log. What is set aside goes to the folder `audit` beside it. */
  path: string;
  disk: Disk;
  /** Wall clock in milliseconds since 1970. */
  now: () => number;
  nextId: () => string;
  /** Name and version of this program. */
  createdBy: string;
  /** Who stands behind the log's own entries. */
  actor: Actor | undefined;
  /** A sentence about what became of a call that a crash cut off, where something is known. */
  afterCrash?: ((call: string) => string | undefined) | undefined;
  /** When a file of the log is full, and what becomes of closed ones. Asked each time, since the user may change it. */
  keeping: () => Keeping;
}>;

/** What the user wants of the files of the log. */
export type Keeping = Readonly<{
  /** A file that has reached this many bytes is closed, and the next one begun. */
  maxBytes: number;
  /** Closed files whose last entry is older than this many days are deleted; 0 keeps them for ever. */
  retentionDays: number;
  /** Whether closed files are compressed with gzip. */
  compress: boolean;
  /** Absolute folder to which closed files move; undefined leaves them in `audit/`. */
  archive: string | undefined;
}>;

/** How files are kept when nothing is said: 64 MiB each, all of them, as they are. */
export const defaultKeeping: Keeping = { maxBytes: 67_108_864, retentionDays: 0, compress: false, archive: undefined };


/** The folder for what repairs and new beginnings set aside. */
export function asideFolder(place: LogPlace): string {
  return join(dirname(place.path), 'audit');
}

/** Creates the log with its genesis entry: whole, durable, or not at all. */
export async function createLog(place: LogPlace, facts: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const { path, disk, createdBy } = place;
  // Closed files of an earlier log keep their numbers.
  const before = Math.max(0, ...(await segmentNumbers(asideFolder(place), disk)));
  const input = {
    createdBy, format: 'conductor-audit/1', logId: randomBytes(16).toString('hex'), publicKey: null,
    ...(before === 0 ? {} : { segment: before + 1 }), ...facts,
  };
  const own = { phase: 'genesis', tool: 'audit.genesis', input, result: 'ok', ...(place.actor && { actor: place.actor }) } as const;
  await writeFirstLine(place, own, 1, zeroHash);
  await disk.rename(firstLinePath(place), path);
  await disk.syncFolder(dirname(path));
}

/** Where the first line of a new file is prepared. */
export function firstLinePath({ path }: Pick<LogPlace, 'path'>): string {
  return `${path}.tmp`;
}

/** Writes the first line of a new file beside the log, durably; gives its size, its bare hash and its time. */
export async function writeFirstLine(place: LogPlace, entry: OwnEntry, seq: number, prevHash: string): Promise<{ bytes: number; head: string; timestamp: string }> {
  const line = Buffer.alloc(maxLineBytes);
  const timestamp = new Date(place.now()).toISOString();
  const { end, hash } = writeLine(line, 0, prepareEntry(entry, place.nextId(), timestamp), seq, prevHash);
  const file = await place.disk.create(firstLinePath(place));
  try {
    const written = await file.append(line.subarray(0, end));
    if (written !== end) throw new Error(`only ${written} of ${end} bytes could be written`);
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes: end, head: hash, timestamp };
}

/**
 * Puts a new log in the place of one that can no longer be appended to. The old file keeps every byte under
 * `audit/damaged-<time>.log`, and the genesis entry of the new one names its hash, its damage and the reason given.
 */
export async function replaceLog(place: LogPlace, reason: string, known: KnownHead | undefined): Promise<string | undefined> {
  const { path, disk } = place;
  const report = await verifyAuditLog(path, { disk, ...(known && { known }) });
  const old = await disk.openRead(path);
  const previous = {
    reason,
    verdict: report.verdict,
    class: report.class,
    line: report.line,
    message: report.message,
    openCalls: report.orphanCount,
    lastKnown: known === undefined ? null : { entries: known.entries, head: `sha256:${known.head}` },
  };
  if (old === undefined) {
    await createLog(place, { previous: { ...previous, file: null } });
    return undefined;
  }
  const digest = await digestOf(old).finally(() => old.close());
  await disk.makeFolder(asideFolder(place));
  const aside = await freeName(place, 'damaged', '.log');
  const linked = await disk.link(path, aside);
  if (!linked) await disk.rename(path, aside);
  await disk.syncFolder(asideFolder(place));
  await createLog(place, { previous: { ...previous, file: `audit/${basename(aside)}`, ...digest } });
  return aside;
}

/** A path in the folder for set-aside files that is not taken: `<stem>-<time><ending>`. */
export async function freeName(place: LogPlace, stem: string, ending: string): Promise<string> {
  const taken = new Set(await place.disk.list(asideFolder(place)));
  const time = new Date(place.now()).toISOString().replace(/[-:.]/g, '');
  const isTaken = (name: string): boolean => [...taken].some((other) => other.startsWith(name));
  let name = `${stem}-${time}`;
  for (let n = 2; isTaken(`${name}.`); n += 1) name = `${stem}-${time}-${n}`;
  return join(asideFolder(place), name + ending);
}

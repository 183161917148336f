/** Begins a log: the very first one, or a new one that names the damaged log it replaces. */
import { createHash, randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { maxLineBytes, prepareEntry, writeLine, zeroHash } from '../../../protocol/src/audit/bytes';
import type { Actor } from '../../../protocol/src/call';
import type { Disk, ReadableFile } from './disk';
import { verifyAuditLog } from './verifier';
import type { KnownHead } from '../../../protocol/src/audit/chain';

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
}>;

/** The folder for what repairs and new beginnings set aside. */
export function asideFolder(place: LogPlace): string {
  return join(dirname(place.path), 'audit');
}

/** Creates the log with its genesis entry: whole, durable, or not at all. */
export async function createLog(place: LogPlace, facts: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const { path, disk, createdBy } = place;
  const temporary = `${path}.tmp`;
  const input = { createdBy, format: 'conductor-audit/1', logId: randomBytes(16).toString('hex'), publicKey: null, ...facts };
  const own = { phase: 'genesis', tool: 'audit.genesis', input, result: 'ok', ...(place.actor && { actor: place.actor }) } as const;
  const line = Buffer.alloc(maxLineBytes);
  const prepared = prepareEntry(own, place.nextId(), new Date(place.now()).toISOString());
  const { end } = writeLine(line, 0, prepared, 1, zeroHash);
  const file = await disk.create(temporary);
  try {
    const written = await file.append(line.subarray(0, end));
    if (written !== end) throw new Error(`only ${written} of ${end} bytes could be written`);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncFolder(dirname(path));
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

/** SHA-256 and size of a file, read in blocks from byte `from`. */
export async function digestOf(file: ReadableFile, from = 0): Promise<{ sha256: string; bytes: number }> {
  const digest = createHash('sha256');
  const block = Buffer.allocUnsafe(262_144);
  let position = from;
  for (let length = await file.read(block, position); length > 0; length = await file.read(block, position)) {
    digest.update(block.subarray(0, length));
    position += length;
  }
  return { sha256: `sha256:${digest.digest('hex')}`, bytes: position - from };
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

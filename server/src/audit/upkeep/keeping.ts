/**
 * Compresses, moves and deletes closed files as the user's settings say. Nothing goes before an entry of the log records it,
 * with what is needed to verify the rest; a file that is not what the chain says is evidence, and stays as it is.
 */
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip, type Gunzip, type Gzip } from 'node:zlib';
import type { NewEvent } from '../../../../protocol/src/audit/entry';
import { mostRemovedFiles, type PreviousFile, type RemovedFile } from '../../../../protocol/src/audit/segment';
import { digestOf } from '../files/digest';
import type { AppendFile, Disk, ReadableFile } from '../files/disk';
import { countsPath } from '../read/keptCounts';
import { gramsPath } from '../read/keptGrams';
import type { Keeping } from './newLog';
import { archivedName, findLogFiles, openLogFile, packedEnding, segmentName, type LogFile } from '../files/segments';
import { readStub, writeStub } from '../files/stub';
import { hashOfLogEntry } from '../verify/verifier';

/** Where the log is, how its files are kept, and who records. */
export type Keeper = Readonly<{
  path: string;
  disk: Disk;
  keeping: Keeping;
  /** Wall clock in milliseconds since 1970. */
  now: () => number;
  /** Appends an entry of the broker's own; gives its number when it is durable. */
  record(entry: Pick<NewEvent, 'phase' | 'tool' | 'input' | 'result'>): Promise<{ seq: number }>;
}>;

/** What was done, in numbers of files; `kept` are files that are not what the chain says and were left alone. */
export type Kept = Readonly<{ packed: number; moved: number; deleted: number; kept: readonly string[] }>;

type Closed = LogFile & Readonly<{ expected: PreviousFile; head: string; closedAt: string }>;

/** Does what the settings ask, oldest files first; at most a hundred files leave in one run. Rejects with the operating system's cause; what was done so far is whole. */
export async function keepFiles(keeper: Keeper): Promise<Kept> {
  const { keeping, now } = keeper;
  await finishRemoval(keeper);
  const { sound, kept } = await soundFiles(keeper);
  const old = (file: Closed): boolean => keeping.retentionDays > 0 && now() - Date.parse(file.closedAt) > keeping.retentionDays * 86_400_000;
  const firstYoung = sound.findIndex((file) => !old(file));
  const expired = keeping.archive === undefined ? sound.slice(0, Math.min(mostRemovedFiles, firstYoung === -1 ? sound.length : firstYoung)) : [];
  if (expired.length > 0) await removeOnRecord(keeper, expired, { reason: 'retention' });
  const packed: Closed[] = [];
  const staying = sound.slice(expired.length);
  if (keeping.compress) for (const file of staying) packed.push(file.packed ? file : await pack(keeper, file));
  const moving = keeping.archive === undefined ? [] : (keeping.compress ? packed : staying).slice(0, mostRemovedFiles);
  if (keeping.archive !== undefined && moving.length > 0) await archive(keeper, moving, keeping.archive);
  return { packed: keeping.compress ? staying.filter((file) => !file.packed).length : 0, moved: moving.length, deleted: expired.length, kept };
}

/** Closed files in `audit/`, the oldest first, up to the first one whose content is not what the file after it says. */
async function soundFiles({ path, disk }: Keeper): Promise<{ sound: Closed[]; kept: string[] }> {
  const files = (await findLogFiles(path, disk))?.files ?? [];
  const sound: Closed[] = [];
  for (const [i, file] of files.entries()) {
    const next = files[i + 1]?.start;
    if (next?.previous === undefined || dirname(file.path) !== join(dirname(path), 'audit')) continue;
    const open = await openLogFile(file, disk);
    const { sha256, bytes } = await digestOf(open).finally(() => open.close());
    if (sha256 !== next.previous.sha256 || bytes !== next.previous.bytes) return { sound, kept: [basename(file.path)] };
    sound.push({ ...file, expected: next.previous, head: next.prevHash, closedAt: next.timestamp });
  }
  return { sound, kept: [] };
}

/** Deletes what a removal that was cut off left behind: files that are on record as removed. */
async function finishRemoval({ path, disk }: Keeper): Promise<void> {
  const removal = await readStub(path, disk);
  // A stub is only a copy: the chain must say the same before anything goes.
  if (removal === undefined || (await hashOfLogEntry(path, disk, removal.seq)) !== removal.hash) return;
  const folder = join(dirname(path), 'audit');
  for (let segment = removal.last.segment; segment > 0; segment -= 1) {
    for (const ending of ['', packedEnding]) {
      const left = join(folder, segmentName(segment) + ending);
      if (disk.mark(left) !== undefined && (await isOf(left, removal.logId, disk))) await disk.remove(left);
    }
  }
}

/** Closed files of an earlier log in the same folder are none of this log's business. */
async function isOf(path: string, logId: string | undefined, disk: Disk): Promise<boolean> {
  const found = await findLogFiles(path, disk);
  return found?.files.at(-1)?.start?.logId === logId;
}

/** Records, leaves the stub, and deletes, the newest first, so that what is missing is at each instant what the stub speaks of. */
async function removeOnRecord(keeper: Keeper, files: readonly Closed[], why: Readonly<{ reason: 'retention' | 'archive'; to?: string }>): Promise<void> {
  const { path, disk } = keeper;
  const gone = files.map(({ segment, expected, head }): RemovedFile => ({ segment, ...expected, head: `sha256:${head}` }));
  const { seq } = await keeper.record({ phase: 'event', tool: 'audit.prune', input: { ...why, logId: files[0]?.start?.logId ?? '', files: gone }, result: 'ok' });
  await writeStub(path, disk, seq);
  for (const file of [...files].reverse()) {
    await disk.remove(file.path);
    const folder = join(dirname(path), 'audit');
    for (const derived of [countsPath(folder, file.path), gramsPath(folder, file.path)]) await disk.remove(derived);
  }
  await disk.syncFolder(join(dirname(path), 'audit'));
}

async function archive(keeper: Keeper, files: readonly Closed[], folder: string): Promise<void> {
  await keeper.disk.makeFolder(folder);
  for (const file of files) {
    const target = join(folder, archivedName(file));
    const from = await keeper.disk.openRead(file.path);
    if (from === undefined) throw new Error(`${file.path} is gone`);
    await fill(keeper.disk, target, blocksOf(from)).finally(() => from.close());
    await expectContent(keeper.disk, { path: target, packed: file.packed }, file.expected);
  }
  await keeper.disk.syncFolder(folder);
  await removeOnRecord(keeper, files, { reason: 'archive', to: folder });
}

async function pack({ disk }: Keeper, file: Closed): Promise<Closed> {
  const target = file.path + packedEnding;
  const from = await openLogFile(file, disk);
  await fill(disk, target, through(blocksOf(from), createGzip())).finally(() => from.close());
  await expectContent(disk, { path: target, packed: true }, file.expected);
  await disk.syncFolder(dirname(target));
  await disk.remove(file.path);
  await disk.syncFolder(dirname(target));
  return { ...file, path: target, packed: true };
}

async function* blocksOf(file: ReadableFile): AsyncGenerator<Buffer, void, undefined> {
  let position = 0;
  for (;;) {
    const block = Buffer.allocUnsafe(262_144);
    const length = await file.read(block, position);
    if (length === 0) return;
    position += length;
    yield block.subarray(0, length);
  }
}

/** Blocks packed or unpacked. What fails on either side fails whoever reads the result, and nobody else. */
function through(blocks: AsyncIterable<Buffer>, change: Gzip | Gunzip): AsyncIterable<unknown> {
  return pipeline(Readable.from(blocks), change, () => undefined);
}

/** Writes a file under another name first, so that it is whole or not there. */
async function fill(disk: Disk, target: string, blocks: AsyncIterable<unknown>): Promise<void> {
  const part = `${target}.part`;
  const file: AppendFile = await disk.create(part);
  try {
    for await (const block of blocks) {
      if (!Buffer.isBuffer(block)) continue;
      if ((await file.append(block)) !== block.length) throw new Error(`${part} could not be written; the disk may be full`);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(part, target);
}

/** Reads back what was written before the original goes. */
async function expectContent(disk: Disk, written: Pick<LogFile, 'path' | 'packed'>, expected: PreviousFile): Promise<void> {
  const file = await disk.openRead(written.path);
  if (file === undefined) throw new Error(`${written.path} is gone`);
  const digest = createHash('sha256');
  try {
    const blocks = written.packed ? through(blocksOf(file), createGunzip()) : blocksOf(file);
    for await (const block of blocks) if (Buffer.isBuffer(block)) digest.update(block);
  } finally {
    await file.close();
  }
  if (`sha256:${digest.digest('hex')}` !== expected.sha256) throw new Error(`${written.path} is not what was written; the original stays`);
}

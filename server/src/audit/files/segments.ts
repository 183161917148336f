/** The files of one log: the one in use, and those that were closed before it, found backwards from header to header. */
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { maxLineBytes } from '../../../../protocol/src/audit/bytes';
import { firstStart, readSegmentStart, type SegmentStart } from '../../../../protocol/src/audit/segment';
import { wholeOf } from './digest';
import type { Disk, ReadableFile } from './disk';
import { readStub } from './stub';

const gunzip = promisify(zlib.gunzip);

/** One file of the log. `start` is undefined when its first line cannot be read or was changed. */
export type LogFile = Readonly<{ segment: number; path: string; packed: boolean; start: SegmentStart | undefined }>;

/** All files that are there, the oldest first, the one in use last. `missing` is the number of a file that should come before the first. */
export type LogFiles = Readonly<{ files: readonly LogFile[]; missing: number | undefined }>;

/** Ending of a closed file that was compressed. */
export const packedEnding = '.gz';
/** A closed file may not unpack to more than this many bytes. */
const mostUnpacked = 4_294_967_296;

/** Name of a closed file: six digits and `.log`. */
export function segmentName(segment: number): string {
  return `${String(segment).padStart(6, '0')}.log`;
}

/** Name of a closed file in an archive, which may hold the files of several logs. */
export function archivedName({ segment, packed, start }: Pick<LogFile, 'segment' | 'packed' | 'start'>): string {
  return `${(start?.logId ?? '').slice(0, 8)}-${segmentName(segment)}${packed ? packedEnding : ''}`;
}

/** Numbers of the closed files in a folder, compressed ones too, in no order. */
export async function segmentNumbers(folder: string, disk: Disk): Promise<readonly number[]> {
  return (await disk.list(folder)).flatMap((name) => /^(\d{6,})\.log(?:\.gz)?$/.exec(name)?.[1] ?? []).map(Number);
}

/** Where a closed file may lie: in `audit/` beside the log, beside the log itself (when a closed file is looked at), or in the archive. */
function placesOf(segment: number, path: string, archive: string | undefined, logId: string | undefined): readonly string[] {
  const name = segmentName(segment);
  const archived = archive === undefined || logId === undefined ? [] : [join(archive, `${logId.slice(0, 8)}-${name}`)];
  return [join(dirname(path), 'audit', name), join(dirname(path), name), ...archived];
}

/** Finds the files of the log that ends with the file at `path`, no further back than number `oldest`; undefined when it is not there. */
export async function findLogFiles(path: string, disk: Disk, oldest = 1): Promise<LogFiles | undefined> {
  const removal = await readStub(path, disk);
  const archive = removal?.reason === 'archive' ? removal.to : undefined;
  const start = await startOf(path, disk);
  if (start === 'absent') return undefined;
  const last: LogFile = { segment: start?.segment ?? 1, path, packed: path.endsWith(packedEnding), start };
  const files = [last];
  let first = last;
  while (first.segment > oldest && isContinued(first, last)) {
    const before = await findClosed(first, path, disk, archive);
    if (before === undefined) return { files, missing: first.segment - 1 };
    files.unshift(before);
    first = before;
  }
  return { files, missing: undefined };
}

/** Whether a file comes before this one. */
function isContinued(file: LogFile, last: LogFile): boolean {
  return file.start === undefined ? file !== last && file.segment > 1 : file.start.previous !== undefined;
}

async function findClosed(after: LogFile, path: string, disk: Disk, archive: string | undefined): Promise<LogFile | undefined> {
  const segment = after.segment - 1;
  for (const place of placesOf(segment, path, archive, after.start?.logId)) {
    for (const ending of ['', packedEnding]) {
      const candidate = place + ending;
      if (candidate === path || disk.mark(candidate) === undefined) continue;
      const start = await startOf(candidate, disk).catch(() => undefined);
      if (start === 'absent') continue;
      // The first file of another log may lie where this one's is missing.
      if (start !== undefined && after.start?.logId !== undefined && start.logId !== after.start.logId) continue;
      return { segment, path: candidate, packed: ending !== '', start };
    }
  }
  return undefined;
}

async function startOf(path: string, disk: Disk): Promise<SegmentStart | undefined | 'absent'> {
  const file = await disk.openRead(path);
  if (file === undefined) return 'absent';
  try {
    return readStart(path.endsWith(packedEnding) ? await unpackedBeginning(file) : await beginning(file));
  } finally {
    await file.close();
  }
}

/** Reads the first line of an open file; undefined as in `readSegmentStart`. */
export async function startOfFile(file: ReadableFile): Promise<SegmentStart | undefined> {
  return readStart(await beginning(file));
}

function readStart(bytes: Buffer): SegmentStart | undefined {
  const newline = bytes.indexOf(0x0a);
  return newline === -1 ? undefined : readSegmentStart(bytes.subarray(0, newline));
}

/** Enough of a file to hold its first line. */
async function beginning(file: ReadableFile): Promise<Buffer> {
  for (const room of [16_384, 131_072, maxLineBytes]) {
    const bytes = Buffer.allocUnsafe(room);
    const filled = bytes.subarray(0, await file.read(bytes, 0));
    if (filled.includes(0x0a) || filled.length < room) return filled;
  }
  return Buffer.alloc(0);
}

async function unpackedBeginning(file: ReadableFile): Promise<Buffer> {
  const packed = Buffer.allocUnsafe(262_144);
  const filled = packed.subarray(0, await file.read(packed, 0));
  try {
    return await gunzip(filled, { finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength: mostUnpacked });
  } catch {
    return Buffer.alloc(0);
  }
}

/** Opens a file of the log for reading; a compressed one is unpacked into memory. Rejects when it is gone or cannot be unpacked. */
export async function openLogFile({ path, packed }: Pick<LogFile, 'path' | 'packed'>, disk: Disk): Promise<ReadableFile> {
  const file = await disk.openRead(path);
  if (file === undefined) throw new Error(`${path} is gone`);
  if (!packed) return file;
  try {
    const mark = file.mark();
    const bytes = await gunzip(await wholeOf(file), { maxOutputLength: mostUnpacked });
    return {
      read: (target, position) => Promise.resolve(bytes.copy(target, 0, position)),
      mark: () => ({ ...mark, size: bytes.length }),
      close: () => Promise.resolve(),
    };
  } finally {
    await file.close();
  }
}

/** How a person and the log itself call a file: beside the log by its name, else in its folder `audit/`. */
export function nameOf(file: Pick<LogFile, 'path'>, active: string): string {
  return file.path === active ? basename(active) : dirname(file.path) === dirname(active) ? basename(file.path) : dirname(file.path) === join(dirname(active), 'audit') ? `audit/${basename(file.path)}` : file.path;
}

/** Where a file begins, for a check that must begin somewhere. */
export function startOrFirst(file: LogFile): SegmentStart {
  return file.start ?? firstStart;
}

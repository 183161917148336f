/**
 * Closes the file in use and begins the next one. The log's name exists at every instant, and whatever is left by a crash is
 * recognised: a file that ends with its `rotate` entry is complete, and only the beginning of the next one is missing.
 */
import { dirname, join } from 'node:path';
import { mostOpenCalls, segmentEntry, type OpenCall, type PreviousFile, type SegmentStart } from '../../../../protocol/src/audit/segment';
import { digestOf } from '../files/digest';
import type { AppendFile } from '../files/disk';
import { asideFolder, firstLinePath, writeFirstLine, type LogPlace } from './newLog';
import type { LogEnd } from './recovery';
import { segmentName, startOfFile } from '../files/segments';

/** A file that was begun under this many days ago is not closed for its age. */
const maxAgeDays = 30;

/** Why the file in use should be closed now; undefined when it should not. */
export function rotationDue(end: LogEnd, place: LogPlace): 'size' | 'age' | undefined {
  if (end.size >= place.keeping().maxBytes) return 'size';
  const begun = Date.parse(end.start.timestamp);
  const old = place.now() - begun > maxAgeDays * 86_400_000;
  // The header alone is no reason: a log that nobody uses would only gain files.
  return old && end.seq > end.start.seq + 1 ? 'age' : undefined;
}

/** Gives the closed file its second name, and the log's name to a new file whose header continues the chain. Closes the old descriptor. */
export async function beginNextFile(place: LogPlace, file: AppendFile, end: LogEnd, open: readonly OpenCall[]): Promise<{ file: AppendFile; end: LogEnd }> {
  const { path, disk } = place;
  const digest = await digestOf(file);
  if (digest.bytes !== end.size || disk.mark(path)?.id !== end.id) throw new Error('the log was changed while its file was closed');
  const folder = asideFolder(place);
  await disk.makeFolder(folder);
  const name = segmentName(end.start.segment);
  const closed = join(folder, name);
  const previous: PreviousFile = { file: `audit/${name}`, entries: end.seq, bytes: end.size, sha256: digest.sha256 };
  const start: SegmentStart = {
    segment: end.start.segment + 1, logId: end.start.logId, seq: end.seq + 1, prevHash: end.head, timestamp: '',
    base: end.start.base + end.size, previous, open: open.slice(0, mostOpenCalls),
  };
  const entry = { ...segmentEntry(start, previous), ...(place.actor && { actor: place.actor }) };
  const { bytes, head, timestamp } = await writeFirstLine(place, entry, start.seq, start.prevHash);
  if (!(await giveName(place, end, closed))) {
    // For a moment the log has no name; the new file must be there to take it.
    await disk.syncFolder(dirname(path));
    await disk.rename(path, closed);
  }
  await disk.syncFolder(folder);
  await disk.rename(firstLinePath(place), path);
  await disk.syncFolder(dirname(path));
  await file.close().catch(() => undefined); // nothing is ever written to it again
  const next = await disk.openAppend(path);
  if (next === undefined) throw new Error(`${path} is gone`);
  return { file: next, end: { id: next.mark().id, seq: start.seq, head, size: bytes, start: { ...start, timestamp }, closed: false } };
}

/** Gives the closed file its name in `audit/`, unless it has it already from before a crash; false where there are no second names. */
async function giveName({ disk, path }: LogPlace, end: LogEnd, closed: string): Promise<boolean> {
  const present = disk.mark(closed);
  if (present !== undefined && present.id !== end.id) throw new Error(`${closed} is in the way: a closed file of the log should get this name`);
  return present !== undefined || (await disk.link(path, closed));
}

/**
 * Where there are no second names, a crash can leave the log without its name for a moment: the new file then lies ready
 * under its temporary one, and names the closed file that is there. Gives whether the name was given back.
 */
export async function resumeRename(place: LogPlace): Promise<boolean> {
  const { disk, path } = place;
  const ready = await disk.openRead(firstLinePath(place));
  if (ready === undefined) return false;
  const start = await startOfFile(ready).finally(() => ready.close());
  if (start?.previous === undefined) return false;
  const closed = disk.mark(join(asideFolder(place), segmentName(start.segment - 1)));
  if (closed?.size !== start.previous.bytes) return false;
  await disk.rename(firstLinePath(place), path);
  await disk.syncFolder(dirname(path));
  return true;
}

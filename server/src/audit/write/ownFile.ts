/** One write and one sync to a file that must be ours alone. */
import type { Batch } from './batch';
import type { AppendFile, Disk } from '../files/disk';
import type { LogEnd } from '../upkeep/recovery';

/** Why a batch is not on the disk; `wrote` when some of it may be there. */
export type Trouble = Readonly<{ message: string; wrote: boolean; cause: unknown }>;

/** Writes a batch at the end of the log, looking before and after whether the file is still ours alone; undefined when it is durable. */
export async function writeBatch({ disk, path }: Readonly<{ disk: Disk; path: string }>, file: AppendFile, end: LogEnd, batch: Batch): Promise<Trouble | undefined> {
  let wrote = false;
  try {
    const before = changedByOthers(disk, path, end);
    if (before !== undefined) return { message: before, wrote, cause: undefined };
    wrote = true;
    const written = await file.append(batch.bytes);
    if (written !== batch.bytes.length) throw new Error(`only ${written} of ${batch.bytes.length} bytes were written; the disk may be full`);
    await file.sync();
    const after = changedByOthers(disk, path, batch.end);
    return after === undefined ? undefined : { message: after, wrote: false, cause: undefined };
  } catch (cause) {
    return { message: `The audit log could not be written: ${messageOf(cause)}`, wrote, cause };
  }
}

function changedByOthers(disk: Disk, path: string, end: LogEnd): string | undefined {
  const mark = disk.mark(path);
  if (mark === undefined) return 'The audit log was deleted while Conductor ran.';
  if (mark.id !== end.id) return 'The audit log was replaced by another file while Conductor ran.';
  if (mark.size < end.size) return 'The audit log was cut while Conductor ran.';
  return mark.size > end.size ? 'Another program appended to the audit log while Conductor ran.' : undefined;
}

/** What a thrown value says. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

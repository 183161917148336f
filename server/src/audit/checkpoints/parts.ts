/** The files of one log in order, as the Merkle tree, proofs and checkpoints look at them. */
import type { Disk, ReadableFile } from '../files/disk';
import { findLogFiles, openLogFile } from '../files/segments';

/** One file of a log: its number from 1, the number of its first entry, and how to open it. */
export type LogPart = Readonly<{ segment: number; seq: number; open(): Promise<ReadableFile> }>;

/** The files of the log whose newest file lies at `path`, oldest first; empty when there is none. Rejects when a file does not say where it begins. */
export async function partsOfLog(path: string, disk: Disk): Promise<readonly LogPart[]> {
  const found = await findLogFiles(path, disk);
  return (found?.files ?? []).map((file) => {
    if (file.start === undefined) throw new Error(`${file.path} does not say where it begins`);
    return { segment: file.segment, seq: file.start.seq, open: () => openLogFile(file, disk) };
  });
}

/** The random id of a log; undefined when there is no log, or it does not say. */
export async function logIdOf(path: string, disk: Disk): Promise<string | undefined> {
  return (await findLogFiles(path, disk))?.files.at(-1)?.start?.logId;
}

/** Opens a part for as long as the work takes. */
export async function within<T>(part: LogPart, work: (file: ReadableFile) => Promise<T>): Promise<T> {
  const file = await part.open();
  return await work(file).finally(() => file.close());
}

/** The files of one log in order, as the Merkle tree, proofs and checkpoints look at them. */
import type { Disk, ReadableFile } from './disk';

/** One file of a log: its number from 1, and how to open it. */
export type LogPart = Readonly<{ segment: number; open(): Promise<ReadableFile> }>;

/** The files of the log whose newest file lies at `path`, oldest first; empty when there is none. */
export async function partsOfLog(path: string, disk: Disk): Promise<readonly LogPart[]> {
  const file = await disk.openRead(path);
  if (file === undefined) return [];
  await file.close();
  const open = async (): Promise<ReadableFile> => {
    const again = await disk.openRead(path);
    if (again === undefined) throw new Error(`${path} is gone`);
    return again;
  };
  return [{ segment: 1, open }];
}

/** Opens a part for as long as the work takes. */
export async function within<T>(part: LogPart, work: (file: ReadableFile) => Promise<T>): Promise<T> {
  const file = await part.open();
  return await work(file).finally(() => file.close());
}

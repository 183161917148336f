import { statfsSync } from 'node:fs';

/** Whether a run fills the disk: a limit for each file is none for many of them (`yes | tee a b c …`), and a full disk ends the audit log. */

/** Bytes that are left on a disk for ordinary users, or undefined where nobody can say. */
export type Free = (folder: string) => number | undefined;

/** Bytes below which a run that takes more of them is ended, and bytes that it may take even then. */
const least = 1024 * 1024 * 1024;
const slack = 64 * 1024 * 1024;

/** From now on tells whether the disk of a folder has less than 1 GiB left, and at least 64 MiB less than now. */
export function watchRoom(folder: string, free: Free = freeOn): () => boolean {
  const before = free(folder);
  return () => {
    const now = free(folder);
    return before !== undefined && now !== undefined && now < least && before - now > slack;
  };
}

function freeOn(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

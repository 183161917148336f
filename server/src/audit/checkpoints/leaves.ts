/** The leaves of a log, read from its files: for proofs, which need those that are not in anybody's memory. */
import { readTail } from '../../../../protocol/src/audit/bytes';
import { leafOf } from '../../../../protocol/src/audit/merkle';
import type { Disk } from '../files/disk';
import { scanLines } from '../files/lines';
import { partsOfLog, within } from './parts';

/** What one pass over a log gives: a leaf for each of the first `size` entries, and the line that was looked for, if any. */
export type Leaves = Readonly<{ leaves: readonly Buffer[]; found: Readonly<{ seq: number; line: string; hash: string }> | undefined }>;

/** Files of the log were removed by the user's own setting, so that nobody can compute its tree from the beginning any more. */
export class FilesGone extends Error {
  constructor(seq: number) {
    super(`the files with the entries before #${seq} were removed`);
  }
}

/** Which entry to bring along: by number, or by id. */
export type Wanted = Readonly<{ seq: number }> | Readonly<{ id: string }>;

/** Reads the leaves of the first `size` entries. Rejects when the log is shorter, or holds a line that is no entry. */
export async function readLeaves(path: string, size: number, disk: Disk, wanted?: Wanted, signal?: AbortSignal): Promise<Leaves> {
  const leaves: Buffer[] = [];
  let found: Leaves['found'];
  const parts = await partsOfLog(path, disk);
  if ((parts[0]?.seq ?? 1) > 1) throw new FilesGone(parts[0]?.seq ?? 1);
  for (const part of parts) {
    if (leaves.length >= size) break;
    await within(part, (file) =>
      scanLines(file, { from: 0, to: file.mark().size }, {
        line: (bytes, start, newline) => {
          if (leaves.length >= size) return;
          const tail = readTail(bytes, start, newline);
          if (tail === undefined) throw new Error(`line ${leaves.length + 1} is no entry`);
          leaves.push(leafOf(Buffer.from(tail.hash, 'hex')));
          if (wanted !== undefined && found === undefined && isWanted(wanted, leaves.length, bytes, start, newline)) found = { seq: leaves.length, line: bytes.toString('utf8', start, newline), hash: tail.hash };
        },
        oversized: () => { throw new Error(`line ${leaves.length + 1} is too long`); },
      }, signal),
    );
  }
  if (leaves.length < size) throw new Error(`the log has ${leaves.length} entries and not ${size}`);
  return { leaves, found };
}

function isWanted(wanted: Wanted, seq: number, bytes: Buffer, start: number, newline: number): boolean {
  if ('seq' in wanted) return wanted.seq === seq;
  return bytes.toString('latin1', start, Math.min(newline, start + 120)).includes(`"id":"${wanted.id}"`);
}

/**
 * Where the last verification of a log came to, so that the next one can go on from there. Derived and rebuildable: nothing that
 * is called a full verification ever looks at it.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { orphanCall } from '../../../../protocol/src/audit/report';
import type { Pass } from './pass';

const number = z.number().int().positive();
const bareHash = z.string().regex(/^[0-9a-f]{64}$/);

const lastVerified = z.strictObject({
  /** The last verification that read everything: up to which entry, and when it began. */
  full: z.strictObject({ entries: number, at: z.string() }),
  /** The file in which it ended: its identity on the disk, its number, the log, the hash before its first entry. */
  file: z.string(),
  segment: number,
  logId: z.string().optional(),
  prevHash: bareHash,
  /** How far the chain was followed: number and bare hash of the last entry, and where in that file it ends. */
  seq: number,
  head: bareHash,
  lines: number,
  bytes: number,
  timestamp: z.string().optional(),
  open: z.array(orphanCall),
});

/** Where the last verification of a log came to. */
export type LastVerified = z.infer<typeof lastVerified>;

/** What a pass over the newest file of an intact log leaves for the next verification. */
export function lastVerifiedOf({ id, chain, start }: Pass, full: LastVerified['full']): LastVerified {
  const { seq, head, lines, goodBytes, lastTimestamp, orphans } = chain;
  return {
    full, file: id, segment: start.segment, prevHash: start.prevHash, seq, head, lines, bytes: goodBytes, open: [...orphans],
    ...(start.logId === undefined ? {} : { logId: start.logId }), ...(lastTimestamp === undefined ? {} : { timestamp: lastTimestamp }),
  };
}

/** The file beside a log in which the command keeps it between two runs. Whoever can write the log can write it as well. */
export function lastVerifiedFileOf(log: string): string {
  return join(dirname(log), 'audit.verified');
}

/** Reads what was kept; undefined when there is nothing, or nothing that is understood. */
export async function readLastVerified(file: string): Promise<LastVerified | undefined> {
  try {
    return lastVerified.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Keeps it for the next run, mode 0600. Rejects when the folder cannot be written. */
export async function keepLastVerified(file: string, last: LastVerified): Promise<void> {
  const fresh = `${file}.tmp`;
  await writeFile(fresh, `${JSON.stringify(last)}\n`, { mode: 0o600 });
  await rename(fresh, file);
}

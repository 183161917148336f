/** Removes snapshots that nothing in the log names any more, after the files that named them were deleted. */
import { dirname, join } from 'node:path';
import type { NewEvent } from '../../../../protocol/src/audit/entry';
import type { Snapshots, StoredSnapshot } from '../content/snapshots';
import type { Disk } from '../files/disk';
import { scanLines } from '../files/lines';
import { findLogFiles, openLogFile, packedEnding, type LogFile } from '../files/segments';

/** Where the log is, how long its files are kept, and who records. */
export type SnapshotPruner = Readonly<{
  path: string;
  disk: Disk;
  snapshots: Pick<Snapshots, 'stored' | 'remove'>;
  /** Only what was stored before this many days; 0 removes nothing. */
  retentionDays: number;
  /** Wall clock in milliseconds since 1970. */
  now: () => number;
  /** Appends an entry of the broker's own; it is durable when this resolves. */
  record(entry: Pick<NewEvent, 'phase' | 'tool' | 'input' | 'result'>): Promise<unknown>;
}>;

/** Most snapshots that leave in one run, so that the entry that tells of it stays short. */
const mostRemoved = 500;

/** Removes, on record, the snapshots that are older than the log may be and that no line names, and gives how many. Rejects with the system's cause. */
export async function pruneSnapshots({ path, disk, snapshots, retentionDays, now, record }: SnapshotPruner): Promise<number> {
  if (retentionDays === 0) return 0;
  const old = snapshots.stored().filter(({ storedAt }) => now() - storedAt > retentionDays * 86_400_000);
  if (old.length === 0) return 0;
  const named = await namedIn(path, disk, new Set(old.map(({ hash }) => hash)));
  const gone = old.filter(({ hash }) => !named.has(hash)).slice(0, mostRemoved);
  if (gone.length === 0) return 0;
  await record({ phase: 'event', tool: 'audit.pruneSnapshots', input: { reason: 'retention', snapshots: gone.map(nameOf) }, result: 'ok' });
  for (const one of gone) snapshots.remove(one);
  return gone.length;
}

function nameOf({ kind, hash }: StoredSnapshot): string {
  return `${kind}-${hash}`;
}

/** Those of the hashes that stand anywhere in the log, or in a damaged one that was set aside beside it. A line that is too long to be read keeps all of them. */
async function namedIn(path: string, disk: Disk, hashes: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  for (const place of await logsBeside(path, disk)) {
    const file = await openLogFile(place, disk);
    const sink = {
      line: (bytes: Buffer, start: number, newline: number): void => {
        for (const [run] of bytes.toString('latin1', start, newline).matchAll(/[0-9a-f]{64}/g)) if (hashes.has(run)) named.add(run);
      },
      oversized: (): void => hashes.forEach((hash) => named.add(hash)),
    };
    const rest = await scanLines(file, { from: 0, to: file.mark().size }, sink).finally(() => file.close());
    if (rest !== undefined) sink.line(rest.bytes, rest.start, rest.end);
  }
  return named;
}

/** Every file beside the log that holds entries, whosever they are. */
async function logsBeside(path: string, disk: Disk): Promise<readonly Pick<LogFile, 'path' | 'packed'>[]> {
  const own = (await findLogFiles(path, disk))?.files ?? [];
  const folder = join(dirname(path), 'audit');
  const others = (await disk.list(folder)).filter((name) => name.endsWith('.log') || name.endsWith(`.log${packedEnding}`)).map((name) => join(folder, name));
  const unknown = others.filter((one) => !own.some((file) => file.path === one));
  return [...own, ...unknown.map((one) => ({ path: one, packed: one.endsWith(packedEnding) }))];
}

/** What a place outside needs of the log whose head it gets: to see that it still holds what the place has of it. */
import type { Checkpoint } from '../../../../protocol/src/audit/checkpoint';
import { readItem } from '../read/filter';
import type { Disk } from '../files/disk';
import { createAuditReader } from '../read/reader';
import { hashOfLogEntry } from '../verify/verifier';

/** A log as a place outside looks at it. */
export type Holding = Readonly<{
  /** Whether entry number `entries` has this hash (64 hex digits). */
  holds(entries: number, head: string): Promise<boolean>;
  /** Whether it began in the place of a damaged log, on record: its genesis says so. */
  isReplacement(): Promise<boolean>;
}>;

/** The log at a path. */
export function holdingOf(log: string, disk: Disk): Holding {
  return {
    holds: async (entries, head) => (await hashOfLogEntry(log, disk, entries)) === head,
    async isReplacement() {
      const raw = (await createAuditReader(log, disk).entry({ seq: 1 }))?.raw ?? '';
      const { entry } = readItem(Buffer.from(raw), 0, Buffer.byteLength(raw), 0);
      return entry?.phase === 'genesis' && entry.input['previous'] !== undefined;
    },
  };
}

/** Why what a place holds and what it would get do not belong together; undefined when the log just grew, or was replaced on record. */
export async function contradiction(there: Checkpoint, next: Checkpoint, log: Holding): Promise<string | undefined> {
  if (there.logId !== next.logId) {
    if (await log.isReplacement()) return undefined;
    return `It belongs to another log (${there.logId}), to #${there.size}: this one was put in its place. Choose another place for the new log if that is what you want.`;
  }
  if (there.size > next.size) return `It has ${there.size} entries of this log, which has ${next.size} now: it was cut off, or an older copy was put back.`;
  if (await log.holds(there.size, there.head)) return undefined;
  return `It has another entry #${there.size} than this log: the log was rewritten, or an older copy was put back and went on.`;
}

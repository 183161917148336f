import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../../protocol/src/config';
import { toConductorError } from '../../../protocol/src/errors';
import type { Actor } from '../../../protocol/src/call';
import { realDisk } from '../audit/files/disk';
import type { Snapshots } from '../audit/content/snapshots';
import { keepFiles, type Keeper } from '../audit/upkeep/keeping';
import { pruneSnapshots } from '../audit/upkeep/snapshotPruning';
import type { Keeping } from '../audit/upkeep/newLog';
import type { AuditWriter } from '../audit/write/writer';
import type { Logger } from '../base/logger';

/** Lets the closed files of the log be compressed, moved and deleted as the configuration says, in the background, and what only deleted ones rested on. */

/** Milliseconds between two looks at the closed files, besides those after a start and after each file that is closed. */
const everyMs = 21_600_000;

/** What the keeping of the files needs of the house. */
export type LogKeepingRooms = Readonly<{ path: string; writer: AuditWriter; snapshots: Snapshots; self: Actor; keeping: () => Keeping; logger: Logger }>;

/** Looks at the closed files now, after each file that is closed, and every six hours. */
export function keepLogFiles(rooms: LogKeepingRooms): { stop(): void } {
  const { path, writer, self, keeping, logger } = rooms;
  let turn = Promise.resolve();
  const record: Keeper['record'] = (entry) => writer.append({ ...entry, actor: self });
  const look = async (): Promise<void> => {
    if (writer.state().health.state !== 'healthy') return;
    const { kept, ...done } = await keepFiles({ path, disk: realDisk, keeping: keeping(), now: Date.now, record });
    const snapshots = done.deleted === 0 ? 0 : await pruneSnapshots({ path, disk: realDisk, snapshots: rooms.snapshots, retentionDays: keeping().retentionDays, now: Date.now, record });
    if (kept.length > 0) logger.error('closed files of the audit log are not what was written, and stay as they are', { files: kept.join(', ') });
    if (Object.values(done).some((count) => count > 0)) logger.info('closed files of the audit log were put away', { ...done, snapshots });
  };
  const lookSoon = (): void => {
    turn = turn.then(look).catch((thrown: unknown) => logger.warn('closed files of the audit log could not be put away', { error: toConductorError(thrown).message }));
  };
  const timer = setInterval(lookSoon, everyMs);
  timer.unref();
  const stopListening = writer.onRotated(lookSoon);
  lookSoon();
  return {
    stop: () => {
      clearInterval(timer);
      stopListening();
    },
  };
}

/** What the configuration says of the log's files. */
export function keepingOf({ audit }: Config): Keeping {
  const { maxSizeMb, retentionDays, compress, archivePath } = audit;
  const archive = archivePath === undefined ? undefined : /^~(?:$|[/\\])/.test(archivePath) ? join(homedir(), archivePath.slice(1)) : archivePath;
  return { maxBytes: maxSizeMb * 1_048_576, retentionDays, compress, archive };
}

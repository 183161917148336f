import { createPlaces } from '../filesystem/places';
import { machineWith } from '../shell/tool';
import type { Tool } from '../tool';
import { createCommit } from './commit';
import { createDiff } from './diff';
import type { GitRoom } from './ground';
import { createLog } from './log';
import { createStatus } from './status';

/** The git tools over a search path in the form of PATH: `git.status`, `.diff`, `.log` and `.commit`. Default: that of this process, captured now. */
export function createGitTools(path: string = process.env['PATH'] ?? ''): readonly Tool[] {
  const room: GitRoom = { places: createPlaces(), machine: machineWith(path) };
  return [createStatus(room), createDiff(room), createLog(room), createCommit(room)];
}

/** The git tools of this process. */
export const gitTools: readonly Tool[] = createGitTools();

import { closeSync, constants, fstatSync, ftruncateSync, openSync } from 'node:fs';
import type { Walked } from '../../base/descriptorWalk';
import { openFlags, sameObject, systemPins } from '../../base/pin';
import { ConductorError } from '../../../../protocol/src/errors';
import type { Redirection } from '../../rules/commandPlan';
import { release, walkTo } from './held';

/** Opens the files of redirections on the very folders that were checked, never through a link that appeared meanwhile. */

/** A redirection to or from a file. */
export type FileRedirection = Exclude<Redirection, { kind: 'merge' }> & Readonly<{ /** Absolute place to which the target led when it was judged; absent for the null device. */ arrives?: string | undefined }>;

/** Opens the file of one redirection. Throws APPROVAL_STALE when it is no longer the place that was judged, TOOL_FAILED when it cannot be opened. */
export function openRedirection(redirection: FileRedirection, project: string): number {
  if (isSink(redirection.target)) return openSync(process.platform === 'win32' ? '\\\\.\\NUL' : '/dev/null', redirection.kind === 'read' ? 'r' : 'w');
  const { arrives, target, kind } = redirection;
  if (arrives === undefined) throw new ConductorError('APPROVAL_STALE', `"${target}" does not lie inside the project, so nothing was run.`);
  const walked = walkTo(arrives, project);
  try {
    return openAt(walked, kind, target);
  } catch (error) {
    throw error instanceof ConductorError ? error : new ConductorError('TOOL_FAILED', `"${target}" cannot be opened: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    release(walked);
  }
}

/** Whether a redirection's target keeps nothing and gives nothing. */
export function isSink(target: string): boolean {
  return process.platform === 'win32' ? target.toLowerCase() === 'nul' : target === '/dev/null';
}

type Place = Extract<Walked, { kind: 'found' | 'missing' }>;

/** Opening waits for nobody and follows no link; what was opened is compared with what the walk found before a byte of it changes. */
function openAt(walked: Place, kind: FileRedirection['kind'], shown: string): number {
  const path = pathOf(walked, shown);
  const descriptor = openSync(path, flagsOf(kind, walked.kind), 0o666);
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    const same = stat.isFile() && (walked.kind === 'missing' || sameObject(stat, walked.target.stat));
    if (!same) throw new ConductorError('APPROVAL_STALE', `"${shown}" was replaced at the last moment, so nothing was run.`);
    if (kind !== 'read' && stat.nlink > 1n) throw new ConductorError('TOOL_FAILED', `"${shown}" has another name (a hard link) that may lie outside the project, so it is not written to. Write it with filesystem_write, which leaves the other name as it is.`);
    if (kind === 'write') ftruncateSync(descriptor, 0);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function pathOf(walked: Place, shown: string): string {
  const name = walked.location.at(-1);
  if (walked.parent === undefined || name === undefined || (walked.kind === 'found' ? !walked.target.stat.isFile() : walked.missing.length !== 1)) throw new ConductorError('TOOL_FAILED', `"${shown}" is no regular file in a folder that exists.`);
  return walked.parent.at(name);
}

function flagsOf(kind: FileRedirection['kind'], walked: Place['kind']): number {
  const noFollow = constants.O_NOFOLLOW ?? 0;
  if (kind === 'read') return openFlags(systemPins, constants.O_RDONLY | noFollow);
  const create = walked === 'missing' ? constants.O_CREAT | constants.O_EXCL : 0;
  return openFlags(systemPins, constants.O_WRONLY | create | noFollow | (kind === 'append' ? constants.O_APPEND : 0));
}

/** Closes descriptors; one that is closed already is no trouble. */
export function closeAll(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) {
    try {
      closeSync(descriptor);
    } catch {
      // Already closed.
    }
  }
}

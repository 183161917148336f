import { closeSync, constants, openSync } from 'node:fs';
import { pinRoot, walk, type Walked } from '../../base/descriptorWalk';
import { openFlags, systemPins } from '../../base/pin';
import { ConductorError } from '../../../../protocol/src/errors';
import type { Redirection } from '../../rules/commandPlan';
import { follow } from './facts';
import { isWithin } from './resolve';

/** Opens the files of redirections on the very folders that were checked, never through a link that appeared meanwhile. */

/** Opens the file of one redirection. Throws APPROVAL_STALE when it no longer lies inside the project, TOOL_FAILED when it cannot be opened. */
export function openRedirection(redirection: Exclude<Redirection, { kind: 'merge' }>, folder: string, project: string): number {
  if (isSink(redirection.target)) return openSync(process.platform === 'win32' ? '\\\\.\\NUL' : '/dev/null', redirection.kind === 'read' ? 'r' : 'w');
  const arrived = follow(folder, redirection.target);
  if (arrived === undefined || !isWithin(arrived, project)) throw new ConductorError('APPROVAL_STALE', `"${redirection.target}" no longer lies inside the project, so nothing was run.`);
  const root = pinRoot(project);
  const segments = arrived.slice(project.length).split(/[\\/]/).filter((name) => name !== '');
  const walked = walk({ root, roots: [root], segments, followLast: false, avoid: [] });
  try {
    return openSync(pathOf(walked, redirection.target), flagsOf(redirection.kind, walked.kind), 0o666);
  } catch (error) {
    throw error instanceof ConductorError ? error : new ConductorError('TOOL_FAILED', `"${redirection.target}" cannot be opened: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    release(walked);
  }
}

function isSink(target: string): boolean {
  return process.platform === 'win32' ? target.toLowerCase() === 'nul' : target === '/dev/null';
}

function pathOf(walked: Walked, shown: string): string {
  if (walked.kind === 'found' && walked.target.stat.isFile()) return walked.parent === undefined ? walked.target.path : walked.parent.at(walked.location.at(-1) ?? '');
  if (walked.kind === 'missing' && walked.missing.length === 1) return walked.parent.at(walked.missing[0] ?? '');
  throw new ConductorError('TOOL_FAILED', `"${shown}" is no regular file in a folder that exists.`);
}

function flagsOf(kind: 'read' | 'write' | 'append', walked: Walked['kind']): number {
  const noFollow = constants.O_NOFOLLOW ?? 0;
  if (kind === 'read') return openFlags(systemPins, constants.O_RDONLY | noFollow);
  const create = walked === 'missing' ? constants.O_CREAT | constants.O_EXCL : 0;
  return openFlags(systemPins, constants.O_WRONLY | create | noFollow | (kind === 'append' ? constants.O_APPEND : constants.O_TRUNC));
}

function release(walked: Walked): void {
  if (walked.kind === 'found') {
    walked.target.close();
    walked.parent?.close();
  } else if (walked.kind === 'missing') walked.parent.close();
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

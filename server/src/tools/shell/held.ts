import { pinRoot, walk, type Walked } from '../../base/descriptorWalk';
import type { Pin } from '../../base/pin';
import { ConductorError } from '../../../../protocol/src/errors';
import { isWithin } from './resolve';

/** Takes hold of places that were judged before, so that what is used is what was judged, whatever is swapped meanwhile (T27). */

/** Holds a resolved folder of the project. Its path leads to that very folder until it is closed. Throws APPROVAL_STALE, or INVALID_INPUT when there is no such folder. */
export function holdFolder(folder: string, project: string): Pin {
  const walked = walkTo(folder, project);
  if (walked.kind === 'found' && walked.target.stat.isDirectory()) {
    walked.parent?.close();
    return walked.target;
  }
  release(walked);
  throw new ConductorError('INVALID_INPUT', `The folder ${folder} does not exist.`);
}

/** Walks to a resolved place of the project. Throws APPROVAL_STALE when a link lies on the way: then it is no longer the place that was judged. */
export function walkTo(place: string, project: string): Extract<Walked, { kind: 'found' | 'missing' }> {
  const root = pinRoot(project);
  if (!isWithin(place, project) || !isSamePath(root.path, project)) throw stale(place);
  const segments = place.slice(project.length).split(process.platform === 'win32' ? /[\\/]/ : '/').filter((name) => name !== '');
  const walked = walk({ root, roots: [root], segments, followLast: false, avoid: [] });
  if ((walked.kind === 'found' || walked.kind === 'missing') && walked.links.length === 0) return walked;
  release(walked);
  throw walked.kind === 'failed' ? new ConductorError('TOOL_FAILED', `${place} cannot be reached: ${walked.code}.`) : stale(place);
}

/** Lets go of everything that a walk holds. */
export function release(walked: Walked): void {
  if (walked.kind === 'found') walked.target.close();
  if (walked.kind === 'found' || walked.kind === 'missing') walked.parent?.close();
}

function stale(place: string): ConductorError {
  return new ConductorError('APPROVAL_STALE', `${place} is no longer the place inside the project that was judged, so nothing was run.`);
}

/** Elsewhere the system's own spelling of a folder may differ in case and composition from the one that was given. */
function isSamePath(a: string, b: string): boolean {
  return a === b || (process.platform !== 'linux' && a.normalize('NFC').toLowerCase() === b.normalize('NFC').toLowerCase());
}

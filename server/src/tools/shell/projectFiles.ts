import { statSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { readSmallFile } from '../../base/smallFile';
import { isWithin } from './resolve';

/** Reads the files of a project that say what its programs do: scripts of packages. All text here is the agent's to write. */

/** Bytes of one such file; a longer one counts as unknown. */
const maxFile = 1024 * 1024;

/** Whether the nearest package.json, as package managers look for it but not above the project, has this script. */
export function scriptIn(folder: string, name: string, project: string): 'yes' | 'no' | 'unknown' {
  const file = nearest(folder, 'package.json', project);
  if (file === undefined) return 'no';
  try {
    const parsed: unknown = JSON.parse(readSmallFile(file, maxFile) ?? '');
    const scripts: unknown = typeof parsed === 'object' && parsed !== null && 'scripts' in parsed ? parsed.scripts : undefined;
    return typeof scripts === 'object' && scripts !== null && Object.hasOwn(scripts, name) ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}

/** The nearest file of a name at or above a folder, down from and including `top`. */
export function nearest(folder: string, name: string, top: string): string | undefined {
  for (let current = folder; isWithin(current, top); current = dirname(current)) {
    const file = join(current, name);
    if (isFile(file)) return file;
    if (current === dirname(current)) break;
  }
  return undefined;
}

function isFile(path: string): boolean {
  return statOf(path)?.isFile() === true;
}

/** A file where a folder should be makes looking fail even where nothing need be there. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

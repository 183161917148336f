import { readlinkSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import type { Pin } from '../../base/pin';
import type { PrepareContext } from '../tool';

/**
 * The second look of the file tools, at the last moment: where the system says that a held object lies, compared with the allowed folders.
 * It shares nothing with the walk that found the object, so that a mistake in one of them is caught by the other.
 */

/** Undefined when a held object lies in an allowed folder and not in Conductor's own; else the refusal. Throws the system's error when it cannot be told. */
export function strays(held: Pin | undefined, path: string, context: Pick<PrepareContext, 'project' | 'configDir' | 'config'>): Outcome | undefined {
  const allowed = [context.project, ...context.config.plugins.filesystem.allowedPaths.flatMap((folder) => realOf(expandHome(folder)) ?? [])];
  const place = held === undefined ? undefined : placeOf(held);
  const own = realOf(context.configDir);
  const inside = place !== undefined && allowed.some((folder) => lies(place, folder)) && (own === undefined || !lies(place, own));
  return inside ? undefined : { kind: 'refused', code: 'DENIED', rule: 'path.strayed', reason: `${path} does not lie in an allowed folder after all, so nothing was done.` };
}

/** What the kernel says of a descriptor; elsewhere what the path resolves to now. */
function placeOf(held: Pin): string {
  return held.path.startsWith('/proc/self/fd/') ? readlinkSync(held.path) : realpathSync.native(held.path);
}

function lies(place: string, folder: string): boolean {
  const [a, b] = process.platform === 'linux' ? [place, folder] : [place.normalize('NFC').toLowerCase(), folder.normalize('NFC').toLowerCase()];
  return a === b || a.startsWith(b.endsWith(sep) ? b : b + sep);
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

function expandHome(path: string): string {
  return path === '~' || /^~[/\\]/.test(path) ? join(homedir(), path.slice(1)) : path;
}

import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { ConductorError } from '../../protocol/src/errors';

/** Makes sure that a folder exists, is a real folder of this user, and is closed to everybody else (0700). Throws UNAUTHORIZED when it belongs to somebody else. */
export function ensurePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  if (!found.isDirectory()) throw new ConductorError('UNAUTHORIZED', `${path} is not a folder.`, { next: 'Move it away and start again.' });
  const self = process.getuid?.();
  if (self === undefined) return;
  if (found.uid !== self) throw new ConductorError('UNAUTHORIZED', `${path} belongs to another user (uid ${String(found.uid)}).`, { next: 'Choose another folder with CONDUCTOR_CONFIG_DIR.' });
  if ((found.mode & 0o077) !== 0) chmodSync(path, 0o700);
}

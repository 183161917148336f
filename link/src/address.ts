import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { ConductorError } from '../../protocol/src/errors';

/** Where the broker of a configuration folder is found. */

// Room for a Unix socket's path: 104 bytes on macOS, 108 on Linux, terminator included.
const socketPathLimit = 100;

/** The configuration folder: `CONDUCTOR_CONFIG_DIR` when set (must be absolute), else `.conductor` in the home folder. */
export function configDirOf(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const given = env['CONDUCTOR_CONFIG_DIR'];
  if (given === undefined || given === '') return join(home, '.conductor');
  if (!isAbsolute(given)) throw new ConductorError('CONFIG_INVALID', `CONDUCTOR_CONFIG_DIR must be an absolute path, but is "${given}".`, { next: 'Set it to an absolute path, or unset it.' });
  return resolve(given);
}

/** The broker's socket: inside the configuration folder, or in a private temporary folder when that path would be too long; a named pipe on Windows. */
export function brokerAddress(configDir: string, platform: NodeJS.Platform = process.platform): string {
  const digest = createHash('sha256').update(platform === 'win32' ? configDir.toLowerCase() : configDir).digest('hex').slice(0, 32);
  if (platform === 'win32') return `\\\\.\\pipe\\conductor-${digest}`;
  const direct = join(configDir, 'broker.sock');
  if (Buffer.byteLength(direct) <= socketPathLimit) return direct;
  return join(fallbackFolder(), `${digest}.sock`);
}

/** The private folder for sockets whose direct path is too long; it must be owned by the user with mode 0700. */
export function fallbackFolder(): string {
  return join(tmpdir(), `conductor-${String(process.getuid?.() ?? 'user')}`);
}

import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConductorError } from '../../protocol/src/errors';

/** Name of the key file in the configuration folder. */
export const controlKeyFile = 'control.key';

/** Reads the control key (32 bytes, kept as 64 hex digits). Undefined when there is none yet. Throws CONFIG_INVALID when the file is damaged. */
export function readControlKey(configDir: string): Buffer | undefined {
  const file = join(configDir, controlKeyFile);
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new ConductorError('CONFIG_INVALID', `The control key ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (!/^[0-9a-f]{64}$/.test(text)) throw new ConductorError('CONFIG_INVALID', `The control key ${file} is damaged. Delete it and restart the broker; windows and terminals reconnect by themselves.`);
  return Buffer.from(text, 'hex');
}

/** Reads the control key, or makes a new one that only this user can read. Only the broker that holds the lock calls this. */
export function ensureControlKey(configDir: string): Buffer {
  const file = join(configDir, controlKeyFile);
  const found = readControlKey(configDir);
  if (found !== undefined) {
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    return found;
  }
  const key = randomBytes(32);
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, `${key.toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(temporary, file);
  } finally {
    unlinkSync(temporary);
  }
  return key;
}

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../../base/privateFile';

/** The secret that opens the HTTP door. It stands in a file that only the user can read, never in an address, and never in a log (T67). */

/** Name of its file in the configuration folder. */
export const httpTokenFile = 'http.token';

/** Reads the token (64 hex digits), or makes a new one; one that others could read is replaced. Only the broker that holds the lock calls this. Throws the system's error. */
export function ensureHttpToken(configDir: string): string {
  const file = join(configDir, httpTokenFile);
  const found = readToken(file);
  if (found !== undefined) return found;
  const token = randomBytes(32).toString('hex');
  writePrivateFile(file, `${token}\n`);
  return token;
}

/** Whether an `Authorization` header carries the token; takes the same time wherever the two differ. */
export function opens(header: string | undefined, token: string): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function readToken(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > 200 || (process.platform !== 'win32' && ((stat.mode & 0o077) !== 0 || stat.uid !== process.getuid?.()))) return undefined;
    const text = readFileSync(descriptor, 'utf8').trim();
    return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
  } finally {
    closeSync(descriptor);
  }
}

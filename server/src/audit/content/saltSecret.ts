/** The secret behind the salts of removed texts: one file beside the log, which no tool can read. */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensurePrivateFolder } from '../../../../link/src/privateFolder';

/** Name of the file beside the log; mode 0600. */
export const saltFileName = 'audit.salt';

/** Reads the secret (32 bytes, kept as 64 hex digits); undefined when there is none. Throws when the file cannot be read or is damaged. */
export function readSaltSecret(log: string): Buffer | undefined {
  const file = join(dirname(log), saltFileName);
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  }
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`${file} is damaged: it does not hold 64 hex digits`);
  return Buffer.from(text, 'hex');
}

/**
 * Reads the secret, or makes it. One that cannot be read or written is `lost`: salts then come from a secret that nobody keeps, so that
 * nothing is given away, and nothing of this run can be proven later.
 */
export function ensureSaltSecret(log: string): Readonly<{ secret: Buffer; lost?: unknown }> {
  const fresh = randomBytes(32);
  try {
    ensurePrivateFolder(dirname(log));
    const found = readSaltSecret(log);
    if (found !== undefined) return { secret: found };
    write(join(dirname(log), saltFileName), fresh);
    return { secret: fresh };
  } catch (lost) {
    return { secret: fresh, lost };
  }
}

function write(file: string, secret: Buffer): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, `${secret.toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Replaces a file of mode 0600 in a folder of our own as a whole; durable, with its name, when it returns. Throws the system's error, and the old file stays. */
export function writePrivateFile(path: string, text: string): void {
  const fresh = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const opened = openSync(fresh, 'wx', 0o600);
    try {
      writeFileSync(opened, text);
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    renameSync(fresh, path);
    syncFolder(dirname(path));
  } finally {
    rmSync(fresh, { force: true });
  }
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

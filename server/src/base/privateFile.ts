import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Hears of each step right before it is taken; a test ends the process there. */
export type Step = (what: 'create' | 'write' | 'sync' | 'rename' | 'syncFolder' | 'tidy' | 'remove' | 'makeFolder') => void;

const goOn: Step = () => undefined;

/** Replaces a file of mode 0600 in a folder of our own as a whole; durable, with its name, when it returns. Throws the system's error, and the old file stays. */
export function writePrivateFile(path: string, content: string | Uint8Array, step: Step = goOn): void {
  const fresh = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    step('create');
    const opened = openSync(fresh, 'wx', 0o600);
    try {
      step('write');
      writeFileSync(opened, content);
      step('sync');
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    step('rename');
    renameSync(fresh, path);
    step('syncFolder');
    syncFolder(dirname(path));
  } finally {
    step('tidy');
    rmSync(fresh, { force: true });
  }
}

/** Makes the names in a folder durable; does nothing on Windows, which has no such call. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

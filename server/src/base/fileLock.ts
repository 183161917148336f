import { closeSync, openSync } from 'node:fs';
import { tryLock } from 'fs-native-extensions';

/** A lock on a file that the operating system releases when its holder dies. */
export type FileLock = Readonly<{ release(): void }>;

/**
 * Takes an exclusive lock on the file without waiting; undefined when somebody else holds it.
 * Open-file-description lock on Linux, `flock`-like elsewhere, `LockFileEx` on Windows: it also holds against other containers on the same file.
 * The file itself is never deleted, since a deleted lock file could be locked twice.
 */
export function tryFileLock(path: string): FileLock | undefined {
  const descriptor = openSync(path, 'a+', 0o600);
  if (tryLock(descriptor)) return { release: () => closeSync(descriptor) };
  closeSync(descriptor);
  return undefined;
}

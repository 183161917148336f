import { chmodSync, closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, readSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConductorError } from '../../../protocol/src/errors';
import { syncFolder, writePrivateFile, type Step } from '../base/privateFile';

/** The few calls through which the store touches a disk; each change is durable when it returns. Failures are the system's errors. */
export type Files = Readonly<{
  /** The bytes of a regular file of at most `limit` bytes that is no link; undefined when there is none. */
  read(path: string, limit: number): Buffer | undefined;
  /** Puts a file of mode 0600 in place as a whole. */
  write(path: string, bytes: Uint8Array): void;
  remove(path: string): void;
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(folder: string): readonly string[];
  /** Makes a folder of mode 0700. */
  makeFolder(path: string): void;
  removeFolder(path: string): void;
  /** Gives a folder another name; fails when something is there. */
  rename(from: string, to: string): void;
}>;

/** The real file system; `step` hears of each step before it is taken. */
export function realFiles(step: Step = () => undefined): Files {
  return {
    read: readPlain,
    write: (path, bytes) => writePrivateFile(path, bytes, step),
    remove(path) {
      step('remove');
      ifThere(() => unlinkSync(path));
      step('syncFolder');
      syncFolder(dirname(path));
    },
    list: (folder) => ifThere(() => readdirSync(folder).sort()) ?? [],
    makeFolder(path) {
      step('makeFolder');
      mkdirSync(path, { mode: 0o700 });
      step('syncFolder');
      syncFolder(dirname(path));
    },
    removeFolder(path) {
      step('remove');
      ifThere(() => rmdirSync(path));
    },
    rename(from, to) {
      step('rename');
      renameSync(from, to);
      step('syncFolder');
      syncFolder(dirname(to));
    },
  };
}

/**
 * Closes a folder and everything in it to other users, two levels deep, and gives a sentence for each thing that was open to them.
 * Throws CREDENTIALS_REFUSED for what belongs to somebody else, and for links and devices.
 */
export function makePrivate(folder: string, depth = 0): readonly string[] {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return [];
  const self = process.getuid?.();
  if (self !== undefined && found.uid !== self) throw refused(`${folder} belongs to another user (uid ${String(found.uid)}).`);
  const isFolder = found.isDirectory();
  if (!isFolder && (depth === 0 || !found.isFile())) throw refused(`${folder} is no ${depth === 0 ? 'folder' : 'regular file'}.`);
  const remarks: string[] = [];
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    chmodSync(folder, isFolder ? 0o700 : 0o600);
    remarks.push(`${folder} was open to other users (mode 0${(found.mode & 0o777).toString(8)}) and was closed to them. Change what lay in it if others use this machine.`);
  }
  if (isFolder && depth < 2) for (const name of readdirSync(folder)) remarks.push(...makePrivate(join(folder, name), depth + 1));
  return remarks;
}

function refused(message: string): ConductorError {
  return new ConductorError('CREDENTIALS_REFUSED', message, { next: 'Move it away, or give it back to yourself, and restart the broker.' });
}

function readPlain(path: string, limit: number): Buffer | undefined {
  const opened = ifThere(() => openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)));
  if (opened === undefined) return undefined;
  try {
    const stat = fstatSync(opened);
    if (!stat.isFile() || stat.size > limit) throw new Error(`${path} is no regular file of at most ${String(limit)} bytes`);
    const bytes = Buffer.alloc(stat.size);
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(opened, bytes, filled, bytes.length - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    closeSync(opened);
  }
}

function ifThere<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
    throw thrown;
  }
}

import { randomBytes } from 'node:crypto';
import { constants, linkSync, lstatSync, readdirSync, renameSync, rmdirSync, mkdirSync, unlinkSync, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { codeOf } from './descriptorWalk';
import { openFlags, sameObject, systemPins, type Pin, type Pins } from './pin';

/** Writing a file so that it is either the old one or the new one, in a folder that is held. */

/** What must lie at the target at the last moment before it is replaced. */
export type Expected = BigIntStats | 'missing';

/** `changed`: something else lies there now, and nothing was written. */
export type Replaced = 'done' | 'changed';

/**
 * Writes a new temporary file beside the target, waits until it is on the disk, and moves it into place.
 * Keeps permission bits and, where the system lets it, the owner of what it replaces; other names (hard links) of the old
 * file keep the old content. Never follows a link: one that appears at the target is `changed`. `mark` begins the temporary name.
 * Throws the system's error, for instance ENOSPC; the temporary file is gone then.
 */
export async function replaceFile(folder: Pin, name: string, bytes: Uint8Array, expected: Expected, mark: string, pins: Pins = systemPins): Promise<Replaced> {
  if (!folder.holds()) return 'changed';
  const temporary = folder.at(temporaryName(mark));
  const flags = openFlags(pins, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  const file = await open(temporary, flags, expected === 'missing' ? 0o666 : 0o600);
  pending.add(temporary);
  try {
    await fill(file, bytes, expected);
    return folder.holds() ? moveIntoPlace(temporary, folder.at(name), expected) : 'changed';
  } finally {
    pending.delete(temporary);
    tryRemove(temporary);
  }
}

/** Removes temporary files that a process of this mark left here when it was killed. Leaves those of living processes alone. */
export function sweepTemporaries(folder: Pin, mark: string): void {
  for (const name of readdirSync(folder.path)) {
    const owner = name.startsWith(`.${mark}-`) ? /^([0-9]{1,10})-[0-9a-f]{16}\.tmp$/.exec(name.slice(mark.length + 2))?.[1] : undefined;
    if (owner !== undefined && !isAlive(Number(owner))) tryRemove(folder.at(name));
  }
}

/**
 * Creates the missing folders below a held one, name by name, and holds the last; `changed` when something that is no folder
 * got in the way. `undo` removes those that were created and are still empty.
 */
export function makeFolders(parent: Pin, names: readonly string[], pins: Pins = systemPins): Readonly<{ folder: Pin; undo(): void; close(): void }> | 'changed' {
  const held: Pin[] = [];
  const created: string[] = [];
  const close = (): void => held.forEach((pin) => pin.close());
  const undo = (): void => created.reverse().forEach(tryRemoveFolder);
  let folder = parent;
  try {
    for (const name of names) {
      if (tryMakeFolder(folder.at(name))) created.push(folder.at(name));
      folder = pins.child(folder, name);
      held.push(folder);
      if (!folder.stat.isDirectory()) return close(), 'changed';
    }
    return { folder, undo, close };
  } catch (error) {
    undo();
    close();
    throw error;
  }
}

const pending = new Set<string>();

process.on('exit', () => pending.forEach(tryRemove));

function temporaryName(mark: string): string {
  return `.${mark}-${process.pid}-${randomBytes(8).toString('hex')}.tmp`;
}

async function fill(file: FileHandle, bytes: Uint8Array, expected: Expected): Promise<void> {
  try {
    await file.writeFile(bytes);
    if (expected !== 'missing') await keepRights(file, expected);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function keepRights(file: FileHandle, old: BigIntStats): Promise<void> {
  const now = await file.stat({ bigint: true });
  if (now.uid !== old.uid || now.gid !== old.gid) await file.chown(Number(old.uid), Number(old.gid)).catch(() => undefined);
  await file.chmod(Number(old.mode & 0o777n));
}

/** Nothing waits between the last look and the move. A new file is linked, since a link never replaces what appeared meanwhile. */
function moveIntoPlace(temporary: string, target: string, expected: Expected): Replaced {
  if (!isAsExpected(target, expected)) return 'changed';
  if (expected === 'missing') return linkIntoPlace(temporary, target);
  renameSync(temporary, target);
  return 'done';
}

function linkIntoPlace(temporary: string, target: string): Replaced {
  try {
    linkSync(temporary, target);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'changed';
    // File systems without hard links (exFAT, some network disks) answer with one of these.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR', 'UNKNOWN'].includes(codeOf(error))) throw error;
    renameSync(temporary, target);
  }
  return 'done';
}

function isAsExpected(target: string, expected: Expected): boolean {
  const now = lstatSync(target, { bigint: true, throwIfNoEntry: false });
  if (now === undefined || expected === 'missing') return now === undefined && expected === 'missing';
  return sameObject(now, expected) && now.mode === expected.mode && now.size === expected.size && now.mtimeNs === expected.mtimeNs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

function tryRemove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Already moved into place or removed: there is nothing left to clean.
  }
}

function tryRemoveFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Somebody uses it meanwhile, so it stays.
  }
}

function tryMakeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

import { lstatSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The folders for temporary files that only one run uses, from their making to their end, whoever ends. */

/** Begins every name. What follows says which process made the folder, so that a later one knows when nobody needs it any more. */
const prefix = 'conductor-run-';

/** Those of this process that are not gone yet. */
const present = new Set<string>();

let watched = false;

/** Makes a private folder, and sees to it that it goes when this process exits before the run has ended. */
export function makeTemporary(): string {
  if (!watched) process.once('exit', dropAll);
  watched = true;
  const folder = mkdtempSync(join(realpathSync(tmpdir()), `${prefix}${processSpace()}-${process.pid}-`));
  present.add(folder);
  return folder;
}

/** The folder beside the one that a run may use, where none of its commands can write. */
export function besides(temporary: string): string {
  return `${temporary}.settings`;
}

/** Removes a folder and the one beside it. Never rejects: what cannot be removed now is tried once more at the end. */
export async function dropTemporary(folder: string): Promise<void> {
  try {
    for (const each of [folder, besides(folder)]) await rm(each, { recursive: true, force: true });
    present.delete(folder);
  } catch {
    // A program that is still ending may hold it.
  }
}

/** Removes what processes have left that were killed. Returns how many folders. Looks at folders of this user only, and follows no link. */
export function sweepTemporaries(top: string = realpathSync(tmpdir())): number {
  const left = readdirSync(top).filter((name) => isLeft(name) && isOwnFolder(join(top, name)));
  return left.filter((name) => remove(join(top, name))).length;
}

function isLeft(name: string): boolean {
  const [, space, pid] = /^conductor-run-([a-z0-9]+)-([0-9]+)-[A-Za-z0-9]+(?:\.settings)?$/.exec(name) ?? [];
  return space === processSpace() && pid !== undefined && !isAlive(Number(pid));
}

function isOwnFolder(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && (process.getuid === undefined || stat.uid === process.getuid());
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of somebody else is alive.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Containers may share a folder and yet count their processes each for itself. */
function processSpace(): string {
  try {
    return Number(/[0-9]+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 0).toString(36);
  } catch {
    return '0';
  }
}

function dropAll(): void {
  for (const folder of present) for (const each of [folder, besides(folder)]) remove(each);
}

function remove(path: string): boolean {
  try {
    rmSync(path, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

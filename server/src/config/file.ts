import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sizeLimit } from './jsonc';

/** What stands in a file: its bytes with remarks about its rights, nothing, or the reason why it cannot be read. */
export type FileContent =
  | Readonly<{ kind: 'bytes'; bytes: Uint8Array; remarks: string[] }>
  | Readonly<{ kind: 'missing' }>
  | Readonly<{ kind: 'unreadable'; message: string }>;

// A writer that needs longer than this at each try is no editor that saves.
const tries = 5;
const pauseMs = 20;

/** Path of the configuration file in a configuration folder. */
export function configFileIn(configDir: string): string {
  return join(configDir, 'config.json');
}

/** Reads a file of at most 1 MiB whole: bytes that change during the reading are read again. Never waits for a pipe. Never rejects. */
export async function readConfigFile(file: string): Promise<FileContent> {
  try {
    // O_NONBLOCK, since opening a named pipe would otherwise wait for a writer for ever; it changes nothing for regular files.
    const handle = await open(file, constants.O_RDONLY | (process.platform === 'win32' ? 0 : constants.O_NONBLOCK));
    try {
      return await readWhole(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return isMissing(error) ? { kind: 'missing' } : { kind: 'unreadable', message: `The file cannot be read: ${errorText(error)}. Make it readable for you.` };
  }
}

/** Changes whenever the file does; for finding out without an event that it was saved. Never rejects. */
export async function fileSignature(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    return isMissing(error) ? 'missing' : errorText(error);
  }
}

async function readWhole(handle: FileHandle): Promise<FileContent> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) return { kind: 'unreadable', message: 'This is no regular file. Put a configuration file in its place.' };
    const buffer = Buffer.alloc(Math.min(Number(before.size), sizeLimit) + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    const after = await handle.stat({ bigint: true });
    const steady = after.size === before.size && after.mtimeNs === before.mtimeNs;
    if (bytesRead > sizeLimit || (steady && BigInt(bytesRead) === after.size)) {
      return { kind: 'bytes', bytes: buffer.subarray(0, bytesRead), remarks: rightsRemarks(Number(after.mode), Number(after.uid)) };
    }
    await delay(pauseMs);
  }
  return { kind: 'unreadable', message: 'The file keeps changing while it is read. Save it once more.' };
}

/** What is wrong with the rights of a file on POSIX: whoever can write it decides what agents may do. */
export function rightsRemarks(mode: number, owner: number): string[] {
  const self = process.getuid?.();
  if (self === undefined) return [];
  const remarks: string[] = [];
  if ((mode & 0o022) !== 0) remarks.push('Other users can write this file and so decide what agents may do. Run: chmod go-w on it.');
  if (owner !== self && owner !== 0) remarks.push(`This file belongs to another user (${String(owner)}), who decides what agents may do. Run: chown on it.`);
  return remarks;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/**
 * The text of a regular file that holds at most `limit` bytes; undefined for anything else, also for what is missing, unreadable or
 * larger. Never waits for the writer of a named pipe, and reads no more than the limit, whatever the file says of its size.
 */
export function readSmallFile(path: string, limit: number): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
  } catch {
    return undefined;
  }
  try {
    return fstatSync(descriptor).isFile() ? readAtMost(descriptor, limit) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

function readAtMost(descriptor: number, limit: number): string | undefined {
  const size = fstatSync(descriptor).size;
  if (size > limit) return undefined;
  const buffer = Buffer.allocUnsafe(limit + 1 < size + 4096 ? limit + 1 : size + 4096);
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(descriptor, buffer, filled, buffer.length - filled, null);
    if (count === 0) return buffer.toString('utf8', 0, filled);
    filled += count;
  }
  return undefined;
}

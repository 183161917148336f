import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Binary } from '../resolve';

/**
 * How a wrapper such as `prlimit` is told what to start. It searches PATH like the resolver, and a bare name lets programs of many
 * names see the one that they were called by. Where the name stands in two folders for two programs, the wrapper could find the second
 * one when the first is gone or hidden; there the full path is given.
 */
export function wordFor(binary: Binary, folders: readonly string[]): string {
  const places = folders.map((folder) => join(folder, binary.name)).filter((path) => existsSync(path));
  return places.every((path) => realpathSync.native(path) === binary.path) ? binary.name : (places[0] ?? binary.path);
}

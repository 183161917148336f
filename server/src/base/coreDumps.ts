import { writeFileSync } from 'node:fs';

/** Which kinds of memory a core dump of this process holds: none (core(5), `/proc/<pid>/coredump_filter`). */
const filter = '/proc/self/coredump_filter';

/**
 * Keeps the memory of this process, and of everything that it starts, out of core dumps: both hold secrets, the children in their
 * environments. What is left of a dump names the program, its registers and its files. Whether it could be done; only on Linux.
 */
export function keepMemoryOutOfCores(): boolean {
  try {
    writeFileSync(filter, '0');
    return true;
  } catch {
    return false;
  }
}

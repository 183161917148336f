import { readdirSync, readFileSync } from 'node:fs';

/** Finds and ends processes that came out of a run, also those that left its process group. Linux and macOS; see `endTree` for Windows. */

/** A variable in the environment of a run by which its processes are found again. */
export type Mark = Readonly<{ name: string; value: string }>;

/** Sends a signal to a whole process group. Returns false when the group is gone. */
export function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * Kills every process of this user whose environment carries the mark, in rounds of 5 ms, since one may fork while it is looked for
 * and a killed one takes a moment to go. Resolves with how many different ones were found. Linux only (0 elsewhere); a process that
 * cleared its own environment is not found.
 */
export async function killMarked(mark: Mark, rounds = 40): Promise<number> {
  const killed = new Set<number>();
  if (process.platform !== 'linux') return 0;
  for (let round = 0; round < rounds; round += 1) {
    const found = markedProcesses(mark);
    if (found.length === 0) break;
    for (const pid of found) if (kill(pid)) killed.add(pid);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return killed.size;
}

/** The processes of this user whose environment carries the mark, without this one. */
export function markedProcesses(mark: Mark): readonly number[] {
  const wanted = Buffer.from(`${mark.name}=${mark.value}\0`);
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && carries(pid, wanted));
}

function carries(pid: number, wanted: Buffer): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`);
    const at = environment.indexOf(wanted);
    return at === 0 || (at > 0 && environment[at - 1] === 0);
  } catch {
    return false;
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

import { createHash, randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { endLeftovers } from '../../base/leftovers';
import type { Mark } from '../../base/processTree';

/** Whose run a process belongs to: a variable in its environment names the configuration folder, the broker and the call. */

/** The variable by which processes of a run are found again. */
const markName = 'CONDUCTOR_RUN';

/** Names this broker among those that served the same folder, one after the other. */
const instance = randomBytes(8).toString('hex');

/** Marks the processes of one call. Without the call's id the run gets a random name. */
export function markOf(configDir: string, call: string = randomBytes(16).toString('hex')): Mark {
  return { name: markName, value: `${ownPrefix(configDir)}${call}` };
}

/** What was ended: how many processes each call had left, by the call's id, and how many of all would not end. */
export type Ended = Readonly<{ calls: ReadonlyMap<string, number>; stubborn: number }>;

/** Ends what earlier brokers of this folder left running; only for the holder of the folder's lock. Does nothing where there is no `/proc` (macOS, Windows). */
export function endRunsOfEarlierBrokers(configDir: string): Promise<Ended> {
  return end((value) => value.startsWith(folderPrefix(configDir)) && !value.startsWith(ownPrefix(configDir)));
}

/** Ends what runs of this broker left running, for its last moments. */
export function endOwnRuns(configDir: string): Promise<Ended> {
  return end((value) => value.startsWith(ownPrefix(configDir)));
}

async function end(isWanted: (value: string) => boolean): Promise<Ended> {
  const { found, stubborn } = await endLeftovers(markName, isWanted);
  const calls = new Map<string, number>();
  for (const [value, count] of found) calls.set(value.slice(value.lastIndexOf('.') + 1), count);
  return { calls, stubborn };
}

function ownPrefix(configDir: string): string {
  return `${folderPrefix(configDir)}${instance}.`;
}

/** A hash, since a path may hold what an environment cannot, and since programs have no business knowing it. */
function folderPrefix(configDir: string): string {
  return `${createHash('sha256').update(resolved(configDir)).digest('hex').slice(0, 32)}.`;
}

function resolved(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

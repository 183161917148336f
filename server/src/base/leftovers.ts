import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processes, statusOf } from './processTree';

/** Finds and ends what runs of an earlier process left behind: by a variable in their environment, and by the session of what carries it. Linux only. */

/** What was found: how many processes each value of the variable had, and how many would not end. */
export type Leftovers = Readonly<{ found: ReadonlyMap<string, number>; stubborn: number }>;

/** How patiently to end. */
export type Patience = Readonly<{
  /** Milliseconds between SIGTERM and SIGKILL. Default: 500. */
  graceMs?: number;
  /** Looks of 10 ms each after SIGKILL before what still lives is given up. Default: 40. */
  rounds?: number;
}>;

const pauseMs = 10;

/**
 * Ends every process of this user that carries a wanted value of the variable, and everything in a session with one: each run begins a
 * session of its own, so that what cleared its environment there is found as well. What did both, cleared it and left the session, is not.
 */
export async function endLeftovers(name: string, isWanted: (value: string) => boolean, { graceMs = 500, rounds = 40 }: Patience = {}): Promise<Leftovers> {
  const found = new Map<string, Set<number>>();
  if (process.platform !== 'linux') return { found: new Map(), stubborn: 0 };
  const sessions = new Map<string, string>();
  const look = (): readonly number[] => {
    const alive = victims(name, isWanted, sessions);
    for (const [pid, value] of alive) found.set(value, (found.get(value) ?? new Set()).add(pid));
    return [...alive.keys()];
  };
  let left = look();
  for (const pid of left) signal(pid, 'SIGTERM');
  for (let waited = 0; left.length > 0 && waited < graceMs; waited += pauseMs, left = look()) await sleep(pauseMs);
  for (let round = 0; left.length > 0 && round < rounds; round += 1, left = look()) {
    for (const pid of left) signal(pid, 'SIGKILL');
    await sleep(pauseMs);
  }
  return { found: new Map([...found].map(([value, pids]) => [value, pids.size])), stubborn: left.length };
}

/** Process numbers with the value that they belong to. Sessions are remembered, since the one that carried the value may end first. */
function victims(name: string, isWanted: (value: string) => boolean, sessions: Map<string, string>): ReadonlyMap<number, string> {
  const carriers = processes().map((pid) => {
    const value = valueIn(pid, name);
    return { pid, value, session: value !== undefined && isWanted(value) ? sessionOf(pid) : undefined };
  });
  for (const { session, value } of carriers) if (session !== undefined && value !== undefined) sessions.set(session, value);
  // Mostly nothing was left behind, and then nobody's session is of interest: each start waits for this.
  if (sessions.size === 0 && carriers.every(({ value }) => value === undefined || !isWanted(value))) return new Map();
  const seen = carriers.map(({ pid, value, session }) => ({ pid, value, session: session ?? sessionOf(pid) }));
  const own = sessionOf(process.pid);
  if (own !== undefined) sessions.delete(own);
  const all = new Map<number, string>();
  for (const { pid, session, value } of seen) {
    const belongs = value !== undefined && isWanted(value) ? value : session === undefined ? undefined : sessions.get(session);
    if (belongs !== undefined) all.set(pid, belongs);
  }
  return all;
}

/** Undefined for what has ended, and for sessions that began outside of what this process can see. */
function sessionOf(pid: number): string | undefined {
  const status = statusOf(pid);
  return status === undefined || status[0] === 'Z' || status[3] === '0' ? undefined : status[3];
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** The value that a process was started with; undefined without one, and for processes of other users. */
function valueIn(pid: number, name: string): string | undefined {
  try {
    const variable = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').find((text) => text.startsWith(`${name}=`));
    return variable?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}

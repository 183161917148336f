import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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
 * cleared its own environment is not found. `among` says where to look; default is everywhere.
 */
export async function killMarked(mark: Mark, rounds = 40, among: () => readonly number[] = processes): Promise<number> {
  const killed = new Set<number>();
  if (process.platform !== 'linux') return 0;
  for (let round = 0; round < rounds; round += 1) {
    const found = markedProcesses(mark, among());
    if (found.length === 0) break;
    for (const pid of found) if (send(pid, 'SIGKILL')) killed.add(pid);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return killed.size;
}

/** The processes of this user whose environment carries the mark, without this one. */
export function markedProcesses(mark: Mark, among: readonly number[] = processes()): readonly number[] {
  const wanted = Buffer.from(`${mark.name}=${mark.value}\0`);
  return among.filter((pid) => carries(pid, wanted));
}

/** A process as it was seen once: its number, and when it started, by which a later holder of the number is told apart. */
type Seen = Readonly<{ pid: number; start: string }>;

/**
 * Remembers what comes out of a run while it runs, so that it is found when it has left the process group and cleared its environment.
 * Looks at the children of what it knows every 50 ms, and at the end for processes that still hold an output of the run. Linux only.
 *
 * Not caught: a process that left its parent, its group, its environment and its outputs behind between two looks. Nor is anything
 * ended when this process itself is killed: children are in groups of their own. See `endLeftovers` for what comes after that.
 */
export class Descendants {
  private readonly seen = new Map<number, Seen>();
  /** Pipes and sockets that the first processes of the run were given. */
  private readonly outlets = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  /** Told after each look how many of them are alive. */
  onLook: (alive: number) => void = () => undefined;
  private readonly beginnings: { pid: number; at: number }[] = [];

  /** `startOf` tells when a process started, or undefined when there is none; default is what the system says. */
  constructor(private readonly startOf: (pid: number) => string | undefined = startTime) {}

  /** Takes in a process that was just started, with the descriptors that lead back here. */
  add(pid: number, descriptors: readonly number[]): void {
    if (process.platform !== 'linux') return;
    this.remember(pid);
    this.beginnings.push({ pid, at: performance.now() });
    for (const descriptor of descriptors) {
      const outlet = linkOf(`/proc/${pid}/fd/${descriptor}`);
      if (outlet !== undefined && /^(pipe|socket):/.test(outlet)) this.outlets.add(outlet);
    }
    this.look();
    this.timer ??= setInterval(() => this.look(), 50).unref();
  }

  /** Takes in the children of what is known. */
  look(): void {
    const pending = [...this.seen.values()];
    let alive = 0;
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (this.startOf(next.pid) !== next.start) continue;
      alive += 1;
      for (const child of childrenOf(next.pid)) {
        const seen = this.remember(child);
        if (seen !== undefined) pending.push(seen);
      }
    }
    this.onLook(alive);
  }

  /**
   * Halts everything that is known, and what comes out of it meanwhile, until two looks in a row find nothing new: what is killed in full
   * run can leave a child behind that nobody has seen. Gives up after `rounds` of 2 ms, for what cannot be halted. Linux only.
   */
  async freeze(rounds = 100): Promise<void> {
    for (let round = 0, quiet = 0; round < rounds && quiet < 2; round += 1) {
      const known = this.seen.size;
      this.look();
      const alive = this.alive();
      if (alive.length === 0) return;
      const moving = alive.filter((pid) => !halted.has(statusOf(pid)?.[0] ?? 'X'));
      for (const pid of moving) send(pid, 'SIGSTOP');
      quiet = moving.length === 0 && this.seen.size === known ? quiet + 1 : 0;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Stops looking and kills what is left, in rounds of 5 ms. Resolves with how many were alive, without those in `expected`. */
  async kill(expected: ReadonlySet<number>, rounds = 40): Promise<number> {
    clearInterval(this.timer);
    await this.freeze();
    const killed = new Set<number>();
    for (let round = 0; round < rounds && process.platform === 'linux'; round += 1) {
      this.look();
      for (const pid of this.holders()) this.remember(pid);
      const alive = this.alive();
      if (alive.length === 0) break;
      for (const pid of alive) if (send(pid, 'SIGKILL') && !expected.has(pid)) killed.add(pid);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return killed.size;
  }

  /** The processes that may have come out of the run. */
  young(): readonly number[] {
    const [first] = this.beginnings;
    const last = first === undefined || performance.now() - first.at > quickRunMs ? undefined : newestProcess();
    if (first === undefined || last === undefined || last < first.pid) return processes();
    // Nothing was started since, neither by the run nor by anybody else.
    if (last === this.beginnings.at(-1)?.pid && this.beginnings.every(({ pid }, index) => pid === first.pid + index)) return [];
    return processes().filter((pid) => pid >= first.pid);
  }

  private alive(): readonly number[] {
    if (process.platform !== 'linux') return [];
    return [...this.seen.values()].filter(({ pid, start }) => this.startOf(pid) === start && !isZombie(pid)).map(({ pid }) => pid);
  }

  /** Younger processes that have an output of the run open. */
  private holders(): readonly number[] {
    const first = Math.min(...[...this.seen.values()].map(({ start }) => Number(start)));
    if (this.outlets.size === 0) return [];
    return this.young().filter((pid) => Number(this.startOf(pid) ?? -1) >= first && descriptorsOf(pid).some((outlet) => this.outlets.has(outlet)));
  }

  /** Returns the process when it was not known. */
  private remember(pid: number): Seen | undefined {
    const start = this.startOf(pid);
    if (start === undefined || this.seen.get(pid)?.start === start) return undefined;
    const seen = { pid, start };
    this.seen.set(pid, seen);
    return seen;
  }
}

/** States of a process that starts nothing any more: stopped, traced, gone. See proc(5). */
const halted: ReadonlySet<string> = new Set(['T', 't', 'Z', 'X']);

/** Numbers rise and begin anew at the end of their range, of 32,768 at least; within this time nobody can go once around. */
const quickRunMs = 250;

/** The number that was given away last; undefined when the system does not say. */
function newestProcess(): number | undefined {
  try {
    const last = Number(readFileSync('/proc/loadavg', 'utf8').trim().split(' ')[4]);
    return Number.isSafeInteger(last) && last > 0 ? last : undefined;
  } catch {
    return undefined;
  }
}

/** What follows the name in the line of a process, from its state on; the name itself may hold blanks and brackets. Undefined when it is gone. */
export function statusOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function startTime(pid: number): string | undefined {
  return statusOf(pid)?.[19];
}

function isZombie(pid: number): boolean {
  return statusOf(pid)?.[0] === 'Z';
}

/** The processes that a process has started and not lost, at this moment. Linux only. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ')).filter((text) => text !== '').map(Number);
  } catch {
    return [];
  }
}

function descriptorsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => linkOf(`/proc/${pid}/fd/${descriptor}`) ?? []);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The numbers of all processes without this one. */
export function processes(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid);
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

function send(pid: number, signal: 'SIGKILL' | 'SIGSTOP'): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

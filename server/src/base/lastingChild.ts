import type { Readable, Writable } from 'node:stream';
import { endTree, spawnPiped, type Exit, type Talking } from './childProcess';
import { Descendants, killMarked, type Mark } from './processTree';

/** A program that one talks with for as long as one likes, and that is gone with everything it started when one is done. */

/** A running program. `exited` never rejects. */
export type LastingChild = Readonly<{
  pid: number;
  input: Writable;
  output: Readable;
  errors: Readable;
  exited: Promise<Exit>;
  /** What it handed over its channel first, a listening socket for instance; never resolves without a channel. */
  handed: Promise<unknown>;
  /** Closes its input, asks it to end after `graceMs` (default 1,000), kills it after twice that, and with it what it started. */
  end(graceMs?: number): Promise<void>;
}>;

/** Starts a program. Rejects with the system's error when it cannot be started. */
export async function openChild(program: Talking, mark: Mark): Promise<LastingChild> {
  const child = spawnPiped({ ...program, environment: { ...program.environment, [mark.name]: mark.value } });
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const handed = new Promise<unknown>((resolve) => child.once('message', (_, handle: unknown) => resolve(handle)));
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined);
  const pid = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.once('spawn', () => resolve(child.pid ?? -1));
  });
  let ending: Promise<void> | undefined;
  const end = async (graceMs: number): Promise<void> => {
    const family = new Descendants();
    family.add(pid, [1, 2]);
    child.stdin.end();
    const steps = [setTimeout(() => endTree(pid, 'SIGTERM'), graceMs), setTimeout(() => endTree(pid, 'SIGKILL'), 2 * graceMs)];
    await exited;
    for (const step of steps) clearTimeout(step);
    endTree(pid, 'SIGKILL');
    await family.kill(new Set([pid]));
    await killMarked(mark);
    child.stdout.destroy();
    child.stderr.destroy();
  };
  return { pid, input: child.stdin, output: child.stdout, errors: child.stderr, exited, handed, end: (graceMs = 1000) => (ending ??= end(graceMs)) };
}

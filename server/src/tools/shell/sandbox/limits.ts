import { readFileSync } from 'node:fs';
import type { LimitSettings } from '../../../../../protocol/src/confinement';
import { resolveBinary, type Binary } from '../resolve';

/** Bounds that the kernel keeps for a command, set by `prlimit` from the moment it starts. */

/** The bounds of one command, and the program that sets them. */
export type Limiter = Readonly<{ binary: Binary; args: readonly string[] }>;

/** What of the wanted bounds holds, in words for people. */
export type Limited = Readonly<{ limiter?: Limiter; missing?: string }>;

/**
 * The limiter of one command. The number of processes is left to the kernel only inside a sandbox: elsewhere it counts everything that the
 * user runs, the desktop included. It never holds for root; the watch over the run's processes does, see `Limits.processes`.
 */
export function limiterFor(settings: LimitSettings, folders: readonly string[], inSandbox: boolean): Limited {
  const wantsProcesses = settings.processes > 0 && inSandbox;
  if (settings.fileSizeMb === 0 && !wantsProcesses) return {};
  if (process.platform !== 'linux') return { missing: `the size of files is not limited on ${process.platform}` };
  const hard = hardLimits();
  const size = settings.fileSizeMb === 0 ? [] : [`--fsize=${Math.min(settings.fileSizeMb * 1024 * 1024, hard.fileSize)}`];
  const processes = wantsProcesses ? [`--nproc=${Math.min(settings.processes, hard.processes)}`] : [];
  const args = [...size, ...processes];
  const binary = resolveBinary('prlimit', folders);
  return 'refused' in binary ? { missing: 'the size of files is not limited, since "prlimit" (of util-linux) is not installed' } : { limiter: { binary, args: [...args, '--'] } };
}

/** What this process is held to itself: nothing that it starts can be given more, and trying to would end the command before it begins. */
function hardLimits(): Readonly<{ fileSize: number; processes: number }> {
  const text = readFileSync('/proc/self/limits', 'utf8');
  const hard = (name: string): number => {
    const value = new RegExp(`^${name} +\\S+ +([0-9]+)`, 'm').exec(text)?.[1];
    return value === undefined ? Infinity : Number(value);
  };
  return { fileSize: hard('Max file size'), processes: hard('Max processes') };
}

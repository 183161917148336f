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
  const size = settings.fileSizeMb === 0 ? [] : [`--fsize=${settings.fileSizeMb * 1024 * 1024}`];
  const processes = settings.processes === 0 || !inSandbox ? [] : [`--nproc=${settings.processes}`];
  const args = [...size, ...processes];
  if (args.length === 0) return {};
  if (process.platform !== 'linux') return { missing: `the size of files is not limited on ${process.platform}` };
  const binary = resolveBinary('prlimit', folders);
  return 'refused' in binary ? { missing: 'the size of files is not limited, since "prlimit" (of util-linux) is not installed' } : { limiter: { binary, args: [...args, '--'] } };
}

import { homedir, tmpdir } from 'node:os';
import { realpathSync } from 'node:fs';
import type { LimitSettings, SandboxSettings } from '../../../../../protocol/src/confinement';
import { readSearchPath, trustedFolders } from '../resolve';
import { examineSandbox } from './confinement';
import { limiterFor } from './limits';

/** What the operating system can confine here, for whoever looks after the installation. */

/** One finding: whether what was asked for is there, in words. */
export type Finding = Readonly<{ status: 'ok' | 'warning' | 'error'; message: string }>;

/** Tries the sandbox that the settings ask for, with the programs of a search path. The project stands for one in an ordinary place. */
export async function reportSandbox(settings: SandboxSettings, configDir: string, searchPath: string): Promise<Finding> {
  const folders = trustedFolders(readSearchPath(searchPath), '/nonexistent');
  const found = await examineSandbox({ project: '/nonexistent/project', configDir, home: homedir(), temporaryRoot: realpathSync.native(tmpdir()), settings }, folders, { binaries: [], git: false, approvedGit: false, approved: false });
  const wanted = settings.mode !== 'off' || settings.commands.length > 0;
  const forWhat = settings.mode === 'off' ? `for ${settings.commands.join(', ')}` : { available: 'for all commands', required: 'for all commands, required' }[settings.mode];
  if (!wanted) return { status: 'ok', message: `not asked for. ${'refused' in found ? found.refused : `${found.name} is there: set "plugins.shell.sandbox.mode" to use it.`}` };
  if (!('refused' in found)) return { status: found.sound ? 'ok' : 'warning', message: `${forWhat}: ${found.name}, ${found.network}${found.sound ? '' : ', not patched'}` };
  const must = settings.mode === 'required' || settings.commands.length > 0;
  return { status: must ? 'error' : 'warning', message: `${must ? 'commands are refused' : 'commands run without one'}: ${found.refused}` };
}

/** Says which limits hold. */
export function reportLimits(limits: LimitSettings, searchPath: string): Finding {
  const { limiter, missing } = limiterFor(limits, trustedFolders(readSearchPath(searchPath), '/nonexistent'), false);
  const watched = limits.processes === 0 ? 'any number of processes' : `${String(limits.processes)} processes${process.platform === 'linux' ? ', looked at every 50 ms' : ' (not looked at on this system)'}`;
  const root = process.getuid?.() === 0 ? ' Root is exempt from the limit of the kernel.' : '';
  if (missing !== undefined) return { status: 'warning', message: `${watched}; ${missing}.${root}` };
  return { status: 'ok', message: `${watched}; ${limiter === undefined ? 'files of any size' : `files up to ${String(limits.fileSizeMb)} MiB`}.${root}` };
}

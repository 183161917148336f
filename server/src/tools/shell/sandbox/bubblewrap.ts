import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChildren, type Run } from '../../../base/childProcess';
import { resolveBinary, type Binary } from '../resolve';
import type { Layout, Mount } from './layout';

/** Finds bubblewrap, tries it out, and says how it is called. */

/** The advisory about mount points that are links into what lies outside. */
export const advisory = 'CVE-2026-87766';

/** What to install, in words. */
export const installBubblewrap = 'Install bubblewrap 0.12.0 or later, or a patched build of your distribution, for instance with "sudo apt install bubblewrap", "sudo dnf install bubblewrap" or "sudo pacman -S bubblewrap".';

/** What trying it out has shown. */
export type Bubblewrap =
  | Readonly<{ kind: 'usable'; binary: Binary; version: string; /** Whether a planted link led it nowhere. */ sound: boolean }>
  | Readonly<{ kind: 'unusable'; reason: string }>;

/** Milliseconds for which a failed trial counts: somebody may be mending it. */
const failureCountsMs = 20_000;

const trials = new Map<string, Readonly<{ result: Promise<Bubblewrap>; at: number }>>();

/** Looks for `bwrap` in trusted folders and tries it once for each identity of the file. Never rejects. */
export async function examineBubblewrap(folders: readonly string[]): Promise<Bubblewrap> {
  if (process.platform !== 'linux') return { kind: 'unusable', reason: `bubblewrap is for Linux, and this is ${process.platform}.` };
  const binary = resolveBinary('bwrap', folders);
  if ('refused' in binary) return { kind: 'unusable', reason: binary.refused.startsWith('no program') ? `bubblewrap is not installed. ${installBubblewrap}` : `bubblewrap cannot be used: ${binary.refused}.` };
  const key = `${binary.path}\0${binary.identity}`;
  const known = trials.get(key);
  if (known !== undefined && ((await known.result).kind === 'usable' || performance.now() - known.at < failureCountsMs)) return known.result;
  const result = examine(binary).catch((error: unknown): Bubblewrap => ({ kind: 'unusable', reason: `bubblewrap could not be tried: ${error instanceof Error ? error.message : String(error)}` }));
  trials.set(key, { result, at: performance.now() });
  return result;
}

/** Arguments that take away everything but the disk: users, processes, network, signals, rights, and the means to ask for them again. */
const walls: readonly string[] = ['--unshare-user', '--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try', '--disable-userns', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'];

/**
 * The processes of the sandbox, and nothing of the kernel that could be set from there. Root inside is root outside in the eyes of these
 * files, whatever its rights: `core_pattern` in `/proc/sys` names a program that runs outside of every wall.
 */
const processes: readonly string[] = ['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', ...['sysrq-trigger', 'irq', 'bus', 'mtrr', 'acpi', 'scsi'].flatMap((name) => ['--ro-bind-try', `/proc/${name}`, `/proc/${name}`])];

/** The whole argument list up to the command; `held` and `fixed` of the layout count only for a sound build. The run's own folder comes behind it. */
export function bubblewrapArguments(layout: Layout, sound: boolean): readonly string[] {
  const bind = (option: string) => ({ source, target }: Mount): readonly string[] => [option, source, target];
  return [
    ...['--ro-bind', '/', '/', '--dev', '/dev', ...processes],
    ...layout.hidden.flatMap((folder) => ['--tmpfs', folder]),
    ...layout.shown.flatMap(bind('--ro-bind')),
    ...['--tmpfs', layout.own],
    ...layout.writable.flatMap(bind('--bind')),
    ...(sound ? [...layout.held.flatMap((path) => ['--bind', path, path]), ...layout.fixed.flatMap((path) => ['--ro-bind', path, path])] : []),
    ...walls,
  ];
}

/** The argument list for a program that keeps the disk and loses the network; folders of `hidden` look empty to it. No mount point of it lies where agents can write. */
export function netlessArguments(hidden: readonly string[], shown: readonly string[]): readonly string[] {
  return ['--bind', '/', '/', '--dev', '/dev', ...processes, ...hidden.flatMap((folder) => ['--tmpfs', folder]), ...shown.flatMap((path) => ['--ro-bind', path, path]), ...walls];
}

async function examine(binary: Binary): Promise<Bubblewrap> {
  const version = /^bubblewrap (\S+)/.exec(outputOf(await start(binary, ['--version'])))?.[1];
  if (version === undefined) return { kind: 'unusable', reason: `${binary.path} does not say its version. ${installBubblewrap}` };
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'conductor-trial-'));
  try {
    const failure = await tryOut(binary, folder);
    if (failure !== undefined) return { kind: 'unusable', reason: `bubblewrap ${version} does not work here: ${failure} User namespaces must be allowed for it.` };
    return { kind: 'usable', binary, version, sound: !(await followsLinks(binary, folder)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A complete sandbox around a harmless command. */
async function tryOut(binary: Binary, folder: string): Promise<string | undefined> {
  const run = await start(binary, [...bubblewrapArguments({ hidden: [], shown: [], own: folder, writable: [], fixed: [], held: [] }, true), '--', binary.path, '--version']);
  if (run.kind === 'ended' && run.exits[0]?.code === 0) return undefined;
  return run.kind === 'ended' ? `${run.stderr.head.toString('utf8').trim().split('\n')[0] ?? 'it failed'}.` : run.error.message;
}

/** Does what an attacker would: plants links where a mount point is to be made, and looks whether something appears where they lead. */
async function followsLinks(binary: Binary, folder: string): Promise<boolean> {
  const [inside, outside] = [join(folder, 'inside'), join(folder, 'outside')];
  mkdirSync(inside);
  mkdirSync(outside);
  symlinkSync(`/oldroot${outside}/canary`, join(inside, 'file'));
  symlinkSync(`/oldroot${outside}`, join(inside, 'folder'));
  const traps = [['--ro-bind', '/dev/null', join(inside, 'file')], ['--ro-bind', '/dev/null', join(inside, 'folder', 'canary')], ['--tmpfs', join(inside, 'folder', 'canary')]];
  for (const trap of traps) {
    const run = await start(binary, ['--ro-bind', '/', '/', '--bind', inside, inside, ...trap, ...walls, '--', binary.path, '--version']);
    // What did not end by itself has shown nothing, and what has shown nothing is not sound.
    if (run.kind !== 'ended' || run.stopped !== undefined || existsSync(join(outside, 'canary'))) return true;
  }
  return false;
}

function start(binary: Binary, args: readonly string[]): Promise<Run> {
  return runChildren([{ file: binary.path, args, cwd: '/', environment: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' }, input: 'nothing', output: 'stdout', errors: 'stderr' }], { timeoutMs: 5000 });
}

function outputOf(run: Run): string {
  return run.kind === 'ended' ? run.stdout.head.toString('utf8') : '';
}

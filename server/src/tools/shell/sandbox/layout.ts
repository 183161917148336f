import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SandboxSettings } from '../../../../../protocol/src/confinement';
import { controlNameIn } from '../../../rules/controlNames';
import { isOrderFile } from '../../../rules/orderFiles';
import { gitGround, renamedGitFolders } from '../facts';
import { isWithin, type Binary } from '../resolve';
import { homeShown } from './home';

/** What a sandboxed command sees of the disk. Everything that is not named here can be read as before and not be written. */

/** A folder or file, and where the command sees it. */
export type Mount = Readonly<{ source: string; target: string }>;

/** Absolute, resolved places, in the order in which they take effect: what is hidden, what of it is shown again, what can be written. */
export type Layout = Readonly<{
  hidden: readonly string[];
  shown: readonly Mount[];
  /** The folder of the configuration, which looks empty whatever else is shown. */
  own: string;
  writable: readonly Mount[];
  /** Files and folders below what can be written, which cannot; a sound sandbox is needed to name them. */
  fixed: readonly string[];
  /** Folders between what can be written and what is fixed. As mount points they cannot be moved away with what is fixed in them. */
  held: readonly string[];
}>;

/** What a layout is made for. */
export type Ground = Readonly<{ project: string; configDir: string; home: string; temporaryRoot: string; settings: SandboxSettings }>;

/** What one command needs to see of what is hidden. */
export type Needs = Readonly<{ searchPath: readonly string[]; binaries: readonly Binary[]; git: boolean; /** A person has approved this git command, which may then change the repository's configuration. */ approvedGit: boolean; /** A person has approved this command, which may then change what package managers and builders take their orders from. */ approved: boolean }>;

/** Folders for sockets and temporary files of all kinds: what is reached through them is outside of every other wall. */
const crowded: readonly string[] = ['/tmp', '/var/tmp', '/run', '/var/run', '/mnt/wslg'];

/** Parts of `/run` that systems without `/usr/bin` keep their programs in. */
export const systemPrograms: readonly string[] = ['/run/current-system', '/run/booted-system', '/run/opengl-driver'];

/** Caches of package managers that stand under a control name. */
const notFixed: ReadonlySet<string> = new Set(['.git', '.yarn']);

/** Lays out the disk for one command, or says why that cannot be done safely. */
export function layOut(ground: Ground, needs: Needs): Layout | Readonly<{ refused: string }> {
  const own = realOf(ground.configDir) ?? ground.configDir;
  const home = realOf(ground.home);
  const secret = [...crowded, ground.temporaryRoot, process.env['XDG_RUNTIME_DIR'] ?? '', ...(home === undefined || home === '/' ? [] : [home])].flatMap((path) => folderAt(path) ?? []);
  const writable = outermost([ground.project, ...ground.settings.writable.flatMap((path) => folderAt(expandHome(path, ground.home)) ?? [])]);
  const conflict = conflictOf(writable, [...secret, own], own);
  if (conflict !== undefined) return { refused: conflict };
  const hidden = outermost(secret);
  const shown = shownPaths(ground, needs).flatMap((path) => mountsOf(path, hidden, writable));
  const writableMounts = [...writable.map(same), ...ground.settings.writable.map((path) => expandHome(path, ground.home)).flatMap((path) => mountsOf(path, hidden, [])).filter(({ source, target }) => source !== target)];
  const fixed = fixedIn(ground.project, needs);
  return { hidden, shown: unique(shown), own, writable: unique(writableMounts), fixed, held: foldersBetween(ground.project, fixed) };
}

/** A wall inside of what agents can write could be led astray by a link, or moved away with the folder around it; so there is none. */
function conflictOf(writable: readonly string[], walls: readonly string[], own: string): string | undefined {
  for (const folder of writable) {
    const inside = walls.find((wall) => isWithin(wall, folder));
    if (inside !== undefined) return `The folder ${folder} contains ${inside}, which a sandbox must hide. Open a project below it, or take the folder out of "plugins.shell.sandbox.writable".`;
    if (isWithin(folder, own)) return `The folder ${folder} lies in the configuration folder, which a sandbox must hide.`;
  }
  return undefined;
}

function shownPaths(ground: Ground, needs: Needs): readonly string[] {
  const programs = needs.binaries.flatMap(({ path }) => installationOf(path, ground.home));
  const asked = ground.settings.readable.map((path) => expandHome(path, ground.home));
  return [...systemPrograms, ...homeShown(ground.home, needs.git), ...asked, ...needs.searchPath, ...programs].filter((path) => existsSync(path));
}

/** The folder that a program was installed into: what stands next to it, and beside a `bin`. */
function installationOf(path: string, home: string): readonly string[] {
  const modules = path.indexOf('/node_modules/');
  if (modules >= 0) return [path.slice(0, modules + '/node_modules'.length)];
  const folder = dirname(path);
  const above = dirname(folder);
  const shared = [home, join(home, '.local'), '/tmp', '/var/tmp', '/run', '/'].includes(above);
  if (basename(folder) !== 'bin' || shared) return [folder];
  // `~/.cargo`, `~/.docker` and their like hold tokens beside the programs.
  return dirname(above) === home ? [folder, ...['lib', 'libexec', 'share', 'node_modules'].map((name) => join(above, name))] : [above];
}

/** A hidden path is shown where it stands and where it leads; any other one can be seen anyway. */
function mountsOf(path: string, hidden: readonly string[], writable: readonly string[]): readonly Mount[] {
  const source = realOf(path);
  if (source === undefined) return [];
  const targets = [...new Set([path, source])].filter((target) => hidden.some((folder) => isWithin(target, folder) && target !== folder) && !writable.some((folder) => isWithin(target, folder)));
  return targets.map((target) => ({ source, target }));
}

/** Control files at the root of a project. Links are left out: what they lead to is not what stands here. */
function fixedIn(project: string, needs: Needs): readonly string[] {
  const names = namesIn(project).filter((name) => !notFixed.has(name) && (controlNameIn([name]) !== undefined || (!needs.approved && isOrderFile(name))));
  // Folders such as `.github` also hold harmless files, so that single names in them count.
  const inner = namesIn(project).flatMap((outer) => (names.includes(outer) || !outer.startsWith('.') || notFixed.has(outer) ? [] : namesIn(join(project, outer)).filter((name) => controlNameIn([outer, name]) !== undefined).map((name) => `${outer}/${name}`)));
  // Only git itself has business there: one more file in it, such as `commondir`, would name another configuration.
  const git = needs.approvedGit ? [] : needs.git ? ['.git/hooks', '.git/config', '.git/config.worktree', '.git/info'] : ['.git'];
  const renamed = renamedGitFolders(project).flatMap((folder) => git.map((name) => join(folder, name.slice('.git'.length))));
  const configured = needs.approvedGit ? [] : gitGround(project).configured;
  return [...new Set([...[...names, ...inner, ...git].map((name) => join(project, name)), ...renamed, ...configured])].filter((path) => realOf(path) === path);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** The folders around the paths, the outermost first, without the project itself. */
function foldersBetween(project: string, paths: readonly string[]): readonly string[] {
  const around = (path: string): readonly string[] => (dirname(path) === project ? [] : [...around(dirname(path)), dirname(path)]);
  return [...new Set(paths.flatMap(around))];
}

/** Existing folders without those that lie inside another one of the list. */
function outermost(paths: readonly string[]): readonly string[] {
  const all = [...new Set(paths)];
  return all.filter((path) => !all.some((other) => other !== path && isWithin(path, other))).sort();
}

function unique(mounts: readonly Mount[]): readonly Mount[] {
  return [...new Map(mounts.map((mount) => [mount.target, mount])).values()].sort((a, b) => (a.target < b.target ? -1 : 1));
}

function same(path: string): Mount {
  return { source: path, target: path };
}

/** Resolves a folder; undefined when there is none. */
function folderAt(path: string): string | undefined {
  const real = path.startsWith('/') ? realOf(path) : undefined;
  return real !== undefined && statSync(real, { throwIfNoEntry: false })?.isDirectory() === true ? real : undefined;
}

/** `~` is the home folder. */
export function expandHome(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(2)) : path;
}

function realOf(path: string): string | undefined {
  try {
    lstatSync(path);
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

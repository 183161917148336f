import { lstatSync, readFileSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, parse, resolve, sep } from 'node:path';
import { lexicalPlace, placeInside, type CommandFacts, type GitFacts, type Place } from '../../rules/places';
import { isWithin } from './resolve';

/** Looks up on the disk what the judge wants to know. Looking changes nothing and runs nothing. */

/** The folders that facts are about, and what was read of repositories before. */
export type DiskGround = Readonly<{
  project: string;
  configDir: string;
  /** What `git config` said of repositories, by folder; without it repositories are taken to name no programs. */
  git?: ReadonlyMap<string, GitFacts | 'unknown'>;
}>;

/** Facts about this machine as it is at this moment, links included. */
export function diskFacts(ground: DiskGround): CommandFacts {
  const real = { project: realOrSelf(ground.project), own: realOrSelf(ground.configDir) };
  return {
    place: (folder, path) => diskPlace(folder, path, ground, real),
    script: (folder, name) => scriptIn(folder, name, real.project),
    git: (folder) => (ground.git === undefined ? { programs: [], hooks: hasHooks(folder) } : (ground.git.get(folder) ?? 'unknown')),
  };
}

type Real = Readonly<{ project: string; own: string }>;

/** The strictest of what the text says and what the disk says. */
function diskPlace(folder: string, path: string, ground: DiskGround, real: Real): Place {
  const style = process.platform === 'win32' ? 'win32' : 'posix';
  const written = lexicalPlace(folder, path, { project: ground.project, own: ground.configDir }, style);
  if (written === 'sink' || written === 'forbidden' || written === 'own') return written;
  const arrived = follow(resolve(realOrSelf(folder)), path);
  if (arrived === undefined) return 'outside';
  if (isWithin(arrived, real.own)) return 'own';
  if (!isWithin(arrived, real.project)) return 'outside';
  // A path that is inside only by its text, or only through a link from elsewhere, was judged by where it leads.
  const names = arrived.slice(real.project.length).split(sep).filter((name) => name !== '');
  return written === 'control' ? 'control' : placeInside(names);
}

/** Where a path arrives when every link is followed; names that do not exist are kept as written. Undefined after 40 links. */
export function follow(folder: string, path: string): string | undefined {
  const root = parse(path).root;
  let current = root === '' ? folder : root;
  const pending = namesOf(path.slice(root.length)).reverse();
  for (let links = 0; links <= 40; ) {
    const name = pending.pop();
    if (name === undefined) return current;
    if (name === '..') {
      current = dirname(current);
      continue;
    }
    const next = join(current, name);
    const target = linkTarget(next);
    if (target === undefined) current = next;
    else {
      links += 1;
      const anchor = parse(target).root;
      if (anchor !== '') current = anchor;
      pending.push(...namesOf(target.slice(anchor.length)).reverse());
    }
  }
  return undefined;
}

function namesOf(text: string): string[] {
  return text.split(process.platform === 'win32' ? /[\\/]/ : '/').filter((name) => name !== '' && name !== '.');
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function realOrSelf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path);
  }
}

/** Looks for the script in the nearest package.json, as package managers do, but not above the project. */
function scriptIn(folder: string, name: string, project: string): 'yes' | 'no' | 'unknown' {
  const file = nearest(realOrSelf(folder), 'package.json', project);
  if (file === undefined) return 'no';
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const scripts: unknown = typeof parsed === 'object' && parsed !== null && 'scripts' in parsed ? parsed.scripts : undefined;
    return typeof scripts === 'object' && scripts !== null && Object.hasOwn(scripts, name) ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}

/** The nearest file of a name at or above a folder, down from and including `top`. */
export function nearest(folder: string, name: string, top: string): string | undefined {
  for (let current = folder; isWithin(current, top); current = dirname(current)) {
    const file = join(current, name);
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) return file;
    if (current === dirname(current)) break;
  }
  return undefined;
}

/** The folders in which git keeps a repository: the one of this work tree, and the one that all its work trees share. */
export function gitFolders(folder: string): Readonly<{ own: string; common: string }> | undefined {
  for (let current = resolve(folder); ; current = dirname(current)) {
    const own = gitFolderAt(join(current, '.git'));
    if (own !== undefined) return { own, common: resolve(own, readText(join(own, 'commondir'))?.trim() ?? '.') };
    if (current === dirname(current)) return undefined;
  }
}

function gitFolderAt(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) return path;
  const pointer = stat?.isFile() === true ? /^gitdir: (.+)$/m.exec(readText(path) ?? '')?.[1] : undefined;
  return pointer === undefined ? undefined : resolve(dirname(path), pointer.trim());
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').slice(0, 4096);
  } catch {
    return undefined;
  }
}

/** Whether a repository holds hooks that git would run; the samples that git installs do not count. */
export function hasHooks(folder: string): boolean {
  const repository = gitFolders(folder);
  if (repository === undefined) return false;
  const hooks = join(repository.common, 'hooks');
  try {
    return readdirSync(hooks).some((name) => !name.endsWith('.sample') && isRunnable(join(hooks, name)));
  } catch {
    return false;
  }
}

function isRunnable(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && (process.platform === 'win32' || (stat.mode & 0o111) !== 0);
}

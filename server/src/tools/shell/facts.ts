import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';
import { readSmallFile } from '../../base/smallFile';
import { searchCarried } from './carried';
import { expandPattern, maxLooked } from './expansion';
import { namedPlaces } from './gitPlaces';
import { isRepositoryFolder, liesInRepository, repositoryParts } from '../../rules/gitLayout';
import { readWriteScope, type WriteScope } from '../../rules/writeScope';
import { lexicalPlaces, nothingWritten, placeInside, strictestPlace, type CommandFacts, type GitFacts, type GitWriteQuery, type GitWrites, type NotKnown, type Place } from '../../rules/places';
import { scriptIn } from './projectFiles';
import { isWithin, isWithinAsSpelt } from './resolve';

/** Looks up on the disk what the judge wants to know. Looking changes nothing and runs nothing. */

/** The folders that facts are about, and what was read of repositories before. */
export type DiskGround = Readonly<{
  project: string;
  configDir: string;
  /** Patterns of what may be changed; none means everything. */
  writeScope?: readonly string[];
  /** What `git config` said of repositories, by folder; without it repositories are taken to name no programs. */
  git?: ReadonlyMap<string, GitFacts | NotKnown>;
  /** What git commands would write, by `writesKey`; without it they are taken to write nothing. */
  gitWrites?: ReadonlyMap<string, GitWrites | NotKnown>;
}>;

/** Names one question about one folder. */
export function writesKey(folder: string, query: GitWriteQuery): string {
  return JSON.stringify([folder, query]);
}

/** Facts about this machine as it is at this moment, links included. Made for one judgement: what was looked at once is not looked at again. */
export function diskFacts(ground: DiskGround): CommandFacts {
  const real = { project: realOrSelf(ground.project), own: realOrSelf(ground.configDir), git: gitGround(ground.project) };
  const written = lexicalPlaces({ project: ground.project, own: ground.configDir }, process.platform === 'win32' ? 'win32' : 'posix');
  const links = rememberLinks();
  const budget = { left: maxLooked };
  const carried = searchCarried();
  const start = once((folder) => physical(folder, links));
  return {
    place: (folder, path) => diskPlace(folder, path, { written: written(folder, path), real, links, start, climbs: climbs(written, start(folder), path) }),
    expand: (folder, text, active) => {
      const from = start(folder);
      return from === undefined ? { refused: 'the working folder is behind too many links' } : expandPattern(from, text, active, { ...real, budget, follow: (at, name) => follow(at, name, links) });
    },
    ...(ground.writeScope === undefined || ground.writeScope.length === 0 ? {} : { inScope: inScope(readWriteScope(ground.writeScope), real.project) }),
    steersGit: (folder, path) => steering(start(folder), path, real.git, links),
    steersGitAmong: (folder, names) => real.git.among(start(folder) ?? folder, names),
    entry: entryAt,
    sharesContent,
    isFile: (folder, path) => entryAt(folder, path) === 'file',
    carries: (folder, path) => carriedFrom(start(folder), path, { links, carried }),
    script: (folder, name) => scriptIn(realOrSelf(folder), name, real.project),
    git: (folder) => (ground.git === undefined ? { programs: [], hooks: hasHooks(folder) } : (ground.git.get(folder) ?? 'unknown')),
    gitWrites: (folder, query) => (ground.gitWrites === undefined ? nothingWritten : (ground.gitWrites.get(writesKey(folder, query)) ?? { unknown: 'nobody looked' })),
  };
}

type Real = Readonly<{ project: string; own: string; git: GitGround }>;

type Sight = Readonly<{ written: Place; real: Real; links: LinkReader; start: (folder: string) => string | undefined; /** Whether `..` leads out of the project by the text, from where the folder really is. */ climbs: boolean }>;

function climbs(written: CommandFacts['place'], start: string | undefined, path: string): boolean {
  return start !== undefined && /(^|[\\/])\.\./.test(path) && !isAbsolute(path) && written(start, path) === 'outside' && written(start, '.') !== 'outside';
}

/** The strictest of what the text says and what the disk says. */
function diskPlace(folder: string, path: string, sight: Sight): Place {
  const { written, start } = sight;
  if (written === 'sink' || written === 'forbidden' || written === 'own') return written;
  // The folder may itself be written as `link/..`. Commands run where the system's walk leads; what other readers make of the text counts too.
  const starts = new Set([start(folder), start(resolve(folder))]);
  // What only a link brings back inside is outside when the link has gone.
  const climbed: readonly Place[] = sight.climbs ? ['outside'] : [];
  return strictestPlace([...climbed, ...[...starts].map((from) => placeFrom(from, path, sight))]);
}

function placeFrom(start: string | undefined, path: string, { written, real, links }: Sight): Place {
  const arrived = start === undefined ? undefined : follow(start, path, links);
  if (arrived === undefined) return 'outside';
  if (isWithinAsSpelt(arrived, real.own)) return 'own';
  if (!isWithin(arrived, real.project)) return 'outside';
  // A path that is inside only by its text, or only through a link from elsewhere, was judged by where it leads.
  const names = arrived.slice(real.project.length).split(sep).filter((name) => name !== '');
  if (isSpecial(arrived)) return 'forbidden';
  return written === 'control' || real.git.steers(arrived) ? 'control' : placeInside(names);
}

/** Whether git takes orders from where a path arrives, or from something below it. */
function steering(start: string | undefined, path: string, git: GitGround, links: LinkReader): 'there' | 'below' | undefined {
  const arrived = start === undefined ? undefined : follow(start, path, links);
  if (arrived === undefined) return 'there';
  return git.steers(arrived) ? 'there' : git.holds(arrived) ? 'below' : undefined;
}

/** Named pipes, sockets and devices: who opens one waits for somebody else, or wakes a device. */
function isSpecial(path: string): boolean {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat !== undefined && !stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink();
  } catch {
    return false;
  }
}

/** Judges by where a path arrives, links followed. */
function inScope(scope: WriteScope, project: string): (folder: string, path: string) => boolean {
  return (folder, path) => {
    const start = physical(folder);
    const arrived = start === undefined ? undefined : follow(start, path);
    return arrived !== undefined && arrived !== project && isWithin(arrived, project) && scope(arrived.slice(project.length).split(sep).filter((name) => name !== ''));
  };
}

/** A link at the end of the path is itself what would be carried. */
function carriedFrom(start: string | undefined, path: string, { links, carried }: Readonly<{ links: LinkReader; carried: ReturnType<typeof searchCarried> }>): string | undefined {
  const names = namesOf(path);
  const last = names.at(-1);
  const whole = last === undefined || last === '..' || /[\\/]$/.test(path);
  const above = start === undefined ? undefined : follow(start, whole ? path : `${parse(path).root}${names.slice(0, -1).join('/')}`, links);
  if (above === undefined) return 'nobody can say where it lies';
  return whole ? carried(dirname(above), basename(above)) : carried(above, last);
}

/** What lies at a path; what cannot be looked at counts as a folder, of which nobody knows what it holds. */
function entryAt(folder: string, path: string): 'missing' | 'file' | 'folder' {
  const start = physical(folder);
  const arrived = start === undefined ? undefined : follow(start, path);
  try {
    const stat = arrived === undefined ? undefined : lstatSync(arrived, { throwIfNoEntry: false });
    if (stat === undefined) return arrived === undefined ? 'folder' : 'missing';
    return stat.isDirectory() ? 'folder' : 'file';
  } catch {
    return 'folder';
  }
}

function sharesContent(folder: string, path: string): boolean {
  const start = physical(folder);
  const arrived = start === undefined ? undefined : follow(start, path);
  const stat = arrived === undefined ? undefined : lstatOf(arrived);
  return stat?.isFile() === true && stat.nlink > 1;
}

/** Says where a link leads; undefined when there is no link. */
type LinkReader = (path: string) => string | undefined;

/** Where a folder really is, links followed and `..` taken from there; names that do not exist are kept. Undefined after 40 links. */
export function physical(folder: string, links: LinkReader = linkTarget): string | undefined {
  return follow(parse(resolve(folder)).root, folder, links);
}

/** Names that one path may take, those behind links included; each is looked at, and honest paths have some ten. */
const maxSteps = 512;

/** Where a path arrives when every link is followed; names that do not exist are kept as written. Undefined after 40 links or 512 names. */
export function follow(folder: string, path: string, links: LinkReader = linkTarget): string | undefined {
  const root = parse(path).root;
  let current = root === '' ? folder : root;
  const pending = namesOf(path.slice(root.length)).reverse();
  let followed = 0;
  for (let steps = 0; steps <= maxSteps && followed <= 40; steps += 1) {
    const name = pending.pop();
    if (name === undefined) return current;
    if (name === '..') {
      current = dirname(current);
      continue;
    }
    const next = join(current, name);
    const target = links(next);
    if (target === undefined) current = next;
    else {
      followed += 1;
      const anchor = parse(target).root;
      if (anchor !== '') current = anchor;
      pending.push(...namesOf(target.slice(anchor.length)).reverse());
    }
  }
  return undefined;
}

/** Looks at each path once, and at nothing below what is missing. */
function rememberLinks(): LinkReader {
  const missing = new Set<string>();
  return once((path) => {
    if (missing.has(dirname(path))) missing.add(path);
    if (missing.has(path)) return undefined;
    const stat = lstatOf(path);
    if (stat === undefined) missing.add(path);
    return stat?.isSymbolicLink() === true ? linkTarget(path) : undefined;
  });
}

function once(look: (key: string) => string | undefined): (key: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (key) => {
    if (!known.has(key)) known.set(key, look(key));
    return known.get(key);
  };
}

function remembered<T>(look: (key: string) => T & {}): (key: string) => T {
  const known = new Map<string, T & {}>();
  return (key) => {
    const answer = known.get(key) ?? look(key);
    known.set(key, answer);
    return answer;
  };
}

function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function namesOf(text: string): string[] {
  return text.split(process.platform === 'win32' ? /[\\/]/ : '/').filter((name) => name !== '' && name !== '.');
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatOf(path)?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
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

/** Bytes of a file in which git names another folder. */
const maxPointer = 16_384;

/** The folders in which git keeps a repository: the one of this work tree, and the one that all its work trees share; `top` is the folder with the name that leads there. */
export function gitFolders(folder: string): Readonly<{ own: string; common: string; top: string }> | undefined {
  for (let current = physical(folder) ?? resolve(folder); ; current = dirname(current)) {
    const own = gitFolderAt(join(current, '.git'));
    if (own !== undefined) return { own, top: current, common: resolve(own, readSmallFile(join(own, 'commondir'), maxPointer)?.trim() ?? '.') };
    if (current === dirname(current)) return undefined;
  }
}

function gitFolderAt(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) return path;
  const pointer = stat?.isFile() === true ? /^gitdir: (.+)$/m.exec(readSmallFile(path, maxPointer) ?? '')?.[1] : undefined;
  return pointer === undefined ? undefined : resolve(dirname(path), pointer.trim());
}

/** Where git keeps the repository of a project under another name than `.git`, inside the project; absolute and resolved. */
export function renamedGitFolders(project: string): readonly string[] {
  return renamedOf(gitFolders(project), realOrSelf(project));
}

function renamedOf(folders: ReturnType<typeof gitFolders>, real: string): readonly string[] {
  const inside = folders === undefined ? [] : [folders.own, folders.common].map(realOrSelf).filter((folder) => folder !== real && isWithin(folder, real));
  return [...new Set(inside)].filter((folder) => !folder.slice(real.length).split(sep).includes('.git'));
}

/** Folders on the way to the names of one command that are looked at; with more nobody says what git obeys among them. */
const maxFolders = 20_000;

/** A folder on the way to names: where it lies, whether git obeys everything in it, and what is named in it or below. */
type Around = Readonly<{ place: string | undefined; steers: boolean; named: readonly string[] }>;

/** What git obeys in a project though its name does not say so. Places are absolute and resolved, inside the project. */
export type GitGround = Readonly<{ /** Those of many names below a resolved folder that lie there, or above it; each folder is looked at once. */ among(top: string, names: readonly string[]): readonly string[] | 'tooMany'; /** What configuration names: hooks, attributes, further configuration. */ configured: readonly string[]; /** Whether it lies there. */ steers(place: string): boolean; /** Whether it lies below there, so that another folder in that place would bring its own. */ holds(place: string): boolean }>;

/** Looks up where a project's repository and its configuration lie; what lies in a folder is looked at when it is asked about. */
export function gitGround(project: string): GitGround {
  const real = realOrSelf(project);
  const isThere = remembered((path) => lstatOf(path) !== undefined);
  const folders = gitFolders(real);
  const configured = configuredIn(folders, real, real);
  const named = [...renamedOf(folders, real), ...configured];
  const inner = remembered((folder) => (isThere(`${folder}/.git`) ? configuredIn(gitFolders(folder), folder, real) : []));
  const all = (place: string): readonly string[] => [...named, ...foldersTo(place, real).flatMap(inner)];
  const isFolder = (place: string, arriving?: string): boolean => isRepositoryFolder((part) => arriving === part.toLowerCase() || isThere(`${place}/${part}`));
  const below = (around: Around, name: string): Around => {
    const place = around.place === undefined ? undefined : follow(around.place, name);
    if (place === undefined) return { place, steers: true, named: [] };
    // Behind a link everything on the way to its target counts.
    const way = dirname(place) === around.place ? [place] : foldersTo(place, real);
    const within = [...around.named, ...way.flatMap(inner)];
    return { place, named: within, steers: around.steers || within.some((folder) => isWithin(place, folder)) || way.some((folder) => isFolder(folder) || isFolder(dirname(folder), basename(folder).toLowerCase())) };
  };
  const among: GitGround['among'] = (top, names) => {
    const known = new Map<string, Around>([['', { place: top, steers: isFolder(top), named: all(top) }]]);
    const around = (path: string): Around | undefined => {
      const missing: string[] = [];
      let current = path;
      for (; !known.has(current); current = folderOf(current)) missing.push(current);
      let here = known.get(current);
      for (const next of missing.reverse()) {
        if (here === undefined || known.size > maxFolders) return undefined;
        here = below(here, next.slice(next.lastIndexOf('/') + 1));
        known.set(next, here);
      }
      return here;
    };
    const found: string[] = [];
    for (const name of names) {
      const folder = around(folderOf(name));
      if (folder === undefined) return 'tooMany';
      const last = name.slice(name.lastIndexOf('/') + 1);
      const place = folder.place === undefined ? last : join(folder.place, last);
      const arrives = repositoryParts.has(last.toLowerCase()) && folder.place !== undefined && isFolder(folder.place, last.toLowerCase());
      if (folder.steers || arrives || folder.named.some((each) => isWithin(place, each) || isWithin(each, place))) found.push(name);
    }
    return found;
  };
  return {
    configured,
    among,
    steers: (place) => isWithin(place, real) && (all(place).some((folder) => isWithin(place, folder)) || liesInRepository(real, place.slice(real.length).split(sep).filter((name) => name !== ''), isThere)),
    holds: (place) => place !== real && isWithin(place, real) && all(place).some((folder) => folder !== place && isWithin(folder, place)),
  };
}

function folderOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

/** What the configuration of a folder's repository names inside the project. */
function configuredIn(folders: ReturnType<typeof gitFolders>, folder: string, project: string): readonly string[] {
  const files = folders === undefined ? [] : [join(folders.common, 'config'), join(folders.own, 'config.worktree')];
  const top = folders?.top ?? folder;
  return namedPlaces(files, top).map((place) => physical(place) ?? place).filter((place) => place !== project && place !== top && isWithin(place, project));
}

/** The folders below the project on the way to a place inside it, and the place itself. */
function foldersTo(place: string, project: string): readonly string[] {
  const folders: string[] = [];
  for (let current = place; current !== project && current !== dirname(current); current = dirname(current)) folders.push(current);
  return folders;
}

/** Whether a repository holds hooks that git would run; the samples that git installs do not count. */
export function hasHooks(folder: string): boolean {
  return hookFiles(folder).length > 0;
}

/** The hooks of a repository that git would run, as absolute paths in order. */
export function hookFiles(folder: string): readonly string[] {
  const repository = gitFolders(folder);
  return repository === undefined ? [] : hooksIn(join(repository.common, 'hooks'));
}

/** The files of a folder that git would run as hooks, as absolute paths in order. */
export function hooksIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => !name.endsWith('.sample')).map((name) => join(folder, name)).filter(isRunnable).sort();
  } catch {
    return [];
  }
}

function isRunnable(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && (process.platform === 'win32' || (stat.mode & 0o111) !== 0);
}

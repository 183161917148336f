import type { Vector } from '../../../../protocol/src/vectors';
import type { Platform } from '../commandPlan';
import { readFilePattern, type PatternPart } from '../filePattern';
import { liesInRepository } from '../gitLayout';
import { lexicalFacts, lexicalPlaces, nothingWritten, strictestPlace, type CommandFacts, type Expansion, type Place } from '../places';
import { readWriteScope, type WriteScope } from '../writeScope';

/** The project of a vector. It exists only as text: nothing in this folder looks at a disk. */

/** Absolute folders of the imagined project, in the style of the platform. */
export type ProofFolders = Readonly<{ home: string; project: string; own: string }>;

/** What an imagined project holds, its texts filled in. Paths are absolute, with `/`, `..` and `.` resolved. */
export type ProofProject = Readonly<{
  platform: Platform;
  folders: ProofFolders;
  /** Where a link lies, and its target as written. */
  links: ReadonlyMap<string, string>;
  files: ReadonlySet<string>;
  hardLinks: ReadonlySet<string>;
}>;

const otherHomes = { posix: '/home/you', win32: 'C:\\Users\\you' } as const;

/** The project of a vector below `home`, where that is a home folder of the vector's platform, and below an imagined one otherwise. */
export function layProject(vector: Pick<Vector, 'platform' | 'given'>, home: string): ProofProject {
  const { platform, given } = vector;
  const fits = platform === 'win32' ? /^[A-Za-z]:\\/.test(home) : home.startsWith('/') && home !== '/';
  const base = fits ? home.replace(/[\\/]+$/, '') : otherHomes[platform];
  const step = platform === 'win32' ? '\\' : '/';
  const folders = { home: base, project: `${base}${step}project`, own: `${base}${step}.conductor` };
  const at = (path: string): string => absolute(folders.project, fill(path, folders));
  return {
    platform,
    folders,
    links: new Map(Object.entries(given.links).map(([path, target]) => [at(path), fill(target, folders)])),
    files: new Set(given.files.map(at)),
    hardLinks: new Set(given.hardLinks.map(at)),
  };
}

/** Puts the folders of the project in place of their names. */
export function fill(text: string, folders: ProofFolders): string {
  return text.replaceAll('${HOME}', folders.home).replaceAll('${PROJECT}', folders.project).replaceAll('${OWN}', folders.own);
}

/** What the judge of commands knows of the project; `writeScope` holds the patterns of what may be changed, none of which means everything. */
export function projectFacts(project: ProofProject, given: Vector['given'], writeScope: readonly string[]): CommandFacts {
  const { folders, platform } = project;
  const written = lexicalPlaces(folders, platform);
  const lexical = lexicalFacts(folders, platform);
  return {
    ...lexical,
    expand: (folder, text, active) => expansionOf(project, folder, text, active) ?? lexical.expand(folder, text, active),
    place: (folder, path) => placeOf(project, written, folder, path),
    ...(writeScope.length === 0 ? {} : { inScope: inScope(project, readWriteScope(writeScope)) }),
    steersGit: (folder, path) => (steersGit(project, follow(project, folder, path) ?? '/') ? 'there' : undefined),
    steersGitAmong: (folder, names) => names.filter((name) => steersGit(project, follow(project, folder, name) ?? '/')),
    entry: (folder, path) => entryOf(project, folder, path),
    script: (_, name) => (given.scripts === undefined || given.scripts.includes(name) ? 'yes' : 'no'),
    git: () => ({ programs: given.gitPrograms, hooks: given.gitHooks, remotes: given.gitRemotes }),
    gitWrites: (_, query) => (query.kind === 'unseen' ? { unknown: query.why } : { ...nothingWritten, top: project.folders.project, names: given.gitChanges }),
  };
}

/** The strictest of what the text says and of where the links lead. */
function placeOf(project: ProofProject, lexical: CommandFacts['place'], folder: string, path: string): Place {
  const written = lexical(folder, path);
  if ((project.links.size === 0 && project.files.size === 0) || project.platform === 'win32') return written;
  if (written === 'sink' || written === 'forbidden' || written === 'own') return written;
  const arrived = follow(project, folder, path);
  return arrived === undefined ? 'outside' : strictestPlace([written, lexical('/', arrived), steersGit(project, arrived) ? 'control' : 'inside']);
}

/** Whether a place of the POSIX kind lies in the folder of a repository, by the files that are there. */
export function steersGit(project: ProofProject, place: string): boolean {
  const root = project.folders.project;
  if (project.files.size === 0 || project.platform === 'win32' || !`${place}/`.startsWith(`${root}/`)) return false;
  return liesInRepository(root, namesOf(place.slice(root.length)), (path) => project.files.has(path) || [...project.files].some((file) => file.startsWith(`${path}/`)));
}

/** On Windows nothing is in a scope here: no vector needs to know. */
function inScope(project: ProofProject, scope: WriteScope): (folder: string, path: string) => boolean {
  const root = `${project.folders.project}/`;
  return (folder, path) => {
    const arrived = follow(project, folder, path);
    return arrived !== undefined && arrived.startsWith(root) && scope(namesOf(arrived.slice(root.length)));
  };
}

function entryOf(project: ProofProject, folder: string, path: string): 'missing' | 'file' | 'folder' {
  const arrived = follow(project, folder, path) ?? '/';
  if (project.files.has(arrived)) return 'file';
  return arrived === '/' || [...project.files].some((file) => file.startsWith(`${arrived}/`)) ? 'folder' : 'missing';
}

/** The files, links and folders of the project that a pattern stands for; undefined where there are none, so that it stands for one that nobody described. */
function expansionOf(project: ProofProject, folder: string, text: string, active: readonly number[]): Expansion | undefined {
  const pattern = readFilePattern(text, active);
  if ('refused' in pattern) return pattern;
  const below = [...project.files, ...project.links.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => namesOf(path.slice(folder.length)));
  const paths = new Set(below.flatMap((names) => names.map((_, index) => names.slice(0, index + 1))).filter((names) => fitsParts(pattern.parts, names)).map((names) => `./${names.join('/')}`));
  return paths.size === 0 ? undefined : { names: [...paths].sort() };
}

function fitsParts(parts: readonly PatternPart[], names: readonly string[]): boolean {
  const [part, ...rest] = parts;
  const [name, ...deeper] = names;
  if (part === undefined || name === undefined) return part === undefined && name === undefined;
  switch (part.kind) {
    case 'name':
      return part.name === name && fitsParts(rest, deeper);
    case 'match':
      return part.matches(name) && fitsParts(rest, deeper);
    case 'folders':
      return fitsParts(rest, names) || fitsParts(parts, deeper);
  }
}

/** Where a path of the POSIX kind arrives when every link is followed; undefined after 40 links. */
function follow(project: ProofProject, folder: string, path: string): string | undefined {
  const pending = namesOf(path.startsWith('/') ? path : `${folder}/${path}`).reverse();
  let current: string[] = [];
  for (let links = 0; links <= 40; ) {
    const name = pending.pop();
    if (name === undefined) return `/${current.join('/')}`;
    if (name === '..') {
      current.pop();
      continue;
    }
    const target = project.links.get(`/${[...current, name].join('/')}`);
    if (target === undefined) current.push(name);
    else {
      links += 1;
      if (target.startsWith('/')) current = [];
      pending.push(...namesOf(target).reverse());
    }
  }
  return undefined;
}

/** A path from a folder, `..` resolved by its text. */
export function absolute(folder: string, path: string): string {
  const flat: string[] = [];
  for (const name of namesOf(path.startsWith('/') ? path : `${folder}/${path}`)) {
    if (name === '..') flat.pop();
    else flat.push(name);
  }
  return `/${flat.join('/')}`;
}

/** The names of a path of the POSIX kind, without `.` and empty ones. */
export function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

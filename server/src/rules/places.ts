import { controlNameIn } from './controlNames';
import { below, flatten, readPath, type PathPlatform } from './pathText';
import type { Platform } from './commandPlan';

/**
 * Where a path in a command leads: `inside` the project, to a `control` file inside it, to a `sink` that keeps nothing (the null
 * device), `outside`, into Conductor's `own` folder, or `forbidden` because no honest path has that form (a device, a network name).
 */
export type Place = 'inside' | 'control' | 'sink' | 'outside' | 'own' | 'forbidden';

/** What git would do with a repository beyond what its commands say. */
export type GitFacts = Readonly<{
  /** Configuration keys of the repository that name programs and that Conductor cannot override. */
  programs: readonly string[];
  /** Names of remotes that the configuration knows; undefined when it was not read. */
  remotes?: readonly string[];
  /** True when the repository has hooks that git would run on commit, checkout, merge or push. */
  hooks: boolean;
}>;

/** What the judge knows of the machine. It was looked up by whoever asks; the judge itself touches nothing. */
export type CommandFacts = Readonly<{
  /** Where `path`, as written in a command that runs in `folder`, leads. */
  place(folder: string, path: string): Place;
  /** Whether the package of `folder` defines this script. */
  script(folder: string, name: string): 'yes' | 'no' | 'unknown';
  git(folder: string): GitFacts | 'unknown';
}>;

/** Folders that the lexical judgement compares with; absolute, in the style of the platform. */
export type Folders = Readonly<{
  project: string;
  /** Conductor's own configuration folder; undefined when there is none to protect. */
  own?: string | undefined;
}>;

/** Facts without a disk: paths are judged by their text alone, scripts are taken to exist and repositories to be plain. */
export function lexicalFacts(folders: Folders, platform: Platform): CommandFacts {
  return {
    place: (folder, path) => lexicalPlace(folder, path, folders, platform),
    script: () => 'yes',
    git: () => ({ programs: [], hooks: false }),
  };
}

/** Files that package managers and builders take their orders from; commands that would change one ask. */
const orderFiles: ReadonlySet<string> = new Set(['package.json', 'makefile', 'gnumakefile', 'justfile', 'taskfile.yml', 'build.rs', 'setup.py', 'conftest.py']);

const sinks: ReadonlySet<string> = new Set(['/dev/null']);

/** Where a path leads by its text alone. */
export function lexicalPlace(folder: string, path: string, folders: Folders, platform: Platform): Place {
  const style = platform === 'win32' ? 'win32' : 'linux';
  if (platform === 'posix' && sinks.has(path)) return 'sink';
  if (platform === 'win32' && path.toLowerCase() === 'nul') return 'sink';
  const segments = absoluteSegments(folder, path, style);
  if (typeof segments === 'string') return segments;
  const own = folders.own === undefined ? undefined : relativeTo(folders.own, segments, style);
  if (own !== undefined) return 'own';
  const inside = relativeTo(folders.project, segments, style);
  return inside === undefined ? 'outside' : placeInside(inside);
}

/** Whether a path below the project, given as its names, is an ordinary file or one that decides what runs. */
export function placeInside(names: readonly string[]): 'inside' | 'control' {
  const last = names.at(-1)?.toLowerCase() ?? '';
  return controlNameIn(names) !== undefined || orderFiles.has(last) ? 'control' : 'inside';
}

type Segments = Readonly<{ anchor: string; segments: readonly string[] }>;

/** The folder as the project's own text; a project given in the style of another platform is read as lying on drive C. */
function readFolder(folder: string, style: PathPlatform): Segments | undefined {
  const text = style === 'win32' && /^[\\/](?![\\/])/.test(folder) ? `C:${folder}` : folder;
  const read = readPath(text, style);
  return read.kind === 'path' && read.anchor !== '' ? read : undefined;
}

function absoluteSegments(folder: string, path: string, style: PathPlatform): Segments | 'outside' | 'forbidden' {
  const read = readPath(path, style);
  if (read.kind === 'refused') return isNetworkOrDevice(path, read.rule) ? 'forbidden' : 'outside';
  const base = read.anchor === '' ? readFolder(folder, style) : { anchor: read.anchor, segments: [] };
  if (base === undefined) return 'outside';
  const flat = flatten([...base.segments, ...read.segments]);
  return flat === undefined ? 'outside' : { anchor: base.anchor, segments: flat };
}

function relativeTo(root: string, path: Segments, style: PathPlatform): readonly string[] | undefined {
  const read = readFolder(root, style);
  return read === undefined ? undefined : below({ kind: 'path', ...path }, { kind: 'path', ...read }, style);
}

/** Opening such a name can send a login over the network or talk to a device, so that not even an approval helps. */
function isNetworkOrDevice(path: string, rule: string): boolean {
  return rule === 'path.windowsName' || (rule === 'path.windowsForm' && /^[\\/]([\\/]|\?\?)/.test(path));
}

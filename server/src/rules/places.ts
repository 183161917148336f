import { controlNameIn } from './controlNames';
import { isOrderFile } from './orderFiles';
import { below, flatten, readPath, type PathPlatform } from './pathText';
import type { Platform } from './commandPlan';
import { readWriteScope } from './writeScope';

/**
 * Where a path in a command leads: `inside` the project, to a `control` file inside it, to a `sink` that keeps nothing (the null
 * device), `outside`, into Conductor's `own` folder, or `forbidden` because no honest path has that form (a device, a network name).
 */
export type Place = 'inside' | 'control' | 'sink' | 'outside' | 'own' | 'forbidden';

/** From harmless to never. */
const strictness: readonly Place[] = ['inside', 'sink', 'control', 'outside', 'forbidden', 'own'];

/** The strictest of several places; `inside` when there is none. */
export function strictestPlace(places: readonly Place[]): Place {
  return places.reduce((worst, place) => (strictness.indexOf(place) > strictness.indexOf(worst) ? place : worst), 'inside');
}

/** What git would do with a repository beyond what its commands say. */
export type GitFacts = Readonly<{
  /** Configuration keys of the repository, and of those that lie inside it, that name programs and that Conductor cannot override. */
  programs: readonly string[];
  /** Names of remotes that the configuration gives an address; undefined when it was not read. */
  remotes?: readonly string[];
  /** Keys and values that decide which other repositories git talks to, as the repository sets them. */
  addresses?: readonly (readonly [key: string, value: string])[];
  /** The branch that is checked out; undefined when there is none. */
  branch?: string | undefined;
  /** True when the repository begins above the project. */
  above?: boolean;
  /** False when the folder lies in no repository, so that git takes its operands for plain files. Default: true. */
  repository?: boolean;
  /** The names of its hooks; absent when nobody looked, and then it may have any. */
  hookNames?: readonly string[];
  /** True when the repository has hooks that git would run on commit, checkout, merge or push. */
  hooks: boolean;
}>;

/** Nothing is known, and why: a sentence without its full stop. */
export type NotKnown = Readonly<{ unknown: string }>;

/** A question about which files of the work tree a git command would write or remove. */
export type GitWriteQuery =
  /** `git checkout`: what the words mean, a branch or files, only the repository knows. `after` stood behind `--`; where that stood at the end, nothing before it is a file. */
  | Readonly<{ kind: 'checkout'; before: readonly string[]; after: readonly string[]; dashed: boolean }>
  /** The work tree becomes another revision. */
  | Readonly<{ kind: 'switch'; target: string }>
  /** Files become those of a revision, or of the index when there is none. */
  | Readonly<{ kind: 'files'; revision?: string; paths: readonly string[] }>
  | Readonly<{ kind: 'merge'; others: readonly string[] }>
  | Readonly<{ kind: 'rebase'; onto: string; since: string; branch: string }>
  /** Changes that single commits made are made again, or undone. */
  | Readonly<{ kind: 'pick'; commits: readonly string[]; parent: number; undo: boolean }>
  | Readonly<{ kind: 'stash'; name: string }>
  /** What is changed goes back to the last commit. */
  | Readonly<{ kind: 'clear'; paths: readonly string[]; untracked: boolean }>
  /** Tracked files go away, or into a folder or to a new name. */
  | Readonly<{ kind: 'tracked'; paths: readonly string[]; into?: string }>
  /** Nobody can say beforehand. */
  | Readonly<{ kind: 'unseen'; why: string }>;

/** The files that a git command would write or remove in the work tree; names from the top of the repository, divided by `/`. */
export type GitWrites = Readonly<{
  names: readonly string[];
  /** Absolute top of the repository; empty when nothing would be written. */
  top: string;
  /** The names of the folders from the project to the top; absent where it is the project, or lies above it. */
  below?: readonly string[];
  /** Those that a merge would write in place of a file of another name. */
  renamed?: readonly string[];
  /** Those that would become symbolic links. */
  links: readonly string[];
  /** Those that lie outside the project. */
  outside: readonly string[];
}>;

/** The files that a pattern stands for, in order, each as a path from the folder that begins with `./`; or a sentence without its end why they are not known. */
export type Expansion = Readonly<{ names: readonly string[] }> | Readonly<{ refused: string }>;

/** What the judge knows of the machine. It was looked up by whoever asks; the judge itself touches nothing. */
export type CommandFacts = Readonly<{
  /** Where `path`, as written in a command that runs in `folder`, leads. */
  place(folder: string, path: string): Place;
  /** Whether what lies there may be changed as far as the write scope goes. Without it there is no scope. */
  inScope?(folder: string, path: string): boolean;
  /** Whether git takes orders from what lies there, or from something below it, though no name says so. Without it only names count. */
  steersGit?(folder: string, path: string): 'there' | 'below' | undefined;
  /** Those of many names, divided by `/`, of which the same holds; each folder on the way is looked at once. */
  steersGitAmong?(folder: string, names: readonly string[]): readonly string[] | 'tooMany';
  /** What lies there, links followed. Whoever cannot look leaves it out, and what depends on it asks. */
  entry?(folder: string, path: string): 'missing' | 'file' | 'folder';
  /** Whether the file there, links followed, has further names (hard links). Without it no file has any. */
  sharesContent?(folder: string, path: string): boolean;
  /** Whether a file lies there, links followed. Without it every name is taken for a file's. */
  isFile?(folder: string, path: string): boolean;
  /** The first link in what lies there that would lead elsewhere from another place, or why nobody looked for it. Without it there are no links. */
  carries?(folder: string, path: string): string | undefined;
  /** What a word with unquoted `*` or `?` at the indexes `active` stands for; no names when nothing matches. */
  expand(folder: string, text: string, active: readonly number[]): Expansion;
  /** Whether the package of `folder` defines this script. */
  script(folder: string, name: string): 'yes' | 'no' | 'unknown';
  git(folder: string): GitFacts | NotKnown | 'unknown';
  gitWrites(folder: string, query: GitWriteQuery): GitWrites | NotKnown;
}>;

/** Folders that the lexical judgement compares with; absolute, in the style of the platform. */
export type Folders = Readonly<{
  project: string;
  /** Conductor's own configuration folder; undefined when there is none to protect. */
  own?: string | undefined;
}>;

/** No file at all. */
export const nothingWritten: GitWrites = { names: [], top: '', links: [], outside: [] };

/** Facts without a disk: paths are judged by their text alone, scripts are taken to exist, a pattern to stand for one file, and repositories to be plain and to hold nothing that a command could write. */
export function lexicalFacts(folders: Folders, platform: Platform): CommandFacts {
  const place = lexicalPlaces(folders, platform);
  return {
    place,
    expand: (_, text) => ({ names: text.startsWith('-') ? [] : [`./${text}`] }),
    script: () => 'yes',
    git: () => ({ programs: [], hooks: false }),
    gitWrites: () => nothingWritten,
    entry: () => 'missing',
  };
}

/** The write scope by the text of paths alone, in the form of `CommandFacts`; nothing when there are no patterns. */
export function lexicalScope(project: string, platform: Platform, patterns: readonly string[]): Pick<CommandFacts, 'inScope'> {
  if (patterns.length === 0) return {};
  const style = platform === 'win32' ? 'win32' : 'linux';
  const root = readFolder(project, style);
  const scope = readWriteScope(patterns);
  const inScope = (folder: string, path: string): boolean => {
    const segments = absoluteSegments((text) => readFolder(text, style), folder, path, style);
    const names = typeof segments === 'string' || root === undefined ? undefined : relativeTo(root, segments, style);
    return names !== undefined && names.length > 0 && scope(names);
  };
  return { inScope };
}

const sinks: ReadonlySet<string> = new Set(['/dev/null']);

/** Where paths lead by their text alone. */
export function lexicalPlaces(folders: Folders, platform: Platform): CommandFacts['place'] {
  const style = platform === 'win32' ? 'win32' : 'linux';
  const [project, own] = [readFolder(folders.project, style), folders.own === undefined ? undefined : readFolder(folders.own, style)];
  // The folders of one line are few, and judged from again and again.
  const read = new Map<string, Segments | undefined>();
  const startOf = (folder: string): Segments | undefined => {
    if (!read.has(folder)) read.set(folder, readFolder(folder, style));
    return read.get(folder);
  };
  return (folder, path) => {
    if (isSink(path, platform)) return 'sink';
    const segments = absoluteSegments(startOf, folder, path, style);
    if (typeof segments === 'string') return segments;
    if (own !== undefined && relativeTo(own, segments, style) !== undefined) return 'own';
    const inside = project === undefined ? undefined : relativeTo(project, segments, style);
    return inside === undefined ? 'outside' : placeInside(inside);
  };
}

function isSink(path: string, platform: Platform): boolean {
  return platform === 'posix' ? sinks.has(path) : path.toLowerCase() === 'nul';
}

/** Whether a path below the project, given as its names, is an ordinary file or one that decides what runs. */
export function placeInside(names: readonly string[]): 'inside' | 'control' {
  return controlNameIn(names) !== undefined || isOrderFile(names.at(-1) ?? '') ? 'control' : 'inside';
}

type Segments = Readonly<{ anchor: string; segments: readonly string[] }>;

/** The folder as the project's own text; a project given in the style of another platform is read as lying on drive C. */
function readFolder(folder: string, style: PathPlatform): Segments | undefined {
  const text = style === 'win32' && /^[\\/](?![\\/])/.test(folder) ? `C:${folder}` : folder;
  const read = readPath(text, style);
  return read.kind === 'path' && read.anchor !== '' ? read : undefined;
}

function absoluteSegments(startOf: (folder: string) => Segments | undefined, folder: string, path: string, style: PathPlatform): Segments | 'outside' | 'forbidden' {
  const read = readPath(path, style);
  if (read.kind === 'refused') return isNetworkOrDevice(path, read.rule) ? 'forbidden' : 'outside';
  const base = read.anchor === '' ? startOf(folder) : { anchor: read.anchor, segments: [] };
  if (base === undefined) return 'outside';
  const all = [...base.segments, ...read.segments];
  const flat = all.includes('..') ? flatten(all) : all;
  return flat === undefined ? 'outside' : { anchor: base.anchor, segments: flat };
}

function relativeTo(root: Segments, path: Segments, style: PathPlatform): readonly string[] | undefined {
  return below(path, root, style);
}

/** Opening such a name can send a login over the network or talk to a device, so that not even an approval helps. */
function isNetworkOrDevice(path: string, rule: string): boolean {
  return rule === 'path.windowsName' || (rule === 'path.windowsForm' && /^[\\/]([\\/]|\?\?)/.test(path));
}

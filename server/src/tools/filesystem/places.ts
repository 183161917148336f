import { realpathSync, statfsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import type { Verdict } from '../../../../protocol/src/call';
import { codeOf, pinRoot, walk, type Root, type Walked } from '../../base/descriptorWalk';
import { sameObject, systemPins, type Identity, type Pin, type Pins } from '../../base/pin';
import { below, flatten, readPath, type PathPlatform, type PathText } from '../../rules/pathText';
import { refuse, refuseOutside, refuseOwnFolder } from '../../rules/scope';
import { gitGround } from '../shell/facts';
import { isWithin } from '../shell/resolve';
import type { PrepareContext } from '../tool';

/** Finds what a path of an agent really means, or why it is refused. */

/** What is common to every path that stays inside. */
type Inside = Readonly<{
  /** For people and agents: relative to the project where it lies in it, else absolute. `.` is the project. */
  path: string;
  /** Resolved absolute path. */
  absolute: string;
  /** Every way by which the target was named, below the project or the root: as given, each link, and where it lies. */
  names: readonly (readonly string[])[];
  /** Conductor's own folder, which nothing enters. */
  avoid: readonly Identity[];
  /** The project and the other allowed folders, which are never deleted. */
  roots: readonly Identity[];
  /** Whether it is an allowed folder, or holds one. */
  holdsRoot: boolean;
  /** Whether it holds Conductor's own folder. */
  holdsOwnFolder: boolean;
}>;

/** Something is there. Both pins belong to whoever asked. */
export type FoundPlace = Inside & Readonly<{ kind: 'found'; target: Pin; parent: Pin | undefined }>;

/** Nothing is there yet; the folder that would hold the first missing name is held. */
export type MissingPlace = Inside & Readonly<{ kind: 'missing'; parent: Pin; missing: readonly string[] }>;

/** Where a path leads. `failed`: the system refused a step, with its error code. */
export type Place = FoundPlace | MissingPlace | (Inside & Readonly<{ kind: 'failed'; code: string }>) | Readonly<{ kind: 'refused'; path: string; verdict: Verdict }>;

/** Finds places, and remembers what lay at each root when it was first used. */
export type Places = Readonly<{ pins: Pins; find(path: unknown, context: PrepareContext, followLast: boolean): Place }>;

/** Builds a finder. `pins` and `platform` default to this system's. */
export function createPlaces(pins: Pins = systemPins, platform: PathPlatform = thisPlatform()): Places {
  const known = new Map<string, Root>();
  return { pins, find: (path, context, followLast) => findTwice({ pins, platform, known }, path, context, followLast) };
}

/** Whether a path still leads to the very object that it led to before; after a person was asked, minutes may have passed (T41). */
export function isStillThere(places: Places, path: unknown, context: PrepareContext, before: FoundPlace): boolean {
  const now = places.find(path, context, true);
  closePlace(now);
  return now.kind === 'found' && now.absolute === before.absolute && sameObject(now.target.stat, before.target.stat);
}

/** Lets go of whatever a place holds. */
export function closePlace(place: Place): void {
  if (place.kind === 'found' || place.kind === 'missing') closeWalk(place);
}

type Finder = Readonly<{ pins: Pins; platform: PathPlatform; known: Map<string, Root> }>;

type Plain = Extract<PathText, { kind: 'path' }>;

/** A root with its path taken apart, as it was written and as it resolves. */
type Ground = Readonly<{ root: Root; given: Plain; resolved: Plain }>;

type Grounds = Readonly<{ project: Ground; all: readonly Ground[]; avoid: readonly Identity[]; ownFolder: Plain | undefined }>;

/** A root that was replaced since it was first used is looked at once more, under the same conditions as the first time. */
function findTwice(finder: Finder, path: unknown, context: PrepareContext, followLast: boolean): Place {
  const place = findPlace(finder, path, context, followLast);
  if (place.kind !== 'refused' || place.verdict.rule !== rootChanged.rule) return place;
  finder.known.clear();
  return findPlace(finder, path, context, followLast);
}

const rootChanged = refuse('path.rootChanged', 'The project folder was replaced while Conductor used it. Restart the server in the project.');

function findPlace(finder: Finder, path: unknown, context: PrepareContext, followLast: boolean): Place {
  const text = readPath(path, finder.platform);
  const shown = typeof path === 'string' ? path : '';
  if (text.kind === 'refused') return { kind: 'refused', path: shown, verdict: refuse(text.rule, text.reason) };
  const grounds = layOut(finder, context);
  if ('verdict' in grounds) return { kind: 'refused', path: shown, verdict: grounds.verdict };
  const start = startOf(finder, text, grounds);
  if (start === undefined) return { kind: 'refused', path: shown, verdict: refuseOutside() };
  const route = { root: start.ground.root, roots: grounds.all.map((ground) => ground.root), segments: start.segments, followLast, avoid: grounds.avoid };
  const walked = walk(route, finder.pins);
  return describe(finder, grounds, start, walked, shown);
}

type Start = Readonly<{ ground: Ground; segments: readonly string[] }>;

/** A relative path begins at the project; inside a wider allowed root it begins there, so that `..` may use that room. */
function startOf(finder: Finder, text: Plain, grounds: Grounds): Start | undefined {
  if (text.anchor === '') {
    const { ground, segments } = widest(finder, grounds);
    return { ground, segments: [...segments, ...text.segments] };
  }
  for (const ground of grounds.all) {
    const segments = below(text, ground.given, finder.platform) ?? below(text, ground.resolved, finder.platform);
    if (segments !== undefined) return { ground, segments };
  }
  return undefined;
}

function widest(finder: Finder, grounds: Grounds): Start {
  let best: Start = { ground: grounds.project, segments: [] };
  for (const ground of grounds.all) {
    const segments = below(grounds.project.resolved, ground.resolved, finder.platform);
    if (segments !== undefined && segments.length > best.segments.length) best = { ground, segments };
  }
  return best;
}

function describe(finder: Finder, grounds: Grounds, start: Start, walked: Walked, shown: string): Place {
  const refused = (verdict: Verdict): Place => ({ kind: 'refused', path: shown, verdict });
  if (walked.kind === 'avoided') return refused(refuseOwnFolder());
  if (walked.kind === 'rootChanged') return refused(rootChanged);
  const given = flatten(start.segments);
  if (walked.kind === 'outside' || (walked.kind === 'failed' && given === undefined)) {
    return refused(refuseOutside(walked.kind === 'outside' && walked.through !== undefined ? pathFor(finder, grounds, walked.through) : undefined));
  }
  const root = walked.kind === 'failed' ? start.ground.root : walked.root;
  const absolute = join(root.path, ...walked.location);
  if (isOwn(finder, grounds, absolute)) {
    if (walked.kind !== 'failed') closeWalk(walked);
    return refused(refuseOwnFolder());
  }
  const links = walked.kind === 'failed' ? [] : walked.links;
  const ways = [...(given === undefined ? [] : [join(start.ground.root.path, ...given)]), ...links, absolute];
  const names = [...[...new Set(ways)].map((way) => namesFor(finder, grounds, way)), ...gitNames(grounds, absolute)];
  const inside = { path: pathFor(finder, grounds, absolute), absolute, names, ...protectedIn(finder, grounds, absolute) };
  if (walked.kind !== 'failed' && isOfTheKernel(finder, walked.kind === 'found' ? (walked.parent ?? walked.target) : walked.parent)) {
    closeWalk(walked);
    return refused(refuse('path.kernel', 'The path leads into a file system that the kernel makes up (such as /proc or /sys). Reading there can wait for ever or show secrets, and writing changes the machine.'));
  }
  switch (walked.kind) {
    case 'found': return { ...inside, kind: 'found', target: walked.target, parent: walked.parent };
    case 'missing': return { ...inside, kind: 'missing', parent: walked.parent, missing: walked.missing };
    case 'failed': return { ...inside, kind: 'failed', code: walked.code };
  }
}

function protectedIn(finder: Finder, grounds: Grounds, absolute: string): Pick<Inside, 'avoid' | 'roots' | 'holdsRoot' | 'holdsOwnFolder'> {
  const text = readPath(absolute, finder.platform);
  const holds = (folder: Plain): boolean => text.kind === 'path' && below(folder, text, finder.platform) !== undefined;
  return {
    avoid: grounds.avoid,
    roots: grounds.all.map((ground) => ground.root.identity),
    holdsRoot: grounds.all.some((ground) => holds(ground.resolved)),
    holdsOwnFolder: grounds.ownFolder !== undefined && holds(grounds.ownFolder),
  };
}

function closeWalk(held: Readonly<{ parent?: Pin | undefined; target?: Pin }>): void {
  held.target?.close();
  held.parent?.close();
}

/** `f_type` of file systems without files of anybody: proc, sysfs, debugfs, tracefs, securityfs, cgroup, cgroup2, bpf, configfs, pstore, devpts, binfmt_misc, efivarfs (statfs(2)). */
const kernelTypes: ReadonlySet<bigint> = new Set([0x9fa0n, 0x62656572n, 0x64626720n, 0x74726163n, 0x73636673n, 0x27e0ebn, 0x63677270n, 0xcafe4a11n, 0x62656570n, 0x6165676cn, 0x1cd1n, 0x42494e4dn, 0xde5e81e4n]);

function isOfTheKernel(finder: Finder, pin: Pin): boolean {
  return finder.pins.level === 'descriptor' && kernelTypes.has(statfsSync(pin.path, { bigint: true }).type);
}

/** The identity check holds while the folder exists; the names hold before it does. */
function isOwn(finder: Finder, grounds: Grounds, absolute: string): boolean {
  const text = readPath(absolute, finder.platform);
  return grounds.ownFolder !== undefined && text.kind === 'path' && below(text, grounds.ownFolder, finder.platform) !== undefined;
}

/** Names below the project where it is in it, so that a project inside a folder such as `.cursor` is judged by its own names only. */
function namesFor(finder: Finder, grounds: Grounds, absolute: string): readonly string[] {
  const text = readPath(absolute, finder.platform);
  if (text.kind === 'refused') return absolute.split(/[\\/]/);
  const within = [grounds.project, ...grounds.all].map((ground) => below(text, ground.resolved, finder.platform));
  return within.find((segments) => segments !== undefined) ?? text.segments;
}

/** What lies in the folder of a repository, or among its hooks, is judged as such, whatever the folder is called. */
function gitNames({ project, all }: Grounds, absolute: string): readonly (readonly string[])[] {
  const ground = all.find(({ root }) => isWithin(absolute, root.path)) ?? project;
  return gitGround(ground.root.path).steers(absolute) ? [['.git', basename(absolute)]] : [];
}

function pathFor(finder: Finder, grounds: Grounds, absolute: string): string {
  const text = readPath(absolute, finder.platform);
  const segments = text.kind === 'path' ? below(text, grounds.project.resolved, finder.platform) : undefined;
  if (segments === undefined) return absolute;
  return segments.length === 0 ? '.' : segments.join('/');
}

function layOut(finder: Finder, context: PrepareContext): Grounds | Readonly<{ verdict: Verdict }> {
  const project = groundOf(finder, context.project);
  if (project === undefined) return { verdict: refuse('path.projectMissing', `The project folder ${context.project} does not exist or cannot be read.`) };
  // The project was resolved when the connection opened; a link that appeared there since must not move it.
  if (below(project.resolved, project.given, finder.platform)?.length !== 0) {
    return { verdict: rootChanged };
  }
  const extra = context.config.plugins.filesystem.allowedPaths.map((path) => groundOf(finder, expandHome(path))).filter((ground) => ground !== undefined);
  const own = ownFolder(finder, context.configDir);
  const all = [project, ...extra];
  return { project, all, avoid: own.identity === undefined ? [] : [own.identity], ownFolder: own.text };
}

function groundOf(finder: Finder, path: string): Ground | undefined {
  if (!isAbsolute(path)) return undefined;
  const root = finder.known.get(path) ?? tryPinRoot(finder, path);
  if (root === undefined) return undefined;
  const given = readPath(path, finder.platform);
  const resolved = readPath(root.path, finder.platform);
  return given.kind === 'path' && resolved.kind === 'path' ? { root, given, resolved } : undefined;
}

/** Roots remembered at most; beyond that all are looked at afresh. */
const maxRoots = 256;

function tryPinRoot(finder: Finder, path: string): Root | undefined {
  try {
    const root = pinRoot(path, finder.pins);
    if (finder.known.size >= maxRoots) finder.known.clear();
    finder.known.set(path, root);
    return root;
  } catch (error) {
    if (codeOf(error) === 'UNKNOWN') throw error;
    return undefined;
  }
}

function ownFolder(finder: Finder, configDir: string): Readonly<{ identity: Identity | undefined; text: Plain | undefined }> {
  const identity = statSync(configDir, { bigint: true, throwIfNoEntry: false });
  const text = readPath(identity === undefined ? resolve(configDir) : realpathSync.native(configDir), finder.platform);
  return { identity, text: text.kind === 'path' ? text : undefined };
}

function expandHome(path: string): string {
  return path === '~' || /^~[/\\]/.test(path) ? join(homedir(), path.slice(1)) : path;
}

function thisPlatform(): PathPlatform {
  return process.platform === 'win32' || process.platform === 'darwin' ? process.platform : 'linux';
}

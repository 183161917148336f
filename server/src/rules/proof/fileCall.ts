import type { Verdict } from '../../../../protocol/src/call';
import type { Config } from '../../../../protocol/src/config';
import { controlNameIn } from '../controlNames';
import { below, flatten, readPath, type PathPlatform, type PathText } from '../pathText';
import { filesystemOff, judgeFile, refuse, refuseOutside, refuseOwnFolder, refuseRoot, type FileAction } from '../scope';
import { readWriteScope, refuseOutOfScope } from '../writeScope';
import { namesOf, steersGit, type ProofProject } from './project';

/** Judges a call of a file tool on an imagined project, by the rules of the file tools and in their order. */

type Plain = Extract<PathText, { kind: 'path' }>;

type Ground = Readonly<{ project: ProofProject; style: PathPlatform; roots: readonly Plain[]; own: Plain | undefined }>;

type Settings = Config['plugins']['filesystem'];

/** The verdict on one call. A path that the system could not open is judged as if it could. */
export function judgeFileCall(action: FileAction, path: string, settings: Settings, project: ProofProject): Verdict {
  if (!settings.enabled) return filesystemOff;
  const style = project.platform === 'win32' ? 'win32' : 'linux';
  const text = readPath(path, style);
  if (text.kind === 'refused') return refuse(text.rule, text.reason);
  const ground = layGround(settings, project, style);
  const start = startOf(text, ground);
  const walked = start === undefined ? 'outside' : walk(start, ground, action !== 'delete');
  if (walked === 'outside') return refuseOutside();
  if (walked === 'own') return refuseOwnFolder();
  if (action === 'delete') {
    if (ground.roots.some((root) => below(root, walked.arrived, style) !== undefined)) return refuseRoot();
    if (ground.own !== undefined && below(ground.own, walked.arrived, style) !== undefined) return refuseOwnFolder();
  }
  if ((action === 'write' || action === 'delete') && !mayChange(settings.writeScope, walked.arrived, ground)) return refuseOutOfScope(path);
  return judgeFile(factsOf(action, settings, walked, ground));
}

/** Whether a place is in the write scope. A scope speaks of the project: nothing outside of it is in it. */
function mayChange(patterns: readonly string[], arrived: Plain, { roots: [project], style }: Ground): boolean {
  const names = project === undefined ? undefined : below(arrived, project, style);
  return patterns.length === 0 || (names !== undefined && names.length > 0 && readWriteScope(patterns)(names));
}

function factsOf(action: FileAction, settings: Settings, { ways, arrived }: Arrived, ground: Ground): Parameters<typeof judgeFile>[0] {
  const within = action === 'delete' ? controlWithin(arrived, ground) : undefined;
  return {
    action,
    asks: settings.requireApproval,
    names: [...ways.map((way) => namesBelow(way, ground)), ...(steersGit(ground.project, textOf(arrived)) ? [['.git']] : [])],
    sharedContent: ground.project.hardLinks.has(textOf(arrived)),
    ...(within === undefined ? {} : { controlNameWithin: within }),
  };
}

/** A control name inside a folder that would go as a whole. */
function controlWithin(arrived: Plain, { project }: Ground): string | undefined {
  const folder = textOf(arrived);
  const inside = [...project.files].filter((file) => file.startsWith(`${folder}/`)).map((file) => namesOf(file.slice(folder.length)));
  return inside.map((names) => controlNameIn([arrived.segments.at(-1) ?? '', ...names])).find((name) => name !== undefined);
}

function layGround(settings: Settings, project: ProofProject, style: PathPlatform): Ground {
  const { folders } = project;
  const wanted = [folders.project, ...settings.allowedPaths.map((path) => (path === '~' || /^~[/\\]/.test(path) ? `${folders.home}${path.slice(1)}` : path))];
  const plain = (path: string): Plain[] => {
    const read = readPath(path, style);
    if (read.kind !== 'path' || read.anchor === '') return [];
    const segments = flatten(read.segments);
    return segments === undefined ? [] : [{ ...read, segments }];
  };
  return { project, style, roots: wanted.flatMap(plain), own: plain(folders.own)[0] };
}

/** A place in the tree: the root that it was reached from, and the names below it, of which `..` is not resolved yet. */
type Start = Readonly<{ root: Plain; rest: readonly string[] }>;

/** A relative path begins at the project; inside a wider allowed root it begins there, so that `..` may use that room. */
function startOf(text: Plain, { roots, style }: Ground): Start | undefined {
  const [project] = roots;
  if (project === undefined) return undefined;
  if (text.anchor !== '') return rootOf(text, roots, style);
  const widest = roots.map((root) => ({ root, rest: below(project, root, style) })).reduce((best, next) => ((next.rest?.length ?? -1) > (best.rest?.length ?? -1) ? next : best));
  return { root: widest.root, rest: [...(widest.rest ?? []), ...text.segments] };
}

function rootOf(path: Plain, roots: readonly Plain[], style: PathPlatform): Start | undefined {
  for (const root of roots) {
    const rest = below(path, root, style);
    if (rest !== undefined) return { root, rest };
  }
  return undefined;
}

type Arrived = Readonly<{ arrived: Plain; ways: readonly Plain[] }>;

/** Walks name by name as the file tools do: links are followed against the root, and `..` never leads above it. */
function walk(start: Start, ground: Ground, followLast: boolean): Arrived | 'outside' | 'own' {
  const given = flatten(start.rest);
  const ways: Plain[] = given === undefined ? [] : [at(start.root, given)];
  let { root } = start;
  let names: string[] = [];
  const pending = [...start.rest].reverse();
  for (let links = 0; ; ) {
    if (ground.own !== undefined && below(at(root, names), ground.own, ground.style) !== undefined) return 'own';
    const name = pending.pop();
    if (name === undefined) return finish(at(root, names), ways);
    if (name === '..') {
      if (names.pop() === undefined) return 'outside';
      continue;
    }
    names.push(name);
    const here = at(root, names);
    const target = pending.length > 0 || followLast ? ground.project.links.get(textOf(here)) : undefined;
    if (target === undefined) continue;
    links += 1;
    // A ring of links leads nowhere: on a disk the call only fails.
    if (links > 40) return finish(here, ways);
    ways.push(here);
    if (target.startsWith('/')) {
      const next = rootOf({ kind: 'path', anchor: '/', segments: namesOf(target) }, ground.roots, ground.style);
      if (next === undefined) return 'outside';
      root = next.root;
      names = [];
      pending.push(...[...next.rest].reverse());
    } else {
      names.pop();
      pending.push(...namesOf(target).reverse());
    }
  }
}

function finish(arrived: Plain, ways: readonly Plain[]): Arrived {
  return { arrived, ways: [...ways, arrived] };
}

function at(root: Plain, names: readonly string[]): Plain {
  return { kind: 'path', anchor: root.anchor, segments: [...root.segments, ...names] };
}

function textOf(path: Plain): string {
  return `/${path.segments.join('/')}`;
}

/** Names below the project where it is in it, so that a project inside a folder such as `.cursor` is judged by its own names only. */
function namesBelow(path: Plain, { roots, style }: Ground): readonly string[] {
  return rootOf(path, roots, style)?.rest ?? path.segments;
}

import { readlinkSync, realpathSync } from 'node:fs';
import { join, parse } from 'node:path';
import { sameObject, systemPins, type Identity, type Pin, type Pins } from './pin';

/** Walks a path name by name, holding each folder, so that neither a link nor a race leads out of the allowed roots. */

/** A folder that walks stay under: its resolved path, and what lay there when it was first looked at. */
export type Root = Readonly<{ path: string; identity: Identity }>;

/** Resolves a folder once. Throws the system's error when it is missing, and ENOTDIR when it is no folder. */
export function pinRoot(path: string, pins: Pins = systemPins): Root {
  const resolved = realpathSync.native(path);
  const pin = pins.root(resolved);
  pin.close();
  if (!pin.stat.isDirectory()) throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR' });
  return { path: resolved, identity: { dev: pin.stat.dev, ino: pin.stat.ino } };
}

/** What to walk. */
export type Route = Readonly<{
  /** Where walking begins. */
  root: Root;
  /** All roots; a link with an absolute target may lead from one into another. */
  roots: readonly Root[];
  /** Names below the root, `..` included. */
  segments: readonly string[];
  /** Whether a link in the last place is followed (reading) or is itself the target (deleting). */
  followLast: boolean;
  /** Folders that no walk may enter or end at. */
  avoid: readonly Identity[];
}>;

/** Where a walk ended, below `root`, and the absolute path of every link that it followed on the way. */
export type Arrival = Readonly<{ root: Root; location: readonly string[]; links: readonly string[] }>;

/** How a walk ended. Pins belong to the caller, who closes them; all others are closed already. */
export type Walked =
  | (Arrival & Readonly<{ kind: 'found'; target: Pin; /** Undefined when the target is a root. */ parent: Pin | undefined }>)
  /** `missing` are the names at the end of `location` that do not exist yet, at least one. */
  | (Arrival & Readonly<{ kind: 'missing'; parent: Pin; missing: readonly string[] }>)
  | Readonly<{ kind: 'outside'; /** Absolute path of the link that leads out; undefined when `..` in the given path does. */ through: string | undefined }>
  | Readonly<{ kind: 'avoided' }>
  /** The root is no longer the folder that it was. */
  | Readonly<{ kind: 'rootChanged' }>
  /** The system refused a step: `code` is its error code, for instance EACCES or ENOTDIR. */
  | Readonly<{ kind: 'failed'; code: string; location: readonly string[] }>;

/** Links followed in one walk before it is taken for a loop; the limit of Linux itself. */
const maxLinks = 40;

/** Walks a route. Blocks for some ten microseconds per name; opens nothing but folders and the target, and those without reading. */
export function walk(route: Route, pins: Pins = systemPins): Walked {
  const state: State = { root: route.root, pending: [...route.segments].reverse(), stack: [], names: [], links: [], budget: maxLinks };
  let ended: Walked | undefined;
  try {
    ended = start(state, route.root, route, pins);
    while (ended === undefined) ended = step(state, route, pins);
    return ended;
  } catch (error) {
    return { kind: 'failed', code: codeOf(error), location: [...state.names] };
  } finally {
    closeAllBut(state.stack, ended);
  }
}

type State = { root: Root; pending: string[]; stack: Pin[]; names: string[]; links: string[]; budget: number };

function start(state: State, root: Root, route: Route, pins: Pins): Walked | undefined {
  for (const pin of state.stack.splice(0)) pin.close();
  state.names = [];
  state.root = root;
  const pin = tryRoot(root, pins);
  if (pin === undefined) return { kind: 'rootChanged' };
  state.stack.push(pin);
  if (!sameObject(pin.stat, root.identity)) return { kind: 'rootChanged' };
  return isAvoided(pin, route) ? { kind: 'avoided' } : undefined;
}

function tryRoot(root: Root, pins: Pins): Pin | undefined {
  try {
    return pins.root(root.path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

function step(state: State, route: Route, pins: Pins): Walked | undefined {
  const folder = top(state);
  const name = state.pending.pop();
  if (name === undefined) return found(state);
  if (!folder.stat.isDirectory()) return { kind: 'failed', code: 'ENOTDIR', location: [...state.names] };
  if (name === '..') return up(state);
  const pin = tryChild(folder, name, pins);
  if (pin === undefined) return missing(state, folder, name);
  state.stack.push(pin);
  state.names.push(name);
  if (isAvoided(pin, route)) return { kind: 'avoided' };
  const follow = pin.stat.isSymbolicLink() && (state.pending.length > 0 || route.followLast);
  return follow ? followLink(state, folder, name, route, pins) : undefined;
}

function up(state: State): Walked | undefined {
  if (state.stack.length === 1) return { kind: 'outside', through: state.links.at(-1) };
  state.stack.pop()?.close();
  state.names.pop();
  return undefined;
}

function tryChild(folder: Pin, name: string, pins: Pins): Pin | undefined {
  try {
    return pins.child(folder, name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The link's text is read by name, so it may be that of a link swapped in meanwhile; whatever it says is walked with the same care. */
function followLink(state: State, folder: Pin, name: string, route: Route, pins: Pins): Walked | undefined {
  const link = [...state.names];
  const linkPath = join(state.root.path, ...link);
  state.stack.pop()?.close();
  state.names.pop();
  state.budget -= 1;
  if (state.budget < 0) return { kind: 'failed', code: 'ELOOP', location: link };
  const target = tryReadLink(folder.at(name));
  if (target === undefined) {
    state.pending.push(name);
    return undefined;
  }
  state.links.push(linkPath);
  const anchor = parse(target).root;
  const parts = namesOf(target.slice(anchor.length));
  if (anchor === '') {
    state.pending.push(...parts.reverse());
    return undefined;
  }
  const next = route.roots.map((root) => ({ root, rest: namesBelow(root, anchor, parts) })).find((entry) => entry.rest !== undefined);
  if (next?.rest === undefined) return { kind: 'outside', through: linkPath };
  state.pending.push(...[...next.rest].reverse());
  return start(state, next.root, route, pins);
}

function tryReadLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (['EINVAL', 'ENOENT', 'UNKNOWN'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

function namesOf(text: string): string[] {
  return text.split(process.platform === 'win32' ? /[\\/]/ : '/').filter((name) => name !== '' && name !== '.');
}

function namesBelow(root: Root, anchor: string, parts: readonly string[]): readonly string[] | undefined {
  const rootAnchor = parse(root.path).root;
  const rootParts = namesOf(root.path.slice(rootAnchor.length));
  const same = rootAnchor.toLowerCase() === anchor.toLowerCase() && rootParts.every((name, index) => name === parts[index]);
  return same ? parts.slice(rootParts.length) : undefined;
}

function found(state: State): Walked {
  return { kind: 'found', ...arrival(state), target: top(state), parent: state.stack.at(-2) };
}

function missing(state: State, parent: Pin, name: string): Walked {
  const names = [name, ...state.pending.reverse()];
  if (names.includes('..')) return { kind: 'failed', code: 'ENOENT', location: [...state.names, name] };
  return { kind: 'missing', ...arrival(state), location: [...state.names, ...names], parent, missing: names };
}

function arrival(state: State): Arrival {
  return { root: state.root, location: [...state.names], links: [...state.links] };
}

function isAvoided(pin: Pin, route: Route): boolean {
  return route.avoid.some((identity) => sameObject(identity, pin.stat));
}

function top(state: State): Pin {
  const pin = state.stack.at(-1);
  if (pin === undefined) throw new RangeError('a walk has lost its root');
  return pin;
}

function closeAllBut(stack: readonly Pin[], ended: Walked | undefined): void {
  const kept: readonly (Pin | undefined)[] = ended?.kind === 'found' ? [ended.target, ended.parent] : ended?.kind === 'missing' ? [ended.parent] : [];
  for (const pin of stack) if (!kept.includes(pin)) pin.close();
}

/** The system's code of an error, for instance `ENOENT`; `UNKNOWN` when it carries none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}

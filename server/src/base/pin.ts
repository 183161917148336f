import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';

/** Holding on to one file-system object, so that what was checked is what is used. */

/** What tells two objects of one machine apart. */
export type Identity = Readonly<{ dev: bigint; ino: bigint }>;

/** Whether two stat results or identities mean the same object. */
export function sameObject(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** One held object: a folder to step on from, a file to open, or a link to read. */
export type Pin = Readonly<{
  /** As it was when the object was taken hold of. A link is never followed. */
  stat: BigIntStats;
  /** A path that leads to this very object for as long as it is held. */
  path: string;
  /** A path for a name directly inside this folder. `name` must be one name, never `.` or `..`. */
  at(name: string): string;
  /** False when the path no longer leads to the held object; a descriptor always does. */
  holds(): boolean;
  /** Lets go; further calls do nothing. */
  close(): void;
}>;

/**
 * How firmly objects are held. `descriptor`: by the kernel, no race can lead elsewhere (Linux). `bestEffort`: by resolved
 * path and identity, checked before and after each use; a swap within microseconds can still win (macOS, Windows).
 */
export type PinLevel = 'descriptor' | 'bestEffort';

/** One way of taking hold. Both throw the system's error, for instance ENOENT. */
export type Pins = Readonly<{
  level: PinLevel;
  /** Takes hold of an absolute folder whose path holds no link in its last name. */
  root(path: string): Pin;
  /** Takes hold of what lies directly inside a held folder under this name, a link itself included. */
  child(folder: Pin, name: string): Pin;
}>;

/** O_PATH of Linux on every architecture that Node supports; Node does not export it. */
const O_PATH = 0o10000000;

const noFollow = constants.O_NOFOLLOW ?? 0;

/** `O_NOFOLLOW_ANY` of macOS 11: refuses a link anywhere in the path, which is right here because held paths are resolved. */
const noFollowAny = process.platform === 'darwin' ? 0x20000000 : noFollow;

/** Flags for opening a held object's path without following links and without waiting for the other end of a pipe. */
export function openFlags(pins: Pins, flags: number): number {
  return flags | (constants.O_NONBLOCK ?? 0) | (pins.level === 'descriptor' ? 0 : noFollowAny);
}

/** Holds by descriptor: names are looked up through `/proc/self/fd`, which leads to the held folder wherever it was moved. */
export const descriptorPins: Pins = {
  level: 'descriptor',
  root: (path) => descriptorPin(openSync(path, O_PATH | constants.O_DIRECTORY | noFollow)),
  child: (folder, name) => descriptorPin(openSync(folder.at(name), O_PATH | noFollow)),
};

/** Holds by resolved path and identity, for systems without `/proc`. */
export const pathPins: Pins = {
  level: 'bestEffort',
  root: (path) => pathPin(path),
  child: (folder, name) => {
    const pin = pathPin(folder.at(name));
    if (!folder.holds()) throw Object.assign(new Error('The folder was swapped while it was being read.'), { code: 'ESTALE' });
    return pin;
  },
};

/** The firmest way that this system offers. */
export const systemPins: Pins = process.platform === 'linux' ? descriptorPins : pathPins;

function descriptorPin(descriptor: number): Pin {
  const path = `/proc/self/fd/${descriptor}`;
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    closeSync(descriptor);
  };
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    return { stat, path, at: (name) => `${path}/${name}`, holds: () => true, close };
  } catch (error) {
    close();
    throw error;
  }
}

function pathPin(path: string): Pin {
  const stat = lstatSync(path, { bigint: true });
  return { stat, path, at: (name) => join(path, name), holds: () => leadsTo(path, stat), close: () => undefined };
}

function leadsTo(path: string, stat: BigIntStats): boolean {
  try {
    return sameObject(lstatSync(path, { bigint: true }), stat) && realpathSync.native(path).toLowerCase() === path.toLowerCase();
  } catch {
    return false;
  }
}

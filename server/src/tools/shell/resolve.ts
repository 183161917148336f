import { createHash } from 'node:crypto';
import { createReadStream, realpathSync, statSync, type BigIntStats } from 'node:fs';
import { delimiter, isAbsolute, join, sep } from 'node:path';

/** Finds the program behind a name, once, in folders that no agent can write to, and knows it again later. */

/** A program as found: where it really lies and what lay there. */
export type Binary = Readonly<{
  name: string;
  /** Resolved absolute path. */
  path: string;
  /** Arguments that come before all others; on Windows the script behind a `.cmd` that Node programs install. */
  prefix: readonly string[];
  /** Device, inode, size, and times of change in nanoseconds, as decimal text. */
  identity: string;
}>;

/** A program that was not found, or was found and may not be used. */
export type Unresolved = Readonly<{ refused: string }>;

/** The absolute folders of a search path, in order. Empty and relative entries mean "wherever you are" and are dropped. */
export function readSearchPath(path: string): readonly string[] {
  return [...new Set(path.split(delimiter).filter((folder) => isAbsolute(folder)))];
}

/** The folders that may be searched for a project: none inside it, none of an installed package, none that anybody may write to. */
export function trustedFolders(folders: readonly string[], project: string): readonly string[] {
  return folders.filter((folder) => {
    const real = realOf(folder);
    const stat = real === undefined ? undefined : statOf(real);
    if (real === undefined || stat?.isDirectory() !== true) return false;
    if (isWithin(real, project) || isWithin(folder, project)) return false;
    if (/[\\/]node_modules[\\/]\.bin([\\/]|$)/.test(`${real}${sep}`)) return false;
    return process.platform === 'win32' || (stat.mode & 0o002n) === 0n;
  });
}

/**
 * Looks a name up in trusted folders. The first match counts: when it may not be used, nothing else of that name is taken instead. What a
 * link brings from inside `project` may not, since agents can change it there.
 */
export function resolveBinary(name: string, folders: readonly string[], project?: string): Binary | Unresolved {
  for (const folder of folders) {
    const found = process.platform === 'win32' ? onWindows(name, folder) : [{ file: join(folder, name), prefix: [] }];
    for (const { file, prefix } of found) {
      // Most folders do not have it, and an answer costs less than an exception.
      const path = isThere(file) ? realOf(file) : undefined;
      const stat = path === undefined ? undefined : statOf(path);
      if (path === undefined || stat === undefined || !stat.isFile() || !isExecutable(stat)) continue;
      const flaw = ownershipFlaw(stat) ?? (project !== undefined && isWithin(path, realOf(project) ?? project) ? 'lies in the project, where agents can change it. Install a copy elsewhere' : undefined);
      return flaw === undefined ? { name, path, prefix, identity: identityOf(stat) } : { refused: `${path} ${flaw}` };
    }
  }
  return { refused: `no program "${name}" in ${folders.join(delimiter)}` };
}

/** Whether the same name still leads to the same bytes. */
export function isUnchanged(binary: Binary, folders: readonly string[]): boolean {
  const now = resolveBinary(binary.name, folders);
  return !('refused' in now) && now.path === binary.path && now.identity === binary.identity && now.prefix.join('\0') === binary.prefix.join('\0');
}

const hashes = new Map<string, Promise<string>>();

/** SHA-256 hex of a program's bytes. Large programs take some hundred milliseconds, once for each identity. */
export function hashBinary(binary: Binary): Promise<string> {
  const key = `${binary.path}\0${binary.identity}`;
  const known = hashes.get(key) ?? hashFile(binary.path);
  hashes.set(key, known);
  known.catch(() => hashes.delete(key));
  return known;
}

/** SHA-256 hex of a file's bytes. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  // Programs are large, and a start waits for this.
  for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Text that changes when a file's place, size or content times change. */
export function identityOf(stat: BigIntStats): string {
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':');
}

/** Whether a path lies in a folder or is it, compared name by name. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The same on disks that ignore case (macOS, Windows), where another spelling is no other place: for folders that are to be kept from agents. */
export function isWithinAsSpelt(path: string, folder: string, platform: NodeJS.Platform = process.platform): boolean {
  const fold = (text: string): string => (platform === 'linux' ? text : text.normalize('NFC').toLowerCase());
  return isWithin(fold(path), fold(folder));
}

function isExecutable(stat: BigIntStats): boolean {
  return process.platform === 'win32' || (stat.mode & 0o111n) !== 0n;
}

/** A program that others may rewrite is theirs, whatever its name. */
function ownershipFlaw(stat: BigIntStats): string | undefined {
  if (process.platform === 'win32') return undefined;
  const self = BigInt(process.getuid?.() ?? 0);
  if (stat.uid !== 0n && stat.uid !== self) return 'belongs to another user';
  return (stat.mode & 0o022n) === 0n ? undefined : 'can be changed by other users';
}

type Candidate = Readonly<{ file: string; prefix: readonly string[] }>;

/** Scripts that Node programs install as `.cmd` cannot be started without a shell; the JavaScript behind them can. */
const nodeScripts = new Map([
  ['npm', 'node_modules/npm/bin/npm-cli.js'],
  ['npx', 'node_modules/npm/bin/npx-cli.js'],
  ['pnpm', 'node_modules/pnpm/bin/pnpm.cjs'],
  ['yarn', 'node_modules/yarn/bin/yarn.js'],
]);

function onWindows(name: string, folder: string): readonly Candidate[] {
  const names = /\.(exe|com)$/i.test(name) ? [name] : [`${name}.exe`, `${name}.com`];
  const plain = names.map((file): Candidate => ({ file: join(folder, file), prefix: [] }));
  const script = nodeScripts.get(name.toLowerCase());
  const entry = script === undefined ? undefined : realOf(join(folder, script));
  return entry === undefined ? plain : [...plain, { file: join(folder, 'node.exe'), prefix: [entry] }];
}

function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

function statOf(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

/** The few calls through which the audit log touches a disk; a simulated disk stands in for it in tests of crashes. */
import { constants } from 'node:fs';
import * as fs from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import * as fsp from 'node:fs/promises';
import { dirname } from 'node:path';
import { Syncing } from './syncing';

/** Which file it is, how long, and when it was last written; changes when somebody replaces, cuts or extends it. */
export type FileMark = Readonly<{ id: string; size: number; modified: string }>;

/** A file that is read at offsets. */
export type ReadableFile = Readonly<{
  /** Reads up to the length of `target` at `position`; gives the number of bytes, 0 at the end. */
  read(target: Buffer, position: number): Promise<number>;
  mark(): FileMark;
  close(): Promise<void>;
  /** Its descriptor, by which other threads of this process can read it; absent where there is none. */
  fd?: number;
}>;

/** A file that grows at its end. Append and sync are the hot path: each is one system call. */
export type AppendFile = ReadableFile &
  Readonly<{
    /** Appends and gives the number of bytes that were written, which may be fewer. */
    append(bytes: Buffer): Promise<number>;
    /** Makes everything appended so far durable. */
    sync(): Promise<void>;
    /** Cuts the file to `size` bytes. */
    truncate(size: number): Promise<void>;
    /** Closes the file to everybody but its owner; gives the rights that it had (`0666`) when others could write to it. Does nothing on Windows. */
    makePrivate(): Promise<string | undefined>;
  }>;

/** What the log needs of a file system. Every promise rejects with the cause of the operating system. */
export type Disk = Readonly<{
  /** Makes a folder, and its parents, that only the owner may enter. */
  makeFolder(path: string): Promise<void>;
  /** Opens for reading; undefined when there is no such file. */
  openRead(path: string): Promise<ReadableFile | undefined>;
  /** Opens a regular file, never a link, for appending; undefined when there is no such file. */
  openAppend(path: string): Promise<AppendFile | undefined>;
  /** Creates an empty file, mode 0600, in place of any that was there. */
  create(path: string): Promise<AppendFile>;
  /** Looks at the name itself, not through a link; undefined when there is nothing. */
  mark(path: string): FileMark | undefined;
  rename(from: string, to: string): Promise<void>;
  /** Removes a name; does nothing when there is none. */
  remove(path: string): Promise<void>;
  /** Gives a file a second name; falls back to nothing where the file system has no links: false. */
  link(from: string, to: string): Promise<boolean>;
  /** Makes the names in a folder durable; does nothing on Windows, which has no such call. */
  syncFolder(path: string): Promise<void>;
  /** Names in a folder; empty when there is no such folder. */
  list(path: string): Promise<readonly string[]>;
}>;

/** Up to this size a write is done directly, and so is the sync after it while the disk is quick. */
const mostDirectBytes = 262_144;

/** The real file system. */
export const realDisk: Disk = {
  async makeFolder(path) {
    const created = await fsp.mkdir(path, { recursive: true, mode: 0o700 });
    if (created !== undefined) await syncFolder(dirname(created));
  },
  openRead: (path) => ifExists(openFile(path, constants.O_RDONLY)),
  async openAppend(path) {
    // A link would let whoever set it choose where the log goes. Windows has no such flag.
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw new Error(`${path} is a symbolic link; the log must be a regular file`);
    }
    const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;
    return await ifExists(openFile(path, constants.O_RDWR | constants.O_APPEND | noFollow));
  },
  create: (path) => openFile(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_TRUNC),
  mark(path) {
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : markOf(stat);
  },
  rename: (from, to) => fsp.rename(from, to),
  remove: (path) => fsp.rm(path, { force: true }),
  async link(from, to) {
    try {
      await fsp.link(from, to);
      return true;
    } catch (cause) {
      if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(cause))) return false;
      throw cause;
    }
  },
  syncFolder,
  list: async (path) => (await ifExists(fsp.readdir(path))) ?? [],
};

async function openFile(path: string, flags: number): Promise<AppendFile> {
  const handle = await open(path, flags, 0o600);
  const { fd } = handle;
  const stat = fs.fstatSync(fd, { bigint: true });
  if (!stat.isFile()) {
    await handle.close();
    throw new Error(`${path} is not a regular file`);
  }
  const syncing = new Syncing(fd);
  return {
    fd,
    read: async (target, position) => (await handle.read(target, 0, target.length, position)).bytesRead,
    mark: () => markOf(fs.fstatSync(fd, { bigint: true })),
    close: () => handle.close(),
    append: (bytes) =>
      new Promise((resolve, reject) => {
        // Handing over to another thread costs more than copying a little into the cache of the operating system.
        syncing.expect(bytes.length);
        if (bytes.length <= mostDirectBytes) resolve(fs.writeSync(fd, bytes));
        else fs.write(fd, bytes, 0, bytes.length, null, (cause, written) => (cause === null ? resolve(written) : reject(cause)));
      }),
    sync: () => syncing.sync(),
    truncate: (size) => truncate(path, markOf(stat).id, size),
    makePrivate: () => makePrivate(handle, Number(stat.mode) & 0o777),
  };
}

/** Windows does not cut files that are open for appending, so this opens the same file once more. */
async function truncate(path: string, id: string, size: number): Promise<void> {
  const handle = await open(path, constants.O_RDWR);
  try {
    const stat = await handle.stat({ bigint: true });
    if (markOf(stat).id !== id) throw new Error(`${path} was replaced by another file`);
    await handle.truncate(size);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function makePrivate(handle: FileHandle, mode: number): Promise<string | undefined> {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return undefined;
  await handle.chmod(0o600);
  return (mode & 0o022) === 0 ? undefined : `0${mode.toString(8)}`;
}

function markOf(stat: fs.BigIntStats): FileMark {
  const kind = stat.isFile() ? '' : ' not a file';
  return { id: `${stat.dev}:${stat.ino}${kind}`, size: Number(stat.size), modified: `${stat.mtimeNs}` };
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function ifExists<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}

/** The code of an operating-system failure, for instance `ENOSPC`; "" when it has none. */
export function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

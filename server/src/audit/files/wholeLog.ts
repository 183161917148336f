/** All files of the log as one: bytes are counted from the first byte that was ever written, whatever was removed since. */
import { realDisk, type Disk, type FileMark, type ReadableFile } from './disk';
import { findLogFiles, openLogFile, startOfFile, type LogFile } from './segments';

/** One file of the log, where it stands in the whole; `to` is undefined for the file in use, which grows. */
export type LogPart = Readonly<{ path: string; from: number; to: number | undefined }>;

/** The log as one long file. `from` is the offset of the first byte that is still there; `parts` are its files, the oldest first. */
export type WholeLog = ReadableFile & Readonly<{ from: number; parts: readonly LogPart[] }>;

type Part = Readonly<{ file: LogFile; from: number; to: number }>;

/** Opens the log that ends with the file at `path`; undefined when that is not there. Closed files are opened when they are read. */
export async function openWholeLog(path: string, disk: Disk = realDisk): Promise<WholeLog | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await findLogFiles(path, disk);
    const active = await disk.openRead(path);
    if (found === undefined || active === undefined) {
      await active?.close();
      return undefined;
    }
    const last = found.files.at(-1);
    // The file in use may have been closed in between, and what has its name now be the next one.
    if (attempt === 3 || (await startOfFile(active))?.segment === last?.start?.segment) return joined(partsOf(found.files, disk), active, disk, path);
    await active.close();
  }
}

/** Where the closed files stand, the newest first. */
function partsOf(files: readonly LogFile[], disk: Disk): { closed: readonly Part[]; base: number; oldest: string | undefined } {
  const base = files.at(-1)?.start?.base ?? 0;
  const closed: Part[] = [];
  let to = base;
  for (const file of files.slice(0, -1).reverse()) {
    // A file whose first line is damaged still ends where the next one begins.
    const from = Math.max(0, file.start?.base ?? to - (disk.mark(file.path)?.size ?? 0));
    closed.push({ file, from, to });
    to = from;
  }
  const [first] = files;
  return { closed, base, oldest: first === undefined ? undefined : disk.mark(first.path)?.id };
}

function joined({ closed, base, oldest }: ReturnType<typeof partsOf>, active: ReadableFile, disk: Disk, path: string): WholeLog {
  let open: Readonly<{ part: Part; file: ReadableFile }> | undefined;
  const fileOf = async (part: Part): Promise<ReadableFile> => {
    if (open?.part === part) return open.file;
    await open?.file.close();
    open = undefined;
    const file = await openLogFile(part.file, disk);
    open = { part, file };
    return file;
  };
  const readSome = async (target: Buffer, position: number): Promise<number> => {
    if (position >= base) return await active.read(target, position - base);
    const part = closed.find(({ from, to }) => position >= from && position < to);
    if (part === undefined) return 0;
    const file = await fileOf(part);
    return await file.read(target.subarray(0, part.to - position), position - part.from);
  };
  return {
    from: closed.at(-1)?.from ?? base,
    parts: [...closed.map(({ file, from, to }) => ({ path: file.path, from, to })).reverse(), { path, from: base, to: undefined }],
    async read(target, position) {
      let filled = 0;
      for (let length = -1; length !== 0 && filled < target.length; filled += length) length = await readSome(target.subarray(filled), position + filled);
      return filled;
    },
    mark: (): FileMark => ({ ...active.mark(), id: oldest ?? active.mark().id, size: base + active.mark().size }),
    async close() {
      await open?.file.close();
      await active.close();
    },
  };
}

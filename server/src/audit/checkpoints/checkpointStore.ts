/** The file of checkpoints beside a log, which only grows, and the edge of the tree as of the last one, which spares reading the log anew. */
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { checkpointRecord, parseCheckpoint, readCheckpointFile, type Checkpoint } from '../../../../protocol/src/audit/checkpoint';
import { Frontier } from '../../../../protocol/src/audit/merkle';
import type { Note } from '../../../../protocol/src/audit/note';
import type { AppendFile, Disk } from '../files/disk';

/** What a file of checkpoints held: the checkpoints, oldest first, and whether something in it is none. */
export type KeptCheckpoints = Readonly<{ checkpoints: readonly Checkpoint[]; damaged: boolean; present: boolean }>;

/** Name of the file beside a log. */
export const checkpointFileName = 'audit.checkpoints';
const edgeFileName = 'audit.edge';

/** Where the checkpoints of a log are kept. */
export function checkpointFileOf(log: string): string {
  return join(dirname(log), checkpointFileName);
}

/** Reads a file of checkpoints without changing it. Rejects when it cannot be read. */
export async function readCheckpoints(path: string, disk: Disk): Promise<KeptCheckpoints> {
  const text = await textOf(path, disk);
  if (text === undefined) return { checkpoints: [], damaged: false, present: false };
  const { checkpoints, damaged } = readCheckpointFile(text);
  return { checkpoints, damaged, present: true };
}

/** The checkpoints of a log that is written here. Only one process may have it open: the one that holds the lock. */
export class CheckpointStore {
  #checkpoints: Checkpoint[] = [];
  #damaged = false;
  #file: AppendFile | undefined;
  readonly #path: string;

  constructor(
    private readonly log: string,
    private readonly disk: Disk,
  ) {
    this.#path = checkpointFileOf(log);
  }

  get last(): Checkpoint | undefined {
    return this.#checkpoints.at(-1);
  }

  get all(): readonly Checkpoint[] {
    return this.#checkpoints;
  }

  /** Whether the file holds something that is no checkpoint; it is left as it is. */
  get damaged(): boolean {
    return this.#damaged;
  }

  /** Reads what is there. A note that a crash cut off proves nothing and is cut away; nothing else ever is. */
  async open(): Promise<void> {
    const text = await textOf(this.#path, this.disk);
    if (text === undefined) return;
    const { checkpoints, damaged, torn, wholeBytes } = readCheckpointFile(text);
    this.#checkpoints = [...checkpoints];
    this.#damaged = damaged;
    if (!torn) return;
    const file = await this.#opened();
    await file.truncate(wholeBytes);
    await file.sync();
  }

  /** Adds a checkpoint, or one again with more signatures; durable when this resolves. */
  async append(note: Note): Promise<void> {
    const checkpoint = parseCheckpoint(checkpointRecord(note).slice(0, -1));
    if (checkpoint === undefined) throw new Error('this is no checkpoint');
    const file = await this.#opened();
    const before = file.mark().size;
    const bytes = Buffer.from(checkpointRecord(note));
    try {
      const written = await file.append(bytes);
      if (written !== bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were written; the disk may be full`);
      await file.sync();
    } catch (cause) {
      // What could not be made durable is taken back, and this descriptor is never used again.
      await file.truncate(before).catch(() => undefined);
      await this.close().catch(() => undefined);
      throw cause;
    }
    const again = this.#checkpoints.findIndex((one) => one.note.text === checkpoint.note.text);
    if (again >= 0) this.#checkpoints[again] = checkpoint;
    else this.#checkpoints.push(checkpoint);
  }

  /** Puts the file under another name, because its log is no longer in use; gives that name, undefined when there was nothing. */
  async setAside(name: string): Promise<string | undefined> {
    await this.close();
    this.#checkpoints = [];
    this.#damaged = false;
    if (this.disk.mark(this.#path) === undefined) return undefined;
    const folder = join(dirname(this.log), 'audit');
    await this.disk.makeFolder(folder);
    let target = join(folder, `${name}.checkpoints`);
    for (let n = 2; this.disk.mark(target) !== undefined; n += 1) target = join(folder, `${name}-${n}.checkpoints`);
    await this.disk.rename(this.#path, target);
    await this.disk.syncFolder(folder);
    await this.disk.syncFolder(dirname(this.log));
    return `audit/${basename(target)}`;
  }

  /** The edge of the tree at the last checkpoint, if it is there and gives the root that was signed. */
  async edge(): Promise<Frontier | undefined> {
    const { last } = this;
    const text = await textOf(join(dirname(this.log), edgeFileName), this.disk).catch(() => undefined);
    if (text === undefined || last === undefined) return undefined;
    return readEdges(text).find((edge) => edge.size === last.size && edge.root().toString('hex') === last.root);
  }

  /** Keeps the edge for a checkpoint that is about to be appended, beside that of the one before, because either may be the last after a crash. */
  async keepEdge(edge: Frontier): Promise<void> {
    const path = join(dirname(this.log), edgeFileName);
    const before = await this.edge();
    const bytes = Buffer.from(JSON.stringify([...(before === undefined ? [] : [before]), edge].map(({ size, hashes }) => ({ size, hashes: hashes.map((one) => one.toString('hex')) }))));
    const file = await this.disk.create(`${path}.tmp`);
    try {
      if ((await file.append(bytes)) !== bytes.length) throw new Error('the edge of the tree could not be written; the disk may be full');
      await file.sync();
    } finally {
      await file.close();
    }
    await this.disk.rename(`${path}.tmp`, path);
    await this.disk.syncFolder(dirname(path));
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #opened(): Promise<AppendFile> {
    // Another file may have taken the place: what is appended to one that nobody finds any more is lost.
    if (this.#file !== undefined && this.#file.mark().id === this.disk.mark(this.#path)?.id) return this.#file;
    await this.close();
    const present = await this.disk.openAppend(this.#path);
    this.#file = present ?? (await this.disk.create(this.#path));
    if (present === undefined) await this.disk.syncFolder(dirname(this.#path));
    return this.#file;
  }
}

const edgesSchema = z.array(z.strictObject({ size: z.number().int().min(0), hashes: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(64) })).max(2);

function readEdges(text: string): Frontier[] {
  try {
    return edgesSchema.parse(JSON.parse(text)).map(({ size, hashes }) => new Frontier(size, hashes.map((one) => Buffer.from(one, 'hex'))));
  } catch {
    return [];
  }
}

/** Reads a whole file as text; undefined when there is none. */
export async function textOf(path: string, disk: Disk): Promise<string | undefined> {
  const file = await disk.openRead(path);
  if (file === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(file.mark().size);
    let at = 0;
    for (let length = await file.read(bytes.subarray(at), at); length > 0 && at < bytes.length; length = await file.read(bytes.subarray(at), at)) at += length;
    return bytes.toString('utf8', 0, at);
  } finally {
    await file.close();
  }
}

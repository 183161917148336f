/** Keeps the triples of closed files beside them, so that a text is looked for only where it may stand. Derived: a file that does not fit is made anew. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Disk, ReadableFile } from '../files/disk';
import type { LogPart } from '../files/wholeLog';
import { derivedPath, markText, putDerived } from './derived';
import { tableBytes, type GramStretch } from './grams';

const number = z.number().int().nonnegative();
/** The first line: the very file that was read, and the stretches in it, from and to; their tables follow. */
const headSchema = z.strictObject({ v: z.literal(1), mark: z.string(), stretches: z.array(z.tuple([number, number])).max(100_000) });
type Head = z.infer<typeof headSchema>;

/** More bytes than the first line of any file takes that we made. */
const mostHead = 4_194_304;

/** Keeps triples. */
export class KeptGrams {
  /** `folder` is where the derived files of a log are. */
  constructor(
    private readonly disk: Disk,
    private readonly folder: string,
  ) {}

  /** Whether the triples of a closed file are kept, of this very file. */
  async has(part: LogPart): Promise<boolean> {
    return (await this.open(part, () => Promise.resolve(true))) === true;
  }

  /** The stretches of a closed file; undefined when they are not kept. */
  async read(part: LogPart): Promise<readonly GramStretch[] | undefined> {
    return await this.open(part, async (file, { stretches }, at) => {
      const tables = Buffer.allocUnsafe(stretches.length * tableBytes);
      if ((await file.read(tables, at)) !== tables.length) return undefined;
      return stretches.map(([from, to], i) => ({ from: from + part.from, to: to + part.from, bits: tables.subarray(i * tableBytes, (i + 1) * tableBytes) }));
    });
  }

  /** Keeps the stretches of a closed file. What cannot be kept is gathered again another time. */
  async write(part: LogPart, stretches: readonly GramStretch[]): Promise<void> {
    const mark = markText(this.disk, part);
    if (mark === undefined) return;
    const head: Head = { v: 1, mark, stretches: stretches.map(({ from, to }) => [from - part.from, to - part.from]) };
    const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...stretches.map(({ bits }) => bits)]);
    await putDerived(this.disk, gramsPath(this.folder, part.path), bytes).catch(() => undefined);
  }

  private async open<T>(part: LogPart, use: (file: ReadableFile, head: Head, at: number) => Promise<T | undefined>): Promise<T | undefined> {
    const file = await this.disk.openRead(gramsPath(this.folder, part.path)).catch(() => undefined);
    if (file === undefined) return undefined;
    try {
      const { size } = file.mark();
      const start = Buffer.alloc(Math.min(size, mostHead));
      await file.read(start, 0);
      const end = start.indexOf(0x0a);
      const head = headSchema.parse(JSON.parse(start.toString('utf8', 0, end)));
      return head.mark === markText(this.disk, part) && size === end + 1 + head.stretches.length * tableBytes ? await use(file, head, end + 1) : undefined;
    } catch {
      return undefined;
    } finally {
      await file.close();
    }
  }
}

/** Where the triples of a closed file are kept. */
export function gramsPath(folder: string, file: string): string {
  return join(folder, derivedPath(file, 'grams'));
}

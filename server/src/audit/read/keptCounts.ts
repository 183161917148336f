/** Keeps the counts of closed files beside them, so that a long log is not read again at each start. Derived: a file that does not fit is made anew. */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Disk } from '../files/disk';
import { derivedPath, markText, putDerived } from './derived';
import { KeptGrams } from './keptGrams';
import type { Kind, Kinds } from './kinds';
import type { Quarter } from './timeIndex';
import type { LogPart } from '../files/wholeLog';

const number = z.number().int().nonnegative();
const keptSchema = z.strictObject({
  v: z.literal(1),
  /** The very file that was counted: which, how long, and when it was last written. */
  mark: z.string(),
  kinds: z.array(z.tuple([z.string(), z.string(), z.string(), z.string(), z.string()])),
  /** Start, entries, bytes from and to within the file, and pairs of a kind's place in the list above, 0 for mixed, and its entries. */
  quarters: z.array(z.tuple([z.number().int(), number, number, number, z.array(number)])),
});
type Kept = z.infer<typeof keptSchema>;

/** More bytes than the counts of any file take that we made. */
const mostBytes = 16_777_216;

/** Keeps counts; whoever only reads a log has none. */
export class KeptCounts {
  /** Keeps what texts are found by, too. */
  readonly grams: KeptGrams;
  private readonly folder: string;

  /** `log` is the file in use. */
  constructor(
    private readonly disk: Disk,
    log: string,
  ) {
    this.folder = join(dirname(log), 'audit');
    this.grams = new KeptGrams(disk, this.folder);
  }

  /** The quarters of a closed file; undefined when they are not kept, or not of this very file. */
  async read(part: LogPart, kinds: Kinds): Promise<Map<number, Quarter> | undefined> {
    const kept = await this.parsed(part).catch(() => undefined);
    if (kept === undefined || kept.mark !== markText(this.disk, part)) return undefined;
    const numbers = kept.kinds.map(([phase, tool, result, client, user]) => kinds.known({ phase, tool, result, client, user }));
    return new Map(kept.quarters.map(([start, count, from, to, pairs]) => [start, { start, count, from: from + part.from, to: to + part.from, kinds: pairs.map((value, i) => (i % 2 === 1 ? value : (numbers[value - 1] ?? 0))) }]));
  }

  /** Keeps the quarters of a closed file. What cannot be kept is counted again another time. */
  async write(part: LogPart, quarters: ReadonlyMap<number, Quarter>, kindOf: (number: number) => Kind | undefined): Promise<void> {
    const mark = markText(this.disk, part);
    if (mark === undefined) return;
    const used = [...new Set([...quarters.values()].flatMap(({ kinds }) => kinds.filter((_, i) => i % 2 === 0)))].flatMap((one) => (kindOf(one) === undefined ? [] : [one]));
    const text: Kept = {
      v: 1, mark,
      kinds: used.map((one) => {
        const { phase = '', tool = '', result = '', client = '', user = '' } = kindOf(one) ?? {};
        return [phase, tool, result, client, user];
      }),
      quarters: [...quarters.values()].map(({ start, count, from, to, kinds }) => [start, count, from - part.from, to - part.from, kinds.map((value, i) => (i % 2 === 1 ? value : used.indexOf(value) + 1))]),
    };
    await putDerived(this.disk, countsPath(this.folder, part.path), Buffer.from(JSON.stringify(text))).catch(() => undefined);
  }

  private async parsed(part: LogPart): Promise<Kept | undefined> {
    const file = await this.disk.openRead(countsPath(this.folder, part.path));
    if (file === undefined) return undefined;
    try {
      const { size } = file.mark();
      if (size > mostBytes) return undefined;
      const bytes = Buffer.alloc(size);
      await file.read(bytes, 0);
      return keptSchema.parse(JSON.parse(bytes.toString('utf8')));
    } finally {
      await file.close();
    }
  }
}

/** Where the counts of a closed file are kept: in the folder `audit`, wherever the file itself is. */
export function countsPath(folder: string, file: string): string {
  return join(folder, derivedPath(file, 'counts'));
}

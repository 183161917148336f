/** One pass over one file of the log, with flat memory. */
import { ChainCheck, headsOf, type ChainResult, type ChainStart, type KnownHeads, type ReadBefore } from '../../../../protocol/src/audit/chain';
import type { OrphanCall } from '../../../../protocol/src/audit/report';
import { asOrphans, firstStart, type SegmentStart } from '../../../../protocol/src/audit/segment';
import type { ReadableFile } from '../files/disk';
import type { ApprovalCheck } from './approvalCheck';
import { scanLines } from '../files/lines';
import { passInStretches } from './splitting';
import { StrictCheck } from './strict';
import type { StretchReaders } from './threads';

/** What a pass may be told. */
export type PassOptions = Readonly<{
  /** Heads that were kept outside the file; of no use when their entries stand in an earlier file. */
  known?: KnownHeads;
  /** How the file begins; as the very first one by default. */
  start?: SegmentStart;
  /** Where to go on in a file whose beginning was verified before. */
  after?: PassedBefore;
  /** Verify only this many bytes; for a log that is being written, pass what the writer says is durable. */
  upTo?: number;
  /** Also looks at what the lines say; what was found in the files before this one about approvals. */
  strict?: ApprovalCheck;
  /** Who reads stretches of the file at once. */
  readers?: StretchReaders;
  signal?: AbortSignal;
  /** Called between blocks with bytes done and bytes to do. */
  onProgress?: (done: number, total: number) => void;
}>;

/** What an earlier pass over the same file came to. */
export type PassedBefore = ReadBefore & Readonly<{ seq: number; head: string; open: readonly OrphanCall[] }>;

/** Everything that a pass over a file tells: which file, the chain, where it began, and up to which byte it was read. */
export type Pass = Readonly<{ id: string; chain: ChainResult; start: SegmentStart; bytes: number }>;

/** Where the check of a file begins that starts like this. */
export function chainStartOf({ seq, prevHash, open }: SegmentStart): ChainStart {
  return { seq, prevHash, open: asOrphans(open) };
}

/** Checks the chain of an open file from its first byte. A file that grows meanwhile is followed to a line's end. */
export async function passOver(file: ReadableFile, options: PassOptions): Promise<Pass> {
  const { signal, onProgress, start = firstStart, after, readers } = options;
  const from = after === undefined ? chainStartOf(start) : { seq: after.seq + 1, prevHash: after.head, open: after.open, before: after };
  const known = headsOf(options.known).filter(({ entries }) => entries >= from.seq);
  const check = new ChainCheck(known, from);
  const strict = options.strict === undefined ? undefined : new StrictCheck(start.open, options.strict);
  let to = options.upTo ?? file.mark().size;
  const sink = {
    line: (bytes: Buffer, from: number, newline: number, offset: number): void => {
      check.push(bytes, from, newline, offset);
      strict?.push(bytes, from, newline, offset, check.plain);
    },
    oversized: (offset: number, zeroed: boolean): void => {
      check.pushOversized(offset, zeroed);
      strict?.pass();
    },
    progress: (done: number): void => onProgress?.(done, to),
  };
  const begin = after?.bytes ?? 0;
  const reached = readers === undefined ? begin : await passInStretches(file, { from: begin, to }, { check, strict, sink, readers, signal, wanted: known.map(({ entries }) => entries) });
  let rest = await scanLines(file, { from: reached, to }, sink, signal);
  // A line that seems to break off may only be on its way to the disk: read on as long as the file grows.
  while (rest !== undefined && options.upTo === undefined) {
    const grown = file.mark().size;
    if (grown <= to) break;
    to = grown;
    rest = await scanLines(file, { from: rest.offset, to }, sink, signal);
  }
  return { chain: withStrict(check.finish(rest), strict), id: file.mark().id, start, bytes: to };
}

/** A chain whose lines do not say what entries say; what breaks the chain itself comes first. */
function withStrict(chain: ChainResult, strict: StrictCheck | undefined): ChainResult {
  // A line that was torn or damaged is told once, by the chain.
  const told = new Set(chain.findings.map(({ line }) => line));
  const findings = (strict?.findings ?? []).filter(({ line }) => !told.has(line));
  if (strict === undefined || findings.length === 0) return chain;
  return { ...chain, verdict: 'tampered', findings: [...chain.findings, ...findings], findingCount: chain.findingCount + findings.length };
}

/** The first line of each file of a log: where the chain goes on, and how to recognise the file that came before it. */
import { z } from 'zod';
import { hashOfLine, maxLineBytes, readTail, zeroHash } from './bytes';
import type { OwnEntry } from './entry';
import type { OrphanCall } from './report';

const number = z.number().int().positive();
const offset = z.number().int().nonnegative();

/** A call that was open when a file was closed, and where its decision stands: the file's number, line and byte. */
const openCall = z.looseObject({ call: z.string(), tool: z.string(), segment: number, line: number, offset });
/** A call that was open when a file was closed. */
export type OpenCall = Readonly<{ call: string; tool: string; segment: number; line: number; offset: number }>;

/** What the header of a file says of the file before: name, number of its last entry, size and digest. */
const previousFile = z.looseObject({ file: z.string(), entries: number, bytes: number, sha256: z.string().regex(/^sha256:[0-9a-f]{64}$/) });
/** What the header of a file says of the file before. */
export type PreviousFile = Readonly<{ file: string; entries: number; bytes: number; sha256: string }>;

const hex = z.string().regex(/^sha256:[0-9a-f]{64}$/).transform((text) => text.slice(7));
const stem = { seq: number, timestamp: z.string(), prevHash: hex };
const genesis = z.looseObject({
  ...stem, phase: z.literal('genesis'),
  input: z.looseObject({ logId: z.string().optional(), segment: number.optional() }),
});
const header = z.looseObject({
  ...stem, phase: z.literal('segment'),
  input: z.looseObject({ logId: z.string(), segment: number, base: offset, previous: previousFile, open: z.array(openCall) }),
});

/** Where a file of the log begins. */
export type SegmentStart = Readonly<{
  /** Number of the file, from 1. */
  segment: number;
  logId: string | undefined;
  /** Number of the first entry, and the bare hash of the one before it. */
  seq: number;
  prevHash: string;
  /** When the file was begun, as its first entry says. */
  timestamp: string;
  /** Bytes of all files before this one. */
  base: number;
  previous: PreviousFile | undefined;
  open: readonly OpenCall[];
}>;

/** Where a log begins whose first line cannot be read: nothing but a genesis entry fits. */
export const firstStart: SegmentStart = { segment: 1, logId: undefined, seq: 1, prevHash: zeroHash, timestamp: '', base: 0, previous: undefined, open: [] };

/** Reads the first line, without its newline; undefined when it is neither a genesis entry nor the header of a later file, or was edited. */
export function readSegmentStart(line: Buffer): SegmentStart | undefined {
  if (line.length >= maxLineBytes || readTail(line, 0, line.length)?.hash !== hashOf(line)) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  const first = genesis.safeParse(parsed);
  if (first.success) {
    const { seq, prevHash, timestamp, input } = first.data;
    return seq === 1 && prevHash === zeroHash ? { ...firstStart, timestamp, logId: input.logId, segment: input.segment ?? 1 } : undefined;
  }
  const later = header.safeParse(parsed);
  if (!later.success) return undefined;
  const { seq, prevHash, timestamp, input } = later.data;
  const { logId, segment, base, previous, open } = input;
  return seq === previous.entries + 1 && segment > 1 ? { segment, logId, seq, prevHash, timestamp, base, previous, open } : undefined;
}

function hashOf(line: Buffer): string | undefined {
  return readTail(line, 0, line.length) === undefined ? undefined : hashOfLine(line, 0, line.length);
}

/** The last entry of a file that is full or old enough: whoever finds nothing after it knows that a new file was about to begin. */
export function rotateEntry(segment: number, reason: 'size' | 'age' | 'request'): OwnEntry {
  return { phase: 'rotate', tool: 'audit.rotate', input: { segment, reason }, result: 'ok' };
}

/** The first entry of the next file. */
export function segmentEntry(start: Pick<SegmentStart, 'segment' | 'logId' | 'base' | 'open'>, previous: PreviousFile): OwnEntry {
  const { segment, logId, base, open } = start;
  return { phase: 'segment', tool: 'audit.segment', input: { format: 'conductor-audit/1', logId: logId ?? '', segment, base, previous, open }, result: 'ok' };
}

/** What the record of a removal says of each file: enough to recognise it if it comes back, and to verify the chain without it. */
export const removedFile = z.looseObject({
  segment: number, file: z.string(), entries: number, head: z.string(), bytes: number, sha256: z.string(),
});
/** One file that was removed. */
export type RemovedFile = z.infer<typeof removedFile>;

/** The input of an `audit.prune` entry: files that left the folder by the user's own setting, the oldest first. */
export const pruneInput = z.looseObject({ reason: z.enum(['retention', 'archive']), to: z.string().optional(), logId: z.string().optional(), files: z.array(removedFile) });

/** Calls without outcome as a chain check wants them. */
export function asOrphans(open: readonly OpenCall[]): OrphanCall[] {
  return open.map(({ call, tool, line, offset: at }) => ({ call, tool, line, offset: at }));
}

/** Most open calls that a header carries; more than that never run at once, and as many fit into one line. */
export const mostOpenCalls = 3_000;
/** Most files that one record of a removal names, so that its input stays in the line. */
export const mostRemovedFiles = 100;

/** Finds an existing log in whatever state the last run left it, repairs what a crash explains, and refuses the rest. */
import { basename, join } from 'node:path';
import { hashOfLine, maxLineBytes, tailBytes } from '../../../../protocol/src/audit/bytes';
import type { ChainResult, KnownHead } from '../../../../protocol/src/audit/chain';
import { firstStart, type OpenCall, type SegmentStart } from '../../../../protocol/src/audit/segment';
import type { OwnEntry } from '../../../../protocol/src/audit/entry';
import type { OrphanCall, VerificationReport } from '../../../../protocol/src/audit/report';
import { digestOf } from '../files/digest';
import type { AppendFile, ReadableFile } from '../files/disk';
import { asideFolder, freeName, type LogPlace } from './newLog';
import { passOver, type Pass } from '../verify/pass';
import { reportOf } from '../verify/reporting';
import { openLogFile, packedEnding, segmentName, startOfFile } from '../files/segments';
import { differsBefore } from '../verify/verifier';

/** Where a log ends: which file, how many entries, bytes of the file, and the bare hex hash of the last entry. */
export type LogEnd = Readonly<{
  id: string;
  seq: number;
  head: string;
  size: number;
  /** How the file in use begins. */
  start: SegmentStart;
  /** True when the last entry closes the file, so that nothing but the header of the next file may follow. */
  closed: boolean;
}>;

/** What was found: a log to go on with and what must go on record first, or the report of a log that must not be touched. */
export type Found =
  | Readonly<{ kind: 'usable'; end: LogEnd; open: readonly OpenCall[]; notes: readonly OwnEntry[]; recorded: () => Promise<void> }>
  | Readonly<{ kind: 'tampered'; report: VerificationReport }>;

/** Name of a quarantined piece until the log tells of it. */
const unrecorded = '.bin.unrecorded';

/** Checks the whole log. A torn end is copied to quarantine and cut, or gets its newline; damage elsewhere is left as it is. */
export async function recoverLog(place: LogPlace, file: AppendFile, known: KnownHead | undefined): Promise<Found> {
  const start = (await startOfFile(file)) ?? firstStart;
  const pass = await passOver(file, { start, ...(known && { known }) });
  const { chain } = pass;
  const report = chain.verdict === 'tampered' ? reportOf(pass) : await contradicted(place, pass, start, known);
  if (report !== undefined) return { kind: 'tampered', report };
  const notes: OwnEntry[] = [];
  if (chain.lacksNewline) notes.push(await addNewline(file));
  else if (chain.verdict === 'torn') await cutTorn(place, file, chain);
  const cuts = await unrecordedCuts(place);
  notes.push(...cuts.map(({ note }) => note));
  const open = openCalls(chain.orphans, start);
  for (const orphan of open) notes.push(await closing(place, file, start, orphan));
  const size = chain.goodBytes + (chain.lacksNewline ? 1 : 0);
  return {
    kind: 'usable',
    end: { id: file.mark().id, seq: chain.seq, head: chain.head, size, start, closed: chain.lastPhase === 'rotate' },
    open,
    notes,
    recorded: async () => {
      for (const { path } of cuts) await place.disk.rename(path, path.slice(0, -'.unrecorded'.length));
      if (cuts.length > 0) await place.disk.syncFolder(asideFolder(place));
    },
  };
}

/** The report of a log that is sound in itself and not the one that is remembered, when what is remembered stands in an earlier file. */
async function contradicted({ path, disk }: LogPlace, pass: Pass, start: SegmentStart, known: KnownHead | undefined): Promise<VerificationReport | undefined> {
  if (known === undefined || known.entries >= start.seq) return undefined;
  const finding = await differsBefore(path, disk, start, known);
  return finding === undefined ? undefined : { ...reportOf(pass), verdict: 'tampered', level: null, ...finding, findings: [finding], findingCount: 1 };
}

/** Calls without outcome, each with the file in which its decision stands. */
export function openCalls(orphans: readonly OrphanCall[], start: SegmentStart): OpenCall[] {
  const carried = new Map(start.open.map((one) => [one.call, one]));
  return orphans.map((orphan) => carried.get(orphan.call) ?? { ...orphan, segment: start.segment });
}

async function addNewline(file: AppendFile): Promise<OwnEntry> {
  if ((await file.append(Buffer.from('\n'))) !== 1) throw new Error('the missing newline could not be written');
  await file.sync();
  return repair({ kind: 'newline', cutBytes: 0 });
}

/** Copies the torn end under a name that the log does not tell of yet, makes the copy durable, and only then cuts. */
async function cutTorn(place: LogPlace, file: AppendFile, chain: ChainResult): Promise<void> {
  const { disk } = place;
  const folder = asideFolder(place);
  await disk.makeFolder(folder);
  const part = join(folder, 'quarantine.part');
  const copy = await disk.create(part);
  try {
    await copyFrom(file, chain.goodBytes, copy);
    await copy.sync();
  } finally {
    await copy.close();
  }
  const target = await freeName(place, 'quarantine', unrecorded);
  await disk.rename(part, target);
  await disk.syncFolder(folder);
  await file.truncate(chain.goodBytes);
  await file.sync();
}

async function copyFrom(file: ReadableFile, from: number, target: AppendFile): Promise<void> {
  const block = Buffer.allocUnsafe(262_144);
  let position = from;
  for (let length = await file.read(block, position); length > 0; length = await file.read(block, position)) {
    const written = await target.append(block.subarray(0, length));
    if (written !== length) throw new Error('the torn end of the log could not be copied to quarantine');
    position += length;
  }
}

/** Quarantined pieces of this repair, and of one that was itself cut off, with the entry that tells of each. */
async function unrecordedCuts(place: LogPlace): Promise<ReadonlyArray<{ path: string; note: OwnEntry }>> {
  const folder = asideFolder(place);
  const cuts: { path: string; note: OwnEntry }[] = [];
  for (const name of await place.disk.list(folder)) {
    if (!name.startsWith('quarantine-') || !name.endsWith(unrecorded)) continue;
    const path = join(folder, name);
    const piece = await place.disk.openRead(path);
    if (piece === undefined) continue;
    const { sha256, bytes } = await digestOf(piece).finally(() => piece.close());
    const file = `audit/${basename(name, '.unrecorded')}`;
    cuts.push({ path, note: repair({ kind: 'cut', file, cutBytes: bytes, sha256 }) });
  }
  return cuts;
}

function repair(input: Readonly<Record<string, unknown>>): OwnEntry {
  return { phase: 'recover', tool: 'audit.recover', input, result: 'ok' };
}

/** The outcome of a call that a crash cut off: nobody knows it. */
async function closing(place: LogPlace, file: ReadableFile, start: SegmentStart, { call, tool, segment, line, offset }: OpenCall): Promise<OwnEntry> {
  const earlier = segment !== start.segment;
  const intent = earlier ? await intentOfEarlier(place, segment, offset) : await readIntent(file, offset);
  const known = place.afterCrash?.(call);
  const reason = ['The broker ended before an outcome was recorded.', known].filter((part) => part !== undefined).join(' ');
  return { phase: 'recover', call, tool, ...intent, result: 'unknown', detail: { intentLine: line, ...(earlier ? { intentSegment: segment } : {}), reason } };
}

/** The decision of a call that began before the file in use; without its input when the closed file cannot be read any more. */
async function intentOfEarlier(place: LogPlace, segment: number, offset: number): Promise<Pick<OwnEntry, 'input' | 'inputHash'>> {
  const path = join(asideFolder(place), segmentName(segment));
  for (const candidate of [{ path, packed: false }, { path: path + packedEnding, packed: true }]) {
    if (place.disk.mark(candidate.path) === undefined) continue;
    try {
      const file = await openLogFile(candidate, place.disk);
      return await readIntent(file, offset).finally(() => file.close());
    } catch {
      break;
    }
  }
  return { input: {} };
}

async function readIntent(file: ReadableFile, offset: number): Promise<Pick<OwnEntry, 'input' | 'inputHash'>> {
  const block = Buffer.allocUnsafe(maxLineBytes);
  const length = await file.read(block, offset);
  const newline = block.subarray(0, length).indexOf(0x0a);
  const entry: unknown = JSON.parse(block.toString('utf8', 0, newline === -1 ? length : newline));
  const { input, inputHash } = entry as Readonly<Record<string, unknown>>;
  return {
    input: typeof input === 'object' && input !== null ? { ...input } : {},
    ...(typeof inputHash === 'string' && { inputHash }),
  };
}

/**
 * Whether the log still ends as this process left it, so that a full check can be spared: the last line gives the known
 * hash, and what follows it is at most the beginning of the batch that failed, which is cut here.
 */
export async function endIsAsLeft(file: AppendFile, end: LogEnd, failedBatch: Buffer | undefined): Promise<boolean> {
  const { size } = file.mark();
  if (size < end.size || !(await lastLineIs(file, end))) return false;
  if (size === end.size) return true;
  const extra = Buffer.alloc(size - end.size);
  if (failedBatch === undefined || extra.length > failedBatch.length) return false;
  const length = await file.read(extra, end.size);
  if (length !== extra.length || !extra.equals(failedBatch.subarray(0, length))) return false;
  await file.truncate(end.size);
  return true;
}

async function lastLineIs(file: ReadableFile, end: LogEnd): Promise<boolean> {
  const block = Buffer.alloc(Math.min(end.size, maxLineBytes));
  if ((await file.read(block, end.size - block.length)) !== block.length) return false;
  const newline = block.length - 1;
  if (block[newline] !== 0x0a) return false;
  const start = block.lastIndexOf(0x0a, newline - 1) + 1;
  return newline - start > tailBytes && hashOfLine(block, start, newline) === end.head;
}

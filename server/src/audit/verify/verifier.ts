/** Verifies a log: the files from the oldest to the one in use, and the seams between them. */
import { basename, dirname, join } from 'node:path';
import { headsOf, type ChainResult, type KnownHead, type KnownHeads } from '../../../../protocol/src/audit/chain';
import type { Finding, VerificationReport } from '../../../../protocol/src/audit/report';
import { asOrphans, firstStart, type PreviousFile, type SegmentStart } from '../../../../protocol/src/audit/segment';
import { keptText } from '../content/snapshots';
import { ApprovalCheck } from './approvalCheck';
import { ShownQuestions } from './shownQuestions';
import { realDisk, type Disk, type ReadableFile } from '../files/disk';
import { digestOf } from '../files/digest';
import { lastVerifiedOf, type LastVerified } from './lastVerified';
import { passOver, type Pass } from './pass';
import { abortedReport, missingReport, reportOfFiles, withoutChain, type NamedPass } from './reporting';
import { hashOfEntry } from '../files/search';
import { findLogFiles, nameOf, openLogFile, segmentName, segmentNumbers, type LogFile, type LogFiles } from '../files/segments';
import { readStub } from '../files/stub';
import { startThreads, type StretchReaders } from './threads';

/** What a verification may be told. */
export type VerifyOptions = Readonly<{
  /** Heads that were kept outside the file: make truncation, rollback and replacement visible. */
  known?: KnownHeads;
  /** Verify only this many bytes of the file in use; for a log that is being written, pass what the writer says is durable. */
  upTo?: number;
  /** `default`: closed files by the digest that the next one holds, the one in use line by line. `deep`: every line. `strict`: what every line says, too. */
  depth?: VerificationReport['depth'];
  /** Threads that read at once when every line of a long log is read; 1 by default, which means none besides this one. */
  threads?: number;
  /** Who reads stretches instead, for tests. */
  readers?: StretchReaders;
  signal?: AbortSignal;
  /** Called between blocks with bytes done and bytes to do. */
  onProgress?: (done: number, total: number) => void;
  /** Called when the log is intact, with what the next verification needs to go on from there. */
  onIntact?: (last: LastVerified) => void;
  disk?: Disk;
}>;

/** Verifies the log at `path`. Never throws: what stops the verification is reported as `unverifiable`. */
export async function verifyAuditLog(path: string, options: VerifyOptions = {}): Promise<VerificationReport> {
  const disk = options.disk ?? realDisk;
  for (let attempt = 1; ; attempt += 1) {
    const before = disk.mark(path)?.id;
    const report = await verifyOnce(path, disk, options);
    // A file that was closed or moved meanwhile makes a sound log look damaged: look again.
    const moved = report.class === 'unreadable' || disk.mark(path)?.id !== before;
    if (report.verdict === 'intact' || !moved || attempt === 3 || options.signal?.aborted === true) return report;
  }
}

async function verifyOnce(path: string, disk: Disk, options: VerifyOptions): Promise<VerificationReport> {
  try {
    const found = await findLogFiles(path, disk);
    if (found === undefined) return missingReport(path, headsOf(options.known)[0], await newestClosed(path, disk));
    const readers = options.readers ?? startThreadsFor(found, disk, options);
    return await verifyFiles(found, path, disk, { ...options, ...(readers && { readers }) }).finally(() => readers?.end());
  } catch (cause) {
    const aborted = options.signal?.aborted === true;
    const why = cause instanceof Error ? cause.message : String(cause);
    return aborted
      ? abortedReport
      : withoutChain('unverifiable', 'unreadable', `The log could not be read: ${why}`);
  }
}

/** Less than this many bytes are read before threads have started. */
const leastForThreads = 33_554_432;

function startThreadsFor({ files }: LogFiles, disk: Disk, { threads = 1, depth = 'default' }: VerifyOptions): StretchReaders | undefined {
  const longest = Math.max(0, ...files.map(({ path }) => disk.mark(path)?.size ?? 0));
  return threads < 2 || depth === 'default' || longest < leastForThreads ? undefined : startThreads(threads);
}

async function newestClosed(path: string, disk: Disk): Promise<string | undefined> {
  const numbers = await segmentNumbers(join(dirname(path), 'audit'), disk);
  return numbers.length === 0 ? undefined : `audit/${segmentName(Math.max(...numbers))}`;
}

async function verifyFiles({ files, missing }: LogFiles, path: string, disk: Disk, options: VerifyOptions): Promise<VerificationReport> {
  const depth = options.depth ?? 'default';
  const [first] = files;
  const gap = first === undefined || missing === undefined ? undefined : await judgeGap(first, missing, files, path, disk);
  const begun = new Date().toISOString();
  const passes: NamedPass[] = [];
  const approvals = depth === 'strict' ? new ApprovalCheck((first?.start ?? firstStart).seq === 1, new ShownQuestions((hash) => keptText(path, 'question', hash))) : undefined;
  let before: Pass | undefined;
  const progress = progressOver(files, disk, options.onProgress);
  for (const [i, file] of files.entries()) {
    const name = i === files.length - 1 ? undefined : nameOf(file, path);
    const pass = await verifyFile(file, files[i + 1], before, { ...options, ...(progress && { onProgress: progress(i) }), depth, disk, approvals });
    const seam = before === undefined || file.start === undefined ? undefined : seamFinding(before, file.start);
    passes.push({ ...withFinding(pass, i === 0 ? gap?.finding : seam), name });
    before = pass;
  }
  const earlier = await firstOf(headsOf(options.known), (known) => knownInEarlierFile(files, disk, known));
  const last = passes.pop();
  if (last !== undefined) passes.push({ ...withFinding(last, earlier), name: undefined });
  const report = reportOfFiles(passes, { depth, notes: [...(gap?.note === undefined ? [] : [gap.note]), ...(approvals?.notes() ?? [])] });
  if (report.verdict === 'intact' && before !== undefined) options.onIntact?.(lastVerifiedOf(before, { entries: before.chain.seq, at: begun }));
  return report;
}

/** Progress of one file as progress over all of them, by their sizes on the disk. */
function progressOver(files: readonly LogFile[], disk: Disk, tell: VerifyOptions['onProgress']): ((file: number) => (done: number, size: number) => void) | undefined {
  if (tell === undefined) return undefined;
  const sizes = files.map(({ path }) => disk.mark(path)?.size ?? 0);
  const before = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, one) => sum + one, 0));
  const total = sizes.reduce((sum, one) => sum + one, 0);
  return (i) => (done, size) => tell(Math.min(total, (before[i] ?? 0) + (size === 0 ? 0 : Math.round((done / size) * (sizes[i] ?? 0)))), total);
}

type FileOptions = VerifyOptions & Readonly<{ depth: VerificationReport['depth']; disk: Disk; approvals: ApprovalCheck | undefined }>;

/** A closed file by its digest when that is enough and fits; else line by line. */
export async function verifyFile(file: LogFile, next: LogFile | undefined, before: Pass | undefined, options: FileOptions): Promise<Pass> {
  const start = file.start ?? startAfter(before, file.segment);
  const open = await openLogFile(file, options.disk);
  try {
    const strict = options.approvals === undefined ? {} : { strict: options.approvals };
    if (next === undefined) return await passOver(open, { ...options, start, ...strict });
    const expected = next.start?.previous;
    const { signal, onProgress, readers } = options;
    const telling = { ...(signal && { signal }), ...(onProgress && { onProgress }), ...(readers && { readers }) };
    const whole = expected === undefined || file.start === undefined ? undefined : await digestOf(open, 0, telling);
    const same = expected !== undefined && whole?.sha256 === expected.sha256 && whole.bytes === expected.bytes;
    if (same && options.depth === 'default' && next.start !== undefined) return { id: open.mark().id, chain: closedChain(start, next.start, expected), start, bytes: expected.bytes };
    const pass = await passOver(open, { start, ...strict, ...telling });
    return same || expected === undefined ? neverTorn(pass) : withFinding(neverTorn(pass), otherFile(file, pass, expected, whole?.sha256));
  } finally {
    await open.close();
  }
}

function startAfter(before: Pass | undefined, segment: number): SegmentStart {
  if (before === undefined) return firstStart;
  const { seq, head, orphans } = before.chain;
  return { ...firstStart, segment, seq: seq + 1, prevHash: head, open: orphans.map((one) => ({ ...one, segment: segment - 1 })) };
}

/** What a closed file tells without being read by the line: its digest fits, so its lines are those that were written. */
function closedChain(start: SegmentStart, next: SegmentStart, { entries, bytes }: PreviousFile): ChainResult {
  return {
    verdict: 'intact', entries: entries - start.seq + 1, lines: entries - start.seq + 1, seq: entries, head: next.prevHash, goodBytes: bytes, lastPhase: 'rotate', lacksNewline: false,
    firstTimestamp: start.timestamp, lastTimestamp: next.timestamp, findings: [], findingCount: 0, orphans: asOrphans(next.open), warnings: [],
  };
}

/** No crash tears a file that was closed: what breaks off there was cut. */
export function neverTorn(pass: Pass): Pass {
  const { chain } = pass;
  if (chain.verdict !== 'torn') return pass;
  const findings = chain.findings.map((one) => ({ ...one, class: one.class === 'crash' ? ('truncation' as const) : one.class, message: one.message.replace(', as after a crash', ', although the file was closed') }));
  return { ...pass, chain: { ...chain, verdict: 'tampered', findings } };
}

function otherFile(file: LogFile, { chain }: Pass, expected: PreviousFile, found: string | undefined): Finding | undefined {
  if (chain.findingCount > 0) return undefined;
  const message = `The file ${basename(file.path)} is sound in itself, but not the one that the file after it names: it was cut, rewritten or replaced.`;
  return { class: chain.seq < expected.entries ? 'truncation' : 'fork', line: null, offset: null, expected: expected.sha256, found: found ?? null, message };
}

/** What is wrong where one file ends and the next begins. */
export function seamFinding(before: Pass, start: SegmentStart): Finding | undefined {
  const { seq, head, findingCount } = before.chain;
  if (findingCount > 0 || (start.seq === seq + 1 && start.prevHash === head)) return undefined;
  const message = `The file begins with entry #${start.seq} and does not continue from #${seq}, the last one of the file before it.`;
  return { class: 'link', line: 1, offset: 0, expected: `sha256:${head}`, found: `sha256:${start.prevHash}`, message };
}

/** A pass with one more finding, which comes first. */
export function withFinding(pass: Pass, finding: Finding | undefined): Pass {
  if (finding === undefined) return pass;
  const { chain } = pass;
  return { ...pass, chain: { ...chain, verdict: 'tampered', findings: [finding, ...chain.findings], findingCount: chain.findingCount + 1 } };
}

/** Why the files before the first one are not there: removed on record, which is a note, or not, which is a finding. */
async function judgeGap(first: LogFile, missing: number, files: readonly LogFile[], path: string, disk: Disk): Promise<{ note?: string; finding?: Finding }> {
  const { seq, prevHash } = first.start ?? firstStart;
  const removal = await readStub(path, disk);
  const fits = removal?.last.segment === missing && removal.last.entries === seq - 1 && removal.last.head === `sha256:${prevHash}`;
  if (fits && (await hashInFiles(files, disk, removal.seq)) === removal.hash) {
    const where = removal.reason === 'archive' ? `moved to ${removal.to ?? 'an archive'}` : 'deleted as audit.retentionDays says';
    return { note: `Entries #1 to #${seq - 1} were ${where} on ${removal.timestamp.slice(0, 10)}, which entry #${removal.seq} records; the chain was verified from #${seq} on.` };
  }
  const message = `The file ${segmentName(missing)} with the entries before #${seq} is not there, and no entry records that it was removed.`;
  return { finding: { class: 'truncation', line: null, offset: null, expected: `sha256:${prevHash}`, found: null, message } };
}

/** Compares with a remembered head whose entry stands before the file in use. */
async function knownInEarlierFile(files: readonly LogFile[], disk: Disk, known: KnownHead): Promise<Finding | undefined> {
  const start = files.at(-1)?.start;
  if (start === undefined || known.entries >= start.seq) return undefined;
  const [first] = files;
  // Of a file that was removed on record nothing is left to compare; the first header names its last entry.
  if (known.entries < (first?.start?.seq ?? 1) - 1) return undefined;
  const found = known.entries === (first?.start?.seq ?? 1) - 1 ? first?.start?.prevHash : await hashInFiles(files, disk, known.entries);
  if (found === known.head) return undefined;
  const message = `Entry #${known.entries} is not the one that was last known: the log was rewritten or replaced by another.`;
  return { class: 'fork', line: null, offset: null, expected: `sha256:${known.head}`, found: found === undefined ? null : `sha256:${found}`, message };
}

async function firstOf<T>(items: readonly T[], look: (item: T) => Promise<Finding | undefined>): Promise<Finding | undefined> {
  for (const item of items) {
    const found = await look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same question for a log of which only the file in use was read. */
export async function differsBefore(path: string, disk: Disk, start: SegmentStart, known: KnownHead): Promise<Finding | undefined> {
  if (known.entries === start.seq - 1 && known.head === start.prevHash) return undefined;
  const found = await findLogFiles(path, disk);
  return await knownInEarlierFile(found?.files ?? [], disk, known);
}

/** The bare hash that entry `seq` of a log gives now; undefined when it is not there. */
export async function hashOfLogEntry(path: string, disk: Disk, seq: number): Promise<string | undefined> {
  return await hashInFiles((await findLogFiles(path, disk))?.files ?? [], disk, seq);
}

async function hashInFiles(files: readonly LogFile[], disk: Disk, seq: number): Promise<string | undefined> {
  const file = files.filter(({ start }) => start !== undefined && start.seq <= seq).at(-1);
  if (file === undefined) return undefined;
  const open: ReadableFile = await openLogFile(file, disk);
  return await hashOfEntry(open, seq).finally(() => open.close());
}

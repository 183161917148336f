/** Verifies what a log gained since its last verification, and says that this is all it did. */
import { headsOf, type KnownHead } from '../../../../protocol/src/audit/chain';
import { readTail, tailBytes } from '../../../../protocol/src/audit/bytes';
import type { VerificationReport } from '../../../../protocol/src/audit/report';
import { realDisk, type Disk, type ReadableFile } from '../files/disk';
import { lastVerifiedOf, type LastVerified } from './lastVerified';
import { passOver, type Pass } from './pass';
import { reportOfFiles } from './reporting';
import { findLogFiles, openLogFile, type LogFile } from '../files/segments';
import { hashOfLogEntry, neverTorn, seamFinding, verifyFile, withFinding, type VerifyOptions } from './verifier';

/** A verification that goes on from an earlier one reads new entries as `default` does. */
export type IncrementalOptions = Omit<VerifyOptions, 'depth' | 'upTo'>;

/**
 * Follows the chain from where `last` came to. Undefined means that the log must be verified in full: the file is another one, was cut or
 * does not hold the entry that was last, a known head does not fit, or anything at all is wrong with what is new. A change before that
 * entry, in a file that kept its identity and its length, is not seen.
 */
export async function verifySince(path: string, last: LastVerified, options: IncrementalOptions = {}): Promise<VerificationReport | undefined> {
  return await follow(path, last, options).catch(() => undefined);
}

async function follow(path: string, last: LastVerified, options: IncrementalOptions): Promise<VerificationReport | undefined> {
  const disk = options.disk ?? realDisk;
  const files = (await findLogFiles(path, disk, last.segment))?.files ?? [];
  const [first, ...newer] = files;
  if (first === undefined || first.segment !== last.segment || first.packed) return undefined;
  const begun = await goOn(first, last, newer.length > 0, { ...options, disk });
  if (begun === undefined) return undefined;
  const passes = [begun];
  for (const [i, file] of newer.entries()) passes.push(await passAfter(passes[i] ?? begun, file, newer[i + 1], { ...options, disk }));
  const end = passes.at(-1) ?? begun;
  const report = sinceReport(passes, last);
  if (report.verdict !== 'intact' || !(await holds(path, disk, headsOf(options.known), last, report))) return undefined;
  options.onIntact?.(lastVerifiedOf(end, last.full));
  return report;
}

type WithDisk = IncrementalOptions & Readonly<{ disk: Disk }>;

/** The rest of the file in which the last verification ended; undefined when that is not this file any more. */
async function goOn(file: LogFile, last: LastVerified, closed: boolean, { disk, known, signal, onProgress }: WithDisk): Promise<Pass | undefined> {
  const { start } = file;
  if (start === undefined || start.logId !== last.logId || start.prevHash !== last.prevHash) return undefined;
  const open = await openLogFile(file, disk);
  try {
    if (open.mark().id !== last.file || !(await endsThere(open, last))) return undefined;
    const { lines, bytes, timestamp, seq, head } = last;
    const pass = await passOver(open, {
      start, after: { lines, bytes, timestamp, seq, head, open: last.open },
      ...(closed || known === undefined ? {} : { known }), ...(signal && { signal }), ...(onProgress && { onProgress }),
    });
    return closed ? neverTorn(pass) : pass;
  } finally {
    await open.close();
  }
}

/** Whether the entry that was last still ends where it did. */
async function endsThere(file: ReadableFile, { bytes, head }: LastVerified): Promise<boolean> {
  const tail = Buffer.alloc(tailBytes + 2);
  if (bytes < tail.length || (await file.read(tail, bytes - tail.length)) < tail.length) return false;
  return tail.at(-1) === 0x0a && readTail(tail, 0, tail.length - 1)?.hash === head;
}

async function passAfter(before: Pass, file: LogFile, next: LogFile | undefined, options: WithDisk): Promise<Pass> {
  const pass = await verifyFile(file, next, before, { ...options, depth: 'default', approvals: undefined });
  return withFinding(pass, file.start === undefined ? undefined : seamFinding(before, file.start));
}

function sinceReport(passes: readonly Pass[], last: LastVerified): VerificationReport {
  const [first, ...rest] = passes.map((pass) => ({ ...pass, name: undefined }));
  if (first === undefined) throw new RangeError('there is always a first file');
  const fresh = { ...first, start: { ...first.start, seq: last.seq + 1 }, bytes: first.bytes - last.bytes, chain: { ...first.chain, entries: first.chain.entries - last.lines } };
  const { entries, at } = last.full;
  const note = `Only what came after #${last.seq} was read. Entries up to #${entries} were verified in full at ${at}; a change to them since then would not be seen here, and signatures were not looked at.`;
  const report = reportOfFiles([fresh, ...rest], { depth: 'default', notes: [note] });
  return { ...report, since: { entries, at }, message: report.verdict === 'intact' ? `New entries since the last full verification at #${entries}: ${report.entries}, intact.` : report.message };
}

/** Whether heads that were kept elsewhere fit: those before the new entries by the entry as it stands now. */
async function holds(path: string, disk: Disk, known: readonly KnownHead[], last: LastVerified, { from, entries }: VerificationReport): Promise<boolean> {
  for (const { entries: seq, head } of known) {
    if (seq >= from + entries) return false;
    if (seq === last.seq ? head !== last.head : head !== (await hashOfLogEntry(path, disk, seq))) return false;
  }
  return true;
}

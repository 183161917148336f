/** Verifies a log: one pass, flat memory, and a report that a person and a program can read. */
import { ChainCheck, type ChainResult, type KnownHead } from '../../../protocol/src/audit/chain';
import type { DamageClass, VerificationReport } from '../../../protocol/src/audit/report';
import { realDisk, type Disk, type ReadableFile } from './disk';
import { scanLines } from './lines';

/** What a verification may be told. */
export type VerifyOptions = Readonly<{
  /** A head that was kept outside the file: makes truncation, rollback and replacement visible. */
  known?: KnownHead;
  /** Verify only this many bytes; for a log that is being written, pass what the writer says is durable. */
  upTo?: number;
  signal?: AbortSignal;
  /** Called between blocks with bytes done and bytes to do. */
  onProgress?: (done: number, total: number) => void;
  disk?: Disk;
}>;

/** Everything that a pass over a file tells: the chain, and how many bytes were read. */
export type Pass = Readonly<{ chain: ChainResult; bytes: number }>;

/** Verifies the log at `path`. Never throws: what stops the verification is reported as `unverifiable`. */
export async function verifyAuditLog(path: string, options: VerifyOptions = {}): Promise<VerificationReport> {
  let file: ReadableFile | undefined;
  try {
    file = await (options.disk ?? realDisk).openRead(path);
    if (file === undefined) return missing(path, options.known);
    return reportOf(await passOver(file, options));
  } catch (cause) {
    const aborted = options.signal?.aborted === true;
    const why = cause instanceof Error ? cause.message : String(cause);
    return aborted
      ? withoutChain('unverifiable', 'aborted', 'The verification was stopped before its end.')
      : withoutChain('unverifiable', 'unreadable', `The log could not be read: ${why}`);
  } finally {
    await file?.close();
  }
}

/** Checks the chain of an open file from its first byte. A file that grows meanwhile is followed to a line's end. */
export async function passOver(file: ReadableFile, options: VerifyOptions): Promise<Pass> {
  const check = new ChainCheck(options.known);
  const { signal, onProgress } = options;
  let to = options.upTo ?? file.mark().size;
  const sink = {
    line: check.push.bind(check),
    oversized: check.pushOversized.bind(check),
    progress: (done: number): void => onProgress?.(done, to),
  };
  let rest = await scanLines(file, { from: 0, to }, sink, signal);
  // A line that seems to break off may only be on its way to the disk: read on as long as the file grows.
  while (rest !== undefined && options.upTo === undefined) {
    const grown = file.mark().size;
    if (grown <= to) break;
    to = grown;
    rest = await scanLines(file, { from: rest.offset, to }, sink, signal);
  }
  return { chain: check.finish(rest), bytes: to };
}

const listed = 100;

/** Makes the report of a pass. */
export function reportOf({ chain, bytes }: Pass): VerificationReport {
  const [first] = chain.findings;
  const none = { class: null, line: null, offset: null, expected: null, found: null, message: intactMessage(chain) };
  const torn = chain.verdict === 'torn';
  return {
    verdict: chain.verdict,
    level: chain.verdict === 'intact' ? 'chain intact' : null,
    entries: chain.entries,
    bytes,
    head: chain.seq === 0 ? null : `sha256:${chain.head}`,
    firstTimestamp: chain.firstTimestamp ?? null,
    lastTimestamp: chain.lastTimestamp ?? null,
    ...(first ?? none),
    ...(torn ? { class: 'crash' as const } : {}),
    findings: [...chain.findings],
    findingCount: chain.findingCount,
    orphans: chain.orphans.slice(0, listed),
    orphanCount: chain.orphans.length,
    warnings: [...chain.warnings],
  };
}

function intactMessage({ entries, orphans }: ChainResult): string {
  const open = orphans.length === 0 ? '' : ` ${orphans.length} admitted without a recorded outcome (running, or cut off).`;
  return `Chain intact: ${entries} ${entries === 1 ? 'entry' : 'entries'}.${open}`;
}

function missing(path: string, known: KnownHead | undefined): VerificationReport {
  if (known === undefined) return withoutChain('unverifiable', 'missing', `There is no audit log at ${path}.`);
  const message = `The log had ${known.entries} entries and is gone: there is no file at ${path}.`;
  return { ...withoutChain('tampered', 'truncation', message), expected: `sha256:${known.head}` };
}

function withoutChain(verdict: 'unverifiable' | 'tampered', kind: DamageClass, message: string): VerificationReport {
  const finding = { class: kind, line: null, offset: null, expected: null, found: null, message };
  const nothing = { entries: 0, bytes: 0, head: null, firstTimestamp: null, lastTimestamp: null, level: null };
  return { verdict, ...nothing, ...finding, findings: [finding], findingCount: 1, orphans: [], orphanCount: 0, warnings: [] };
}

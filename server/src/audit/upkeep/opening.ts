/** Opens the log for the writer: creates it, checks all of it at a start, or only its end after a failed write. */
import { dirname } from 'node:path';
import type { KnownHead } from '../../../../protocol/src/audit/chain';
import type { VerificationReport } from '../../../../protocol/src/audit/report';
import type { OpenCall } from '../../../../protocol/src/audit/segment';
import type { AppendFile } from '../files/disk';
import { asideFolder, createLog, type LogPlace } from './newLog';
import { endIsAsLeft, recoverLog, type Found, type LogEnd } from './recovery';
import { beginNextFile, resumeRename } from './rotation';
import { segmentNumbers } from '../files/segments';
import { verifyAuditLog } from '../verify/verifier';

/** What this process knows of the log from before. */
export type Remembered = Readonly<{
  /** A head that was kept outside of this process. */
  known: KnownHead | undefined;
  /** Where the log ended when it was last open here. */
  end: LogEnd | undefined;
  /** Calls that were open there. */
  open: readonly OpenCall[];
  /** The batch whose writing failed, as far as it may stand at the end of the file. */
  failedBatch: Buffer | undefined;
}>;

/** An open log, or why it must not be appended to. */
export type Opened =
  | Readonly<{ kind: 'open'; file: AppendFile; found: Extract<Found, { kind: 'usable' }> }>
  | Readonly<{ kind: 'tampered'; report: VerificationReport }>;

/** Opens the log at its place. Rejects with the operating system's cause when it cannot be created, read or repaired. */
export async function openLog(place: LogPlace, memory: Remembered): Promise<Opened> {
  const { disk, path } = place;
  await disk.makeFolder(dirname(path));
  let file = await disk.openAppend(path);
  if (file === undefined && ((await resumeRename(place)) || (await mayBegin(place, memory)))) file = await disk.openAppend(path);
  if (file === undefined) return { kind: 'tampered', report: await verifyAgainst(place, memory) };
  const found = await withRights(file, check(place, file, memory)).catch(async (cause: unknown) => {
    await file.close();
    throw cause;
  });
  if (found.kind === 'tampered') {
    await file.close();
    return found;
  }
  if (!found.end.closed) return { kind: 'open', file, found };
  const next = await beginNextFile(place, file, found.end, found.open).catch(async (cause: unknown) => {
    await file.close();
    throw cause;
  });
  return { kind: 'open', file: next.file, found: { ...found, end: next.end } };
}

/** Closes a file of which everything is found to be in order to others; that they could have written to it goes on record. */
async function withRights(file: AppendFile, checked: Promise<Found>): Promise<Found> {
  const found = await checked;
  if (found.kind === 'tampered') return found;
  const mode = await file.makePrivate();
  if (mode === undefined) return found;
  const note = { phase: 'recover', tool: 'audit.recover', input: { kind: 'permissions', mode }, result: 'ok' } as const;
  return { ...found, notes: [note, ...found.notes] };
}

/** Begins the very first log, when nothing says that there was one. */
async function mayBegin(place: LogPlace, memory: Remembered): Promise<boolean> {
  if (headToExpect(memory) !== undefined || (await segmentNumbers(asideFolder(place), place.disk)).length > 0) return false;
  await createLog(place);
  return true;
}

/** The head that the log must still have: of this process, or the one kept outside. */
export function headToExpect({ known, end }: Remembered): KnownHead | undefined {
  return end === undefined ? known : { entries: end.seq, head: end.head };
}

/** Verifies the log against everything that is remembered of it. */
export function verifyAgainst({ path, disk }: LogPlace, memory: Remembered): Promise<VerificationReport> {
  const known = headToExpect(memory);
  return verifyAuditLog(path, { disk, ...(known && { known }) });
}

/** The quick way back after a failed write, when nobody else touched the file; else the whole check of a start. */
async function check(place: LogPlace, file: AppendFile, memory: Remembered): Promise<Found> {
  const { end, failedBatch } = memory;
  if (end === undefined) return await recoverLog(place, file, memory.known);
  if (file.mark().id === end.id && (await endIsAsLeft(file, end, failedBatch))) {
    return { kind: 'usable', end, open: memory.open, notes: [], recorded: () => Promise.resolve() };
  }
  const found = await recoverLog(place, file, headToExpect(memory));
  if (found.kind === 'tampered' || found.end.seq === end.seq) return found;
  // The next file was begun, and what failed came after that.
  if (end.closed && found.end.seq === end.seq + 1 && found.end.start.seq === found.end.seq) return found;
  // The chain fits, but this process is the only one that may continue it.
  const report = await verifyAgainst(place, memory);
  const message = `${found.end.seq - end.seq} entries after #${end.seq} were appended by another program.`;
  const forged = { verdict: 'tampered', level: null, class: 'fork', line: end.seq + 1, offset: end.size, message } as const;
  return { kind: 'tampered', report: { ...report, ...forged } };
}

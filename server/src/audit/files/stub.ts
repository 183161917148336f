/**
 * What is left of files that were removed: a copy of the `audit.prune` entry that recorded it. The entry itself is in the
 * chain, so the stub proves nothing by itself and cannot be forged alone; whatever signs the chain signs it.
 */
import { dirname, join } from 'node:path';
import { hashOfLine, readTail } from '../../../../protocol/src/audit/bytes';
import { readHead } from '../../../../protocol/src/audit/head';
import { pruneInput, type RemovedFile } from '../../../../protocol/src/audit/segment';
import { wholeOf } from './digest';
import type { Disk } from './disk';
import { lineAt, placeOf } from './search';

/** A removal on record: the entry's number and hash, why, when, where to, and the last file that went. */
export type Removal = Readonly<{ seq: number; hash: string; reason: 'retention' | 'archive'; to: string | undefined; logId: string | undefined; timestamp: string; last: RemovedFile }>;

/** Where the stub lies. */
export function stubPath(logPath: string): string {
  return join(dirname(logPath), 'audit', 'pruned.log');
}

/** Leaves a copy of entry `seq`, which the file in use holds, as the stub. */
export async function writeStub(logPath: string, disk: Disk, seq: number): Promise<void> {
  const log = await disk.openRead(logPath);
  const place = log === undefined ? undefined : await placeOf(log, seq);
  const line = log === undefined || place === undefined ? undefined : await lineAt(log, place);
  await log?.close();
  // The file was closed in this very moment: the next run records the removal again.
  if (line === undefined) throw new Error(`entry #${seq} is not in the file in use`);
  const part = `${stubPath(logPath)}.part`;
  const file = await disk.create(part);
  try {
    if ((await file.append(Buffer.concat([line, Buffer.from('\n')]))) !== line.length + 1) throw new Error('the stub could not be written; the disk may be full');
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(part, stubPath(logPath));
  await disk.syncFolder(dirname(stubPath(logPath)));
}

/** Reads the stub beside a log; undefined when there is none, or it is not a whole entry that records a removal. */
export async function readStub(logPath: string, disk: Disk): Promise<Removal | undefined> {
  for (const path of [stubPath(logPath), join(dirname(logPath), 'pruned.log')]) {
    const file = await disk.openRead(path);
    if (file === undefined) continue;
    const removal = removalOf(await wholeOf(file).finally(() => file.close()));
    if (removal !== undefined) return removal;
  }
  return undefined;
}

function removalOf(bytes: Buffer): Removal | undefined {
  const end = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
  const tail = readTail(bytes, 0, end);
  if (tail === undefined || hashOfLine(bytes, 0, end) !== tail.hash) return undefined;
  const head = readHead(bytes, 0, end);
  if (head?.tool !== 'audit.prune') return undefined;
  const { input } = JSON.parse(bytes.toString('utf8', 0, end)) as Readonly<{ input: unknown }>;
  const { data } = pruneInput.safeParse(input);
  const last = data?.files.at(-1);
  if (data === undefined || last === undefined) return undefined;
  return { seq: head.seq, hash: tail.hash, reason: data.reason, to: data.to, logId: data.logId, timestamp: head.timestamp, last };
}

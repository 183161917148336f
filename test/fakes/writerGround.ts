import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storedEntry, type NewEntry, type StoredEntry } from '../../protocol/src/audit/entry';
import { ConductorError } from '../../protocol/src/errors';
import { realDisk, type Disk } from '../../server/src/audit/files/disk';
import { eventIds } from '../../server/src/audit/write/eventId';
import { openAuditWriter, type AuditWriter, type AuditWriterOptions } from '../../server/src/audit/write/writer';

/** For tests: a log of its own for each, and words for what goes into it. */

/** Absolute folder of the test at hand. */
export let folder: string;

/** The log in it. */
export let path: string;

const opened: AuditWriter[] = [];

/** Gives each test of a suite a folder of its own, and closes what it opened. */
export function useLog(): void {
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'conductor-audit-')), '.conductor');
    path = join(folder, 'audit.log');
  });
  afterEach(async () => {
    for (const writer of opened.splice(0)) await writer.close();
    await rm(join(folder, '..'), { recursive: true });
  });
}

/** Opens the log of this test; it is closed behind the test. */
export async function open(options: Partial<AuditWriterOptions> = {}): Promise<AuditWriter> {
  const writer = await openAuditWriter({ path, createdBy: 'conductor test', ...options });
  opened.push(writer);
  return writer;
}

export const nextId = eventIds();
export const event = (n: unknown): NewEntry => ({ phase: 'event', tool: 'broker.test', input: { n }, result: 'ok' });
export const intent = (id = nextId()): NewEntry & { id: string } => ({ phase: 'intent', id, tool: 'shell.exec', input: { command: 'ls' }, result: 'admitted' });
export const done = (call: string): NewEntry => ({ phase: 'done', call, tool: 'shell.exec', input: { command: 'ls' }, result: 'success' });

/** The entries of a log, which must end with its last line. */
export async function lines(file = path): Promise<StoredEntry[]> {
  const text = await readFile(file, 'utf8');
  assert.ok(text.endsWith('\n'));
  return text.slice(0, -1).split('\n').map((line) => storedEntry.parse(JSON.parse(line)));
}

/** Expects an error of ours, with these words. */
export const rejectsWith = (code: string, says: RegExp) => (thrown: unknown): boolean => {
  assert.ok(thrown instanceof ConductorError, String(thrown));
  assert.equal(thrown.code, code);
  assert.match(thrown.message, says);
  return true;
};
export const isUnavailable = (says: RegExp) => rejectsWith('AUDIT_UNAVAILABLE', says);

/** The real disk with a count of writes and syncs. */
export function counting(): { disk: Disk; appends: () => number; syncs: () => number } {
  const count = { append: 0, sync: 0 };
  const openAppend: Disk['openAppend'] = async (name) => {
    const file = await realDisk.openAppend(name);
    return (
      file && {
        ...file,
        append: (bytes) => ((count.append += 1), file.append(bytes)),
        sync: () => ((count.sync += 1), file.sync()),
      }
    );
  };
  return { disk: { ...realDisk, openAppend }, appends: () => count.append, syncs: () => count.sync };
}

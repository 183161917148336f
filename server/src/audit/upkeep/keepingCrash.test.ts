import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { seeded, SimulatedDisk } from '../../../../test/fakes/simulatedDisk';
import { event } from '../../../../test/fakes/writerGround';
import { keepFiles } from './keeping';
import { defaultKeeping, type Keeping } from './newLog';
import { verifyAuditLog } from '../verify/verifier';
import { openAuditWriter, type AuditWriter } from '../write/writer';

/** Compressing, moving and removing closed files on a disk that loses power at any of its operations. */

const path = '/home/.conductor/audit.log';
const maxBytes = 1_500;
const begun = 1_800_000_000_000;
const later = begun + 40 * 86_400_000;
const settings: Readonly<Record<string, Partial<Keeping>>> = {
  removing: { retentionDays: 30 },
  compressing: { compress: true },
  moving: { archive: '/archive' },
  'compressing and moving': { compress: true, archive: '/archive' },
};

const open = (disk: SimulatedDisk, now = begun): Promise<AuditWriter> => openAuditWriter({ path, createdBy: 'test', disk, now: () => now, keeping: () => ({ ...defaultKeeping, maxBytes }) });
const keep = (disk: SimulatedDisk, writer: AuditWriter, wish: Partial<Keeping>): Promise<unknown> =>
  keepFiles({ path, disk, keeping: { ...defaultKeeping, maxBytes, ...wish }, now: () => later, record: (entry) => writer.append(entry) });

/** Entries by id, with the number of the file that holds them: the one in use, closed, compressed and moved ones. */
function entriesOn(disk: SimulatedDisk, inUse: number): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, bytes] of disk.files()) {
    const [, segment = String(inUse).padStart(6, '0')] = /(\d{6})\.log(?:\.gz)?$/.exec(name) ?? [];
    if (name.endsWith('.part') || !/\.log(\.gz)?$/.test(name)) continue;
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    for (const [, id = ''] of text.matchAll(/"id":"(evt_[0-9A-Z]{26})","timestamp"/g)) found.set(id, segment);
  }
  return found;
}

/** A log of several files, and what keeping does with it while the power goes at this operation; 0 is never. Gives the number of operations. */
async function cutPowerAt(wish: Partial<Keeping>, operation: number, seed: number): Promise<number> {
  const where = `${JSON.stringify(wish)}, operation ${operation}, seed ${seed}`;
  const disk = new SimulatedDisk();
  const writer = await open(disk);
  for (let n = 0; n < 10; n += 1) await writer.append(event(n));
  while (writer.state().bytes >= maxBytes) await sleep(1);
  const inUse = writer.state().segment;
  const acked = entriesOn(disk, writer.state().segment);
  const before = disk.operations;
  disk.fate = (_, n) => (n - before === operation ? 'power' : 'well');
  await keep(disk, writer, wish).catch(() => undefined);
  const used = disk.operations - before;
  const next = disk.afterPowerCut(seeded(seed * 1_000 + operation));
  const again = await open(next, later);
  assert.equal(again.state().health.state, 'healthy', `${where}: ${JSON.stringify(again.state().health)}`);
  // What was removed first stands in an entry that may be removed itself later.
  const removed = new Set<string | undefined>();
  for (const round of ['after the power came back', 'after keeping once more']) {
    const report = await verifyAuditLog(path, { disk: next, depth: 'deep' });
    assert.equal(report.verdict, 'intact', `${where}, ${round}: ${report.message}`);
    const log = [...next.files()].map(([, bytes]) => bytes.toString('latin1')).join('');
    if (wish.retentionDays !== undefined) for (const [, segment] of log.matchAll(/"file":"audit\/(\d{6})\.log","head"/g)) removed.add(segment);
    const found = entriesOn(next, again.state().segment);
    for (const [id, segment] of acked) assert.ok(found.has(id) || removed.has(segment), `${where}, ${round}: ${id} of file ${segment} is lost`);
    await keep(next, again, wish);
  }
  const closed = [...next.files().keys()].filter((name) => Number(/audit\/(\d{6})\.log(?:\.gz)?$/.exec(name)?.[1] ?? inUse) < inUse);
  if (wish.archive !== undefined || wish.retentionDays !== undefined) assert.deepEqual(closed, [], `${where}: left behind`);
  else assert.ok(closed.every((name) => name.endsWith('.gz')), `${where}: ${closed.join()}`);
  return used;
}

describe('keeping of closed files after a power cut', () => {
  for (const [name, wish] of Object.entries(settings)) {
    it(`audit:crash-in-keeping T83 loses nothing while ${name} closed files`, async function () {
      this.timeout(180_000);
      const operations = await cutPowerAt(wish, 0, 1);
      assert.ok(operations > 5, `${operations} operations`);
      for (let operation = 1; operation <= operations; operation += 1) for (let seed = 1; seed <= 8; seed += 1) await cutPowerAt(wish, operation, seed);
      if (process.env['AUDIT_TEST_VERBOSE'] !== undefined) process.stdout.write(`${name}: ${operations} operations\n`);
    });
  }
});

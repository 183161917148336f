import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openSnapshots, snapshotFolderName } from '../content/snapshots';
import { realDisk } from '../files/disk';
import { pruneSnapshots } from './snapshotPruning';

describe('audit/snapshotPruning', () => {
  let folder = '';
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'conductor-pruning-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Stores a policy of some other broker's life, this many days ago. */
  function stored(name: string, daysAgo: number): string {
    const hash = openSnapshots(join(folder, 'audit.log')).keep('policy', { name });
    const time = new Date(Date.now() - daysAgo * 86_400_000);
    utimesSync(join(folder, snapshotFolderName, `policy-${hash}.json`), time, time);
    return hash;
  }

  it('audit:snapshots-pruned: what no line names and is older than the log may be leaves, on record; nothing else does', async () => {
    const log = join(folder, 'audit.log');
    const [unnamed, named, packed, damaged, young, present] = [stored('unnamed', 40), stored('named', 40), stored('packed', 40), stored('damaged', 40), stored('young', 5), stored('present', 40)];
    mkdirSync(join(folder, 'audit'));
    writeFileSync(log, `{"verdict":{"policyHash":"${named}"}}\n{"torn":`);
    writeFileSync(join(folder, 'audit', '000007.log.gz'), gzipSync(`{"input":{"policyHash":"${packed}"}}\n`));
    writeFileSync(join(folder, 'audit', 'damaged-2026.log'), `{"metrics":"sha256:${damaged}"}`);
    const snapshots = openSnapshots(log);
    assert.equal(snapshots.keep('policy', { name: 'present' }), present);
    const record: unknown[] = [];
    const prune = (retentionDays: number): Promise<number> => pruneSnapshots({ path: log, disk: realDisk, snapshots, retentionDays, now: Date.now, record: ({ tool, input }) => {
      assert.equal(snapshots.read(unnamed).hash, unnamed, 'recorded before it goes');
      return Promise.resolve(record.push({ tool, input }));
    } });
    assert.equal(await prune(0), 0);
    assert.equal(await prune(30), 1);
    assert.deepEqual(record, [{ tool: 'audit.pruneSnapshots', input: { reason: 'retention', snapshots: [`policy-${unnamed}`] } }]);
    assert.throws(() => snapshots.read(unnamed), /Nothing with the hash/);
    for (const hash of [named, packed, damaged, young, present]) assert.equal(snapshots.read(hash).hash, hash);
    assert.equal(await prune(30), 0);
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptText, openSnapshots, snapshotFolderName } from './snapshots';

describe('snapshots', () => {
  let folder: string;
  const stored = (): string => join(folder, snapshotFolderName);
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'conductor-snapshots-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('audit:snapshots: are kept once under the SHA-256 of their bytes, in a private folder', () => {
    const snapshots = openSnapshots(join(folder, 'audit.log'));
    const hash = snapshots.keep('policy', { b: 1, a: ['x'] });
    assert.equal(hash, createHash('sha256').update('{"a":["x"],"b":1}').digest('hex'));
    assert.equal(snapshots.keep('policy', { a: ['x'], b: 1 }), hash);
    assert.equal(openSnapshots(join(folder, 'audit.log')).keep('policy', { a: ['x'], b: 1 }), hash);
    assert.deepEqual(readdirSync(stored()), [`policy-${hash}.json`]);
    const file = join(stored(), `policy-${hash}.json`);
    assert.equal(createHash('sha256').update(readFileSync(file)).digest('hex'), hash);
    if (process.platform !== 'win32') assert.deepEqual([statSync(stored()).mode & 0o777, statSync(file).mode & 0o777], [0o700, 0o600]);
    assert.deepEqual(openSnapshots(join(folder, 'audit.log')).read(`sha256:${hash}`), { kind: 'policy', hash, text: '{\n  "a": [\n    "x"\n  ],\n  "b": 1\n}' });
  });

  it('audit:snapshots: one that was changed is named and not shown, and the next keeping mends it', () => {
    const hash = openSnapshots(join(folder, 'audit.log')).keep('metrics', { calls: 1 });
    const file = join(stored(), `metrics-${hash}.json`);
    writeFileSync(file, '{"calls":2}');
    assert.throws(() => openSnapshots(join(folder, 'audit.log')).read(hash), /was changed/);
    assert.equal(openSnapshots(join(folder, 'audit.log')).keep('metrics', { calls: 1 }), hash);
    assert.equal(readFileSync(file, 'utf8'), '{"calls":1}');
    assert.throws(() => openSnapshots(join(folder, 'audit.log')).read('0'.repeat(64)), /Nothing with the hash/);
  });

  it('approvals:shown-kept: are kept in the background like the others, and read as they lie there', async () => {
    const log = join(folder, 'audit.log');
    await openSnapshots(log).keepLater('question', { raw: 'ls' });
    const [name] = readdirSync(stored());
    const hash = createHash('sha256').update('{"raw":"ls"}').digest('hex');
    assert.equal(name, `question-${hash}.json`);
    assert.equal(keptText(log, 'question', hash), '{"raw":"ls"}');
    assert.equal(openSnapshots(log).read(hash).kind, 'question');
    writeFileSync(join(stored(), name), 'other');
    assert.deepEqual([keptText(log, 'question', hash), keptText(log, 'question', '0'.repeat(64))], ['other', undefined]);
    rmSync(join(stored(), name));
    mkdirSync(join(stored(), name));
    assert.equal(keptText(log, 'question', hash), undefined);
  });

  it('leaves nothing half written behind when the disk refuses', function () {
    if (process.platform === 'win32' || process.getuid?.() === 0) this.skip();
    const snapshots = openSnapshots(join(folder, 'audit.log'));
    snapshots.keep('policy', {});
    chmodSync(stored(), 0o500);
    assert.throws(() => snapshots.keep('policy', { other: true }));
    chmodSync(stored(), 0o700);
    assert.equal(readdirSync(stored()).length, 1);
    assert.ok(existsSync(stored()));
  });
});

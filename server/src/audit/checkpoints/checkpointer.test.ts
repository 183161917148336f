import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCheckpoint, type Checkpoint } from '../../../../protocol/src/audit/checkpoint';
import { epochKeyOf, keysAfter, namedLogKey, newLogKeys, signCheckpoint, type LogKeys } from '../../../../protocol/src/audit/keys';
import { growthFits, proveConsistency, rootsOver } from '../../../../protocol/src/audit/merkle';
import { judgeSeries } from '../../../../protocol/src/audit/series';
import type { SignAnswer, SignRequest } from '../../../../protocol/src/audit/signing';
import { Checkpointer, headOfCheckpoints, type Signer, type Times } from './checkpointer';
import { checkpointFileOf, CheckpointStore } from './checkpointStore';
import { realDisk } from '../files/disk';
import { keyFileSigner } from './keyFile';
import { gradeLog, readBefore } from './grading';
import { readLeaves } from './leaves';
import { keepFiles } from '../upkeep/keeping';
import { defaultKeeping } from '../upkeep/newLog';
import { verifyAuditLog } from '../verify/verifier';
import { openAuditWriter, type AuditWriter } from '../write/writer';

/** A log that is written and signed, with clocks that only the test moves. */
class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'conductor-checkpoints-'));
  readonly log = join(this.folder, 'audit.log');
  timers: { run: () => void; ms: number; cancelled: boolean }[] = [];
  signers: Signer[] = [];
  writer: AuditWriter | undefined;
  checkpointer: Checkpointer | undefined;
  store = new CheckpointStore(this.log, realDisk);
  made: Checkpoint[] = [];
  maxBytes = defaultKeeping.maxBytes;

  async open(times?: Times): Promise<void> {
    this.store = new CheckpointStore(this.log, realDisk);
    await this.store.open();
    const known = headOfCheckpoints(this.store);
    this.writer = await openAuditWriter({ path: this.log, createdBy: 'test', keeping: () => ({ ...defaultKeeping, maxBytes: this.maxBytes }), ...(known && { known }) });
    this.checkpointer = new Checkpointer({
      log: this.log, disk: realDisk, writer: this.writer, store: this.store, signers: () => this.signers, actor: { role: 'broker', user: 'test' }, now: () => Date.UTC(2026, 10, 21),
      schedule: (run, ms) => {
        const timer = { run, ms, cancelled: false };
        this.timers.push(timer);
        return () => { timer.cancelled = true; };
      },
      made: (checkpoint) => this.made.push(checkpoint),
      ...(times && { times }),
    });
  }

  /** Lets the clocks of this length strike once. */
  async strike(ms: number): Promise<void> {
    const due = this.timers.filter((timer) => timer.ms === ms && !timer.cancelled);
    this.timers = this.timers.filter((timer) => !due.includes(timer));
    for (const { run } of due) run();
    await this.settled();
  }

  async settled(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await this.checkpointer?.make('activity');
  }

  async event(count = 1): Promise<void> {
    const { writer } = this;
    assert.ok(writer !== undefined);
    await Promise.all(Array.from({ length: count }, () => writer.append({ phase: 'event', tool: 'test.event', input: {}, result: 'ok' })));
    await new Promise((resolve) => setImmediate(resolve));
  }

  async close(): Promise<void> {
    await this.checkpointer?.close();
    await this.writer?.close();
    this.timers = [];
  }

  async end(): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true });
  }

  lines(): Record<string, unknown>[] {
    return readFileSync(this.log, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** A signer with keys in memory, that rolls them as an editor does. */
function memorySigner(): Signer & { keys: LogKeys; answer?: SignAnswer } {
  const signer: Signer & { keys: LogKeys; answer?: SignAnswer } = {
    name: 'An editor window',
    keys: newLogKeys(),
    sign({ facts, closed }: SignRequest) {
      if (signer.answer !== undefined) return Promise.resolve(signer.answer);
      signer.keys = keysAfter(signer.keys, closed);
      return Promise.resolve({ kind: 'signed', note: signCheckpoint(signer.keys, facts, 'editor') } as const);
    },
  };
  return signer;
}

const quick: Times = { every: 5, quietMs: 10, epochMs: 1000, retryMs: 60 };

describe('signing the log while it is written', () => {
  let bench: Bench;
  beforeEach(() => { bench = new Bench(); });
  afterEach(() => bench.end());

  it('signs some time after activity and after so many entries, names the key in the log, and covers everything', async () => {
    bench.signers = [memorySigner()];
    await bench.open(quick);
    await bench.event(2);
    await bench.strike(10);
    const [first] = bench.made;
    assert.equal(first?.size, bench.writer?.state().entries);
    assert.deepEqual(bench.lines().slice(-2).map((line) => line['tool']), ['audit.checkpoint', 'audit.key']);
    await bench.event(5);
    await bench.settled();
    assert.equal(bench.made.length, 2);
    const last = bench.lines().at(-1);
    assert.deepEqual([last?.['tool'], last?.['seq']], ['audit.checkpoint', bench.made[1]?.size]);
    assert.deepEqual(judgeSeries(bench.store.all).problems, []);
    assert.equal(bench.checkpointer?.state().signedTo, bench.writer?.state().entries);
    assert.equal(bench.checkpointer?.state().problem, null);
  });

  it('does not take its own entries for activity', async () => {
    bench.signers = [memorySigner()];
    await bench.open(quick);
    await bench.strike(10);
    const size = bench.made[0]?.size;
    for (let quiet = 0; quiet < 3; quiet += 1) await bench.strike(10);
    assert.equal(bench.writer?.state().entries, size);
    assert.equal(bench.made.length, 1);
  });

  it('ends epochs, idle ones too, and every run begins one', async () => {
    const signer = memorySigner();
    bench.signers = [signer];
    await bench.open(quick);
    await bench.event();
    await bench.strike(10);
    const old = signer.keys.key;
    for (let hour = 0; hour < 3; hour += 1) await bench.strike(1000);
    await bench.close();
    await bench.open(quick);
    await bench.event();
    await bench.strike(10);
    assert.deepEqual(bench.store.all.map(({ epoch }) => epoch), [1, 1, 2, 3, 4]);
    assert.ok(!JSON.stringify(signer.keys).includes(old), 'the key of a closed epoch is gone');
    const [first] = bench.store.all;
    assert.ok(first !== undefined);
    for (const pin of [namedLogKey(first), epochKeyOf(first)]) {
      const { signed, problems } = judgeSeries(bench.store.all, [pin]);
      assert.deepEqual([problems, signed[0]?.checkpoint.size], [[], bench.writer?.state().entries]);
    }
  });

  it('signs a true tree: roots, heads, digests and growth are those of the file', async () => {
    bench.signers = [memorySigner()];
    await bench.open(quick);
    for (let round = 0; round < 4; round += 1) {
      await bench.event(3);
      await bench.strike(10);
      if (round === 1) {
        await bench.close();
        await bench.open(quick);
      }
    }
    const all = bench.store.all;
    const bytes = readFileSync(bench.log);
    const { leaves } = await readLeaves(bench.log, all.at(-1)?.size ?? 0, realDisk);
    const rootOf = rootsOver(leaves);
    const { createHash } = await import('node:crypto');
    all.forEach((one, i) => {
      assert.equal(one.root, rootOf(0, one.size).toString('hex'));
      assert.equal(one.segmentDigest, createHash('sha256').update(bytes.subarray(0, one.bytes)).digest('hex'));
      assert.equal(bytes.subarray(one.bytes - 67, one.bytes - 3).toString(), one.head);
      const before = all[i - 1];
      if (before === undefined) return;
      const growth = { old: before.size, oldRoot: Buffer.from(before.root, 'hex'), size: one.size, root: Buffer.from(one.root, 'hex') };
      assert.equal(growthFits(growth, proveConsistency(before.size, one.size, rootOf)), true);
    });
    assert.equal(all.length, 4);
  });

  it('signs over several files, when one is closed too, and goes on when old ones were removed on record', async () => {
    bench.signers = [memorySigner()];
    bench.maxBytes = 3000;
    await bench.open(quick);
    for (let round = 0; round < 6; round += 1) {
      await bench.event(5);
      await bench.strike(10);
    }
    const all = bench.store.all;
    assert.ok(new Set(all.map(({ segment }) => segment)).size > 2, 'the log has several files');
    const { leaves } = await readLeaves(bench.log, all.at(-1)?.size ?? 0, realDisk);
    for (const one of all) assert.equal(one.root, rootsOver(leaves)(0, one.size).toString('hex'));
    const places = { log: bench.log, checkpoints: checkpointFileOf(bench.log), disk: realDisk };
    const grade = async (): Promise<readonly [string, string | null, readonly string[]]> => {
      const kept = await readBefore(places);
      const { verdict, level, notes } = await gradeLog(await verifyAuditLog(bench.log), kept, places, { roots: true });
      return [verdict, level, notes];
    };
    assert.deepEqual(await grade(), ['intact', 'signed', []]);
    const { writer } = bench;
    assert.ok(writer !== undefined);
    await keepFiles({ path: bench.log, disk: realDisk, keeping: { ...defaultKeeping, retentionDays: 1 }, now: () => Date.now() + 9 * 86_400_000, record: (entry) => writer.append(entry) });
    await bench.strike(10);
    await bench.close();
    await bench.open(quick);
    await bench.event(2);
    await bench.strike(10);
    assert.equal(bench.checkpointer?.state().problem, null);
    assert.equal(bench.store.last?.size, bench.writer?.state().entries);
    const [verdict, level, notes] = await grade();
    assert.deepEqual([verdict, level], ['intact', 'signed']);
    assert.match(notes.join(' '), /records.*roots could not be computed anew/s);
  });

  it('does not trust an edge of the tree that does not give the signed root', async () => {
    bench.signers = [memorySigner()];
    await bench.open(quick);
    await bench.event(2);
    await bench.strike(10);
    await bench.close();
    const edge = join(bench.folder, 'audit.edge');
    const kept = readFileSync(edge, 'utf8');
    writeFileSync(edge, kept.replace(/"[0-9a-f]{4}/g, '"0000'));
    await bench.open(quick);
    assert.equal(await bench.store.edge(), undefined);
    await bench.event();
    await bench.strike(10);
    const { leaves } = await readLeaves(bench.log, bench.made.at(-1)?.size ?? 0, realDisk);
    assert.equal(bench.made.at(-1)?.root, rootsOver(leaves)(0, leaves.length).toString('hex'));
  });

  it('falls back to the key file, which is private, and says so', async () => {
    bench.signers = [{ name: 'An editor window', sign: () => Promise.resolve({ kind: 'unavailable', reason: 'its keyring is locked' }) }, { name: 'The key file', sign: keyFileSigner(bench.log, realDisk) }];
    await bench.open(quick);
    await bench.event();
    await bench.strike(10);
    assert.equal(bench.checkpointer?.state().place, 'file');
    assert.match(bench.checkpointer?.state().problem ?? '', /weaker key, because An editor window: its keyring is locked/);
    if (process.platform !== 'win32') assert.equal(statSync(join(bench.folder, 'audit.key')).mode & 0o777, 0o600);
    const before = readFileSync(join(bench.folder, 'audit.key'), 'utf8');
    await bench.close();
    await bench.open(quick);
    await bench.event();
    await bench.strike(10);
    assert.deepEqual(bench.store.all.map(({ epoch }) => epoch), [1, 2]);
    assert.deepEqual(judgeSeries(bench.store.all).problems, []);
    assert.notEqual(readFileSync(join(bench.folder, 'audit.key'), 'utf8'), before);
  });

  it('stops at a signer that remembers the log differently, asks nobody else, and tries again', async () => {
    const signer = memorySigner();
    bench.signers = [signer, { name: 'The key file', sign: keyFileSigner(bench.log, realDisk) }];
    signer.answer = { kind: 'refused', reason: 'It signed 900 entries before.' };
    await bench.open(quick);
    await bench.event();
    await bench.strike(10);
    assert.deepEqual([bench.made.length, bench.store.last], [0, undefined]);
    assert.match(bench.checkpointer?.state().problem ?? '', /not signed any further: An editor window refuses to sign it. It signed 900/);
    delete signer.answer;
    await bench.strike(60);
    assert.deepEqual([bench.made.length, bench.checkpointer?.state().problem], [1, null]);
    assert.equal(bench.lines().filter((line) => line['tool'] === 'audit.checkpoint').length, 1, 'repeated attempts leave one entry');
  });

  it('takes no signature for anything else than what was asked', async () => {
    const signer = memorySigner();
    bench.signers = [{ name: 'An editor window', sign: (request) => signer.sign({ ...request, facts: { ...request.facts, size: request.facts.size + 1 } }) }];
    await bench.open(quick);
    await bench.event();
    await bench.strike(10);
    assert.match(bench.checkpointer?.state().problem ?? '', /signed something else/);
    assert.equal(bench.store.last, undefined);
  });

  it('T80 a log that is shorter than its checkpoints is refused at the next start, whatever a crash would explain', async () => {
    bench.signers = [memorySigner()];
    await bench.open(quick);
    await bench.event(4);
    await bench.strike(10);
    await bench.close();
    const whole = readFileSync(bench.log, 'utf8');
    const lines = whole.trimEnd().split('\n');
    for (const cut of [`${lines.slice(0, -2).join('\n')}\n`, `${lines.slice(0, -1).join('\n')}\n${(lines.at(-1) ?? '').slice(0, 50)}`]) {
      writeFileSync(bench.log, cut);
      await bench.open(quick);
      assert.equal(bench.writer?.state().health.state, 'tampered');
      assert.equal(readFileSync(bench.log, 'utf8'), cut, 'evidence is left as it is');
      assert.equal(await bench.checkpointer?.make('activity'), false);
      await bench.close();
    }
    writeFileSync(bench.log, whole);
    await bench.open(quick);
    assert.equal(bench.writer?.state().health.state, 'healthy');
  });

  it('cuts a note that a crash left unfinished, and leaves anything else in the file as it is', async () => {
    bench.signers = [memorySigner()];
    await bench.open(quick);
    await bench.event();
    await bench.strike(10);
    await bench.close();
    const file = checkpointFileOf(bench.log);
    const whole = readFileSync(file, 'utf8');
    appendFileSync(file, whole.slice(0, 200));
    await bench.open(quick);
    assert.equal(readFileSync(file, 'utf8'), whole);
    await bench.close();
    writeFileSync(file, `something\n\nelse\n\n${whole}`);
    await bench.open(quick);
    assert.match(bench.checkpointer?.state().problem ?? '', /something that is no checkpoint/);
    await bench.event();
    await bench.strike(10);
    assert.ok(readFileSync(file, 'utf8').startsWith('something'));
    assert.equal(bench.made.length, 2);
  });

  it('goes on in the file that is there when another one was put in its place', async () => {
    bench.signers = [memorySigner()];
    await bench.open(quick);
    await bench.event();
    await bench.strike(10);
    const file = checkpointFileOf(bench.log);
    const kept = readFileSync(file);
    rmSync(file);
    writeFileSync(file, kept, { mode: 0o600 });
    await bench.event();
    await bench.strike(10);
    assert.equal(bench.made.length, 2);
    const text = readFileSync(file, 'utf8');
    assert.ok(text.startsWith(kept.toString('utf8')) && text.length > kept.length);
  });

  it('puts the checkpoints aside with the log that they are of', async () => {
    bench.signers = [memorySigner()];
    await bench.open(quick);
    await bench.event();
    await bench.strike(10);
    const [first] = bench.made;
    await bench.close();
    truncateSync(bench.log, 100);
    await bench.open(quick);
    await bench.writer?.startNewLog('cut by a test');
    await bench.checkpointer?.startAnew();
    await bench.strike(10);
    const now = parseCheckpoint(readFileSync(checkpointFileOf(bench.log), 'utf8').slice(0, -1));
    assert.equal(now?.previous, undefined);
    assert.notEqual(now?.logId, first?.logId);
    assert.ok(readFileSync(join(bench.folder, 'audit', `log-${first?.logId ?? ''}.checkpoints`), 'utf8').includes(first?.logId ?? 'x'));
  });
});

import assert from 'node:assert/strict';
import { seeded, SimulatedDisk, type Chance, type Fate } from '../../../../test/fakes/simulatedDisk';
import { defaultKeeping } from '../upkeep/newLog';
import { verifyAuditLog } from '../verify/verifier';
import { openAuditWriter, type AuditWriter } from './writer';
import { eventIds } from './eventId';

const path = '/home/.conductor/audit.log';
/** The text of all files of the log, closed ones too. */
const logText = (disk: SimulatedDisk): string =>
  [...disk.files()].filter(([name]) => name === path || /audit\/\d{6}\.log$/.test(name)).map(([, bytes]) => bytes.toString('utf8')).join('');
const lineIds = (disk: SimulatedDisk): string[] => [...logText(disk).matchAll(/"id":"(evt_[0-9A-Z]{26})","timestamp"/g)].map(([, id]) => id ?? '');

/** Calls of which a decision or an outcome stands in the log. */
const callIds = (disk: SimulatedDisk): string[] => [...logText(disk).matchAll(/"phase":"(?:intent|done)","call":"(evt_[0-9A-Z]{26})"/g)].map(([, id]) => id ?? '');

/** Bytes at which a file is closed: never, in the first half of the tests. */
let secondNames = true;
let maxBytes = Number.POSITIVE_INFINITY;
const open = (disk: SimulatedDisk): Promise<AuditWriter> =>
  openAuditWriter({ path, createdBy: 'test', disk, keeping: () => ({ ...defaultKeeping, maxBytes }) });
const nextId = eventIds();

type Memory = { acked: Set<string>; attempted: Set<string>; executed: Set<string> };

/** Six calls in two rounds: decision, "execution", outcome. */
async function work(disk: SimulatedDisk, memory: Memory): Promise<void> {
  const writer = await open(disk);
  const call = async (n: number): Promise<void> => {
    const id = nextId();
    const common = { tool: 'shell.exec', input: { command: 'x'.repeat(100 * n), n } } as const;
    memory.attempted.add(id);
    await writer.append({ ...common, phase: 'intent', id, result: 'admitted' });
    memory.acked.add(id);
    memory.executed.add(id);
    const done = await writer.append({ ...common, phase: 'done', call: id, result: 'success' });
    memory.acked.add(done.id);
  };
  await Promise.allSettled([1, 2, 3, 4, 5, 6].map(call));
  for (const n of [7, 8]) await call(n).catch(() => undefined);
  await writer.close().catch(() => undefined);
}

/** Operations of a repair, at most. */
const mostRepairs = 14;

/** The bytes that a repair will cut; undefined when there is nothing to cut. */
async function tornEnd(disk: SimulatedDisk): Promise<Buffer | undefined> {
  const report = await verifyAuditLog(path, { disk });
  return report.verdict === 'torn' ? disk.bytes(path)?.subarray(report.offset ?? 0) : undefined;
}

/** Six calls and two on a disk that loses power at this operation, and what the next start finds there. */
async function workUntil(operation: number, chance: Chance): Promise<{ memory: Memory; second: SimulatedDisk }> {
  const memory: Memory = { acked: new Set(), attempted: new Set(), executed: new Set() };
  const disk = new SimulatedDisk();
  disk.links = secondNames;
  disk.fate = (_, n) => (n === operation ? 'power' : 'well');
  await work(disk, memory);
  return { memory, second: disk.afterPowerCut(chance) };
}

async function cutPowerAt(operation: number, seed: number, inRepair?: number): Promise<'usable' | 'refused'> {
  const chance = seeded(seed * 1_000 + operation);
  const { memory, second } = await workUntil(operation, chance);
  // The first restart loses power as well, somewhere in its repair; the second one is left alone.
  const torn = await tornEnd(second);
  const again = inRepair ?? Math.floor(chance() * mostRepairs) + 1;
  second.fate = (_, n) => (n === again ? 'power' : 'well');
  await open(second).then((writer) => writer.close().catch(() => undefined));
  const third = second.afterPowerCut(chance);
  const before = third.bytes(path);
  const writer = await open(third);
  const where = `power cut at operation ${operation}, seed ${seed}, again at ${again}`;
  const recovered = new Set(lineIds(third));
  for (const id of memory.acked) assert.ok(recovered.has(id), `${where}: acknowledged entry ${id} is lost`);
  for (const id of memory.executed) assert.ok(recovered.has(id), `${where}: call ${id} ran without its decision on record`);
  for (const id of callIds(third)) assert.ok(memory.attempted.has(id), `${where}: ${id} was never handed over`);
  if (writer.state().health.state === 'healthy') {
    const report = await verifyAuditLog(path, { disk: third });
    assert.equal(report.verdict, 'intact', `${where}: ${report.message}`);
    assert.equal(report.orphanCount, 0, `${where}: orphan calls`);
    const placed = await writer.append({ phase: 'event', tool: 'broker.test', input: {}, result: 'ok' });
    assert.ok(placed.seq > report.entries, where);
    const kept = [...third.files().values()].some((bytes) => torn === undefined || bytes.includes(torn));
    assert.ok(kept, `${where}: the torn end is neither in the log nor in quarantine`);
    const log = logText(third);
    assert.equal((await verifyAuditLog(path, { disk: third, depth: 'deep' })).verdict, 'intact', where);
    for (const name of third.files().keys()) {
      const [piece] = /quarantine-[^/]*$/.exec(name) ?? [];
      if (piece !== undefined) assert.ok(piece.endsWith('.bin') && log.includes(`"audit/${piece}"`), `${where}: ${piece} is not on record`);
    }
    return 'usable';
  }
  assert.equal(writer.state().health.state, 'tampered', where);
  assert.deepEqual(third.bytes(path), before, `${where}: a refused log must not be touched`);
  return 'refused';
}

describe('audit log after a power cut', () => {
  it('audit:crash-keeps-acknowledged T83 T87 loses nothing acknowledged at any operation boundary', async function () {
    this.timeout(120_000);
    const whole = new SimulatedDisk();
    await work(whole, { acked: new Set(), attempted: new Set(), executed: new Set() });
    const outcomes = { usable: 0, refused: 0 };
    for (let operation = 1; operation <= whole.operations; operation += 1) {
      for (let seed = 1; seed <= 80; seed += 1) outcomes[await cutPowerAt(operation, seed)] += 1;
    }
    assert.ok(outcomes.usable + outcomes.refused >= 1_000, 'too few points were tried');
    // A hole of lost sectors with whole entries after it cannot be told from tampering, so it is refused, never repaired.
    assert.ok(outcomes.refused < outcomes.usable / 10, JSON.stringify(outcomes));
    if (process.env['AUDIT_TEST_VERBOSE'] !== undefined) process.stdout.write(`${JSON.stringify({ operations: whole.operations, ...outcomes })}\n`);
  });

  it('audit:crash-in-recovery T83 loses nothing when the power goes again at any operation of the repair', async function () {
    this.timeout(120_000);
    const whole = new SimulatedDisk();
    await work(whole, { acked: new Set(), attempted: new Set(), executed: new Set() });
    let points = 0;
    for (let operation = 1; operation <= whole.operations; operation += 1) {
      for (let repair = 1; repair <= mostRepairs; repair += 1) {
        for (const seed of [101, 102, 103, 104, 105]) {
          await cutPowerAt(operation, seed, repair);
          points += 1;
        }
      }
    }
    assert.ok(points >= 1_000, `${points} points`);
  });

  it('audit:crash-in-recovery T84 refuses and goes on when any operation of the repair fails', async function () {
    this.timeout(120_000);
    const whole = new SimulatedDisk();
    await work(whole, { acked: new Set(), attempted: new Set(), executed: new Set() });
    for (let operation = 1; operation <= whole.operations; operation += 1) {
      for (let repair = 1; repair <= mostRepairs; repair += 1) {
        const { memory, second } = await workUntil(operation, seeded(operation * 100 + repair));
        const fate: Fate = repair % 2 === 0 ? { code: 'EIO' } : 'short';
        second.fate = (_, n) => (n === repair ? fate : 'well');
        const where = `power cut at operation ${operation}, then ${JSON.stringify(fate)} at ${repair}`;
        const writer = await open(second);
        const event = { phase: 'event', tool: 'broker.test', input: {}, result: 'ok' } as const;
        const placed = await writer.append(event).catch(() => writer.append(event)).catch(() => undefined);
        const refused = writer.state().health.state === 'tampered';
        assert.ok(refused || placed !== undefined, `${where}: ${JSON.stringify(writer.state().health)}`);
        const recovered = new Set(lineIds(second));
        for (const id of [...memory.acked, ...memory.executed, ...(placed === undefined ? [] : [placed.id])]) assert.ok(recovered.has(id), `${where}: ${id} is lost`);
        const report = await verifyAuditLog(path, { disk: second });
        assert.equal(report.verdict, refused ? 'tampered' : 'intact', `${where}: ${report.message}`);
        await writer.close();
      }
    }
  });

  for (const links of [true, false]) {
    it(`audit:crash-in-rotation T83 loses nothing when files are closed and begun, ${links ? 'with' : 'without'} second names`, async function () {
      this.timeout(120_000);
      maxBytes = 1_500;
      secondNames = links;
      try {
        const whole = new SimulatedDisk();
        whole.links = links;
        await work(whole, { acked: new Set(), attempted: new Set(), executed: new Set() });
        assert.ok([...whole.files().keys()].filter((name) => /\d{6}\.log$/.test(name)).length >= 3, 'files were closed');
        const outcomes = { usable: 0, refused: 0 };
        for (let operation = 1; operation <= whole.operations; operation += 1) {
          for (let seed = 1; seed <= 15; seed += 1) outcomes[await cutPowerAt(operation, seed)] += 1;
        }
        if (process.env['AUDIT_TEST_VERBOSE'] !== undefined) process.stdout.write(`${JSON.stringify({ operations: whole.operations, ...outcomes })}\n`);
        assert.ok(outcomes.usable + outcomes.refused >= 1_000, 'too few points were tried');
        assert.ok(outcomes.refused < outcomes.usable / 10, JSON.stringify(outcomes));
      } finally {
        maxBytes = Number.POSITIVE_INFINITY;
        secondNames = true;
      }
    });
  }
});

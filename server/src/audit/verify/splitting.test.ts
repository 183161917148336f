import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { prepareEntry, writeLine, zeroHash } from '../../../../protocol/src/audit/bytes';
import type { NewEntry, OwnEntry } from '../../../../protocol/src/audit/entry';
import { SimulatedDisk } from '../../../../test/fakes/simulatedDisk';
import { readStretch } from './stretches';
import type { StretchReaders } from './threads';
import { verifyAuditLog, type VerifyOptions } from './verifier';

/** A log that is read in stretches at once must be judged to the letter as one that is read line by line. */

const path = '/audit.log';

/** Reads stretches in this thread; counts those that were taken as they are. */
function readersOf(bytes: number): StretchReaders & { plain: number } {
  const readers = {
    count: 2, bytes, plain: 0,
    read: async (...[file, job]: Parameters<StretchReaders['read']>) => {
      const stretch = await readStretch(file, job);
      if (stretch !== undefined) readers.plain += 1;
      return stretch;
    },
    end: () => undefined,
  };
  return readers;
}

async function same(bytes: Buffer, size: number, options: VerifyOptions = {}): Promise<number> {
  const disk = new SimulatedDisk();
  disk.tamper(path, bytes);
  const readers = readersOf(size);
  const alone = await verifyAuditLog(path, { ...options, disk });
  assert.deepEqual(await verifyAuditLog(path, { ...options, disk, readers }), alone);
  return readers.plain;
}

const id = (n: number): string => `evt_${String(n).padStart(26, '0')}`;

type Step = Readonly<{ kind: 'intent' | 'done' | 'recover' | 'event' | 'odd' | 'other tool' | 'answer' | 'false answer'; call: number; back: boolean }>;

function entryOf({ kind, call }: Step): NewEntry | OwnEntry {
  const common = { tool: 'shell.exec', input: { n: call } } as const;
  switch (kind) {
    case 'intent': return { ...common, phase: 'intent', id: id(call), result: 'admitted' };
    case 'done': return { ...common, phase: 'done', call: id(call), result: 'success' };
    case 'other tool': return { ...common, tool: 'x.y', phase: 'done', call: id(call), result: 'success' };
    case 'recover': return { ...common, phase: 'recover', call: id(call), result: 'unknown' };
    case 'event': return { ...common, phase: 'event', result: 'ok' };
    case 'answer': return { ...common, phase: 'event', result: 'ok', approval: { id: id(call), decision: 'approved', by: 'editor', waitedMs: 1, level: 'unsigned' } };
    // Claims a signature that is not there.
    case 'false answer': return { ...common, phase: 'event', result: 'ok', approval: { id: id(call), decision: 'approved', by: 'editor', waitedMs: 1, level: 'editor key' } };
    // Escaped in the line, so that a glance is not enough.
    case 'odd': return { ...common, phase: 'event', input: { text: '\u202e' }, result: 'ok' };
  }
}

/** An honestly chained log of these steps. */
function logOf(steps: readonly Step[]): Buffer {
  const target = Buffer.alloc(2_000 + steps.length * 1_000);
  let [at, head, time] = [0, zeroHash, 1_800_000_000_000];
  const genesis: OwnEntry = { phase: 'genesis', tool: 'audit.genesis', input: { format: 'conductor-audit/1' }, result: 'ok' };
  for (const [i, entry] of [genesis, ...steps.map(entryOf)].entries()) {
    time += steps[i - 1]?.back === true ? -5_000 : 1_000;
    const prepared = prepareEntry(entry, entry.phase === 'intent' ? entry.id : id(1_000 + i), new Date(time).toISOString());
    ({ end: at, hash: head } = writeLine(target, at, prepared, i + 1, head));
  }
  return target.subarray(0, at);
}

const step = fc.record({ kind: fc.constantFrom<Step['kind'][]>('intent', 'intent', 'done', 'done', 'done', 'event', 'recover', 'odd', 'other tool', 'answer', 'false answer'), call: fc.integer({ min: 1, max: 4 }), back: fc.integer({ min: 0, max: 19 }).map((n) => n === 0) });
const honest: readonly Step[] = Array.from({ length: 60 }, (_, i) => ({ kind: i % 2 === 0 ? 'intent' : 'done', call: 10 + (i >> 1), back: false }));

describe('reading a log in stretches at once', () => {
  it('takes stretches of an honest log as they are', async () => {
    for (const depth of ['deep', 'strict'] as const) assert.ok((await same(logOf(honest), 3_000, { depth })) >= 8);
  });

  it('audit:threads-vectors judges every vector as one thread does', async () => {
    const folder = join(__dirname, '../../../../test/vectors/audit');
    for (const name of readdirSync(folder).filter((one) => one.endsWith('.log'))) {
      for (const size of [100, 500, 900]) for (const depth of ['deep', 'strict'] as const) await same(readFileSync(join(folder, name)), size, { depth });
    }
  });

  it('audit:threads-fuzz judges calls, clocks and damage across the seams as one thread does', async function () {
    this.timeout(4_000_000);
    const seconds = Number(process.env['AUDIT_FUZZ_SECONDS'] ?? 10);
    let tried = 0;
    const damage = fc.record({ at: fc.nat(20_000), drop: fc.integer({ min: 0, max: 30 }), put: fc.oneof(fc.constant(Buffer.alloc(0)), fc.constantFrom(Buffer.from('\n'), Buffer.alloc(40), Buffer.from('x'))) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.array(damage, { maxLength: 2 }), fc.integer({ min: 200, max: 4_000 }), fc.constantFrom('deep', 'strict'), fc.nat(40), async (steps, changes, size, depth, entries) => {
        tried += 1;
        const whole = logOf(steps);
        const bytes = changes.reduce((now, { at, drop, put }) => Buffer.concat([now.subarray(0, at % now.length), put, now.subarray((at % now.length) + drop)]), whole);
        await same(bytes, size, { depth, ...(entries === 0 ? {} : { known: [{ entries, head: whole.toString('latin1').split('\n')[entries - 1]?.slice(-66, -2) ?? '' }] }) });
      }),
      { numRuns: 10_000_000, interruptAfterTimeLimit: seconds * 1_000, markInterruptAsFailure: false },
    );
    if (process.env['AUDIT_FUZZ_SECONDS'] !== undefined) process.stderr.write(`    ${String(tried)} logs in stretches\n`);
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import { SimulatedDisk } from '../../../../test/fakes/simulatedDisk';
import { hashOfLine, prepareEntry, writeLine, zeroHash } from '../../../../protocol/src/audit/bytes';
import type { NewEntry, OwnEntry } from '../../../../protocol/src/audit/entry';
import { damageClasses, verdicts, verificationReport } from '../../../../protocol/src/audit/report';
import { verifyAuditLog, type VerifyOptions } from './verifier';

/** Ways to damage a log, as data: what is done to an honest log of ten entries, and what each level must say of it. */

const path = '/home/.conductor/audit.log';
const id = (n: number): string => `evt_01K9ZZZZZZ00000000000000${String(n).padStart(2, '0')}`;
const agent = { role: 'agent', client: 'example 1.0', connection: 1, user: 'ann' } as const;

const entries: readonly (NewEntry | OwnEntry)[] = [
  { phase: 'genesis', tool: 'audit.genesis', input: { createdBy: 'conductor', format: 'conductor-audit/1', logId: '0f'.repeat(16), publicKey: null }, result: 'ok' },
  { phase: 'intent', id: id(2), tool: 'shell.exec', input: { command: 'ls' }, result: 'admitted', actor: agent },
  { phase: 'done', call: id(2), tool: 'shell.exec', input: { command: 'ls' }, result: 'success', durationMs: 2, output: { sha256: `sha256:${'cd'.repeat(32)}`, bytes: 3 }, actor: agent },
  { phase: 'denied', id: id(4), tool: 'shell.exec', input: { command: 'rm -rf /' }, result: 'denied', verdict: { verdict: 'deny', rule: 'shell.notListed', reason: 'not listed' }, actor: agent },
  { phase: 'event', id: id(5), tool: 'breaker.reset', input: { tool: 'shell.exec' }, result: 'ok', detail: { reason: 'by hand' } },
  { phase: 'intent', id: id(6), tool: 'filesystem.write', input: { path: 'a.txt', content: `,"prevHash":"sha256:${'0'.repeat(64)}","hash":"sha256:${'0'.repeat(64)}"}` }, result: 'admitted', approval: { id: 'apr_1', decision: 'approved', by: 'editor', waitedMs: 10 }, actor: agent },
  { phase: 'done', call: id(6), tool: 'filesystem.write', input: { path: 'a.txt' }, result: 'success', durationMs: 3, actor: agent },
  { phase: 'event', id: id(8), tool: 'config.changed', input: { text: 'Grüße \u2028 \ud800 \u202e 世界' }, result: 'ok' },
  { phase: 'event', id: id(9), tool: 'broker.test', input: { text: 'x'.repeat(1_200) }, result: 'ok' },
  { phase: 'event', id: id(10), tool: 'broker.stopped', input: {}, result: 'ok' },
];

function honestLines(): string[] {
  const target = Buffer.alloc(20_000);
  let head = zeroHash;
  return entries.map((entry, i) => {
    const { end, hash } = writeLine(target, 0, prepareEntry(entry, id(i + 1), `2026-11-21T20:53:${String(10 + i)}.000Z`), i + 1, head);
    head = hash;
    return target.toString('utf8', 0, end - 1);
  });
}

const lineNumber = z.number().int().min(1);
/** One thing that is done to the lines, which are counted from 1; the last few work on the bytes. */
const step = z.union([
  z.strictObject({ edit: lineNumber, from: z.string(), to: z.string() }),
  z.strictObject({ remove: lineNumber, count: lineNumber.optional() }),
  z.strictObject({ copy: lineNumber, before: lineNumber }),
  z.strictObject({ insert: z.string(), before: lineNumber }),
  z.strictObject({ swap: z.tuple([lineNumber, lineNumber]) }),
  /** Gives a line the right hash again, and all lines from there to the end the right links, or none but its own hash. */
  z.strictObject({ rechain: lineNumber }),
  z.strictObject({ rehash: lineNumber }),
  z.strictObject({ renumber: lineNumber }),
  z.strictObject({ cut: z.number().int().min(0) }),
  z.strictObject({ append: z.string() }),
  z.strictObject({ zero: z.tuple([z.number(), z.number()]) }),
  z.strictObject({ bytes: z.literal('crlf') }),
  z.strictObject({ prepend: z.string() }),
  z.strictObject({ flip: z.number() }),
]);
const answer = z.tuple([z.enum(verdicts), z.enum(damageClasses).nullable(), z.number().nullable()]);
const corpus = z
  .array(z.strictObject({ name: z.string(), steps: z.array(step), chain: answer, strict: answer.optional(), anchored: answer.optional() }))
  .parse(JSON.parse(readFileSync(join(__dirname, '../../../../test/vectors/audit/tampering.json'), 'utf8')));

type Step = z.infer<typeof step>;

function damaged(steps: readonly Step[]): Buffer {
  const lines = honestLines();
  let bytes: Buffer | undefined;
  const whole = (): Buffer => (bytes ??= Buffer.from(lines.map((line) => `${line}\n`).join('')));
  for (const one of steps) {
    if ('edit' in one) {
      const before = lines[one.edit - 1] ?? '';
      assert.ok(before.includes(one.from), `line ${one.edit} does not hold ${one.from}`);
      lines[one.edit - 1] = before.replace(one.from, () => one.to);
    } else if ('remove' in one) lines.splice(one.remove - 1, one.count ?? 1);
    else if ('copy' in one) lines.splice(one.before - 1, 0, lines[one.copy - 1] ?? '');
    else if ('insert' in one) lines.splice(one.before - 1, 0, one.insert);
    else if ('swap' in one) [lines[one.swap[0] - 1], lines[one.swap[1] - 1]] = [lines[one.swap[1] - 1] ?? '', lines[one.swap[0] - 1] ?? ''];
    else if ('renumber' in one) for (let i = one.renumber - 1; i < lines.length; i += 1) lines[i] = (lines[i] ?? '').replace(/"seq":\d+/, `"seq":${i + 1}`);
    else if ('rechain' in one) for (let i = one.rechain - 1; i < lines.length; i += 1) lines[i] = chained(lines[i] ?? '', i === 0 ? zeroHash : (lines[i - 1] ?? '').slice(-66, -2));
    else if ('rehash' in one) lines[one.rehash - 1] = chained(lines[one.rehash - 1] ?? '', undefined);
    else bytes = onBytes(whole(), one);
  }
  return whole();
}

function onBytes(bytes: Buffer, one: Step): Buffer {
  if ('cut' in one) return bytes.subarray(0, bytes.length - one.cut);
  if ('append' in one) return Buffer.concat([bytes, Buffer.from(one.append)]);
  if ('prepend' in one) return Buffer.concat([Buffer.from(one.prepend), bytes]);
  if ('bytes' in one) return Buffer.from(bytes.toString('utf8').replaceAll('\n', '\r\n'));
  const copy = Buffer.from(bytes);
  const at = (place: number): number => (place < 0 ? bytes.length + place : place);
  if ('zero' in one) copy.fill(0, at(one.zero[0]), at(one.zero[1]) || bytes.length);
  if ('flip' in one) copy[at(one.flip)] = (copy[at(one.flip)] ?? 0) ^ 1;
  return copy;
}

/** A line with this link (its own by default) and the hash that it must then have. */
function chained(line: string, prevHash: string | undefined): string {
  const linked = prevHash === undefined ? line : line.replace(/"prevHash":"sha256:[0-9a-f]{64}"(?=,"hash":"sha256:[0-9a-f]{64}"\}$)/, `"prevHash":"sha256:${prevHash}"`);
  const bytes = Buffer.from(linked);
  return linked.slice(0, -66) + hashOfLine(bytes, 0, bytes.length) + linked.slice(-2);
}

async function verify(bytes: Buffer, options: VerifyOptions = {}): Promise<z.infer<typeof verificationReport>> {
  const disk = new SimulatedDisk();
  disk.tamper(path, bytes);
  return verificationReport.parse(await verifyAuditLog(path, { ...options, disk }));
}

const known = { entries: entries.length, head: (honestLines().at(-1) ?? '').slice(-66, -2) };

describe('audit tampering corpus', () => {
  it('audit:corpus holds at least sixty ways, and no two of the same name', () => {
    assert.ok(corpus.length >= 60, `${corpus.length} cases`);
    assert.equal(new Set(corpus.map(({ name }) => name)).size, corpus.length);
  });

  it('calls the log intact that nobody touched, at every level', async () => {
    const bytes = damaged([]);
    for (const options of [{}, { depth: 'deep' }, { depth: 'strict' }, { known }, { depth: 'strict', known }] as const) {
      const { verdict, message } = await verify(bytes, options);
      assert.equal(verdict, 'intact', message);
    }
  });

  for (const { name, steps, chain, strict = chain, anchored = chain } of corpus) {
    it(`T78 T79 T80 T81 T82 ${name}`, async () => {
      const bytes = damaged(steps);
      for (const [level, wanted, options] of [['chain', chain, {}], ['strict', strict, { depth: 'strict' }], ['anchored', anchored, { known }]] as const) {
        const { verdict, class: kind, line, message } = await verify(Buffer.from(bytes), options);
        assert.deepEqual([verdict, kind, line], wanted, `${level}: ${message}`);
      }
    });
  }
});

describe('audit verifier under fuzz', () => {
  const honest = damaged([]);

  it('audit:fuzz never throws, hangs or calls a log intact that differs, whatever bytes it is given', async function () {
    this.timeout(4_000_000);
    const change = fc.record({ at: fc.nat(honest.length - 1), drop: fc.integer({ min: 0, max: 400 }), put: fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.string().map((text) => Buffer.from(text)), fc.constantFrom(Buffer.from('\n'), Buffer.alloc(40), Buffer.from('{"v":1,"seq":'))) });
    const seconds = Number(process.env['AUDIT_FUZZ_SECONDS'] ?? 10);
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.constantFrom('default', 'strict'), async (changes, depth) => {
        const bytes = changes.reduce((now, { at, drop, put }) => Buffer.concat([now.subarray(0, at), put, now.subarray(at + drop)]), honest);
        tried += 1;
        const report = await verify(bytes, { depth, known });
        assert.equal(report.verdict === 'intact', bytes.equals(honest), report.message);
      }),
      { numRuns: 100_000_000, interruptAfterTimeLimit: seconds * 1_000, markInterruptAsFailure: false },
    );
    if (process.env['AUDIT_FUZZ_SECONDS'] !== undefined) process.stderr.write(`    ${String(tried)} damaged logs\n`);
  });

  it('takes any bytes at all for a log', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => assert.notEqual((await verify(Buffer.from(bytes), { depth: 'strict' })).verdict, 'intact')), { numRuns: 300 });
  });
});

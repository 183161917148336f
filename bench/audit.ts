/**
 * What we claim about the speed of the audit log, each as a ratio to a named baseline of the same run. Rounds alternate
 * between both sides, and the median of the ratios counts.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareEntry, sha256, writeLine, zeroHash } from '../protocol/src/audit/bytes';
import type { NewEntry, OwnEntry } from '../protocol/src/audit/entry';
import { eventIds } from '../server/src/audit/write/eventId';
import { defaultKeeping } from '../server/src/audit/upkeep/newLog';
import { createAuditReader } from '../server/src/audit/read/reader';
import { verifyAuditLog } from '../server/src/audit/verify/verifier';
import { openAuditWriter } from '../server/src/audit/write/writer';
import { childCpu } from './childCpu';
import { median } from './figures';

/** One measured ratio: what is divided by what, the median and the range over the rounds, and absolute figures for the curious. */
export type Ratio = Readonly<{ name: string; baseline: string; median: number; low: number; high: number; rounds: number; absolute: string }>;

/** Ids of calls. */
export const nextId = eventIds();

const actor = { role: 'agent', client: 'claude-code 2.1.330', connection: 1, user: 'ann' } as const;
const project = '/home/ann/project';

/** What a call is asked. */
export function inputOf(n: number): Readonly<Record<string, unknown>> {
  return { path: '/home/ann/project/src/index.ts', content: `line ${n}` };
}

/** An intent where `n` is even, else its outcome; built without spreading, which would cost more than the work that is measured. */
export function call(n: number, id: string, input = inputOf(n)): NewEntry {
  const tool = 'filesystem.write';
  if (n % 2 === 0) return { tool, input, actor, project, phase: 'intent', id, result: 'admitted' };
  return { tool, input, actor, project, phase: 'done', call: id, result: 'success', durationMs: 1.5 };
}

function ratio(name: string, baseline: string, values: readonly number[], absolute: string): Ratio {
  const sorted = [...values].sort((a, b) => a - b);
  const [low = Number.NaN] = sorted;
  return { name, baseline, median: median(values), low, high: sorted.at(-1) ?? Number.NaN, rounds: values.length, absolute };
}

/** Works in a folder of its own, which is removed afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'conductor-bench-'));
  return await work(folder).finally(() => rm(folder, { recursive: true }));
}

/** A broker's log names its checkpoints; in one that does not, every verification looks for one from end to beginning. */
const lastCheckpoint: NewEntry = { phase: 'event', tool: 'audit.checkpoint', input: { reason: 'end', previous: null }, result: 'ok', actor: { role: 'broker', user: 'ann' } };

/** Writes an honest log of `entries` entries, the last of them of this moment, without syncing each; gives its size in bytes. */
export function writeLog(path: string, entries: number): number {
  const block = Buffer.alloc(4_194_304);
  const file = fs.openSync(path, 'w', 0o600);
  const begun = Date.now() - entries * 1_000;
  let [head, at, size, id] = [zeroHash, 0, 0, ''];
  for (let n = 1; n <= entries; n += 1) {
    if (n % 2 === 0) id = nextId();
    const first: OwnEntry = { phase: 'genesis', tool: 'audit.genesis', input: { format: 'conductor-audit/1', logId: '0f'.repeat(16), publicKey: null }, result: 'ok' };
    const own = n === 1 ? first : n === entries ? lastCheckpoint : call(n, id);
    const entry = prepareEntry(own, n % 2 === 0 ? id : nextId(), new Date(begun + n * 1_000).toISOString());
    const { end, hash } = writeLine(block, at, entry, n, head);
    [head, at] = [hash, end];
    if (at > 4_000_000 || n === entries) {
      size += fs.writeSync(file, block, 0, at);
      at = 0;
    }
  }
  fs.closeSync(file);
  return size;
}

/** CPU time of verifying every line, divided by hashing the same file with openssl. Demand: at most 5.5, strict 14. */
export function verifyRatio(depth: 'deep' | 'strict' = 'deep', entries = 300_000, rounds = 5): Promise<Ratio> {
  return inFolder(async (folder) => {
    const path = join(folder, 'audit.log');
    const bytes = writeLog(path, entries);
    const ratios: number[] = [];
    let ours = 0;
    // The first round warms up.
    for (let round = 0; round <= rounds; round += 1) {
      const openssl = childCpu('openssl dgst -sha256', path);
      const before = process.cpuUsage();
      const report = await verifyAuditLog(path, { depth });
      const { user, system } = process.cpuUsage(before);
      if (report.verdict !== 'intact') throw new Error(report.message);
      ours = (user + system) / 1_000;
      if (round > 0) ratios.push(ours / openssl);
    }
    const absolute = `${(bytes / 1e6).toFixed(0)} MB, ${((ours / entries) * 1_000).toFixed(2)} us per entry, resident ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`;
    return ratio(`verify ${entries} lines, ${depth}, CPU`, 'openssl dgst -sha256, CPU', ratios, absolute);
  });
}

/** CPU time of verifying a log of which nine tenths and more are closed files, divided by hashing all its bytes with openssl. Demand: at most 1.7. */
export function closedRatio(entries = 200_000, rounds = 5): Promise<Ratio> {
  return inFolder(async (folder) => {
    const path = join(folder, 'audit.log');
    const writer = await openAuditWriter({ path, createdBy: 'bench', keeping: () => ({ ...defaultKeeping, maxBytes: 8_388_608 }) });
    const ids = Array.from({ length: 500 }, () => '');
    for (let n = 0; n < entries; n += 2 * ids.length) {
      await Promise.all(ids.map((_, i) => writer.append(call(0, (ids[i] = nextId())))));
      await Promise.all(ids.map((id) => writer.append(call(1, id))));
    }
    await writer.close();
    const whole = join(folder, 'whole');
    spawnSync('sh', ['-c', 'cat "$1"/audit/*.log "$1"/audit.log >"$2"', 'sh', folder, whole]);
    const ratios: number[] = [];
    let files = 0;
    for (let round = 0; round < rounds; round += 1) {
      const openssl = childCpu('openssl dgst -sha256', whole);
      const before = process.cpuUsage();
      const report = await verifyAuditLog(path);
      const { user, system } = process.cpuUsage(before);
      if (report.verdict !== 'intact') throw new Error(report.message);
      files = report.files;
      ratios.push((user + system) / 1_000 / openssl);
    }
    return ratio(`verify ${entries} lines in ${files} files, default, CPU`, 'openssl dgst -sha256, CPU', ratios, '');
  });
}

/** CPU time of preparing, numbering, linking and hashing one entry, divided by hashing its line. */
export function chainRatio(entries = 50_000, rounds = 5): Promise<Ratio> {
  const block = Buffer.alloc(4_096);
  const id = nextId();
  const ratios: number[] = [];
  let each = 0;
  for (let round = 0; round < rounds; round += 1) {
    let before = process.cpuUsage();
    let end = 0;
    for (let n = 2; n < entries; n += 1) end = writeLine(block, 0, prepareEntry(call(n, id), id, '2026-11-21T20:53:17.123Z'), n, zeroHash).end;
    const ours = process.cpuUsage(before).user;
    before = process.cpuUsage();
    for (let n = 2; n < entries; n += 1) sha256(block.subarray(0, end));
    ratios.push(ours / process.cpuUsage(before).user);
    each = ours / entries;
  }
  return Promise.resolve(ratio('rendering and hashing an entry, CPU', 'SHA-256 of its line, CPU', ratios, `${each.toFixed(1)} us per entry`));
}

/** Wall time of counting a log by day, divided by reading the file; and how quick the next count is. */
export function bucketRatio(entries = 1_000_000, rounds = 3): Promise<Ratio> {
  return inFolder(async (folder) => {
    const path = join(folder, 'audit.log');
    writeLog(path, entries);
    const block = Buffer.alloc(1_048_576);
    const ratios: number[] = [];
    let absolute = '';
    for (let round = 0; round < rounds; round += 1) {
      const readStart = performance.now();
      const file = fs.openSync(path, 'r');
      while (fs.readSync(file, block) > 0);
      fs.closeSync(file);
      const read = performance.now() - readStart;
      const reader = createAuditReader(path);
      const start = performance.now();
      const buckets = await reader.buckets();
      const took = performance.now() - start;
      await reader.buckets();
      const again = performance.now() - start - took;
      if (buckets.reduce((sum, { count }) => sum + count, 0) !== entries) throw new Error('the counts do not add up');
      ratios.push(took / read);
      absolute = `${took.toFixed(0)} ms, again ${again.toFixed(1)} ms`;
    }
    return ratio(`count ${entries} lines by day, wall`, 'reading the file, wall', ratios, absolute);
  });
}

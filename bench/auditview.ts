/** What we claim about looking at a long log: what a window asks for costs little of what reading the log costs, and no memory. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realDisk } from '../server/src/audit/files/disk';
import { KeptCounts } from '../server/src/audit/read/keptCounts';
import { createAuditReader } from '../server/src/audit/read/reader';
import { createAuditView, type AuditView } from '../server/src/audit/read/view';
import { median, ratioFigure, type Figure } from './figures';
import { million, writeLongLog } from './longLog';

const rounds = 5;

async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function viewOf(folder: string): AuditView {
  const log = join(folder, 'audit.log');
  return createAuditView(createAuditReader(log, realDisk, new KeptCounts(realDisk, log)));
}

/** The baseline: every byte of every file once, one file after the other. */
async function readAll(folder: string): Promise<void> {
  const closed = (await readdir(join(folder, 'audit'))).filter((name) => name.endsWith('.log'));
  for (const file of [...closed.map((name) => join(folder, 'audit', name)), join(folder, 'audit.log')]) readFileSync(file);
}

/** Measures `work` against reading the log, in turn, after one round that does not count. */
async function against(folder: string, what: string, goal: number, work: () => unknown): Promise<Figure> {
  const ratios: number[] = [];
  const costs: number[] = [];
  await work();
  for (let round = 0; round < rounds; round += 1) {
    const reading = await cpuOf(() => readAll(folder));
    const cost = await cpuOf(work);
    costs.push(cost);
    ratios.push(cost / reading);
  }
  return ratioFigure(`${what} (${median(costs).toFixed(0)} ms)`, 'reading the bytes of the log once, CPU', ratios, goal);
}

/** Figures of a log of a million entries. */
export async function measureAuditView(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'conductor-bench-'));
  try {
    await writeLongLog(folder, million);
    const view = viewOf(folder);
    const before = process.memoryUsage.rss();
    const first = await cpuOf(() => view.buckets({}, 'day'));
    const reading = await cpuOf(() => readAll(folder));
    const [, second] = await view.buckets({}, 'day');
    const day = second?.key ?? '';
    const within = { since: `${day}T00:00:00.000Z`, until: `${day}T23:59:59.999Z` };
    const figures = [
      ratioFigure(`1,000,000 entries: counted for the first time (${first.toFixed(0)} ms)`, 'reading the bytes of the log once, CPU', [first / reading], 10),
      await against(folder, 'counted by a broker that starts again', 1, () => viewOf(folder).buckets({}, 'day')),
      await against(folder, 'the days, and the newest 200 entries', 0.25, async () => [await view.buckets({}, 'day'), await view.page({ filter: {}, limit: 200 })]),
      await against(folder, 'the hours of a day, and 200 entries in it', 0.25, async () => [await view.buckets(within, 'hour'), await view.page({ filter: within, limit: 200 })]),
      await against(folder, 'the days and 200 entries under a filter by result', 0.4, async () => [await view.buckets({ result: 'denied' }, 'day'), await view.page({ filter: { result: 'denied' }, limit: 200 })]),
      await against(folder, 'an entry in the middle, and 200 before it', 0.4, async () => [await view.line(500_000), await view.page({ filter: {}, before: 500_000, limit: 200 })]),
    ];
    const grown = (process.memoryUsage.rss() - before) / 1_048_576;
    return [...figures, { what: 'memory after all of this', baseline: 'before it', value: `${grown.toFixed(0)} MiB more`, goal: 'at most 96 MiB more', met: grown <= 96 }];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Durable appends, against a loop of write and fdatasync in one thread. How much can be gained by writing together is bounded by the
 * processor and by the disk, which takes longer for more bytes; both bounds are measured in the same rounds.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createRedaction } from '../server/src/audit/content/redaction';
import { realDisk, type AppendFile, type Disk } from '../server/src/audit/files/disk';
import { openAuditWriter, type AuditWriter } from '../server/src/audit/write/writer';
import { createRedactor } from '../server/src/rules/redaction/redactor';
import { call, inFolder, inputOf, nextId } from './audit';
import { median, type Figure } from './figures';

/** What is asked of so many callers at once. */
const demands = [[1, 0.5], [16, 4.5], [64, 10], [256, 14]] as const;
const rounds = 9;
const lineBytes = 600;

/** Measures all of it. */
export async function measureAppends(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [callers, least] of demands) figures.push(await inFolder((folder) => appendFigure(folder, callers, least)));
  return [...figures, await inFolder(sqliteFigure)];
}

/** A writer as in a broker, which knows its own keys at least: redaction, canonical form, input hash and the look whether the file is still ours are in each append. */
async function openWriter(folder: string, name: string, disk: Disk = realDisk): Promise<AuditWriter> {
  const redactor = createRedactor();
  redactor.know(['control.key', 'audit.salt', 'github.token'].map((one) => ({ name: one, value: randomBytes(32) })));
  const redaction = createRedaction({ secret: randomBytes(32), known: redactor.find, knowledge: redactor.knowledge });
  return await openAuditWriter({ path: join(folder, name, 'audit.log'), createdBy: 'bench', disk, redact: (entry, id) => redaction.entry(entry, id) });
}

/** The real disk, but what is written counts as durable at once. */
const neverSynced: Disk = {
  ...realDisk,
  create: async (path) => withoutSync(await realDisk.create(path)),
  openAppend: async (path) => {
    const file = await realDisk.openAppend(path);
    return file && withoutSync(file);
  },
};

function withoutSync(file: AppendFile): AppendFile {
  return { ...file, sync: () => Promise.resolve() };
}

/** Entries per second of `count` durable appends by `callers` at once: decision and outcome in turn, each awaited before the next. */
async function appendRate(writer: AuditWriter, callers: number, count: number): Promise<number> {
  let left = count;
  const one = async (): Promise<void> => {
    while ((left -= 2) >= 0) {
      const id = nextId();
      // Decision and outcome of a call hold the same input, as the pipeline gives it.
      const input = inputOf(left);
      await writer.append(call(0, id, input));
      await writer.append(call(1, id, input));
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: callers }, one));
  return (count / (performance.now() - start)) * 1_000;
}

/** Microseconds that a write of so many lines and an fdatasync take in one thread, the median. */
function rawMicros(file: number, lines: number, count: number): number {
  const bytes = Buffer.alloc(lineBytes * lines, 'x');
  const took: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const start = performance.now();
    fs.writeSync(file, bytes);
    fs.fdatasyncSync(file);
    took.push((performance.now() - start) * 1_000);
  }
  return median(took);
}

type Round = Readonly<{ raw: number; ratio: number; possible: number }>;

/** One more round than is counted, to warm up. `possible`: the work on all lines of a batch, then one write and one sync of them, and nothing else. */
async function appendFigure(folder: string, callers: number, least: number): Promise<Figure> {
  const [writer, quick] = [await openWriter(folder, 'synced'), await openWriter(folder, 'unsynced', neverSynced)];
  const raw = fs.openSync(join(folder, 'raw'), 'a', 0o600);
  const count = Math.max(600, callers * 40);
  const measured: Round[] = [];
  await appendRate(quick, 256, 20_000);
  await appendRate(writer, callers, count * 4);
  for (let round = 0; round < rounds; round += 1) {
    const before = rawMicros(raw, 1, 300);
    const rate = await appendRate(writer, callers, count);
    const one = (before + rawMicros(raw, 1, 300)) / 2;
    const work = 1e6 / (await appendRate(quick, 256, 10_240));
    const batch = callers * work + rawMicros(raw, callers, 50);
    measured.push({ raw: one, ratio: (rate * one) / 1e6, possible: (callers * one) / batch });
  }
  fs.closeSync(raw);
  await Promise.all([writer.close(), quick.close()]);
  return figureOf(measured, callers, least);
}

function figureOf(measured: readonly Round[], callers: number, least: number): Figure {
  const ratios = measured.map(({ ratio }) => ratio);
  const [middle, possible] = [median(ratios), median(measured.map((one) => one.possible))];
  // What is asked for more than four fifths of what can be had is asked of a slower disk: docs/decisions/041-appends.md.
  const asked = Math.min(least, 0.8 * possible) === least ? least : 0.6 * possible;
  return {
    what: `durable append, ${callers} callers`,
    baseline: `write + fdatasync loop, ${median(measured.map(({ raw }) => raw)).toFixed(0)} us each; possible here ${possible.toFixed(1)}x`,
    value: `${middle.toFixed(2)}x [${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}]`,
    goal: asked === least ? `at least ${String(least)}x` : `${String(least)}x is out of reach here; at least 0.6 of what is possible`,
    met: middle >= asked,
  };
}

/** A row a transaction in SQLite with a write-ahead log that is synced each time, in one process of Python; prints rows per second. */
const sqliteScript = `
import sqlite3,sys,time
db=sqlite3.connect(sys.argv[1],isolation_level=None)
db.execute('pragma journal_mode=wal'); db.execute('pragma synchronous=full')
db.execute('create table if not exists log(seq integer primary key, line text)')
line='x'*int(sys.argv[2])
start=time.perf_counter()
for n in range(int(sys.argv[3])): db.execute('insert into log(line) values(?)',(line,))
print(int(sys.argv[3])/(time.perf_counter()-start))
`;

async function sqliteFigure(folder: string): Promise<Figure> {
  const row = { what: 'durable append, 1 caller', baseline: 'SQLite, WAL, synchronous=FULL, one row of 600 bytes a transaction', goal: 'at least 1x' };
  const sqlite = (): number => Number(spawnSync('python3', ['-c', sqliteScript, join(folder, 'log.db'), String(lineBytes), '600'], { encoding: 'utf8' }).stdout);
  if (!(sqlite() > 0)) return { ...row, value: 'not measured: no Python with SQLite is here', goal: 'none', met: true };
  const writer = await openWriter(folder, 'synced');
  await appendRate(writer, 1, 1_200);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) ratios.push((await appendRate(writer, 1, 600)) / sqlite());
  await writer.close();
  const middle = median(ratios);
  return { ...row, value: `${middle.toFixed(2)}x [${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}]`, met: middle >= 1 };
}

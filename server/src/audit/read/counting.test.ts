import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realDisk, type Disk } from '../files/disk';
import { eventIds } from '../write/eventId';
import { KeptCounts } from './keptCounts';
import { defaultKeeping } from '../upkeep/newLog';
import { createAuditReader, type AuditFilter, type AuditReader } from './reader';
import { openAuditWriter } from '../write/writer';

let folder: string;
let path: string;
const begin = Date.parse('2026-11-01T00:00:00Z');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-counting-'));
  path = join(folder, 'audit.log');
});
afterEach(() => rm(folder, { recursive: true }));

/** A log of four files and 600 entries, one every seven minutes. */
async function write(): Promise<void> {
  let clock = begin;
  const now = (): number => (clock += 420_000);
  const writer = await openAuditWriter({ path, createdBy: 'test', now, keeping: () => ({ ...defaultKeeping, maxBytes: 60_000 }) });
  const nextId = eventIds(now);
  for (let n = 0; n < 300; n += 1) {
    const id = nextId();
    const tool = n % 5 === 0 ? 'filesystem.read' : 'shell.exec';
    const actor = { role: 'agent', client: n % 3 === 0 ? 'Claude Code 2' : 'codex 1', user: 'ann' } as const;
    await writer.append({ phase: 'intent', id, tool, input: { command: `echo "Größe ${n}"` }, result: 'admitted', actor });
    await writer.append({ phase: 'done', call: id, tool, input: {}, result: n % 7 === 0 ? 'error' : 'success', actor });
  }
  await writer.close();
}

async function lines(): Promise<string[]> {
  const closed = (await readdir(join(folder, 'audit'))).filter((name) => name.endsWith('.log')).sort();
  const texts = await Promise.all([...closed.map((name) => join(folder, 'audit', name)), path].map((file) => readFile(file, 'utf8')));
  return texts.join('').trimEnd().split('\n');
}

type Entry = Readonly<{ timestamp: string; tool: string; result: string; call?: string; actor?: { client?: string; user: string } }>;

/** Counts by reading everything. */
async function plainly(fits: (entry: Entry, line: string) => boolean): Promise<{ key: string; count: number }[]> {
  const counts = new Map<string, number>();
  for (const line of await lines()) {
    const entry = JSON.parse(line) as Entry;
    const key = entry.timestamp.slice(0, 10);
    if (fits(entry, line)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => ({ key, count }));
}

describe('counts of entries that fit a filter', () => {
  const time = (hours: number): string => new Date(begin + hours * 3_600_000 + 61_000).toISOString();
  const filters: readonly (readonly [string, AuditFilter, (entry: Entry, line: string) => boolean])[] = [
    ['nothing', {}, () => true],
    ['a tool', { tool: 'filesystem.read' }, ({ tool }) => tool === 'filesystem.read'],
    ['a result', { result: 'error' }, ({ result }) => result === 'error'],
    ['a client', { client: 'CLAUDE' }, ({ actor }) => actor?.client === 'Claude Code 2'],
    ['times within a quarter of an hour', { since: time(5), until: time(30) }, ({ timestamp }) => timestamp >= time(5) && timestamp < time(30)],
    ['a result within times', { result: 'error', since: time(5), until: time(30) }, ({ result, timestamp }) => result === 'error' && timestamp >= time(5) && timestamp < time(30)],
    ['plain text', { text: 'ECHO \\"' }, () => false],
    ['text with quotes', { text: 'echo "gr' }, (_, line) => line.includes('echo \\"Gr')],
    ['text beyond ASCII, in any case', { text: 'GRÖSSE 7'.replace('SS', 'ß') }, (_, line) => line.includes('Größe 7')],
    ['text and a tool', { text: 'echo', tool: 'filesystem' }, ({ tool }, line) => tool === 'filesystem.read' && line.includes('echo')],
  ];

  it('are those that reading everything gives, the first time and again', async () => {
    await write();
    const reader = createAuditReader(path);
    for (const [name, filter, fits] of filters) {
      for (const round of [1, 2]) assert.deepEqual(await reader.counts(filter), await plainly(fits), `${name}, round ${round}`);
      const page = await reader.page({ filter, limit: 1_000 });
      assert.equal(page.items.length, (await plainly(fits)).reduce((sum, { count }) => sum + count, 0), `the page of ${name}`);
    }
  });

  it('audit:filtered-soon are given for the newest when that is enough, and go on from there when asked again', async () => {
    await write();
    const reader = createAuditReader(path);
    const filter = { text: 'echo "gr' };
    const all = await plainly((_, line) => line.includes('echo \\"Gr'));
    const seen: number[] = [];
    for (let done = false; !done; ) {
      const { counts, all: complete } = await reader.newestCounts(filter, () => true);
      assert.deepEqual(counts.slice(1), all.slice(-counts.length).slice(1), 'the newest days, of which only the first may be counted in part');
      seen.push(counts.length);
      done = complete;
    }
    assert.deepEqual(await reader.counts(filter), all);
    assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
  });

  it('follow a log that grows', async () => {
    await write();
    const reader = createAuditReader(path);
    const filter = { text: 'late' };
    assert.deepEqual(await reader.counts(filter), []);
    const writer = await openAuditWriter({ path, createdBy: 'test' });
    for (const text of ['late', 'on time', 'too late']) await writer.append({ phase: 'event', tool: 'x.y', input: { text }, result: 'ok' });
    await writer.close();
    assert.deepEqual((await reader.counts(filter)).map(({ count }) => count), [2]);
    assert.deepEqual((await reader.counts({ tool: 'x' })).map(({ count }) => count), [3]);
  });

  it('tell what there is to filter by', async () => {
    await write();
    const kinds = await createAuditReader(path).kinds();
    const errors = kinds.filter(({ kind }) => kind.result === 'error' && kind.tool === 'shell.exec');
    assert.equal(errors.reduce((sum, { count }) => sum + count, 0), (await plainly(({ result, tool }) => result === 'error' && tool === 'shell.exec')).reduce((sum, { count }) => sum + count, 0));
    assert.deepEqual(new Set(errors.map(({ kind }) => kind.client)), new Set(['Claude Code 2', 'codex 1']));
  });
});

describe('kept counts', () => {
  const bySize = async (reader: AuditReader): Promise<unknown> => [await reader.buckets(), await reader.counts({ result: 'error' }), await reader.counts({ client: 'codex', tool: 'filesystem' })];
  const keeping = (): AuditReader => createAuditReader(path, realDisk, new KeptCounts(realDisk, path));
  const countsFiles = async (): Promise<string[]> => (await readdir(join(folder, 'audit'))).filter((name) => name.endsWith('.counts')).sort();

  it('audit:counts-derived stand beside closed files, give the same answers, and are made anew when they do not fit', async () => {
    await write();
    const plain = createAuditReader(path);
    const expected = await bySize(plain);
    assert.deepEqual(await countsFiles(), [], 'who only reads writes nothing');
    assert.deepEqual(await bySize(keeping()), expected);
    const files = await countsFiles();
    assert.deepEqual(files, (await readdir(join(folder, 'audit'))).filter((name) => name.endsWith('.log')).map((name) => name.replace('.log', '.counts')).sort());
    assert.deepEqual(await bySize(keeping()), expected, 'from what was kept');
    const [first = '', second = ''] = files.map((name) => join(folder, 'audit', name));
    const kept = await readFile(first, 'utf8');
    for (const damaged of ['', 'what is this', '{"v":2}', kept.slice(0, -5), kept.replace(/"mark":"[^"]*"/, '"mark":"another file"')]) {
      await writeFile(first, damaged);
      assert.deepEqual(await bySize(keeping()), expected, damaged.slice(0, 30));
      assert.equal(await readFile(first, 'utf8'), kept, 'made anew');
    }
    await writeFile(second, kept);
    assert.deepEqual(await bySize(keeping()), expected, 'the counts of another file');
  });

  it('audit:filtered-soon a text is looked for only where it may stand, and found wherever it does', async () => {
    await write();
    const read: string[] = [];
    const watching: Disk = {
      ...realDisk,
      async openRead(file) {
        const found = await realDisk.openRead(file);
        if (found === undefined || !file.endsWith('.log')) return found;
        // The first line of each file is looked at to find its place, and the last bytes of the one in use to see whether it is still that.
        return { ...found, read: (target, position) => (target.length > 16_384 || (position > 0 && target.length > 80) ? read.push(file) : 0, found.read(target, position)) };
      },
    };
    const reader = createAuditReader(path, watching, new KeptCounts(watching, path));
    await reader.counts({});
    const closed = (await readdir(join(folder, 'audit'))).filter((name) => name.endsWith('.log'));
    assert.deepEqual((await readdir(join(folder, 'audit'))).filter((name) => name.endsWith('.grams')).sort(), closed.map((name) => name.replace('.log', '.grams')).sort());
    const plain = createAuditReader(path);
    const ids = (await lines()).map((line) => (JSON.parse(line) as Entry).call ?? '').filter((call) => call !== '');
    const [first = '', last = ''] = [ids[1], ids.at(-1)];
    for (const filter of [{ text: 'größe 7' }, { text: 'ECHO' }, { text: '"prevhash":"sha256:a' }, { text: 'ab' }, { text: first.slice(4) }, { call: first }, { call: last }, { text: 'nowhere at all' }, { text: 'claude', tool: 'filesystem' }] as readonly AuditFilter[]) {
      assert.deepEqual(await reader.counts(filter), await plain.counts(filter), JSON.stringify(filter));
      assert.deepEqual((await reader.page({ filter, limit: 1_000 })).items, (await plain.page({ filter, limit: 1_000 })).items, JSON.stringify(filter));
    }
    read.length = 0;
    assert.deepEqual(await reader.counts({ text: 'nowhere to be found' }), []);
    assert.deepEqual(read, [], 'no file is read for what stands nowhere');
    assert.deepEqual((await reader.counts({ call: first })).map(({ count }) => count), [2]);
    assert.deepEqual(new Set(read).size, 1, 'one call stands in one file');
  });

  it('triples that do not fit their file are not believed', async () => {
    await write();
    await keeping().counts({});
    const [name = ''] = (await readdir(join(folder, 'audit'))).filter((one) => one.endsWith('.grams')).sort();
    const grams = join(folder, 'audit', name);
    const kept = await readFile(grams);
    const filter = { text: 'größe 1"' };
    const expected = await createAuditReader(path).counts(filter);
    for (const damaged of [Buffer.alloc(0), kept.subarray(0, -1), Buffer.concat([kept, Buffer.from('x')]), Buffer.from(kept.toString('latin1').replace(/"mark":"[^"]*"/, '"mark":"another file"'), 'latin1')]) {
      await writeFile(grams, damaged);
      assert.deepEqual(await keeping().counts(filter), expected);
      assert.deepEqual(await readFile(grams), kept, 'made anew');
    }
    // Cut short while a reader runs: what is not covered is read.
    const reader = keeping();
    await reader.counts({});
    await writeFile(grams, 'gone');
    assert.deepEqual(await reader.counts(filter), expected);
  });

  it('are what is used: a closed file that was counted is not read again', async () => {
    await write();
    await keeping().counts({});
    const opened: string[] = [];
    const watching: Disk = {
      ...realDisk,
      async openRead(file) {
        opened.push(file);
        const found = await realDisk.openRead(file);
        if (found === undefined || !/\d\.log$/.test(file)) return found;
        return { ...found, read: (target, position) => (assert.ok(target.length <= 16_384, 'only its first line is looked at'), found.read(target, position)) };
      },
    };
    await createAuditReader(path, watching, new KeptCounts(watching, path)).counts({});
    assert.ok(opened.some((file) => file.endsWith('.counts')));
  });
});

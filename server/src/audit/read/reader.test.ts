import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareEntry, writeLine, zeroHash } from '../../../../protocol/src/audit/bytes';
import type { NewEntry, NewEvent, OwnEntry } from '../../../../protocol/src/audit/entry';
import { realDisk } from '../files/disk';
import { keepFiles } from '../upkeep/keeping';
import { defaultKeeping } from '../upkeep/newLog';
import { createAuditReader, type AuditFilter, type AuditReader } from './reader';
import { openAuditWriter } from '../write/writer';

let folder: string;
let path: string;
let reader: AuditReader;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-reader-'));
  path = join(folder, 'audit.log');
  reader = createAuditReader(path);
});
afterEach(() => rm(folder, { recursive: true }));

const idOf = (n: number): string => `evt_${`${n}`.padStart(26, '0')}`;
const day = 86_400_000;
const begin = Date.parse('2026-11-01T00:00:00Z');

function entryOf(n: number): NewEntry | OwnEntry {
  if (n === 1) return { phase: 'genesis', tool: 'audit.genesis', input: {}, result: 'ok' };
  const actor = { role: 'agent', client: n % 3 === 0 ? 'Claude Code 2' : 'codex 1', user: 'ann' } as const;
  if (n % 2 === 0) return { phase: 'intent', id: idOf(n), tool: 'shell.exec', input: { command: `echo "${n}"` }, result: 'admitted', actor };
  return { phase: 'done', call: idOf(n - 1), tool: n % 5 === 0 ? 'filesystem.read' : 'shell.exec', input: {}, result: n % 7 === 0 ? 'error' : 'success', actor };
}

/** A log of `count` entries, one every `every` milliseconds, in which `change` may alter lines. */
async function write(count: number, every = 60_000, change: (line: string, n: number) => string = (line) => line): Promise<string[]> {
  const scratch = Buffer.alloc(200_000);
  const lines: string[] = [];
  let head = zeroHash;
  for (let n = 1; n <= count; n += 1) {
    const { end, hash } = writeLine(scratch, 0, prepareEntry(entryOf(n), idOf(n), new Date(begin + n * every).toISOString()), n, head);
    head = hash;
    lines.push(change(scratch.toString('utf8', 0, end - 1), n));
  }
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  return lines;
}

async function all(filter: AuditFilter, limit: number): Promise<string[]> {
  const raw: string[] = [];
  let before: number | undefined;
  for (let pages = 0; pages < 10_000; pages += 1) {
    const page = await reader.page({ filter, limit, ...(before !== undefined && { before }) });
    assert.ok(page.items.length <= limit);
    raw.push(...page.items.map((item) => item.raw));
    if (page.next === undefined) return raw;
    before = page.next;
  }
  assert.fail('the pages never end');
}

describe('audit reader', () => {
  it('pages every line exactly once, newest first, verbatim, whatever the page size', async () => {
    const lines = await write(2_500);
    const newestFirst = lines.toReversed();
    for (const limit of [1_000, 333, 7]) assert.deepEqual(await all({}, limit), newestFirst);
    await write(1);
    assert.equal((await all({}, 5)).length, 1);
  });

  it('gives nothing for a log that is not there, and for an empty one', async () => {
    for (const content of [undefined, '']) {
      if (content !== undefined) await writeFile(path, content);
      assert.deepEqual(await reader.page(), { items: [], next: undefined });
      assert.deepEqual(await reader.buckets(), []);
      assert.equal(await reader.entry({ seq: 1 }), undefined);
      assert.deepEqual(await reader.since(0), { items: [], next: 0 });
      assert.equal(await reader.size(), 0);
    }
  });

  const filters: [string, AuditFilter, (n: number) => boolean][] = [
    ['tool', { tool: 'filesystem.read' }, (n) => n > 1 && n % 2 === 1 && n % 5 === 0],
    ['room of a tool', { tool: 'shell' }, (n) => n > 1 && (n % 2 === 0 || n % 5 !== 0)],
    ['result', { result: 'error' }, (n) => n > 1 && n % 2 === 1 && n % 7 === 0],
    ['phase', { phase: 'genesis' }, (n) => n === 1],
    ['client, in any case', { client: 'claude' }, (n) => n > 1 && n % 3 === 0],
    ['user', { client: 'ann' }, (n) => n > 1],
    ['call', { call: idOf(40) }, (n) => n === 40 || n === 41],
    ['text with quotes, in any case', { text: 'ECHO "123' }, (n) => n % 2 === 0 && `${n}`.startsWith('123')],
    ['time', { since: new Date(begin + 300 * 60_000).toISOString(), until: new Date(begin + 310 * 60_000).toISOString() }, (n) => n >= 300 && n < 310],
    ['time without end', { since: new Date(begin + 1_190 * 60_000).toISOString() }, (n) => n >= 1_190],
    ['time before all', { until: '2026-10-31T00:00:00.000Z' }, () => false],
    ['several at once', { tool: 'shell', result: 'error', client: 'codex' }, (n) => n > 1 && n % 2 === 1 && n % 5 !== 0 && n % 7 === 0 && n % 3 !== 0],
  ];
  for (const [name, filter, wanted] of filters) {
    it(`filters by ${name}`, async () => {
      const lines = await write(1_300);
      const expected = lines.filter((_, i) => wanted(i + 1)).toReversed();
      assert.deepEqual(await all(filter, 50), expected);
    });
  }

  it('shows damaged lines with what is wrong, and passes over a line that breaks off', async () => {
    await write(5, 60_000, (line, n) => (n === 3 ? 'what is this' : n === 4 ? line.replace('"phase":"intent"', '"phase":7') : line));
    await appendFile(path, '{"v":1,"seq":6');
    const { items } = await reader.page();
    assert.deepEqual(items.map((item) => (item.entry === undefined ? item.problem.slice(0, 8) : item.entry.seq)), [5, 'Not an a', 'Not JSON', 2, 1]);
  });

  it('goes through a line of 3 MB without keeping it', async () => {
    const lines = await write(3, 60_000, (line, n) => (n === 2 ? 'x'.repeat(3_000_000) : line));
    assert.deepEqual(await all({}, 1), [lines[2], '', lines[0]]);
    const { items } = await reader.since(0);
    assert.equal(items.length, 2, 'a step ends in the long line');
  });

  it('finds an entry by number and by offset', async () => {
    const lines = await write(3_000);
    for (const seq of [1, 2, 3, 1_499, 1_500, 2_999, 3_000]) {
      const found = await reader.entry({ seq });
      assert.equal(found?.raw, lines[seq - 1], `#${seq}`);
      assert.equal((await reader.entry({ offset: found?.offset ?? -1 }))?.raw, lines[seq - 1]);
    }
    for (const seq of [0, -1, 3_001, 1.5]) assert.equal(await reader.entry({ seq }), undefined);
  });

  it('finds entries of any length by number', async () => {
    const scratch = Buffer.alloc(1_048_576);
    const parts: Buffer[] = [];
    let head = zeroHash;
    for (let n = 1; n <= 40; n += 1) {
      const entry: OwnEntry = { phase: 'genesis', tool: 'a.b', input: { x: 'y'.repeat(n % 4 === 0 ? 60_000 : 10) }, detail: { z: 'z'.repeat(n % 9 === 0 ? 900_000 : 0) }, result: 'ok' };
      const { end, hash } = writeLine(scratch, 0, prepareEntry(entry, idOf(n), new Date(begin).toISOString()), n, head);
      head = hash;
      parts.push(Buffer.from(scratch.subarray(0, end)));
    }
    await writeFile(path, Buffer.concat(parts));
    for (let seq = 1; seq <= 40; seq += 1) assert.equal((await reader.entry({ seq }))?.entry?.seq, seq);
  });

  it('counts by day, goes on from where it was, and begins anew with another file', async () => {
    const lines = await write(100, day / 10);
    const offset = (n: number): number => Buffer.byteLength(lines.slice(0, n).map((line) => `${line}\n`).join(''));
    const days = await reader.buckets();
    assert.deepEqual([days[0], days[1]], [
      { key: '2026-11-01', count: 9, from: 0, to: offset(9) },
      { key: '2026-11-02', count: 10, from: offset(9), to: offset(19) },
    ]);
    assert.equal(days.reduce((sum, { count }) => sum + count, 0), 100);
    assert.deepEqual((await reader.buckets((start) => `${start.getUTCHours()}`)).reduce((sum, { count }) => sum + count, 0), 100);

    await appendFile(path, `${lines[99] ?? ''}\n`);
    assert.equal((await reader.buckets()).at(-1)?.count, 2);
    const fresh = createAuditReader(path);
    const [counted, again] = await Promise.all([fresh.buckets(), fresh.buckets()]);
    assert.deepEqual([counted, again], [await reader.buckets(), await reader.buckets()], 'two at once do not count twice');

    await truncate(path, offset(9));
    assert.deepEqual((await reader.buckets()).map(({ count }) => count), [9]);
    await writeFile(path, lines.slice(9, 30).map((line) => `${line}\n`).join(''));
    assert.deepEqual((await reader.buckets()).map(({ count }) => count), [10, 10, 1], 'rewritten in place');

    await writeFile(`${path}.new`, lines.slice(0, 9).map((line) => `${line}\n`).join('').repeat(2));
    await rename(`${path}.new`, path);
    assert.deepEqual((await reader.buckets()).map(({ count }) => count), [18]);
  });

  it('T88 finds by time what a clock set back wrote out of order', async () => {
    await write(400, 60_000, (line, n) => (n === 200 ? line.replace(/"timestamp":"[^"]*"/, '"timestamp":"2026-10-01T12:00:00.000Z"') : line));
    const found = await all({ until: '2026-10-02T00:00:00.000Z' }, 10);
    assert.deepEqual(found.map((raw) => Number(/"seq":(\d+)/.exec(raw)?.[1])), [200]);
  });

  it('gives what is new, and follows a writer', async () => {
    const writer = await openAuditWriter({ path, createdBy: 'test' });
    const start = await reader.since(0);
    assert.equal(start.items.length, 1);
    const stop = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const item of reader.follow(start.next, { signal: stop.signal, everyMs: 5 })) {
        seen.push(item.entry?.seq ?? 0);
        if (seen.length === 30) stop.abort();
      }
    })();
    for (let n = 0; n < 30; n += 1) await writer.append({ phase: 'event', tool: 'x.y', input: { n }, result: 'ok' });
    await following;
    assert.deepEqual(seen, Array.from({ length: 30 }, (_, i) => i + 2));
    assert.equal((await reader.since(0, 4)).items.length, 4);
    assert.equal((await reader.since(10_000_000)).items.length, 31, 'an offset beyond the end starts over');
    await writer.close();
  });

  it('stops at an abort signal', async () => {
    await write(10);
    await assert.rejects(reader.page({ signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  });

  it('audit:reader-files pages, finds, counts and follows through all files of a log, plain and compressed', async () => {
    const keeping = { ...defaultKeeping, maxBytes: 3_000 };
    const writer = await openAuditWriter({ path, createdBy: 'test', keeping: () => keeping });
    for (let n = 1; n <= 30; n += 1) await writer.append({ phase: 'event', tool: 'broker.test', input: { n, text: 'x'.repeat(200) }, result: 'ok' });
    await writer.close();
    const closed = (await readdir(join(folder, 'audit'))).sort();
    assert.ok(closed.length >= 3);
    const texts = await Promise.all([...closed.map((name) => join(folder, 'audit', name)), path].map((file) => readFile(file, 'utf8')));
    const lines = texts.join('').trimEnd().split('\n');
    const again = await openAuditWriter({ path, createdBy: 'test', keeping: () => ({ ...keeping, maxBytes: 1_000_000 }) });
    for (const compress of [false, true]) {
      const record = (entry: NewEvent): Promise<{ seq: number }> => again.append(entry);
      await keepFiles({ path, disk: realDisk, keeping: { ...keeping, compress }, now: Date.now, record });
      for (const limit of [1, 7, 1_000]) assert.deepEqual((await all({}, limit)).reverse(), lines);
      assert.equal((await all({ tool: 'audit.segment' }, 10)).length, closed.length);
      for (const seq of [1, 2, 9, lines.length]) assert.equal((await reader.entry({ seq }))?.raw, lines[seq - 1]);
      const fresh = createAuditReader(path);
      assert.equal((await fresh.buckets()).reduce((sum, { count }) => sum + count, 0), lines.length);
      assert.deepEqual((await fresh.since(0)).items.map(({ raw }) => raw), lines);
      assert.equal(await fresh.size(), lines.join('\n').length + 1);
    }
    await again.close();
    await rm(join(folder, 'audit', '000001.log.gz'));
    const left = lines.slice((texts[0] ?? '').split('\n').length - 1);
    assert.deepEqual((await all({}, 5)).reverse(), left, 'what is left is read');
    assert.deepEqual((await createAuditReader(path).since(0)).items.map(({ raw }) => raw), left);
  });
});

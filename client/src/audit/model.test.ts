import assert from 'node:assert/strict';
import type { AuditFilter, AuditRow } from '../../../protocol/src/audit/query';
import { AuditModel, hoursAbove, nodeId, pageSize, spanOf, type AuditNode, type Bucket, type Source } from './model';

function rowAt(seq: number, timestamp: string): AuditRow {
  return { seq, id: `evt_${seq}`, timestamp, phase: 'done', tool: seq % 2 === 0 ? 'shell.exec' : 'filesystem.read', result: 'success', summary: `call ${seq}` };
}

/** A log in memory that answers like the broker, and counts what it is asked. */
class MemoryLog implements Source {
  readonly rows: AuditRow[] = [];
  asked = 0;

  add(count: number, day: string, hour = 0): void {
    for (let index = 0; index < count; index += 1) this.rows.push(rowAt(this.rows.length + 1, `${day}T${String(hour).padStart(2, '0')}:00:00.000Z`));
  }

  buckets(filter: AuditFilter, by: 'day' | 'hour'): Promise<{ buckets: { key: string; count: number }[] }> {
    const counts = new Map<string, number>();
    for (const { timestamp } of this.fitting(filter).reverse()) {
      const key = timestamp.slice(0, by === 'day' ? 10 : 13);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return Promise.resolve({ buckets: [...counts].map(([key, count]) => ({ key, count })) });
  }

  page(filter: AuditFilter, before: number | undefined, limit: number): Promise<{ rows: AuditRow[]; next?: number }> {
    this.asked += 1;
    const fitting = this.fitting(filter).reverse().filter((row) => before === undefined || row.seq < before);
    const rows = fitting.slice(0, limit);
    const last = rows.at(-1);
    return Promise.resolve(fitting.length > limit && last !== undefined ? { rows, next: last.seq } : { rows });
  }

  private fitting(filter: AuditFilter): AuditRow[] {
    return this.rows.filter((row) => (filter.tool === undefined || row.tool === filter.tool) && row.timestamp >= (filter.since ?? '') && row.timestamp < (filter.until ?? '~'));
  }
}

function labels(nodes: readonly AuditNode[]): string[] {
  return nodes.map(nodeId);
}

async function firstBucket(model: AuditModel): Promise<Bucket> {
  const [node] = await model.children();
  assert.ok(node?.kind === 'day');
  return node;
}

describe('the model of the audit tree', () => {
  it('shows days, newest first, and loads nothing else', async () => {
    const log = new MemoryLog();
    log.add(3, '2026-11-19');
    log.add(2, '2026-11-21');
    assert.deepEqual(labels(await new AuditModel(log).children()), ['day 2026-11-21', 'day 2026-11-19']);
    assert.equal(log.asked, 0);
  });

  it('loads a page at a time, newest first, and more on demand', async () => {
    const log = new MemoryLog();
    log.add(pageSize + 50, '2026-11-21');
    const model = new AuditModel(log);
    const day = await firstBucket(model);
    const page = await model.children(day);
    assert.equal(page.length, pageSize + 1);
    assert.equal(page[0] && nodeId(page[0]), `entry ${pageSize + 50} evt_${pageSize + 50}`);
    assert.equal(page.at(-1)?.kind, 'more');
    await model.loadMore(day);
    const all = await model.children(day);
    assert.equal(all.length, pageSize + 50);
    assert.equal(new Set(labels(all)).size, all.length);
  });

  it('loads one page for two who ask at once', async () => {
    const log = new MemoryLog();
    log.add(pageSize * 3, '2026-11-21', 1);
    log.add(1, '2026-11-21', 2);
    const model = new AuditModel({ buckets: (filter, by) => log.buckets(filter, by), page: (filter, before, limit) => log.page(filter, before, limit) });
    const day = await firstBucket(model);
    const [, hour] = await model.children(day);
    assert.ok(hour?.kind === 'hour');
    await Promise.all([model.loadMore(hour), model.loadMore(hour)]);
    assert.equal(hour.rows?.length, pageSize);
  });

  it('divides a long day into hours that have entries', async () => {
    const log = new MemoryLog();
    log.add(hoursAbove, '2026-11-21', 5);
    log.add(1, '2026-11-21', 23);
    const model = new AuditModel(log);
    const hours = await model.children(await firstBucket(model));
    assert.deepEqual(labels(hours), ['hour 2026-11-21T23', 'hour 2026-11-21T05']);
    assert.deepEqual(hours.map((hour) => hour.kind === 'hour' && hour.count), [1, hoursAbove]);
  });

  it('puts new entries on top and names the newest day to draw', async () => {
    const log = new MemoryLog();
    log.add(3, '2026-11-21');
    const model = new AuditModel(log);
    const day = await firstBucket(model);
    await model.children(day);
    log.add(2, '2026-11-21');
    assert.equal(await model.appended(), day);
    assert.deepEqual(labels(await model.children(day)), ['entry 5 evt_5', 'entry 4 evt_4', 'entry 3 evt_3', 'entry 2 evt_2', 'entry 1 evt_1']);
    assert.equal(day.count, 5);
  });

  it('keeps loaded pages when entries arrive, without gap or repetition', async () => {
    const log = new MemoryLog();
    log.add(450, '2026-11-21');
    const model = new AuditModel(log);
    const day = await firstBucket(model);
    await model.children(day);
    await model.loadMore(day);
    log.add(10, '2026-11-21');
    await model.appended();
    const seqs = (day.rows ?? []).map(({ row }) => row.seq);
    assert.deepEqual(seqs, Array.from({ length: 410 }, (_, index) => 460 - index));
    assert.equal(day.next, 51);
  });

  it('drops older rows when more arrived than one page brings, rather than show a gap', async () => {
    const log = new MemoryLog();
    log.add(10, '2026-11-21');
    const model = new AuditModel(log);
    const day = await firstBucket(model);
    await model.children(day);
    log.add(pageSize + 50, '2026-11-21');
    await model.appended();
    const seqs = (day.rows ?? []).map(({ row }) => row.seq);
    assert.deepEqual(seqs, Array.from({ length: pageSize }, (_, index) => pageSize + 60 - index));
    assert.equal(day.next, 61);
  });

  it('asks for a whole redraw when a new day begins', async () => {
    const log = new MemoryLog();
    log.add(1, '2026-11-20');
    const model = new AuditModel(log);
    await model.children();
    log.add(1, '2026-11-21');
    assert.equal(await model.appended(), undefined);
    assert.deepEqual(labels(await model.children()), ['day 2026-11-21', 'day 2026-11-20']);
  });

  it('does not show the late answer to an earlier filter', async () => {
    const log = new MemoryLog();
    log.add(4, '2026-11-21');
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let slow = true;
    const model = new AuditModel({
      buckets: async (filter, by) => {
        if (slow) await held;
        return log.buckets(filter, by);
      },
      page: (filter, before, limit) => log.page(filter, before, limit),
    });
    const late = model.children();
    slow = false;
    model.show({ tool: 'nothing' });
    assert.deepEqual(await model.children(), []);
    release();
    await late;
    assert.deepEqual(await model.children(), []);
  });

  it('audit:filtered-soon shows the days that are counted first, and the others as they come', async () => {
    const days = ['2026-11-21', '2026-11-20', '2026-11-19'];
    let counted = 0;
    let changes = 0;
    const gates: (() => void)[] = [];
    const model = new AuditModel({
      buckets: async () => {
        counted += 1;
        if (counted > 1) await new Promise<void>((resolve) => gates.push(resolve));
        return { buckets: days.slice(0, counted).map((key) => ({ key, count: 1 })), ...(counted < 3 ? { counting: true } : {}) };
      },
      page: () => Promise.resolve({ rows: [] }),
    }, () => (changes += 1));
    const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    model.show({ text: 'rare' });
    const first = await model.children();
    assert.deepEqual([labels(first), model.isCounting], [['day 2026-11-21'], true]);
    for (const known of [2, 3]) {
      await settle();
      gates.shift()?.();
      await settle();
      assert.deepEqual([labels(await model.children()), changes], [days.slice(0, known).map((day) => `day ${day}`), known - 1]);
    }
    assert.equal(model.isCounting, false);
    assert.equal((await model.children())[0], first[0], 'rows that are open stay open');
    await settle();
    assert.equal(counted, 3, 'and nobody asks any more');
  });

  it('counts no further for a filter that is taken away', async () => {
    let asked = 0;
    const model = new AuditModel({
      buckets: ({ text }) => {
        asked += 1;
        return Promise.resolve(text === undefined ? { buckets: [{ key: '2026-11-21', count: 9 }] } : { buckets: [{ key: '2026-11-20', count: 1 }], counting: true });
      },
      page: () => Promise.resolve({ rows: [] }),
    });
    model.show({ text: 'rare' });
    await model.children();
    model.show({});
    assert.deepEqual(labels(await model.children()), ['day 2026-11-21']);
    const before = asked;
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([labels(await model.children()), asked <= before + 1, model.isCounting], [['day 2026-11-21'], true, false]);
  });

  it('applies the filter to days and pages', async () => {
    const log = new MemoryLog();
    log.add(6, '2026-11-21');
    const model = new AuditModel(log);
    model.show({ tool: 'shell.exec' });
    const day = await firstBucket(model);
    assert.equal(day.count, 3);
    assert.deepEqual(labels(await model.children(day)), ['entry 6 evt_6', 'entry 4 evt_4', 'entry 2 evt_2']);
  });

  it('finds a row with its parents, and its bucket by key', async () => {
    const log = new MemoryLog();
    log.add(hoursAbove + 100, '2026-11-21', 7);
    const model = new AuditModel(log);
    const found = await model.find(rowAt(150, '2026-11-21T07:00:00.000Z'));
    assert.equal(found?.row.seq, 150);
    const hour = found && model.parent(found);
    assert.ok(hour?.kind === 'hour');
    assert.equal(model.parent(hour)?.kind, 'day');
    assert.equal(await model.bucket('2026-11-21T07'), hour);
    assert.equal(await model.bucket({}), undefined);
  });

  it('finds a row far below the newest by jumping there, and goes back', async () => {
    const log = new MemoryLog();
    log.add(pageSize * 50, '2026-11-21', 7);
    const model = new AuditModel(log);
    const found = await model.find(rowAt(300, '2026-11-21T07:00:00.000Z'));
    assert.equal(found?.row.seq, 300);
    assert.ok(log.asked <= 2, `asked for ${log.asked} pages`);
    const hour = found.bucket;
    const shown = await model.children(hour);
    assert.deepEqual([shown[0]?.kind, shown.at(-1)?.kind, hour.rows?.[0]?.row.seq], ['newest', 'more', 320]);
    log.add(5, '2026-11-21', 7);
    await model.appended();
    assert.equal(hour.rows?.[0]?.row.seq, 320);
    await model.loadMore(hour);
    assert.equal(hour.rows?.at(-1)?.row.seq, 1);
    await model.showNewest(hour);
    assert.equal(hour.rows?.[0]?.row.seq, pageSize * 50 + 5);
    assert.notEqual((await model.children(hour))[0]?.kind, 'newest');
  });

  it('does not jump under a filter that hides the row', async () => {
    const log = new MemoryLog();
    log.add(pageSize * 4, '2026-11-21', 7);
    const model = new AuditModel(log);
    model.show({ tool: 'shell.exec' });
    assert.equal(await model.find(rowAt(1, '2026-11-21T07:00:00.000Z')), undefined);
    const day = await firstBucket(model);
    assert.equal((await model.children(day))[0]?.kind, 'row');
  });

  it('tells entries apart that somebody copied, since the tree refuses two rows of one name', async () => {
    const log = new MemoryLog();
    log.add(3, '2026-11-21');
    log.rows.push(rowAt(2, '2026-11-21T00:00:00.000Z'), rowAt(2, '2026-11-21T00:00:00.000Z'));
    const model = new AuditModel(log);
    const rows = await model.children(await firstBucket(model));
    assert.equal(rows.length, 5);
    assert.equal(new Set(labels(rows)).size, 5);
  });

  it('asks again after a failure', async () => {
    let fails = true;
    const model = new AuditModel({ buckets: () => (fails ? Promise.reject(new Error('no connection')) : Promise.resolve({ buckets: [{ key: '2026-11-21', count: 1 }] })), page: () => Promise.resolve({ rows: [] }) });
    await assert.rejects(model.children(), /no connection/);
    fails = false;
    assert.equal((await model.children()).length, 1);
  });

  it('gives spans that touch without overlap', () => {
    const day: Bucket = { kind: 'day', key: '2026-11-21', day: undefined, count: 0, rows: undefined, next: undefined, jumped: false, hours: undefined, loading: undefined };
    assert.deepEqual(spanOf(day), { since: '2026-11-21T00:00:00.000Z', until: '2026-11-22T00:00:00.000Z' });
    assert.deepEqual(spanOf({ ...day, kind: 'hour', key: '2026-11-21T23' }), { since: '2026-11-21T23:00:00.000Z', until: '2026-11-22T00:00:00.000Z' });
  });
});

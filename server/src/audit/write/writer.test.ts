import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { mock } from 'node:test';
import { SimulatedDisk } from '../../../../test/fakes/simulatedDisk';
import { createAuditReader } from '../read/reader';
import { verifyAuditLog } from '../verify/verifier';
import { counting, event, folder, intent, isUnavailable, lines, nextId, open, path, rejectsWith, useLog } from '../../../../test/fakes/writerGround';

describe('audit writer', () => {
  useLog();
  it('begins a log with its genesis entry, for the owner only', async () => {
    const writer = await open({ actor: { role: 'broker', user: 'ann' } });
    const [genesis, ...rest] = await lines();
    assert.deepEqual(rest, []);
    assert.deepEqual([genesis?.seq, genesis?.phase, genesis?.prevHash, genesis?.actor?.user], [1, 'genesis', `sha256:${'0'.repeat(64)}`, 'ann']);
    assert.match(String(genesis?.input['logId']), /^[0-9a-f]{32}$/);
    assert.equal(genesis?.input['format'], 'conductor-audit/1');
    assert.deepEqual([(await stat(path)).mode & 0o777, (await stat(folder)).mode & 0o777], [0o600, 0o700]);
    assert.deepEqual(writer.state(), { entries: 1, head: genesis?.hash, bytes: (await stat(path)).size, segment: 1, logId: genesis?.input['logId'], health: { state: 'healthy' } });
    assert.deepEqual(await readdir(folder), ['audit.log']);
  });

  it('audit:line-format T78 writes the published members in order and hashes every byte before the hash', async () => {
    const writer = await open({ now: () => 1_800_000_000_123 });
    const call = nextId();
    await writer.append({
      phase: 'intent', id: call, tool: 'filesystem.write', input: { path: 'ü', a: { z: 1, b: [true, null, 1e21] } }, result: 'admitted',
      verdict: { verdict: 'approve', rule: 'r', reason: 'why', policyHash: 'p' }, approval: { id: 'a', decision: 'approved', by: 'ann', waitedMs: 5 },
      actor: { role: 'agent', client: 'c 1', connection: 2, user: 'ann' }, project: '/p',
    });
    const placed = await writer.append({ phase: 'done', call, tool: 'filesystem.write', input: {}, result: 'success', durationMs: 1.25, output: { sha256: `sha256:${'a'.repeat(64)}`, bytes: 3 }, detail: { b: 1, a: 2 } });
    const [, second = '', third = ''] = (await readFile(path, 'utf8')).split('\n');
    const inputHash = createHash('sha256').update('{"a":{"b":[true,null,1e+21],"z":1},"path":"ü"}').digest('hex');
    assert.ok(second.startsWith(
      `{"v":1,"seq":2,"id":"${call}","timestamp":"2027-01-15T08:00:00.123Z","phase":"intent","call":"${call}","tool":"filesystem.write",` +
        `"input":{"a":{"b":[true,null,1e+21],"z":1},"path":"ü"},"inputHash":"sha256:${inputHash}","result":"admitted",` +
        `"verdict":{"verdict":"approve","rule":"r","reason":"why","policyHash":"p"},"approval":{"id":"a","decision":"approved","by":"ann","waitedMs":5},` +
        `"actor":{"role":"agent","client":"c 1","connection":2,"user":"ann"},"project":"/p","prevHash":"sha256:`), second);
    assert.match(third, /"result":"success","durationMs":1.25,"output":\{"sha256":"sha256:a{64}","bytes":3\},"detail":\{"a":2,"b":1\},"prevHash":"sha256:[0-9a-f]{64}","hash":"sha256:[0-9a-f]{64}"\}$/);
    const hash = createHash('sha256').update(`${third.slice(0, -82)}}`).digest('hex');
    assert.deepEqual(placed, { seq: 3, id: JSON.parse(third).id, hash: `sha256:${hash}` });
    assert.equal(third.slice(-66, -2), hash);
  });

  it('T86 writes only what belongs to an entry, and numbers, times and hashes of its own', async () => {
    const writer = await open();
    const forged = { ...event(1), seq: 99, hash: 'x', prevHash: 'y', v: 7, timestamp: '1999-01-01T00:00:00.000Z', extra: 1 };
    await writer.append(forged);
    const [, entry] = await lines();
    assert.deepEqual([entry?.seq, entry?.v, entry?.['extra'], entry?.timestamp.startsWith('1999')], [2, 1, undefined, false]);
    assert.equal((await verifyAuditLog(path)).verdict, 'intact');
  });

  it('T85 keeps one entry on one line and escapes what a screen would act on', async () => {
    const writer = await open();
    const nasty = 'a\n{"v":1}\r\u001b[2J\u009b31m\u202eevil\u2028\u200b\ufeff\u{e0041}\ud800 |= é😀';
    await writer.append({ ...event(1), tool: 'x.y', input: { nasty, [nasty]: 1 }, actor: { role: 'agent', client: nasty, user: 'ann' } });
    const raw = await readFile(path, 'utf8');
    assert.doesNotMatch(raw, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\ufeff]|\udb40/);
    assert.equal(raw.split('\n').length, 3);
    const [, entry] = await lines();
    assert.deepEqual([entry?.input['nasty'], entry?.actor?.client, entry?.input[nasty]], [nasty, nasty, 1]);
    assert.ok(raw.includes('é😀'));
  });

  it('stores large, deep and repeated inputs as their digest', async () => {
    const writer = await open();
    const big = { text: 'x'.repeat(70_000) };
    const text = JSON.stringify(big);
    const deep = JSON.parse(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`) as Record<string, unknown>;
    const call = nextId();
    await writer.append({ phase: 'intent', id: call, tool: 'a.b', input: big, result: 'admitted' });
    await writer.append({ phase: 'done', call, tool: 'a.b', input: { text: 'x'.repeat(2_000) }, result: 'success' });
    await writer.append({ phase: 'denied', id: nextId(), tool: 'a.b', input: deep, result: 'denied' });
    await writer.append({ ...event(1), detail: { text: 'y'.repeat(2_000_000) } });
    const [, first, second, third, fourth] = await lines();
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    assert.deepEqual([first?.input, first?.inputHash], [{ $sha256: digest, bytes: text.length }, digest]);
    assert.deepEqual(Object.keys(second?.input ?? {}), ['$sha256', 'bytes']);
    assert.equal(third?.input['bytes'], JSON.stringify({ a: '' }).length - 2 + 40_000);
    assert.equal(fourth?.detail?.['bytes'], 2_000_011);
    await assert.rejects(writer.append({ ...event(1), project: 'p'.repeat(1_100_000) }), rejectsWith('TOO_LARGE', /1048576 bytes/));
    assert.equal((await verifyAuditLog(path)).verdict, 'intact');
  });

  it('audit:longest-line takes a line of a mebibyte and no longer one, and verifiers and readers take it too', async () => {
    const writer = await open();
    const fits = (length: number): Promise<boolean> =>
      writer.append({ ...event(1), project: 'p'.repeat(length) }).then(() => true, (thrown: unknown) => !rejectsWith('TOO_LARGE', /1048576 bytes/)(thrown));
    let [most, over] = [1_040_000, 1_060_000];
    while (over - most > 1) {
      const middle = Math.floor((most + over) / 2);
      if (await fits(middle)) most = middle;
      else over = middle;
    }
    assert.ok(most > 1_048_000, `${most}`);
    for (const depth of ['deep', 'strict'] as const) assert.equal((await verifyAuditLog(path, { depth })).verdict, 'intact');
    assert.equal((await createAuditReader(path).entry({ seq: writer.state().entries }))?.entry?.seq, writer.state().entries);
  });

  it('audit:group-commit keeps 500 concurrent appends in order, in far fewer syncs, and tells listeners', async () => {
    const { disk, appends, syncs } = counting();
    const writer = await open({ disk });
    const heard: string[] = [];
    const stop = writer.onAppended((news) => heard.push(...news.map(({ text }) => text)));
    const placed = await Promise.all(Array.from({ length: 500 }, (_, n) => writer.append(event(n))));
    const stored = await lines();
    assert.deepEqual(placed.map(({ seq }) => seq), stored.slice(1).map(({ seq }) => seq));
    assert.deepEqual(stored.slice(1).map(({ input }) => input['n']), Array.from({ length: 500 }, (_, n) => n));
    assert.deepEqual(stored.slice(1).map(({ hash }) => hash), placed.map(({ hash }) => hash));
    assert.ok(syncs() < 50, `${syncs()} syncs for 500 appends`);
    assert.equal(appends(), syncs());
    assert.equal(heard.join('\n'), (await readFile(path, 'utf8')).split('\n').slice(1, -1).join('\n'));
    stop();
    await writer.append(event('unheard'));
    assert.equal(heard.length, 500);
  });

  it('audit:durable-before-resolve resolves only after the sync of the entry', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    const before = disk.calls.get('sync') ?? 0;
    await writer.append(intent());
    assert.equal(disk.calls.get('sync'), before + 1);
  });

  it('audit:two-halves has half of many callers on its way to the disk while the other half is made ready, and answers both', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    let wave = 0;
    const sizes: number[] = [];
    writer.onAppended((news) => sizes.push(news.length));
    await Promise.all(Array.from({ length: 64 }, async (_, caller) => {
      for (let n = 0; n < 5; n += 1) await writer.append(event(`${caller} ${n}`));
      wave += 1;
    }));
    assert.equal(wave, 64);
    assert.deepEqual(sizes.slice(0, 9), Array.from({ length: 9 }, () => 32));
    assert.equal(sizes.reduce((sum, size) => sum + size, 0), 320);
    assert.equal((await verifyAuditLog(path, { disk })).verdict, 'intact');
  });

  it('audit:queued enqueue resolves before any write and is written in order', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    const before = disk.operations;
    const id = await writer.enqueue(intent());
    assert.equal(disk.operations, before);
    const last = await writer.append(event('after'));
    assert.deepEqual([last.seq, disk.calls.get('append')], [3, 2], 'both went out together');
    assert.ok(disk.bytes(path)?.toString('utf8').split('\n')[1]?.includes(id));
    await writer.enqueue(event('alone'));
    await writer.close();
    assert.ok(disk.bytes(path)?.toString('utf8').includes('alone'));
  });

  it('audit:queued gathers what nobody waits for, for five milliseconds or 256 KiB, into one write', async () => {
    const disk = new SimulatedDisk();
    const writer = await open({ disk });
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const next = (): Promise<number> => new Promise((resolve) => { const stop = writer.onAppended((news) => (stop(), resolve(news.length))); });
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      for (let n = 0; n < 40; n += 1) await writer.enqueue(event(n)).then(turn);
      assert.equal(disk.calls.get('append'), 1, 'only that of the genesis');
      const first = next();
      mock.timers.tick(5);
      assert.equal(await first, 40);
      const second = next();
      for (let n = 0; n < 9; n += 1) await writer.enqueue(event('x'.repeat(30_000)));
      assert.equal(await second, 9);
    } finally {
      mock.timers.reset();
    }
    await writer.close();
    assert.equal((await verifyAuditLog(path, { disk })).verdict, 'intact');
  });

  it('closes: writes what is queued and refuses the rest', async () => {
    const writer = await open();
    const pending = writer.append(event(1));
    await writer.close();
    assert.equal((await pending).seq, 2);
    await assert.rejects(writer.append(event(2)), isUnavailable(/closed/));
    await assert.rejects(writer.enqueue(event(2)), isUnavailable(/closed/));
    assert.equal(writer.state().health.state, 'closed');
  });
});

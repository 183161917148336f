import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, TestHouse, until, type Json } from './house';

/** What entries name by its hash, with the built programs: the policy that judged a call, and the counts of a moment. */

describe('provenance', function () {
  this.timeout(60_000);
  let house: TestHouse;
  const snapshot = (name: string): string => join(house.configDir, 'snapshots', name);
  const shown = (...args: string[]): Json => JSON.parse(house.run('audit', 'show', ...args).stdout) as Json;
  const listed = (policy: Json): unknown => ((policy['plugins'] as Json)['shell'] as Json)['allowedCommands'];
  beforeEach(() => { house = new TestHouse({ plugins: { shell: { allowedCommands: ['echo'] } } }); });
  afterEach(() => house.close());

  it('audit:policy-of-entry: the policy that judged a call can be opened after it was changed', async () => {
    const agent = await house.introducedAgent();
    await agent.call('shell_exec', { command: 'echo one' });
    house.configure({ plugins: { shell: { allowedCommands: ['ls'] } } });
    await until('the change is recorded', () => house.entries().some(({ tool }) => tool === 'config.changed'));
    await agent.call('shell_exec', { command: 'echo two' });
    const [first, second] = house.callEntries().filter(({ phase }) => phase !== 'done').map(({ seq }) => String(seq));
    assert.deepEqual(listed(shown(first ?? '', '--policy')), ['echo']);
    assert.deepEqual(listed(shown(second ?? '', '--policy')), ['ls']);
    const change = house.entries().find(({ tool }) => tool === 'config.changed');
    assert.deepEqual(listed(shown(String(change?.['id']), '--policy')), ['ls']);
    // What held from the start is named there, also when it was changed while no broker ran.
    const start = house.entries().find(({ tool }) => tool === 'broker.started');
    assert.deepEqual(listed(shown(String(start?.['seq']), '--policy')), ['echo']);
    // A window asks the broker for the same.
    const viewer = await house.control('viewer');
    const hash = String((house.callEntries()[0]?.['verdict'] as Json)['policyHash']);
    const answer = await viewer.sendRequest<Json>('audit/snapshot', { hash });
    assert.deepEqual([answer['kind'], listed(JSON.parse(String(answer['text'])) as Json)], ['policy', ['echo']]);
    await assert.rejects(viewer.sendRequest('audit/snapshot', { hash: '0'.repeat(64) }), /Nothing with the hash/);
    await assert.rejects(viewer.sendRequest('audit/snapshot', { hash: '../control.key' }), /64 lower-case hex digits/);
    await assert.rejects(viewer.sendRequest('audit/measure', {}), /may not send/);
    // Somebody else computes the same hash from the file.
    assert.equal(createHash('sha256').update(readFileSync(snapshot(`policy-${hash}.json`))).digest('hex'), hash);
    writeFileSync(snapshot(`policy-${hash}.json`), readFileSync(snapshot(`policy-${hash}.json`), 'utf8').replace('echo', 'dd'));
    const changed = house.run('audit', 'show', first ?? '', '--policy');
    assert.deepEqual([changed.status, /was changed/.test(changed.stderr)], [2, true]);
  });

  it('audit:metrics: the counts of a run are kept at its end, and when a person asks', async () => {
    const agent = await house.introducedAgent();
    await agent.call('shell_exec', { command: 'echo one' });
    await agent.call('shell_exec', { command: 'curl x' });
    await agent.call('no_such_tool', {});
    const asked = house.run('audit', 'measure').stdout.trim();
    const entry = house.entries().find(({ tool }) => tool === 'audit.metrics');
    assert.equal((entry?.['input'] as Json)['metrics'], `sha256:${asked}`);
    assert.deepEqual(shown(String(entry?.['seq']), '--metrics')['calls'], { 'shell.exec': { success: 1, DENIED: 1 }, unknown: { UNKNOWN_TOOL: 1 } });
    const { pid } = await house.status();
    agent.child.kill('SIGKILL');
    await endProcess(pid);
    const last = house.entries().find(({ input }) => (input as Json)['why'] === 'SIGTERM');
    assert.equal((shown(String(last?.['id']), '--metrics')['calls'] as Json)['unknown'] !== undefined, true);
    assert.equal(readdirSync(join(house.configDir, 'snapshots')).filter((name) => !/^(policy|metrics)-[0-9a-f]{64}\.json$/.test(name)).length, 0);
  });
});

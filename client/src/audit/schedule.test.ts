import assert from 'node:assert/strict';
import type { VerificationReport } from '../../../protocol/src/audit/report';
import { Schedule } from './schedule';

const intact: VerificationReport = {
  verdict: 'intact', level: 'chain intact', depth: 'default', files: 1, from: 1, notes: [], entries: 9, bytes: 1, head: `sha256:${'a'.repeat(64)}`, firstTimestamp: null, lastTimestamp: null, class: null, line: null, offset: null,
  expected: null, found: null, message: 'fine', findings: [], findingCount: 0, orphans: [], orphanCount: 0, warnings: [],
};
const edited: VerificationReport = { ...intact, verdict: 'tampered', level: null, class: 'hash', line: 7, offset: 100, expected: 'x', found: 'y', message: 'Line 7 was edited.', findingCount: 1 };

/** A schedule whose time passes by hand. */
function scene(minutes = 60) {
  const told: string[] = [];
  const waits: { ms: number; action: () => void; over: boolean }[] = [];
  const kept = new Map<string, unknown>();
  const state = { report: intact as VerificationReport | undefined, made: 0, minutes };
  const make = (): Schedule =>
    new Schedule({
      verify: () => ((state.made += 1), Promise.resolve(state.report)), tell: ({ message }) => told.push(message), everyMinutes: () => state.minutes, configDir: '/c',
      later: (ms, action) => {
        const wait = { ms, action, over: false };
        waits.push(wait);
        return { dispose: () => (wait.over = true) };
      },
      store: { get: (key) => kept.get(key), update: (key, value) => Promise.resolve(void kept.set(key, value)) },
    });
  /** Lets the time of the one wait pass; gives its length in minutes. */
  const pass = async (): Promise<number> => {
    const open = waits.filter(({ over }) => !over);
    assert.equal(open.length, 1, 'one wait at a time');
    const [wait] = open;
    assert.ok(wait);
    wait.over = true;
    wait.action();
    await new Promise((resolve) => setImmediate(resolve));
    return wait.ms / 60_000;
  };
  return { told, state, make, pass, open: () => waits.filter(({ over }) => !over).length };
}

describe('verifications by themselves', () => {
  it('audit:schedule come soon after a connection and then as often as the setting says, without a word while all is well', async () => {
    const { told, state, make, pass } = scene(60);
    make().connected();
    assert.ok((await pass()) < 1);
    assert.equal(await pass(), 60);
    state.minutes = 5;
    assert.equal(await pass(), 60);
    assert.equal(await pass(), 5);
    assert.equal(state.made, 4);
    assert.deepEqual(told, []);
  });

  it('audit:schedule tell each finding once, also after a reload, and another one again', async () => {
    const { told, state, make, pass } = scene();
    const schedule = make();
    schedule.connected();
    state.report = edited;
    await pass();
    await pass();
    schedule.dispose();
    make().connected();
    await pass();
    assert.deepEqual(told, ['Line 7 was edited.']);
    state.report = { ...edited, line: 3, message: 'Line 3 was edited.', findingCount: 2 };
    await pass();
    state.report = intact;
    await pass();
    state.report = edited;
    await pass();
    assert.deepEqual(told, ['Line 7 was edited.', 'Line 3 was edited.', 'Line 7 was edited.'], 'what was right again meanwhile is news');
  });

  it('say nothing when the broker could not be asked or a verification was stopped, and try again', async () => {
    const { told, state, make, pass } = scene();
    make().connected();
    state.report = undefined;
    await pass();
    state.report = { ...edited, verdict: 'unverifiable', class: 'aborted' };
    await pass();
    assert.deepEqual(told, []);
    state.report = { ...edited, verdict: 'unverifiable', class: 'unreadable', message: 'no rights' };
    await pass();
    assert.deepEqual(told, ['no rights']);
  });

  it('end with the connection, and are only the first one when the setting is 0', async () => {
    const { make, pass, open } = scene(0);
    const schedule = make();
    schedule.connected();
    await pass();
    assert.equal(open(), 0);
    schedule.connected();
    schedule.disconnected();
    assert.equal(open(), 0);
    schedule.connected();
    schedule.dispose();
    assert.equal(open(), 0);
  });
});

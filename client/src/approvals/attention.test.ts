import assert from 'node:assert/strict';
import { examplePending } from '../../../test/fakes/pending';
import { Attention, elsewhereMs, holdsProject, type AttentionPorts } from './attention';
import { gatherMs, quietMs } from './bursts';

/** A window with a clock that moves only when told. */
function windowOf(different: Partial<AttentionPorts> = {}): { attention: Attention; advance: (ms: number) => void; shown: string[]; answered: Set<string> } {
  let now = 0;
  const due = new Set<{ at: number; action: () => void }>();
  const shown: string[] = [];
  const answered = new Set<string>();
  const attention = new Attention({
    setting: () => 'whenHidden', remindMs: () => 60_000, folders: () => ['/home/ada/project'], seen: () => ({ focused: false, visible: false }), waits: ({ id }) => !answered.has(id), show: (kind) => shown.push(`${kind} at ${now}`),
    now: () => now,
    later: (ms, action) => {
      const item = { at: now + ms, action };
      due.add(item);
      return { dispose: () => due.delete(item) };
    },
    ...different,
  });
  const advance = (ms: number): void => {
    for (const end = now + ms; now < end; now += 50) {
      for (const item of [...due].filter(({ at }) => at <= now + 50)) {
        due.delete(item);
        item.action();
      }
    }
  };
  return { attention, advance, shown, answered };
}

describe('attention to calls that wait', () => {
  const call = examplePending();

  it('tells at once where the project is open, and once more when nobody answers', () => {
    const { attention, advance, shown } = windowOf();
    attention.arrived([call]);
    advance(gatherMs);
    assert.deepEqual(shown.map((text) => text.split(' ')[0]), ['arrived']);
    advance(70_000);
    assert.deepEqual(shown.map((text) => text.split(' ')[0]), ['arrived', 'reminder']);
    advance(600_000);
    assert.equal(shown.length, 2);
  });

  it('tells later in a window that holds another project, and not at all when it was answered by then', () => {
    const { attention, advance, shown, answered } = windowOf({ folders: () => ['/home/ada/other'] });
    attention.arrived([call]);
    advance(elsewhereMs - quietMs);
    assert.deepEqual(shown, []);
    advance(quietMs + gatherMs);
    assert.equal(shown.length, 1);
    const second = windowOf({ folders: () => ['/home/ada/other'] });
    second.attention.arrived([call]);
    second.answered.add(call.id);
    second.attention.gone([call]);
    second.advance(120_000);
    assert.deepEqual(second.shown, []);
    assert.equal(answered.size, 0);
  });

  it('reminds of nothing that was answered, and never when the setting says 0', () => {
    const answeredSoon = windowOf();
    answeredSoon.attention.arrived([call]);
    answeredSoon.advance(gatherMs);
    answeredSoon.attention.gone([call]);
    answeredSoon.advance(120_000);
    const never = windowOf({ remindMs: () => 0 });
    never.attention.arrived([call]);
    never.advance(120_000);
    assert.deepEqual([answeredSoon.shown.length, never.shown.length], [1, 1]);
  });

  it('keeps a reminder of what was not told yet until it was told', () => {
    const { attention, advance, shown } = windowOf({ remindMs: () => 1000 });
    attention.arrived([call]);
    advance(gatherMs);
    attention.arrived([examplePending({ id: 'evt_2' })]);
    advance(3 * quietMs);
    assert.deepEqual(shown.slice(0, 3).map((text) => text.split(' ')[0]), ['arrived', 'arrived', 'reminder']);
  });

  it('shows nothing while a person looks at what waits, and nothing ever when told so', () => {
    const looking = windowOf({ seen: () => ({ focused: true, visible: true }) });
    looking.attention.arrived([call]);
    looking.advance(120_000);
    const silent = windowOf({ setting: () => 'never' });
    silent.attention.arrived([call]);
    silent.advance(120_000);
    assert.deepEqual([looking.shown, silent.shown], [[], []]);
  });

  it('makes one notification of fifty calls, and tells nothing after its end', () => {
    const { attention, advance, shown } = windowOf({ remindMs: () => 0 });
    attention.arrived(Array.from({ length: 50 }, (_, index) => examplePending({ id: `evt_${index}` })));
    advance(quietMs - 100);
    assert.equal(shown.length, 1);
    attention.arrived([call]);
    attention.dispose();
    advance(120_000);
    assert.equal(shown.length, 1);
  });

  it('knows which window holds a project', () => {
    assert.ok(holdsProject(['/p'], '/p') && holdsProject(['/p/sub'], '/p') && holdsProject(['/'], '/p') && holdsProject(['/q', '/p'], '/p/sub'));
    assert.ok(!holdsProject([], '/p') && !holdsProject(['/pp'], '/p') && !holdsProject(['/p'], '/pp'));
  });
});

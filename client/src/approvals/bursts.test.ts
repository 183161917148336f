import assert from 'node:assert/strict';
import { Bursts, gatherMs, mayNotify, notifySetting, quietMs } from './bursts';

/** A clock that moves only when told, and runs what is due. */
function world(telling: () => boolean): { bursts: Bursts; advance: (ms: number) => void; told: number[] } {
  let now = 0;
  let due: { at: number; action: () => void }[] = [];
  const told: number[] = [];
  const bursts = new Bursts({
    now: () => now,
    later: (ms, action) => {
      const item = { at: now + ms, action };
      due.push(item);
      return { dispose: () => (due = due.filter((other) => other !== item)) };
    },
    tell: () => {
      const shown = telling();
      if (shown) told.push(now);
      return shown;
    },
  });
  const advance = (ms: number): void => {
    now += ms;
    const ready = due.filter((item) => item.at <= now);
    due = due.filter((item) => item.at > now);
    for (const item of ready) item.action();
  };
  return { bursts, advance, told };
}

describe('notifications of arrivals', () => {
  it('makes one of many that come together', () => {
    const { bursts, advance, told } = world(() => true);
    for (let call = 0; call < 5; call += 1) bursts.arrived();
    advance(gatherMs - 1);
    assert.deepEqual(told, []);
    advance(1);
    assert.deepEqual(told, [gatherMs]);
  });

  it('waits ten seconds between two, and then tells of what came meanwhile', () => {
    const { bursts, advance, told } = world(() => true);
    bursts.arrived();
    advance(gatherMs);
    bursts.arrived();
    advance(quietMs - 1);
    assert.equal(told.length, 1);
    advance(1);
    assert.equal(told.length, 2);
  });

  it('does not count as told what was not shown', () => {
    let visible = true;
    const { bursts, advance, told } = world(() => !visible);
    bursts.arrived();
    advance(gatherMs);
    visible = false;
    bursts.arrived();
    advance(gatherMs);
    assert.equal(told.length, 1);
  });

  it('tells nothing after its end', () => {
    const { bursts, advance, told } = world(() => true);
    bursts.arrived();
    bursts.dispose();
    advance(quietMs);
    assert.deepEqual(told, []);
  });

  it('obeys the setting', () => {
    const seen = { focused: true, visible: true };
    assert.equal(mayNotify('always', seen), true);
    assert.equal(mayNotify('never', { focused: false, visible: false }), false);
    assert.equal(mayNotify('whenHidden', seen), false);
    assert.equal(mayNotify('whenHidden', { focused: false, visible: true }), true);
    assert.equal(mayNotify('whenHidden', { focused: true, visible: false }), true);
    assert.equal(mayNotify('whenUnfocused', { focused: true, visible: false }), false);
    assert.equal(mayNotify('whenUnfocused', { focused: false, visible: true }), true);
  });

  it('takes an unknown setting for the default', () => {
    assert.deepEqual(['always', 'never', 'whenHidden', 'whenUnfocused', 'often', 7, undefined].map(notifySetting), ['always', 'never', 'whenHidden', 'whenUnfocused', 'whenHidden', 'whenHidden', 'whenHidden']);
  });
});

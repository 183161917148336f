import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { watchFile, type WatchFolder, type WatchOptions } from './watch';

function bench(options: Partial<WatchOptions> = {}) {
  let changes = 0;
  let changed: (() => void) | undefined;
  const attached: { folder: string; onEvent: (name: string | null) => void; onEnd: () => void; closed: boolean }[] = [];
  const watchFolder: WatchFolder = (folder, onEvent, onEnd) => {
    const one = { folder, onEvent, onEnd, closed: false };
    attached.push(one);
    return { close: () => (one.closed = true) };
  };
  const watched = watchFile({
    file: '/home/me/.conductor/config.json', debounceMs: 10, pollMs: 3_600_000, watchFolder,
    hasChanged: () => Promise.resolve(false),
    onChange: () => {
      changes += 1;
      changed?.();
    },
    ...options,
  });
  const event = (name: string | null): void => attached.at(-1)?.onEvent(name);
  const nextChange = (): Promise<void> => new Promise((resolve) => (changed = resolve));
  return { watched, attached, event, nextChange, changes: () => changes };
}

describe('watch', () => {
  it('watches the folder and tells once of many events', async () => {
    const { watched, attached, event, nextChange, changes } = bench();
    assert.equal(attached[0]?.folder, '/home/me/.conductor');
    for (let count = 0; count < 5; count += 1) event('config.json');
    await nextChange();
    await delay(30);
    assert.equal(changes(), 1);
    watched.close();
    assert.equal(attached[0].closed, true);
  });

  it('T36: tells of a change while events go on without a pause', async () => {
    const { watched, event, changes } = bench({ debounceMs: 20 });
    const began = performance.now();
    while (changes() === 0 && performance.now() - began < 5000) {
      event('config.json');
      await delay(5);
    }
    assert.ok(changes() > 0);
    watched.close();
  });

  it('takes an event without a name for one of the file, and ignores its neighbours', async () => {
    const { watched, event, nextChange, changes } = bench();
    event('audit.log');
    event('config.json.tmp');
    await delay(30);
    assert.equal(changes(), 0);
    event(null);
    await nextChange();
    watched.close();
  });

  it('tells nothing after it was closed, neither of earlier nor of later events', async () => {
    const { watched, event, changes } = bench();
    event('config.json');
    watched.close();
    await delay(30);
    assert.equal(changes(), 0);
    event('config.json');
    await delay(30);
    assert.equal(changes(), 0);
  });

  it('watches again after the watch ended or could not be had', async () => {
    let tries = 0;
    let changed: (() => void) | undefined;
    const ends: (() => void)[] = [];
    const attachedAgain = new Promise<void>((resolve) => (changed = resolve));
    const { watched } = bench({
      pollMs: 5,
      watchFolder: (_folder, _onEvent, onEnd) => {
        tries += 1;
        if (tries === 1) throw new Error('no such folder');
        ends.push(onEnd);
        if (tries === 2) setTimeout(onEnd, 5);
        if (tries === 3) changed?.();
        return { close: () => undefined };
      },
    });
    await attachedAgain;
    assert.equal(ends.length, 2);
    watched.close();
  });

  it('tells of a change that it finds by looking', async () => {
    let left = 3;
    const { watched, nextChange } = bench({ pollMs: 5, hasChanged: () => Promise.resolve((left -= 1) === 0) });
    await nextChange();
    assert.ok(left <= 0);
    watched.close();
  });
});

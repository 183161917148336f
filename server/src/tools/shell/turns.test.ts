import assert from 'node:assert/strict';
import { takeTurn, turnOf, type Turn } from './turns';
import type { Step } from './plan';

/** Turns in a project: together or alone, in order, with an end to every wait. */

const together: Turn = { names: 'together', briefly: false, repositories: [] };
const alone: Turn = { names: 'alone', briefly: false, repositories: [] };

function step(...commands: readonly (readonly [string, ...string[]])[]): Step {
  const binary = { name: '', path: '/bin/x', prefix: [], identity: '' };
  return { joint: 'first', commands: commands.map((argv) => ({ argv, folder: '/p', binary, inner: [], additions: {}, redirections: [] })), reads: false };
}

/** Without the repositories, which only a disk knows. */
function needs(given: Step): Omit<Turn, 'repositories'> {
  const { repositories, ...turn } = turnOf(given);
  assert.equal(repositories.length > 0, turn.history !== undefined);
  return turn;
}

describe('commands:ground turns', () => {
  const never = new AbortController().signal;
  const soon = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

  it('T27 lets users in together, who changes alone, and nobody past somebody who waits', async () => {
    const seen: string[] = [];
    const first = await takeTurn('/p', together, never);
    const second = await takeTurn('/p', together, never);
    const changer = takeTurn('/p', alone, never).then((taken) => (seen.push('changer'), taken));
    const third = takeTurn('/p', together, never).then((taken) => (seen.push('third'), taken));
    await soon();
    assert.deepEqual(seen, []);
    first.leave();
    first.leave();
    await soon();
    assert.deepEqual(seen, [], 'leaving twice counts once');
    second.leave();
    const taken = await changer;
    await soon();
    assert.deepEqual(seen, ['changer']);
    taken.leave();
    (await third).leave();
    assert.deepEqual(seen, ['changer', 'third']);
  });

  it('T27 takes projects that lie in each other for one, and others not', async () => {
    const held = await takeTurn('/p/inner', together, never);
    for (const project of ['/p', '/p/inner', '/p/inner/most']) await assert.rejects(takeTurn(project, alone, never, 20), { code: 'CONFLICT' }, project);
    for (const project of ['/p/inner2', '/q']) (await takeTurn(project, alone, never)).leave();
    held.leave();
    // Two projects of one repository.
    const branch = await takeTurn('/p/a', { history: 'alone', briefly: false, repositories: ['/p/.git'] }, never);
    await assert.rejects(takeTurn('/p/b', { history: 'alone', briefly: false, repositories: ['/p/.git'] }, never, 20), { code: 'CONFLICT' });
    branch.leave();
  });

  it('keeps projects, and names and history, apart', async () => {
    const held = await takeTurn('/p', alone, never);
    (await takeTurn('/q', alone, never)).leave();
    (await takeTurn('/p', { history: 'alone', briefly: false, repositories: ['/p/.git'] }, never)).leave();
    held.leave();
  });

  it('ends a wait that takes too long, or that nobody wants any more, and lets the next one in', async () => {
    const held = await takeTurn('/p', together, never);
    await assert.rejects(takeTurn('/p', alone, never, 20), { code: 'CONFLICT' });
    const withdrawn = new AbortController();
    const waiting = takeTurn('/p', alone, withdrawn.signal);
    const behind = takeTurn('/p', together, never);
    withdrawn.abort();
    await assert.rejects(waiting, { code: 'CANCELLED' });
    (await behind).leave();
    held.leave();
    (await takeTurn('/p', alone, never)).leave();
  });

  it('gives names back early to what only begins with them', async () => {
    const held = await takeTurn('/p', { names: 'together', history: 'alone', briefly: true, repositories: ['/p/.git'] }, never);
    held.begun();
    (await takeTurn('/p', alone, never)).leave();
    await assert.rejects(takeTurn('/p', { history: 'together', briefly: false, repositories: ['/p/.git'] }, never, 20), { code: 'CONFLICT' });
    held.leave();
    (await takeTurn('/p', { names: 'alone', history: 'alone', briefly: false, repositories: ['/p/.git'] }, never)).leave();
  });

  it('knows what a step needs', () => {
    assert.deepEqual(needs(step(['ln', '-sfn', 'a', 'b'])), { names: 'alone', briefly: false });
    assert.deepEqual(needs(step(['nice', 'timeout', '5', 'mv', 'a', 'b'])), { names: 'alone', briefly: false });
    assert.deepEqual(needs(step(['echo', 'a/b'])), { briefly: false });
    assert.deepEqual(needs(step(['sleep', '9'], ['cat', '-', 'a/b'])), { names: 'together', briefly: false });
    assert.deepEqual(needs(step(['npm', 'test'], ['tail', '-3'])), { names: 'together', briefly: true });
    assert.deepEqual(needs(step(['npm', 'test'], ['tee', 'out/log'])), { names: 'together', briefly: false });
    assert.deepEqual(needs(step(['npm', 'test'], ['tee', 'log'])), { names: 'together', briefly: true });
    assert.deepEqual(needs(step(['find', '.', '-type', 'f', '-print0'], ['xargs', '-0', 'cat'])), { names: 'together', briefly: false });
    assert.deepEqual(needs(step(['git', 'log'])), { names: 'together', briefly: true });
    assert.deepEqual(needs(step(['sleep', '2'], ['git', 'diff', '--no-index', '-', 'x/sub/f'])), { names: 'together', briefly: false });
    assert.deepEqual(needs(step(['git', 'fetch', 'origin'])), { names: 'together', history: 'together', briefly: true });
    assert.deepEqual(needs(step(['git', 'checkout', 'x'])), { names: 'alone', history: 'alone', briefly: false });
    assert.deepEqual(needs(step(['git', 'branch', '-m', 'a', 'b'])), { names: 'together', history: 'alone', briefly: true });
  });
});

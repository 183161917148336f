import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { outsideOf, plantTree, races, runRace, startSwap } from '../../../../test/fakes/races';
import { stopSwapping } from '../../../../test/fakes/swapping';
import type { Tree } from '../../../../test/vectors/paths/tree';

/** Another process swaps a folder or a file with a link to the outside, as fast as it can, while the tools work on it (T27). The benchmark makes 8,000 tries of each. */

/** Tries for each race at least, and milliseconds after which it ends even when one of the two outcomes was never met. */
const enough = { tries: 2000, milliseconds: 4000 };

describe('T27 races against a process that swaps links in', function () {
  this.timeout(60_000);
  let tree: Tree;
  let child: ChildProcess | undefined;

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });
  beforeEach(() => {
    tree = plantTree();
  });
  afterEach(async () => {
    if (child !== undefined) await stopSwapping(child);
    child = undefined;
    tree.remove();
  });

  for (const race of races) {
    it(`T27 ${race.about}: nothing outside is read or changed`, async () => {
      const before = outsideOf(tree);
      child = await startSwap(tree, race.swap);
      const began = performance.now();
      const counts = await runRace(tree, race, ({ success, other }) => (success + other >= enough.tries && success > 0 && other > 0) || performance.now() - began >= enough.milliseconds);
      await stopSwapping(child);
      child = undefined;
      assert.equal(counts.seen, 0, 'content or names from outside');
      assert.equal(outsideOf(tree), before);
      assert.ok(counts.success + counts.other > 100 && counts.other > 0, `the race took place: ${JSON.stringify(counts)}`);
    });
  }

  it('T27 the same swapping does fool a check of the resolved path, so these tests could fail', async function () {
    child = await startSwap(tree, 'd');
    const path = join(tree.project, 'd/f');
    const began = performance.now();
    let escapes = 0;
    while (escapes === 0 && performance.now() - began < enough.milliseconds) {
      try {
        if (realpathSync(path).startsWith(`${tree.project}/`) && readFileSync(path, 'utf8') === 'SECRET') escapes += 1;
      } catch {
        // The moment between two renames.
      }
    }
    // A machine with one slow core may never show it; that says nothing about the tools.
    if (escapes === 0) this.skip();
    assert.ok(escapes > 0);
  });
});

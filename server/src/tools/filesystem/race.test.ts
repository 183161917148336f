import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSwapping, stopSwapping } from '../../../../test/fakes/swapping';
import { fileConfig, makeTree, pictureOf, type Tree } from '../../../../test/vectors/paths/tree';
import { descriptorPins } from '../../base/pin';
import { createFilesystemTools } from './tools';

/** Another process swaps a folder or a file with a link to the outside, as fast as it can, while the tools work on it (T27). */

const lines = [
  ['folder', 'ws'], ['folder', 'cfg'], ['folder', 'secret/sub'], ['file', 'secret/f', 'SECRET'], ['file', 'secret/sub/f', 'SECRET'], ['file', 'secret/SECRET', ''],
  ['folder', 'ws/d/sub'], ['file', 'ws/d/f', 'inside'], ['file', 'ws/d/sub/f', 'inside'], ['file', 'ws/file', 'inside'],
] as const;

type Race = Readonly<{ about: string; swap: 'd' | 'file'; tool: string; input: Record<string, unknown> }>;

const races: readonly Race[] = [
  { about: 'read through a swapped folder', swap: 'd', tool: 'filesystem.read', input: { path: 'd/f' } },
  { about: 'read of a swapped file', swap: 'file', tool: 'filesystem.read', input: { path: 'file' } },
  { about: 'list of a swapped folder', swap: 'd', tool: 'filesystem.list', input: { path: 'd', recursive: true } },
  { about: 'search in a swapped folder', swap: 'd', tool: 'filesystem.search', input: { path: 'd', pattern: 'e', ignoreCase: true } },
  { about: 'write through a swapped folder', swap: 'd', tool: 'filesystem.write', input: { path: 'd/f', content: 'written' } },
  { about: 'new file in new folders below a swapped folder', swap: 'd', tool: 'filesystem.write', input: { path: 'd/new/g', content: 'written' } },
  { about: 'write of a swapped file', swap: 'file', tool: 'filesystem.write', input: { path: 'file', content: 'written' } },
  { about: 'delete through a swapped folder', swap: 'd', tool: 'filesystem.delete', input: { path: 'd/f' } },
  { about: 'delete of a folder below a swapped folder', swap: 'd', tool: 'filesystem.delete', input: { path: 'd/sub', recursive: true } },
  { about: 'delete of a swapped file', swap: 'file', tool: 'filesystem.delete', input: { path: 'file' } },
];

/** Tries for each race at least, and milliseconds after which it ends even when one of the two outcomes was never met. */
const enough = { tries: 2000, milliseconds: 4000 };

function startSwap(tree: Tree, swap: Race['swap']): Promise<ChildProcess> {
  return startSwapping(join(tree.project, swap), swap === 'file' ? '../secret/f' : '../secret', swap === 'file' ? 'file' : 'folder');
}

/** Any entry that was ever made or removed there, even for a moment, moves these times. */
function timesOf(tree: Tree): readonly bigint[] {
  return ['secret', 'secret/sub', 'secret/f'].map((path) => statSync(join(tree.root, path), { bigint: true }).ctimeNs);
}

async function run(tree: Tree, race: Race): Promise<Record<'success' | 'other', number>> {
  const tool = createFilesystemTools(descriptorPins).find((each) => each.name === race.tool);
  assert.ok(tool);
  const signal = new AbortController().signal;
  const context = { project: tree.project, configDir: tree.config, config: fileConfig(), signal };
  const counts = { success: 0, other: 0 };
  const began = performance.now();
  const isEnough = (): boolean => counts.success + counts.other >= enough.tries && counts.success > 0 && counts.other > 0;
  while (!isEnough() && performance.now() - began < enough.milliseconds) {
    const prepared = await tool.prepare(race.input, context);
    const outcome = prepared.verdict.verdict === 'allow' ? await prepared.run(signal, () => undefined) : undefined;
    prepared.release?.();
    assert.ok(!JSON.stringify(outcome ?? '').includes('SECRET'), 'content or names from outside');
    counts[outcome?.kind === 'success' ? 'success' : 'other'] += 1;
  }
  return counts;
}

describe('T27 races against a process that swaps links in', function () {
  this.timeout(60_000);
  // Memory-backed where there is one, so that waiting for a disk does not take the place of tries.
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  let tree: Tree;
  let child: ChildProcess | undefined;

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });
  beforeEach(() => {
    tree = makeTree(lines, parent);
  });
  afterEach(async () => {
    if (child !== undefined) await stopSwapping(child);
    child = undefined;
    tree.remove();
  });

  for (const race of races) {
    it(`T27 ${race.about}: nothing outside is read or changed`, async () => {
      const before = { picture: pictureOf(join(tree.root, 'secret')), times: timesOf(tree) };
      child = await startSwap(tree, race.swap);
      const counts = await run(tree, race);
      await stopSwapping(child);
      child = undefined;
      assert.equal(pictureOf(join(tree.root, 'secret')), before.picture);
      assert.deepEqual(timesOf(tree), before.times);
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

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileConfig, makeTree, pictureOf, type Tree } from '../../../../test/vectors/paths/tree';
import { descriptorPins } from '../../base/pin';
import { createFilesystemTools } from './tools';

/** Another process swaps a folder or a file with a link to the outside, as fast as it can, while the tools work on it (T27). */

const swapper = `
  const fs = require('node:fs');
  const [path, target, kind] = process.argv.slice(1);
  const aside = path + '.aside';
  const attempt = (step) => { try { step(); } catch {} };
  const spin = () => { for (let i = Math.random() * 4000; i > 0; i -= 1); };
  const make = () => { if (kind === 'file') return fs.writeFileSync(aside, 'inside'); fs.mkdirSync(aside + '/sub', { recursive: true }); fs.writeFileSync(aside + '/f', 'inside'); fs.writeFileSync(aside + '/sub/f', 'inside'); };
  const clear = () => { if (fs.lstatSync(path).isDirectory()) fs.rmSync(path, { recursive: true, force: true }); else fs.unlinkSync(path); };
  process.stdout.write('go');
  for (;;) {
    attempt(() => fs.renameSync(path, aside));
    attempt(make);
    attempt(() => fs.symlinkSync(target, path));
    spin();
    attempt(clear);
    attempt(() => fs.renameSync(aside, path));
    spin();
  }
`;

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

function startSwapping(tree: Tree, swap: Race['swap']): Promise<ChildProcess> {
  const target = swap === 'file' ? '../secret/f' : '../secret';
  const child = spawn(process.execPath, ['-e', swapper, join(tree.project, swap), target, swap], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.once('data', () => resolve(child));
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
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
    if (child !== undefined) await stop(child);
    child = undefined;
    tree.remove();
  });

  for (const race of races) {
    it(`T27 ${race.about}: nothing outside is read or changed`, async () => {
      const before = { picture: pictureOf(join(tree.root, 'secret')), times: timesOf(tree) };
      child = await startSwapping(tree, race.swap);
      const counts = await run(tree, race);
      await stop(child);
      child = undefined;
      assert.equal(pictureOf(join(tree.root, 'secret')), before.picture);
      assert.deepEqual(timesOf(tree), before.times);
      assert.ok(counts.success + counts.other > 100 && counts.other > 0, `the race took place: ${JSON.stringify(counts)}`);
    });
  }

  it('T27 the same swapping does fool a check of the resolved path, so these tests could fail', async function () {
    child = await startSwapping(tree, 'd');
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

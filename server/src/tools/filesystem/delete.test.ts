import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileConfig, makeTree, pictureOf, type Tree } from '../../../../test/vectors/paths/tree';
import type { Prepared } from '../tool';
import { createFilesystemTools } from './tools';
import { digestOfFacts } from '../fact';

const idle = new AbortController().signal;

describe('filesystem.delete', () => {
  let tree: Tree;
  let tools: ReturnType<typeof createFilesystemTools>;
  beforeEach(() => {
    tree = makeTree([
      ['folder', 'ws/d/inner'], ['folder', 'cfg'], ['folder', 'secret'], ['file', 'secret/key', 'SECRET'], ['file', 'ws/a.txt', 'a\n'],
      ['file', 'ws/d/one.txt', '1'], ['file', 'ws/d/inner/two.txt', '22'], ['link', 'ws/d/out', '../../secret'],
    ]);
    tools = createFilesystemTools();
  });
  afterEach(() => tree.remove());

  const at = (path: string): string => join(tree.project, path);

  function prepare(path: string, recursive = true, asks = true): Promise<Prepared> {
    const tool = tools.find(({ name }) => name === 'filesystem.delete');
    assert.ok(tool);
    const config = fileConfig({ requireApproval: asks ? ['delete'] : [] });
    return tool.prepare({ path, recursive }, { project: tree.project, configDir: tree.config, config, signal: idle });
  }

  it('shows what will go, and then it goes, with links but not what they lead to', async () => {
    const prepared = await prepare('d');
    assert.deepEqual(prepared.show.details, [['Kind', 'a folder'], ['Holds', '3 files, 1 folders, 15 bytes'], ['What will go', 'inner/\ninner/two.txt\none.txt\nout']]);
    const outcome = await prepared.run(idle, () => undefined);
    assert.ok(outcome.kind === 'success');
    assert.equal(outcome.text, 'Deleted d: 3 files and 2 folders.');
    assert.deepEqual(readdirSync(tree.project), ['a.txt']);
    assert.deepEqual(readdirSync(join(tree.root, 'secret')), ['key']);
  });

  const changes: readonly (readonly [about: string, path: string, change: () => void])[] = [
    ['the file was edited', 'a.txt', () => writeFileSync(at('a.txt'), 'edited')],
    ['the file became a link', 'a.txt', () => { unlinkSync(at('a.txt')); symlinkSync('../secret/key', at('a.txt')); }],
    ['the file is gone', 'a.txt', () => unlinkSync(at('a.txt'))],
    ['a file was added deep in the folder', 'd', () => writeFileSync(at('d/inner/new.txt'), 'mine')],
    ['a file deep in the folder was edited', 'd', () => writeFileSync(at('d/inner/two.txt'), '333')],
    ['the folder became a link to the outside', 'd', () => { renameSync(at('d'), at('d.old')); symlinkSync('../secret', at('d')); }],
    ['a folder above became a link to the outside', 'd/inner', () => { rmSync(at('d'), { recursive: true }); symlinkSync('../secret', at('d')); }],
    ['the folder is another one', 'd', () => { renameSync(at('d'), at('d.old')); mkdirSync(at('d')); }],
  ];
  for (const [about, path, change] of changes) {
    it(`T41 deletes nothing after an approval when ${about}`, async () => {
      const prepared = await prepare(path);
      assert.equal(prepared.verdict.verdict, 'approve');
      change();
      const before = pictureOf(tree.root);
      const outcome = await prepared.run(idle, () => undefined);
      assert.equal(outcome.kind === 'refused' && outcome.code, 'APPROVAL_STALE', JSON.stringify(outcome));
      assert.equal(pictureOf(tree.root), before);
    });
  }

  it('T41 gives the same digest while nothing changes', async () => {
    assert.equal(digestOfFacts((await prepare('d')).facts), digestOfFacts((await prepare('./d/')).facts));
    assert.notEqual(digestOfFacts((await prepare('d')).facts), digestOfFacts((await prepare('d/inner')).facts));
  });

  it('always asks for a folder that holds more than can be looked through', async function () {
    this.timeout(120_000);
    mkdirSync(at('many'));
    for (let file = 0; file < 20_050; file += 1) writeFileSync(at(`many/${file}`), '');
    const prepared = await prepare('many', true, false);
    assert.deepEqual([prepared.verdict.verdict, prepared.verdict.rule], ['approve', 'path.unlisted']);
    assert.match(prepared.show.details.find(([label]) => label === 'Holds')?.[1] ?? '', /^more than 20000 files/);
    const said: string[] = [];
    const outcome = await prepared.run(idle, (line) => said.push(line));
    assert.equal(outcome.kind === 'success' && outcome.text, 'Deleted many: 20050 files and 1 folders.');
    assert.equal(said.length, 1);
    assert.ok(!existsSync(at('many')));
  });

  it('stops, and says so, at folders nested more deeply than descriptors are held', async () => {
    let folder = at('deep');
    for (let level = 0; level < 300; level += 1) {
      mkdirSync(folder);
      folder = join(folder, 'd');
    }
    const prepared = await prepare('deep', true, false);
    assert.equal(prepared.verdict.rule, 'path.unlisted');
    const outcome = await prepared.run(idle, () => undefined);
    assert.equal(outcome.kind === 'failure' && outcome.error.code, 'INVALID_INPUT');
    const inner = await (await prepare(`deep${'/d'.repeat(100)}`, true, false)).run(idle, () => undefined);
    assert.equal(inner.kind, 'success');
    assert.equal((await (await prepare('deep', true, false)).run(idle, () => undefined)).kind, 'success');
  });

  it('ends in the middle when the caller withdraws', async () => {
    mkdirSync(at('many'));
    for (let file = 0; file < 3000; file += 1) writeFileSync(at(`many/${file}`), '');
    const prepared = await prepare('many');
    const withdrawn = new AbortController();
    const running = prepared.run(withdrawn.signal, () => withdrawn.abort());
    const outcome = await running;
    assert.equal(outcome.kind === 'failure' && outcome.error.code, 'CANCELLED');
    assert.ok(readdirSync(at('many')).length > 0);
  });
});

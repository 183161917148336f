import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import { fileConfig, makeTree, pictureOf, type Tree } from '../../../../test/vectors/paths/tree';
import type { Prepared } from '../tool';
import { createFilesystemTools } from './tools';
import { digestOfFacts } from '../fact';

const idle = new AbortController().signal;

describe('filesystem.write', () => {
  let tree: Tree;
  let tools: ReturnType<typeof createFilesystemTools>;
  beforeEach(() => {
    tree = makeTree([['folder', 'ws/sub'], ['folder', 'cfg'], ['folder', 'secret'], ['file', 'secret/key', 'SECRET'], ['file', 'ws/a.txt', 'old content\n']]);
    tools = createFilesystemTools();
  });
  afterEach(() => tree.remove());

  const at = (path: string): string => join(tree.project, path);

  function prepare(path: string, content: string): Promise<Prepared> {
    const tool = tools.find(({ name }) => name === 'filesystem.write');
    assert.ok(tool);
    return tool.prepare({ path, content }, { project: tree.project, configDir: tree.config, config: fileConfig({ requireApproval: ['write'] }), signal: idle });
  }

  async function write(path: string, content: string): Promise<Outcome> {
    return (await prepare(path, content)).run(idle, () => undefined);
  }

  it('creates, replaces, and leaves no temporary file', async () => {
    assert.equal((await write('new/deep/b.txt', 'ä\n')).kind, 'success');
    const outcome = await write('a.txt', 'new\n');
    assert.ok(outcome.kind === 'success');
    assert.equal(outcome.text, 'Replaced a.txt (4 bytes).');
    assert.equal(readFileSync(at('a.txt'), 'utf8'), 'new\n');
    assert.equal(readFileSync(at('new/deep/b.txt'), 'utf8'), 'ä\n');
    assert.deepEqual(readdirSync(tree.project).sort(), ['a.txt', 'new', 'sub']);
    assert.deepEqual(readdirSync(at('new/deep')), ['b.txt']);
  });

  it('keeps the permission bits of what it replaces', async () => {
    chmodSync(at('a.txt'), 0o750);
    await write('a.txt', 'new\n');
    assert.equal(statSync(at('a.txt')).mode & 0o7777, 0o750);
  });

  it('T29 leaves the other name of a hard link and the target of a link untouched', async () => {
    linkSync(join(tree.root, 'secret/key'), at('hard'));
    assert.equal((await write('hard', 'mine')).kind, 'success');
    assert.equal(readFileSync(join(tree.root, 'secret/key'), 'utf8'), 'SECRET');
    assert.equal(readFileSync(at('hard'), 'utf8'), 'mine');
  });

  it('T28 is not misled by files that were planted under likely temporary names', async () => {
    for (const name of ['.a.txt.tmp', 'a.txt.tmp', `.conductor-${process.pid}-0000000000000000.tmp`]) symlinkSync('../secret/key', at(name));
    assert.equal((await write('a.txt', 'new')).kind, 'success');
    assert.equal(readFileSync(join(tree.root, 'secret/key'), 'utf8'), 'SECRET');
  });

  it('shows the place, the effect, the size and the beginning before asking', async () => {
    const replacing = await prepare('a.txt', 'one\ntwo\n');
    assert.equal(replacing.verdict.verdict, 'approve');
    assert.equal(replacing.show.raw, 'write a.txt\none\ntwo\n');
    assert.deepEqual(replacing.show.details, [['Effect', 'replaces the 12 bytes that are there'], ['Lines', '2'], ['Begins', 'one\ntwo\n'], ['Difference', replacing.show.details.at(-1)?.[1] ?? '']]);
    assert.match(replacing.show.details.at(-1)?.[1] ?? '', /^adds 2 and removes \d lines\n--- a\.txt\n\+\+\+ a\.txt\n@@ /);
    const creating = await prepare('x/y/z.txt', 'one');
    assert.deepEqual(creating.show.details.slice(0, 2), [['Effect', 'creates a new file'], ['New folders', 'x/y']]);
    assert.ok(!existsSync(at('x')), 'preparing creates nothing');
  });

  const changes: readonly (readonly [about: string, path: string, change: () => void])[] = [
    ['its content changed', 'a.txt', () => writeFileSync(at('a.txt'), 'edited by a person')],
    ['it became a link to the outside', 'a.txt', () => { unlinkSync(at('a.txt')); symlinkSync('../secret/key', at('a.txt')); }],
    ['it became a link inside', 'a.txt', () => { renameSync(at('a.txt'), at('b.txt')); symlinkSync('b.txt', at('a.txt')); }],
    ['it is gone', 'a.txt', () => unlinkSync(at('a.txt'))],
    ['its mode changed', 'a.txt', () => chmodSync(at('a.txt'), 0o755)],
    ['somebody created it first', 'sub/new.txt', () => writeFileSync(at('sub/new.txt'), 'theirs')],
    ['a dangling link to the outside appeared', 'sub/new.txt', () => symlinkSync('../../secret/born', at('sub/new.txt'))],
    ['its folder became a link to the outside', 'sub/new.txt', () => { rmSync(at('sub'), { recursive: true }); symlinkSync('../secret', at('sub')); }],
    ['its folder is another one', 'sub/new.txt', () => { renameSync(at('sub'), at('sub.old')); mkdirSync(at('sub')); }],
    ['a folder that was to be created exists as a link', 'fresh/new.txt', () => symlinkSync('../secret', at('fresh'))],
    ['a folder that was to be created exists', 'fresh/new.txt', () => mkdirSync(at('fresh'))],
  ];
  for (const [about, path, change] of changes) {
    it(`T41 writes nothing after an approval when ${about}`, async () => {
      const prepared = await prepare(path, 'approved');
      change();
      const before = pictureOf(tree.root);
      const outcome = await prepared.run(idle, () => undefined);
      assert.equal(outcome.kind === 'refused' && outcome.code, 'APPROVAL_STALE', JSON.stringify(outcome));
      assert.equal(pictureOf(tree.root), before);
    });
  }

  it('T41 binds the digest to path, content and what lies there', async () => {
    const digests = [await prepare('a.txt', 'x'), await prepare('a.txt', 'y'), await prepare('b.txt', 'x')].map(({ facts }) => digestOfFacts(facts));
    assert.equal(digestOfFacts((await prepare('sub/../a.txt', 'x')).facts), digests[0]);
    writeFileSync(at('a.txt'), 'other');
    digests.push(digestOfFacts((await prepare('a.txt', 'x')).facts));
    assert.equal(new Set(digests).size, 4);
  });

  it('refuses content that is no Unicode text before asking anybody', async () => {
    const prepared = await prepare('a.txt', 'x\ud800');
    assert.equal(prepared.verdict.verdict, 'allow');
    const outcome = await prepared.run(idle, () => undefined);
    assert.equal(outcome.kind === 'failure' && outcome.error.code, 'INVALID_INPUT');
    assert.equal(readFileSync(at('a.txt'), 'utf8'), 'old content\n');
  });

  it('removes what a failed write has begun, folders too', async () => {
    const outcome = await write(`one/two/${'n'.repeat(255)}é.txt`, 'x');
    assert.equal(outcome.kind === 'failure' && outcome.error.code, 'INVALID_INPUT');
    assert.deepEqual(readdirSync(tree.project).sort(), ['a.txt', 'sub']);
  });

  it('shows either the old or the new content after a kill at any moment, and clears up at the next write', async function () {
    this.timeout(90_000);
    const script = `
      const { createFilesystemTools } = require(${JSON.stringify(resolve(__dirname, 'tools.ts'))});
      const { fileConfig } = require(${JSON.stringify(resolve(__dirname, '../../../../test/vectors/paths/tree.ts'))});
      const tool = createFilesystemTools().find(({ name }) => name === 'filesystem.write');
      const signal = new AbortController().signal;
      const context = { project: ${JSON.stringify(tree.project)}, configDir: ${JSON.stringify(tree.config)}, config: fileConfig(), signal };
      (async () => {
        for (let round = 0; ; round += 1) {
          await (await tool.prepare({ path: 'a.txt', content: String(round % 10).repeat(300000) }, context)).run(signal, () => undefined);
          if (round === 3) process.stdout.write('go');
        }
      })();`;
    let leftovers = 0;
    let dead = 0;
    for (let kill = 0; kill < 5; kill += 1) {
      const child = spawn(process.execPath, ['--require', 'tsx/cjs', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((done) => child.stdout.once('data', done));
      await new Promise((done) => setTimeout(done, 20 + kill * 7));
      const gone = new Promise((done) => child.once('exit', done));
      child.kill('SIGKILL');
      await gone;
      dead = child.pid ?? 0;
      const content = readFileSync(at('a.txt'), 'latin1');
      assert.ok(/^(\d)\1{299999}$/.test(content), `torn: ${content.length} characters`);
      leftovers += readdirSync(tree.project).filter((name) => name.endsWith('.tmp')).length;
    }
    writeFileSync(at(`.conductor-${dead}-0123456789abcdef.tmp`), 'of a dead process');
    writeFileSync(at(`.conductor-${process.pid}-0123456789abcdef.tmp`), 'of a living process');
    writeFileSync(at('.conductor-notes.tmp'), 'of a person');
    await write('a.txt', 'after');
    const left = readdirSync(tree.project).filter((name) => name.endsWith('.tmp'));
    assert.deepEqual(left.sort(), [`.conductor-${process.pid}-0123456789abcdef.tmp`, '.conductor-notes.tmp'].sort(), `${leftovers} leftovers before`);
  });

  it('writes through 200 nested folders', async () => {
    const path = `${'d/'.repeat(200)}leaf.txt`;
    assert.equal((await write(path, 'deep')).kind, 'success');
    assert.equal(readFileSync(at(path), 'utf8'), 'deep');
    assert.ok(lstatSync(at('d')).isDirectory());
  });
});

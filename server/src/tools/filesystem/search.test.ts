import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import { fileConfig, makeTree, type Tree } from '../../../../test/vectors/paths/tree';
import { closedFolders } from './left';
import type { Prepared } from '../tool';
import { createFilesystemTools } from './tools';

const idle = new AbortController().signal;

describe('filesystem.list and filesystem.search', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = makeTree([
      ['folder', 'ws/src/inner'], ['folder', 'ws/.git'], ['folder', 'ws/node_modules/dep'], ['folder', 'cfg'], ['folder', 'secret'], ['file', 'secret/key', 'needle'],
      ['file', 'ws/src/app.ts', 'first\nhas a needle here\nNEEDLE too\n'], ['file', 'ws/src/inner/b.js', 'needle needle\r\n'], ['file', 'ws/.git/HEAD', 'needle'],
      ['file', 'ws/node_modules/dep/i.js', 'needle'], ['link', 'ws/out', '../secret'], ['link', 'ws/out-file', '../secret/key'],
    ]);
  });
  afterEach(() => tree.remove());

  function prepare(name: string, input: Record<string, unknown>, asks: readonly ('list' | 'search')[] = []): Promise<Prepared> {
    const tool = createFilesystemTools().find((each) => each.name === name);
    assert.ok(tool);
    return tool.prepare(input, { project: tree.project, configDir: tree.config, config: fileConfig({ requireApproval: [...asks] }), signal: idle });
  }

  async function run(name: string, input: Record<string, unknown>, signal = idle): Promise<Outcome> {
    const prepared = await prepare(name, input);
    const outcome = await prepared.run(signal, () => undefined);
    prepared.release?.();
    return outcome;
  }

  async function text(name: string, input: Record<string, unknown>): Promise<string> {
    const outcome = await run(name, input);
    assert.ok(outcome.kind === 'success', JSON.stringify(outcome));
    return outcome.text;
  }

  it('pins the folders that stay closed', () => {
    assert.deepEqual(closedFolders, ['.git', 'node_modules']);
  });

  it('lists names, kinds, sizes and link targets', async () => {
    assert.equal(await text('filesystem.list', {}), '.git/\nnode_modules/\nout -> ../secret\nout-file -> ../secret/key\nsrc/');
    assert.equal(await text('filesystem.list', { path: 'src', recursive: true }), 'app.ts  35\ninner/\ninner/b.js  15');
    assert.match(await text('filesystem.list', { recursive: true }), /\[Not opened: \.git, node_modules; .*\]$/);
    assert.equal(await text('filesystem.list', { path: '.git' }), 'HEAD  6');
  });

  it('makes control characters in names visible, so that a name cannot forge a line', async () => {
    writeFileSync(join(tree.project, 'src/x\n.env  12\u202e'), '');
    assert.match(await text('filesystem.list', { path: 'src' }), /^x\\n\.env {2}12\\u\{202e\} {2}0$/m);
  });

  it('cuts long lists and says so', async () => {
    mkdirSync(join(tree.project, 'many'));
    for (let file = 0; file < 1001; file += 1) writeFileSync(join(tree.project, `many/${file}`), '');
    const outcome = await run('filesystem.list', { path: 'many' });
    assert.ok(outcome.kind === 'success' && outcome.truncated);
    assert.equal(outcome.text.split('\n').length, 1001);
    assert.match(outcome.text, /\[Only the first 1000 entries are shown; list a folder below\.\]$/);
  });

  it('finds each line once, with its number, and follows no link', async () => {
    assert.equal(await text('filesystem.search', { pattern: 'needle' }), 'src/app.ts:2: has a needle here\nsrc/inner/b.js:1: needle needle\n[Not opened: .git, node_modules; name one as path to look inside]');
    assert.equal(await text('filesystem.search', { path: 'src', pattern: 'needle', ignoreCase: true, glob: '*.ts' }), 'src/app.ts:2: has a needle here\nsrc/app.ts:3: NEEDLE too');
    assert.equal(await text('filesystem.search', { path: 'src', pattern: 'needle', glob: 'inner/**/*.{js,ts}' }), 'src/inner/b.js:1: needle needle');
    assert.equal(await text('filesystem.search', { path: 'node_modules', pattern: 'needle' }), 'node_modules/dep/i.js:1: needle');
    assert.equal(await text('filesystem.search', { path: 'src/app.ts', pattern: '.*' }), 'No match in 1 files.');
  });

  it('leaves out binary, large and hard-linked files, and counts them', async () => {
    writeFileSync(join(tree.project, 'src/binary'), 'needle\0');
    writeFileSync(join(tree.project, 'src/large'), 'needle');
    truncateSync(join(tree.project, 'src/large'), 4 * 1_048_576 + 1);
    const found = await text('filesystem.search', { path: 'src', pattern: 'needle', glob: '{binary,large}' });
    assert.equal(found, 'No match in 1 files.\n[1 binary files were left out]\n[1 files over 4 MiB were left out]');
  });

  it('ends at the limit and cuts long lines', async () => {
    writeFileSync(join(tree.project, 'src/lines'), `${'x'.repeat(5000)}needle${'y'.repeat(5000)}\n${'needle\n'.repeat(50)}`);
    const outcome = await run('filesystem.search', { path: 'src/lines', pattern: 'needle', limit: 3 });
    assert.ok(outcome.kind === 'success' && outcome.truncated);
    const lines = outcome.text.split('\n');
    assert.match(lines[0] ?? '', /^src\/lines:1: …x{100}needley{194}…$/);
    assert.deepEqual(lines.slice(1), ['src/lines:2: needle', 'src/lines:3: needle', '[Only the first 3 matches are shown; narrow the search or raise limit]']);
  });

  it('T19 answers patterns and globs that choke other engines', async () => {
    writeFileSync(join(tree.project, 'src', `${'a'.repeat(200)}`), `${'a'.repeat(100_000)}!\n`);
    assert.match(await text('filesystem.search', { path: 'src', pattern: '(a+)+$' }), /^No match in 3 files\./);
    assert.match(await text('filesystem.search', { path: 'src', pattern: 'a', glob: `${'*a'.repeat(200)}b` }), /^No match in 0 files\./);
  });

  it('explains what it cannot search for', async () => {
    for (const [input, message] of [[{ pattern: 'a\nb' }, /one line at a time/], [{ pattern: 'a', glob: '[ab]' }, /knows no brackets/], [{ pattern: 'a', glob: '../*' }, /".."/]] as const) {
      const outcome = await run('filesystem.search', input);
      assert.ok(outcome.kind === 'failure');
      assert.match(outcome.error.message, message);
    }
  });

  it('ends when the caller withdraws', async () => {
    for (let file = 0; file < 2000; file += 1) writeFileSync(join(tree.project, `src/${file}`), 'x');
    const withdrawn = new AbortController();
    setImmediate(() => withdrawn.abort());
    const outcome = await run('filesystem.search', { pattern: 'needle' }, withdrawn.signal);
    assert.equal(outcome.kind === 'failure' && outcome.error.code, 'CANCELLED');
  });

  it('T41 refuses after an approval when the folder became another one', async () => {
    for (const [name, input] of [['filesystem.list', { path: 'src' }], ['filesystem.search', { path: 'src', pattern: 'needle' }]] as const) {
      const prepared = await prepare(name, input, ['list', 'search']);
      assert.equal(prepared.verdict.verdict, 'approve');
      renameSync(join(tree.project, 'src'), join(tree.project, 'src.old'));
      symlinkSync('src.old', join(tree.project, 'src'));
      const outcome = await prepared.run(idle, () => undefined);
      prepared.release?.();
      assert.equal(outcome.kind === 'refused' && outcome.code, 'APPROVAL_STALE');
      tree.remove();
      tree = makeTree([['folder', 'ws/src'], ['folder', 'cfg']]);
    }
  });

  it('closes every descriptor, also when it ends early', async () => {
    const before = readdirSync('/proc/self/fd').length;
    await run('filesystem.search', { pattern: 'needle', limit: 1 });
    await run('filesystem.list', { recursive: true });
    await run('filesystem.search', { pattern: 'needle' }, AbortSignal.abort());
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});

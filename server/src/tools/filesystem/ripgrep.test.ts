import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../../../protocol/src/call';
import { ripgrepFolder } from '../../../../test/fakes/ripgrep';
import { fileConfig, makeTree, type Tree } from '../../../../test/vectors/paths/tree';
import { descriptorPins } from '../../base/pin';
import { argumentsFor } from './ripgrep';
import { createFilesystemTools } from './tools';

type Success = Extract<Outcome, { kind: 'success' }>;

describe('filesystem.search with ripgrep and without', function () {
  this.timeout(60_000);
  let rg: string;
  let tree: Tree;
  before(function () {
    this.timeout(180_000);
    rg = ripgrepFolder();
  });
  beforeEach(() => {
    tree = makeTree([
      ['folder', 'ws/src/inner'], ['folder', 'ws/.git'], ['folder', 'ws/node_modules/dep'], ['folder', 'ws/dist'], ['folder', 'cfg'], ['folder', 'secret'], ['file', 'secret/key', 'needle'],
      ['file', 'ws/src/app.ts', 'first\nhas a needle here\nNEEDLE too\nneedle(1) and needle(2)\n'], ['file', 'ws/src/inner/b.js', 'needle needle\r\nend of needle\r\n'], ['file', 'ws/src.js', 'a needle'],
      ['file', 'ws/.git/HEAD', 'needle'], ['file', 'ws/node_modules/dep/i.js', 'needle'], ['file', 'ws/.hidden', 'needle'], ['file', 'ws/dist/out.js', 'needle'], ['file', 'ws/dist/kept.js', 'needle'],
      ['file', 'ws/.gitignore', '/dist/*\n!kept.js\n*.log\n'], ['file', 'ws/src/.gitignore', 'inner/\n'], ['file', 'ws/x.log', 'needle'], ['file', 'ws/.ignore', 'src\n'], ['file', 'ws/.rgignore', 'src\n'],
      ['link', 'ws/out', '../secret'], ['link', 'ws/out-file', '../secret/key'], ['link', 'ws/in', 'src'],
    ]);
  });
  afterEach(() => tree.remove());

  async function search(path: string, input: Record<string, unknown>, allowedPaths: string[] = []): Promise<Outcome> {
    const tool = createFilesystemTools(undefined, path).find(({ name }) => name === 'filesystem.search');
    assert.ok(tool);
    const signal = new AbortController().signal;
    const prepared = await tool.prepare(tool.input.parse(input), { project: tree.project, configDir: tree.config, config: fileConfig({ allowedPaths }), signal });
    const outcome = await prepared.run(signal, () => undefined);
    prepared.release?.();
    return outcome;
  }

  async function worked(path: string, input: Record<string, unknown>, allowedPaths: string[] = []): Promise<Success> {
    const outcome = await search(path, input, allowedPaths);
    if (outcome.kind !== 'success') assert.fail(JSON.stringify(outcome));
    return outcome;
  }

  /** What both ways find, which must be the same. */
  async function both(input: Record<string, unknown>): Promise<readonly string[]> {
    const [fast, plain] = [await worked(rg, input), await worked('', input)];
    assert.deepEqual([fast.structured?.['engine'], plain.structured?.['engine']], ['ripgrep', 'built in']);
    assert.deepEqual(fast.structured?.['matches'], plain.structured?.['matches']);
    assert.deepEqual(Object.keys(fast.structured ?? {}), Object.keys(plain.structured ?? {}));
    assert.equal(fast.truncated, plain.truncated);
    return (fast.structured?.['matches'] as { path: string; line: number; text: string }[]).map((match) => `${match.path}:${match.line}: ${match.text}`);
  }

  it('search:same: both ways find the same lines in the same order', async () => {
    writeFileSync(join(tree.project, 'src/binary'), 'needle\0');
    writeFileSync(join(tree.project, 'src/large'), 'needle');
    truncateSync(join(tree.project, 'src/large'), 4 * 1_048_576 + 1);
    linkSync(join(tree.root, 'secret/key'), join(tree.project, 'src/shared'));
    writeFileSync(join(tree.project, 'src/latin'), Buffer.from([0xe4, 0x20, ...Buffer.from('needle'), 0xff, 0x0a]));
    writeFileSync(join(tree.project, 'src/utf16'), Buffer.from('\ufeffneedle', 'utf16le'));
    writeFileSync(join(tree.project, 'src/-e needle\n'), 'needle in an odd name\n');
    writeFileSync(join(tree.project, 'src/long'), `${'x'.repeat(5000)}needle${'y'.repeat(5000)}\n`);
    const found = await both({ pattern: 'needle' });
    assert.deepEqual(found.filter((line) => !line.startsWith('src/l')), [
      '.hidden:1: needle', 'dist/kept.js:1: needle', 'dist/out.js:1: needle', 'src/-e needle\n:1: needle in an odd name', 'src/app.ts:2: has a needle here', 'src/app.ts:4: needle(1) and needle(2)',
      'src/inner/b.js:1: needle needle', 'src/inner/b.js:2: end of needle', 'src.js:1: a needle', 'x.log:1: needle',
    ].sort((a, b) => (a.split(':')[0] ?? '').split('/').join('\0') < (b.split(':')[0] ?? '').split('/').join('\0') ? -1 : 1));
    assert.equal(found.filter((line) => line.startsWith('src/latin')).length, 1);
    assert.equal((await both({ pattern: 'needle', path: 'src', ignoreCase: true, glob: '*.ts' })).length, 3);
    assert.deepEqual(await both({ pattern: 'needle', path: 'node_modules' }), ['node_modules/dep/i.js:1: needle']);
    assert.deepEqual(await both({ pattern: 'needle(1)' }), ['src/app.ts:4: needle(1) and needle(2)']);
    assert.deepEqual(await both({ pattern: '--pre=touch' }), []);
    assert.equal((await both({ pattern: 'needle', limit: 3 })).length, 3);
  });

  it('search:regex: regular expressions mean the same to both', async () => {
    assert.deepEqual(await both({ pattern: '^has .*here$', regex: true }), ['src/app.ts:2: has a needle here']);
    assert.deepEqual(await both({ pattern: '^(needle\\s?)+$', regex: true, path: 'src' }), ['src/inner/b.js:1: needle needle']);
    assert.deepEqual(await both({ pattern: '\\bneedle\\([0-9]\\) and', regex: true }), ['src/app.ts:4: needle(1) and needle(2)']);
    assert.deepEqual(await both({ pattern: '^NEEDLE t|of needle$', regex: true, ignoreCase: true }), ['src/app.ts:3: NEEDLE too', 'src/inner/b.js:2: end of needle']);
    for (const pattern of ['(?=x)', '(?<!x)y', '(a)\\1', '(?i)a', '(?<n>a)', '[[a]', '[a&&b]', '(', 'a{2', 'a\nb', '\ud800']) {
      for (const path of [rg, '']) {
        const outcome = await search(path, { pattern, regex: true });
        assert.equal(outcome.kind === 'failure' && outcome.error.code, 'INVALID_INPUT', pattern);
      }
    }
  });

  it('search:gitignore: leaves out what the files of the project name, where it is asked to', async () => {
    const found = await both({ pattern: 'needle', gitignore: true });
    assert.deepEqual([...new Set(found.map((line) => line.split(':')[0]))], ['.hidden', 'dist/kept.js', 'src/app.ts', 'src.js']);
    assert.deepEqual([...new Set((await both({ pattern: 'needle', path: 'src', gitignore: true })).map((line) => line.split(':')[0]))], ['src/app.ts']);
    assert.deepEqual((await both({ pattern: 'needle', path: 'src/inner', gitignore: true })).length, 2, 'what was named counts');
  });

  it('T19 ends an expression that another engine would never finish', async () => {
    writeFileSync(join(tree.project, 'src/a'), `${'a'.repeat(40)}!\n`);
    const plain = await worked('', { path: 'src', pattern: '(a+)+$', regex: true });
    assert.match(plain.text, /\[In 1 files the regular expression took too long; make it simpler\]/);
    const fast = await worked(rg, { path: 'src', pattern: '(a+)+$', regex: true });
    assert.deepEqual([fast.structured?.['engine'], fast.structured?.['matches']], ['ripgrep', []]);
  });

  it('T6 pins what ripgrep is told, so that no configuration, program or link comes in', () => {
    const order = { pattern: { source: '-x', regex: false, ignoreCase: false }, perFile: 3, maxBytes: 9, gitignore: false };
    assert.deepEqual(argumentsFor(order), [
      '--no-config', '--json', '--no-messages', '--no-follow', '--no-pre', '--no-search-zip', '--no-mmap', '--one-file-system', '--hidden', '--text', '--encoding=none', '--crlf', '--sort=path', '--no-ignore',
      '--glob=!.git/', '--glob=!node_modules/', '--max-count=3', '--max-filesize=9', '--case-sensitive', '--fixed-strings', '--regexp=-x', '--', './',
    ]);
  });

  it('T17 a ripgrep in the project, or one that others may write, is not started', async () => {
    for (const folder of [tree.project, join(tree.root, 'open')]) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'rg'), `#!/bin/sh\ntouch ${tree.root}/started\n`, { mode: 0o755 });
      if (folder !== tree.project) chmodSync(join(folder, 'rg'), 0o777);
      assert.equal((await worked(folder, { path: 'src', pattern: 'needle' })).structured?.['engine'], 'built in');
    }
    assert.equal(existsSync(join(tree.root, 'started')), false);
  });

  it('T32 where Conductor\'s own folder lies below, ripgrep is not let loose', async () => {
    writeFileSync(join(tree.config, 'control.key'), 'needle');
    const outcome = await worked(rg, { path: tree.root, pattern: 'needle' }, [tree.root]);
    assert.equal(outcome.structured?.['engine'], 'built in');
    assert.doesNotMatch(JSON.stringify(outcome), /control\.key/);
  });

  it('a ripgrep that cannot do it, or says nonsense, is no end of the search', async () => {
    const folder = join(tree.root, 'fake');
    mkdirSync(folder);
    for (const [script, engine] of [['exit 2', 'built in'], ['printf "nonsense\\n{}\\n"; exit 0', 'ripgrep'], [`printf '{"type":"begin","data":{}}\\n{"type":"match","data":{"path":{"text":"x"},"lines":{"text":"INVENTED"},"line_number":1,"submatches":[]}}\\n{"type":"end","data":{"path":{"text":"../secret/key"}}}\\n{"type":"end","data":{"path":{"text":"src/app.ts"}}}\\n'`, 'ripgrep']] as const) {
      writeFileSync(join(folder, 'rg'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const outcome = await worked(folder, { pattern: 'needle', path: '.' });
      assert.equal(outcome.structured?.['engine'], engine, script);
      assert.doesNotMatch(JSON.stringify(outcome), /INVENTED|secret/);
    }
  });

  it('closes every descriptor and leaves no process', async () => {
    const before = readdirSync('/proc/self/fd').length;
    await worked(rg, { pattern: 'needle', gitignore: true });
    await worked(rg, { pattern: 'e', limit: 1 });
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });

  it('T27 ripgrep that is led outside by a swapped link shows nothing from there', async function () {
    if (process.platform !== 'linux') this.skip();
    tree.remove();
    tree = makeTree([['folder', 'ws/d'], ['file', 'ws/d/f', 'inside needle\n'], ['folder', 'cfg'], ['folder', 'secret'], ['file', 'secret/f', 'SECRET needle\n'], ['file', 'secret/only', 'SECRET needle\n']], existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
    const swapper = `const fs = require('node:fs'); const [d, target] = process.argv.slice(1); const tries = (f) => { try { f(); } catch {} };
      for (;;) { tries(() => fs.renameSync(d, d + '.aside')); tries(() => fs.symlinkSync(target, d)); for (let i = Math.random() * 2e5; i > 0; i -= 1); tries(() => fs.unlinkSync(d)); tries(() => fs.renameSync(d + '.aside', d)); for (let i = Math.random() * 2e5; i > 0; i -= 1); }`;
    const child = spawn(process.execPath, ['-e', swapper, join(tree.project, 'd'), '../secret'], { stdio: 'ignore' });
    try {
      const tool = createFilesystemTools(descriptorPins, rg).find(({ name }) => name === 'filesystem.search');
      const signal = new AbortController().signal;
      const counts = { inside: 0, none: 0 };
      for (const end = performance.now() + 8000; performance.now() < end && (counts.inside < 20 || counts.none < 20); ) {
        const prepared = await tool?.prepare({ pattern: 'needle' }, { project: tree.project, configDir: tree.config, config: fileConfig(), signal });
        const outcome = await prepared?.run(signal, () => undefined);
        prepared?.release?.();
        assert.doesNotMatch(JSON.stringify(outcome), /SECRET|only/);
        counts[JSON.stringify(outcome).includes('inside needle') ? 'inside' : 'none'] += 1;
      }
      assert.ok(counts.inside > 0, JSON.stringify(counts));
    } finally {
      await new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGKILL');
      });
    }
  });

  it('does not follow a link that a listing already shows', async () => {
    symlinkSync('../../secret', join(tree.project, 'src/link'));
    assert.doesNotMatch(JSON.stringify(await worked(rg, { path: 'src', pattern: 'needle' })), /link/);
  });
});

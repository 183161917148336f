import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinRoot, walk, type Root, type Walked } from './descriptorWalk';
import { descriptorPins, pathPins, systemPins } from './pin';

for (const pins of [descriptorPins, pathPins]) {
  describe(`walking, held by ${pins.level}`, () => {
    let base: string;
    let root: Root;
    beforeEach(() => {
      base = realpathSync.native(mkdtempSync(join(tmpdir(), 'conductor-walk-')));
      mkdirSync(join(base, 'root/a/b'), { recursive: true });
      mkdirSync(join(base, 'second'));
      writeFileSync(join(base, 'root/a/b/f'), 'f');
      writeFileSync(join(base, 'second/s'), 's');
      root = pinRoot(join(base, 'root'), pins);
    });
    afterEach(() => rmSync(base, { recursive: true, force: true }));

    /** Walks, says where it ended, and checks that nothing stays open but what it gave. */
    function go(path: string, options: { roots?: readonly Root[]; avoid?: readonly Root['identity'][]; followLast?: boolean } = {}): Walked {
      const before = readdirSync('/proc/self/fd').length;
      const walked = walk({ root, roots: options.roots ?? [root], segments: path.split('/').filter((name) => name !== ''), followLast: options.followLast ?? true, avoid: options.avoid ?? [] }, pins);
      if (walked.kind === 'found') walked.target.close();
      if (walked.kind === 'found' || walked.kind === 'missing') walked.parent?.close();
      assert.equal(readdirSync('/proc/self/fd').length, before);
      return walked;
    }

    it('arrives at files, folders, the root and what is missing', () => {
      const file = go('a/b/f');
      assert.ok(file.kind === 'found' && file.target.stat.isFile());
      assert.deepEqual(file.location, ['a', 'b', 'f']);
      const top = go('a/..');
      assert.ok(top.kind === 'found' && top.parent === undefined);
      const missing = go('a/x/y');
      assert.ok(missing.kind === 'missing');
      assert.deepEqual([missing.missing, missing.location], [['x', 'y'], ['a', 'x', 'y']]);
    });

    it('T24 never pops above the root', () => {
      assert.deepEqual(go('..'), { kind: 'outside', through: undefined });
      assert.deepEqual(go('a/../../second/s'), { kind: 'outside', through: undefined });
      symlinkSync('../../second', join(base, 'root/a/out'));
      assert.deepEqual(go('a/out/s'), { kind: 'outside', through: join(base, 'root/a/out') });
    });

    it('T24 follows at most forty links', () => {
      for (let link = 0; link < 41; link += 1) symlinkSync(link === 0 ? 'a' : `l${link - 1}`, join(base, `root/l${link}`));
      assert.equal(go('l39/b/f').kind, 'found');
      const loop = go('l40/b/f');
      assert.equal(loop.kind === 'failed' && loop.code, 'ELOOP');
    });

    it('leads from one root into another only by an absolute link', () => {
      const second = pinRoot(join(base, 'second'), pins);
      symlinkSync(join(base, 'second'), join(base, 'root/link'));
      assert.equal(go('link/s').kind, 'outside');
      const walked = go('link/s', { roots: [root, second] });
      assert.ok(walked.kind === 'found');
      assert.deepEqual([walked.root.path, walked.location, walked.links], [second.path, ['s'], [join(base, 'root/link')]]);
      assert.equal(go('link/../root/a', { roots: [root, second] }).kind, 'outside');
    });

    it('keeps the last link when asked to', () => {
      symlinkSync('/etc/passwd', join(base, 'root/last'));
      const walked = go('last', { followLast: false });
      assert.ok(walked.kind === 'found' && walked.target.stat.isSymbolicLink());
      assert.equal(go('last').kind, 'outside');
    });

    it('enters no folder that is to be avoided, by whatever name', () => {
      symlinkSync('b', join(base, 'root/a/alias'));
      const avoid = [pinRoot(join(base, 'root/a/b'), pins).identity];
      for (const path of ['a/b', 'a/b/f', 'a/alias/f', 'a/alias/new']) assert.equal(go(path, { avoid }).kind, 'avoided', path);
      assert.equal(go('a', { avoid }).kind, 'found');
    });

    it('notices that the root is another folder', () => {
      renameSync(join(base, 'root'), join(base, 'old'));
      assert.equal(go('a').kind, 'rootChanged');
      mkdirSync(join(base, 'root'));
      assert.equal(go('a').kind, 'rootChanged');
      rmSync(join(base, 'root'), { recursive: true });
      symlinkSync('old', join(base, 'root'));
      assert.equal(go('a').kind, 'rootChanged');
    });

    it('T27 keeps hold of what it found', () => {
      const walked = walk({ root, roots: [root], segments: ['a', 'b', 'f'], followLast: true, avoid: [] }, pins);
      assert.ok(walked.kind === 'found');
      renameSync(join(base, 'root/a'), join(base, 'root/moved'));
      symlinkSync('../second', join(base, 'root/a'));
      assert.equal(walked.target.holds(), pins.level === 'descriptor');
      if (walked.target.holds()) assert.equal(readFileSync(walked.target.path, 'utf8'), 'f');
      walked.target.close();
      walked.parent?.close();
      walked.target.close();
    });
  });
}

describe('the level in force', () => {
  it('is by descriptor on Linux and best effort elsewhere', () => {
    assert.equal(systemPins.level, process.platform === 'linux' ? 'descriptor' : 'bestEffort');
  });
});

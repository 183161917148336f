import assert from 'node:assert/strict';
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolders, replaceFile } from './atomicFile';
import { descriptorPins, pathPins, type Pin, type Pins } from './pin';

const bytes = Buffer.from('new');

for (const pins of [descriptorPins, pathPins]) {
  describe(`replacing a file, held by ${pins.level}`, () => {
    let root: string;
    let folder: Pin;
    beforeEach(() => {
      root = realpathSync.native(mkdtempSync(join(tmpdir(), 'conductor-atomic-')));
      mkdirSync(join(root, 'd'));
      mkdirSync(join(root, 'outside'));
      writeFileSync(join(root, 'd/a'), 'old');
      folder = pins.root(join(root, 'd'));
    });
    afterEach(() => {
      folder.close();
      rmSync(root, { recursive: true, force: true });
    });

    const at = (name: string): string => join(root, 'd', name);
    const replace = (name: string, expected: Parameters<typeof replaceFile>[3], with_: Pins = pins): ReturnType<typeof replaceFile> => replaceFile(folder, name, bytes, expected, 'mark', with_);

    it('writes when the target is as expected, keeps its mode, and leaves other names alone', async () => {
      linkSync(at('a'), at('b'));
      chmodSync(at('a'), 0o640);
      assert.equal(await replace('a', statSync(at('a'), { bigint: true })), 'done');
      assert.equal(await replace('c', 'missing'), 'done');
      assert.deepEqual(['a', 'b', 'c'].map((name) => readFileSync(at(name), 'utf8')), ['new', 'old', 'new']);
      assert.equal(statSync(at('a')).mode & 0o777, 0o640);
      assert.equal(statSync(at('c')).nlink, 1);
      assert.deepEqual(readdirSync(join(root, 'd')), ['a', 'b', 'c']);
    });

    it('writes nothing when the target is another', async () => {
      const expected = statSync(at('a'), { bigint: true });
      symlinkSync('../outside/born', at('link'));
      assert.equal(await replace('a', 'missing'), 'changed');
      assert.equal(await replace('link', 'missing'), 'changed');
      assert.equal(await replace('nothing', expected), 'changed');
      writeFileSync(at('a'), 'edited');
      assert.equal(await replace('a', expected), 'changed');
      assert.equal(readFileSync(at('a'), 'utf8'), 'edited');
      assert.deepEqual(readdirSync(join(root, 'd')), ['a', 'link']);
      assert.deepEqual(readdirSync(join(root, 'outside')), []);
    });

    it('leaves nothing behind when the system refuses', async () => {
      mkdirSync(at('folder'));
      await assert.rejects(replace('folder', lstatSync(at('folder'), { bigint: true })), /EISDIR|ENOTEMPTY|EEXIST|EPERM/);
      assert.deepEqual(readdirSync(join(root, 'd')), ['a', 'folder']);
    });

    it('stays in the held folder when its name leads elsewhere', async () => {
      renameSync(join(root, 'd'), join(root, 'moved'));
      symlinkSync('outside', join(root, 'd'));
      const done = await replace('c', 'missing');
      assert.equal(done, pins.level === 'descriptor' ? 'done' : 'changed');
      assert.deepEqual(readdirSync(join(root, 'outside')), []);
    });

    it('makes folders by name, never through a link, and can undo them', () => {
      symlinkSync('../outside', at('out'));
      assert.equal(makeFolders(folder, ['out', 'x'], pins), 'changed');
      const made = makeFolders(folder, ['x', 'y'], pins);
      assert.ok(made !== 'changed');
      assert.ok(statSync(at('x/y')).isDirectory());
      made.undo();
      made.close();
      assert.deepEqual(readdirSync(join(root, 'd')), ['a', 'out']);
      assert.deepEqual(readdirSync(join(root, 'outside')), []);
    });
  });
}

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { judgeIgnored, readIgnoreRules } from './gitignore';

/** Compared with git itself, which is the meaning of these files. */

const paths = ['a', 'b.txt', 'src/a', 'src/b.txt', 'src/deep/a', 'src/deep/c.js', 'build/x', 'build/sub/y', 'a b', 'x ', '#x', '!x', 'd/build', 'd/e/f/g', '[x]', 'q*', 'z1', 'z2', 'zz', 'é.md', '.env', 'foo/bar/baz', 'foo/baz', 'deep/foo/bar/baz'];

const files: readonly string[] = [
  'a', '/a', 'a/', '*.txt', '/*.txt', 'src/', 'src/*', 'src/**', '**/a', 'src/**/a', '**/deep/**', 'build/', 'build', '*\n!a', '*\n!src/\n!src/a', '*.txt\n!src/*.txt', 'x\\ ', 'x ', '\\#x', '#x', '\\!x', '!x',
  '[x]', '\\[x\\]', 'q\\*', 'q*', 'z[0-9]', 'z[!0-9]', 'z[^1]', 'z[1-1]', 'z?', '?', '**', '/**', '/**/', 'foo/**/baz', 'foo/*/baz', '**/foo/**/baz', '*/baz', 'é.*', '.*', 'a b', 'z[', 'z\\', 'src\r\n*.txt\r', '', '/', '//a', '***', 'a**', 'f**z', 'foo/ba[rz]', '[]x]', '[a-', 'd/*/f', 'd/**/g', '**/*/g',
];

describe('the rules of .gitignore', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gitignore-'));
    execFileSync('git', ['init', '-q', folder]);
    for (const path of paths) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), '');
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const text of files) {
    it(`means what git takes it for: ${JSON.stringify(text)}`, () => {
      writeFileSync(join(folder, '.gitignore'), text);
      const { stdout } = spawnSync('git', ['-C', folder, '-c', 'core.excludesFile=/dev/null', 'check-ignore', '--no-index', '-z', '--stdin'], { input: paths.join('\0'), encoding: 'utf8' });
      const rules = readIgnoreRules(text);
      const isIgnored = (segments: readonly string[]): boolean => segments.some((_, index) => judgeIgnored(rules, segments.slice(0, index + 1), index < segments.length - 1) === 'ignored');
      assert.deepEqual(paths.filter((path) => isIgnored(path.split('/'))), stdout.split('\0').filter((path) => path !== ''));
    });
  }

  it('T19 answers patterns that choke other engines', () => {
    const rules = readIgnoreRules(`${'*a'.repeat(300)}b\n${'**/'.repeat(300)}b\n`);
    assert.equal(judgeIgnored(rules, Array.from({ length: 200 }, () => 'a'.repeat(200)), false), undefined);
  });
});

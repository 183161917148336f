import assert from 'node:assert/strict';
import { readGlob } from './glob';

function matches(pattern: string, path: string): boolean {
  const glob = readGlob(pattern);
  assert.ok(glob.kind === 'glob', `${pattern} is flawed`);
  return glob.matches(path.split('/'));
}

describe('globs', () => {
  const table: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
    ['*.ts', ['a.ts', 'x/y/a.ts', '.ts'], ['a.tsx', 'a.ts/b', 'A.TS']],
    ['src/*.ts', ['src/a.ts'], ['src/x/a.ts', 'a.ts', 'lib/src/a.ts']],
    ['src/**', ['src/a', 'src/x/y', 'src'], ['lib/src/a', 'srcx/a']],
    ['**/test/*.js', ['test/a.js', 'a/b/test/c.js'], ['test/a/b.js', 'tests/a.js']],
    ['a?c', ['abc', 'x/a\u{1f600}c'], ['ac', 'abbc']],
    ['*.{js,ts}', ['a.js', 'a.ts'], ['a.css', 'a.{js,ts}']],
    ['{a,b}/{c,d}', ['a/c', 'b/d'], ['a/b', 'c/a']],
    ['a*b*c', ['abc', 'axxbxxc', 'abcbc'], ['ab', 'acb']],
    ['**', ['a', 'a/b/c'], []],
    ['./src//a', ['src/a'], ['a']],
  ];
  for (const [pattern, yes, no] of table) {
    it(`${pattern} matches whole paths by name`, () => {
      for (const path of yes) assert.ok(matches(pattern, path), path);
      for (const path of no) assert.ok(!matches(pattern, path), path);
    });
  }

  it('refuses what it does not know, with a reason', () => {
    for (const pattern of ['', 'x'.repeat(501), '[ab]', 'a\\*', '!a', '{a', 'a}', '{a,{b}}', '../a', '{a,b}'.repeat(7)]) assert.equal(readGlob(pattern).kind, 'flawed', pattern);
  });

  it('T19 takes at most pattern length times name length steps', () => {
    assert.equal(matches(`${'*a'.repeat(200)}b`, 'a'.repeat(20_000)), false);
    assert.equal(matches(`${'**/a/'.repeat(90)}b`, 'a/'.repeat(2000).slice(0, -1)), false);
  });
});

import assert from 'node:assert/strict';
import { readWriteScope } from './writeScope';

describe('write scope', () => {
  const table: readonly (readonly [patterns: string[], inside: string[], outside: string[]])[] = [
    [[], ['a', '.git/config', 'x/y'], []],
    [['src/**'], ['src/a', 'src/b/c'], ['a', 'source/a', 'x/src/a', 'src_evil/a', 'Src/a']],
    [['src/'], ['src/a', 'src/b/c'], ['src_evil/a', 'a']],
    [['src/**', '!src/generated/**'], ['src/a', 'src/generated_not/a'], ['src/generated/a', 'src/Generated/a', 'src/generated/b/c']],
    [['!src/generated/**', 'src/**'], ['src/a'], ['src/generated/a']],
    [['src/**', '!src/generated'], ['src/a'], ['src/generated/a', 'src/generated']],
    [['src/**', '!src/generated/'], ['src/a'], ['src/generated/a', 'src/generated']],
    [['!secrets'], ['a', 'src/b'], ['secrets', 'secrets/a', 'src/secrets/a', 'SECRETS/a']],
    [['*.md'], ['a.md', 'docs/a.md'], ['a.ts', 'a.md/evil.sh']],
    [['docs/*.md'], ['docs/a.md'], ['docs/x/a.md', 'a.md']],
    [['src/{a,b}/**'], ['src/a/x', 'src/b/x'], ['src/c/x']],
    [['src/[ab]'], [], ['src/a', 'src/[ab]']],
    [['src/**', '../**'], [], ['src/a']],
    [[''], [], ['a']],
  ];
  for (const [patterns, inside, outside] of table) {
    it(`T26 T30 ${JSON.stringify(patterns)}`, () => {
      const scope = readWriteScope(patterns);
      for (const path of inside) assert.equal(scope(path.split('/')), true, path);
      for (const path of outside) assert.equal(scope(path.split('/')), false, path);
    });
  }
});

import assert from 'node:assert/strict';
import vectors from '../../../test/vectors/paths/lexical.json';
import { below, flatten, readPath, type PathPlatform } from './pathText';

type Case = Readonly<{ id: string; platform: string; path: unknown; about?: string; refused?: string; anchor?: string; segments?: readonly string[] }>;

function parse(text: string, platform: PathPlatform): Extract<ReturnType<typeof readPath>, { kind: 'path' }> {
  const read = readPath(text, platform);
  assert.ok(read.kind === 'path');
  return read;
}

describe('path texts', () => {
  for (const test of vectors.cases as readonly Case[]) {
    it(`${test.id} ${test.platform} ${(JSON.stringify(test.path) ?? '').slice(0, 50)} ${test.about ?? ''}`, () => {
      const read = readPath(test.path, test.platform as PathPlatform);
      if (read.kind === 'refused') assert.equal(read.rule, test.refused, read.reason);
      else assert.deepEqual({ anchor: read.anchor, segments: read.segments }, { anchor: test.anchor, segments: test.segments });
    });
  }

  it('T23 compares whole names: /ws_evil is not below /ws', () => {
    const root = parse('/ws', 'linux');
    assert.equal(below(parse('/ws_evil/a', 'linux'), root, 'linux'), undefined);
    assert.deepEqual(below(parse('/ws/a', 'linux'), root, 'linux'), ['a']);
    assert.deepEqual(below(parse('/ws', 'linux'), root, 'linux'), []);
    assert.equal(below(parse('/', 'linux'), root, 'linux'), undefined);
    assert.equal(below(parse('ws/a', 'linux'), root, 'linux'), undefined);
    assert.deepEqual(below(parse('/ws/../x', 'linux'), root, 'linux'), ['..', 'x']);
  });

  it('T25 folds case for roots only where the disk does', () => {
    assert.equal(below(parse('/WS/a', 'linux'), parse('/ws', 'linux'), 'linux'), undefined);
    assert.deepEqual(below(parse('/WS/a', 'darwin'), parse('/ws', 'darwin'), 'darwin'), ['a']);
    assert.deepEqual(below(parse('c:\\Users\\U\\a', 'win32'), parse('C:/users/u', 'win32'), 'win32'), ['a']);
    assert.equal(below(parse('D:\\ws\\a', 'win32'), parse('C:\\ws', 'win32'), 'win32'), undefined);
    assert.deepEqual(below(parse('/cafe\u0301/a', 'darwin'), parse('/caf\u00e9', 'darwin'), 'darwin'), ['a']);
  });

  it('flattens by the text alone, and notices when that leads above the start', () => {
    assert.deepEqual(flatten(['a', '..', 'b']), ['b']);
    assert.deepEqual(flatten([]), []);
    assert.equal(flatten(['a', '..', '..', 'b']), undefined);
  });
});

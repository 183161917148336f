import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadVectors, parseVectors, shippedVectors } from './vectors';

const good = '{"id": "mine", "threats": ["T6"], "title": "One of my own", "listed": ["tool"], "call": {"tool": "shell.exec", "command": "tool -x"}}';

describe('files of vectors', () => {
  const problem = (text: string, taken: readonly string[] = []) => {
    const { vectors, problems } = parseVectors(text, 'mine.json', new Set(taken));
    assert.deepEqual(vectors, []);
    return problems.map(({ line, column, message }) => `${String(line)}:${String(column)} ${message}`);
  };

  it('reads vectors, with comments, trailing commas and a byte order mark', () => {
    const { vectors, problems } = parseVectors(`\ufeff{\n  // mine\n  "vectors": [${good},]\n}`, 'mine.json', new Set());
    assert.deepEqual(problems, []);
    assert.deepEqual([vectors[0]?.id, vectors[0]?.must, vectors[0]?.platform, vectors[0]?.source], ['mine', 'neverSilent', 'posix', 'mine.json']);
  });

  it('policy:bad-vectors: names line and column of what is wrong', () => {
    assert.match(problem('{"vectors": [').join(), /^1:14 /);
    assert.match(problem('{\n  "vectors": [\n    {"id": "Mine", "threats": [], "title": "One of my own", "call": {"tool": "shell.exec", "command": "x"}}\n  ]\n}').join('\n'), /^3:12 Mine: id: .*small letters/);
    assert.match(problem(`{"vectors": [\n${good.replace('"T6"', '"T99"')}]}`).join(), /^2:28 mine: threats\.0: Write a threat/);
    assert.match(problem(`{"vectors": [\n${good.replace('shell.exec', 'shell.run')}]}`).join(), /^2:\d+ mine: call/);
    assert.match(problem(`{"vectors": [\n${good.replace('"command": "tool -x"', '"command": "tool -x", "line": "x"')}]}`).join(), /line/);
    assert.match(problem('[]').join(), /^1:1 /);
    assert.match(problem('').join(), /^1:1 /);
  });

  it('refuses an id that is taken, here or elsewhere', () => {
    assert.match(problem(`{"vectors": [${good},\n${good}]}`).join(), /^2:8 Another vector is called "mine"/);
    assert.match(problem(`{"vectors": [${good}]}`, ['mine']).join(), /Another vector is called "mine"/);
  });

  it('loads the shipped ones, then those of the configuration folder, then further files; a broken file takes nothing else with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'conductor-vectors-'));
    try {
      mkdirSync(join(folder, 'vectors'));
      writeFileSync(join(folder, 'vectors', 'a.json'), `{"vectors": [${good}]}`);
      writeFileSync(join(folder, 'vectors', 'b.json'), '{');
      writeFileSync(join(folder, 'vectors', 'notes.txt'), 'nothing');
      const shipped = await shippedVectors();
      const { vectors, problems } = await loadVectors(folder, [join(folder, 'none.json')]);
      assert.deepEqual(vectors.slice(shipped.length).map(({ id }) => id), ['mine']);
      assert.deepEqual(problems.map(({ file }) => file), [join(folder, 'vectors', 'b.json'), join(folder, 'none.json')]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

import assert from 'node:assert/strict';
import { storedEntry } from '../../../../protocol/src/audit/entry';
import { rowOf } from './view';

const hash = `sha256:${'0'.repeat(64)}`;

function summary(input: Readonly<Record<string, unknown>>): string {
  const entry = storedEntry.parse({ v: 1, seq: 7, id: 'evt_01K0000000000000000000000A', timestamp: '2026-11-21T20:53:17.123Z', phase: 'denied', tool: 'shell.exec', input, result: 'denied', prevHash: hash, hash });
  return rowOf({ offset: 0, raw: '', entry }).summary;
}

describe('rows of the audit log', () => {
  it('say a command with its words, however it was sent', () => {
    assert.equal(summary({ command: 'git log --oneline' }), 'git log --oneline');
    assert.equal(summary({ command: 'rm', args: ['-rf', '/'] }), 'rm -rf /');
    assert.equal(summary({ command: 'echo', args: ['a b', '', '$(x)', 'c'] }), 'echo "a b" "" "$(x)" c');
    assert.equal(summary({ path: 'src/a.ts', content: 'x' }), 'src/a.ts');
  });
});

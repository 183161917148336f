import assert from 'node:assert/strict';
import { counted, escapeIcons, fold, plainLabel } from './labels';

describe('labels', () => {
  it('fold long lines without losing anything', () => {
    const text = 'abcdefghij'.repeat(3);
    assert.deepEqual(fold(text, 7).join(''), text);
    assert.ok(fold(text, 7).every((piece) => piece.length <= 7));
  });

  it('fold at newlines and keep empty lines', () => {
    assert.deepEqual(fold('a\n\nb', 10), ['a', '', 'b']);
  });

  it('count wide characters twice', () => {
    assert.deepEqual(fold('漢字漢字', 5), ['漢字', '漢字']);
    assert.deepEqual(fold('a漢字', 5), ['a漢字']);
  });

  it('escape only what would become an icon', () => {
    assert.equal(escapeIcons('$(whoami) $(a b) $x'), '\\$(whoami) $(a b) $x');
    assert.equal(plainLabel('a\n$(sync~spin)', 50), 'a\\n\\$(sync~spin)');
  });

  it('count with the right noun', () => {
    assert.deepEqual([counted(0, 'entry', 'entries'), counted(1, 'entry', 'entries'), counted(1234, 'line')], ['0 entries', '1 entry', '1,234 lines']);
  });
});

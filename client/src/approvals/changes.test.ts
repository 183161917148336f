import assert from 'node:assert/strict';
import type { FileChange, FileContent } from '../../../protocol/src/fileChanges';
import { examplePending } from '../../../test/fakes/pending';
import { changeTitle, hunkRow, lookOf, sideText } from './changeText';
import { parseSideAddress, sideAddress } from './changeUri';

const none: FileContent = { kind: 'none' };
const text = (content: string): FileContent => ({ kind: 'text', text: content, bytes: content.length, sha256: '0'.repeat(64) });
const change = (before: FileContent, after: FileContent, different: Partial<FileChange> = {}): FileChange => ({ path: '/home/ada/project/src/app.ts', before, after, hunks: [{ line: 1, removed: 1, added: 1, begins: 'x' }], divisible: false, ...different });
const call = examplePending({ tool: 'filesystem.write' });
const bidi = String.fromCodePoint(0x202e);

describe('the difference of a file that a call would change', () => {
  it('writes hidden characters out on both sides, and counts them in the title (T45)', () => {
    const hidden = change(text(`a${bidi}\n`), text(`b${bidi}${String.fromCodePoint(0x200b)}\u001b[2J\n`));
    assert.deepEqual([sideText(hidden.before), sideText(hidden.after)], ['a\\u{202e}\n', 'b\\u{202e}\\u{200b}\\u{1b}[2J\n']);
    assert.equal(changeTitle(call, hidden), 'Write src/app.ts · 1 change · 4 HIDDEN CHARACTERS');
  });

  it('folds what an editor would stop to draw, and says so (T45)', () => {
    const long = change(none, text(`${'x'.repeat(30_000)}rm\n`));
    for (const line of sideText(long.after).split('\n')) assert.ok(line.length <= 2000);
    assert.equal(sideText(long.after).replaceAll('\n', ''), `${'x'.repeat(30_000)}rm`);
    assert.match(changeTitle(call, long), /^Create src\/app\.ts .*very long lines are folded$/);
  });

  const looks: readonly (readonly [string, FileChange, string])[] = [
    ['a plain change', change(text('a\n'), text('b\n')), 'file'],
    ['a new file', change(none, text('b\n')), 'file'],
    ['hidden characters', change(text('a\n'), text(`b${bidi}\n`)), 'plain'],
    ['hidden characters that go', change(text(`a${bidi}\n`), text('b\n')), 'plain'],
    ['a long line', change(text('a\n'), text(`b${' '.repeat(200)}rm -rf /\n`)), 'plain'],
    ['a line with a wide gap', change(text('a\n'), text(`echo ok${' '.repeat(60)}; rm -rf /\n`)), 'plain'],
    ['an indentation that changes', change(text('if x:\n    y\nz\n'), text('if x:\n    y\n    z\n')), 'plain'],
    ['blanks at the end', change(text('a\n'), text('a  \n')), 'plain'],
    ['line ends alone', change(text('a\r\nb\r\n'), text('a\nb\n')), 'file'],
    ['what cannot be shown', change({ kind: 'unshown', why: 'It is no text.', bytes: 4 }, text('a\n')), 'plain'],
  ];
  for (const [what, shown, look] of looks) {
    it(`T45 keeps the colours of the language only where no setting can hide a part: ${what} is shown ${look}`, () => assert.equal(lookOf(shown), look));
  }

  it('says how many lines a new file has', () => {
    assert.equal(changeTitle(call, change(none, text('a\nb\n'))), 'Create src/app.ts · 2 lines');
    assert.equal(changeTitle(call, change(none, text('x\n'.repeat(12_000)))), 'Create src/app.ts · 12,000 lines');
    assert.equal(changeTitle(call, change(none, text(''), { hunks: [] })), 'Create src/app.ts · 0 lines');
  });

  it('says when only line ends change, and what was left out', () => {
    assert.match(changeTitle(call, change(text('a\r\n'), text('a\n'))), /line ends become LF/);
    assert.match(changeTitle({ ...call, narrowed: { after: 'evt_A', kept: 2, of: 3 } }, change(text('a'), text('b'))), /2 of 3, the rest left out/);
    assert.match(sideText({ kind: 'unshown', why: 'It is no text.', bytes: 4 }), /Not shown: It is no text\.\nIt has 4 bytes/);
  });

  it('keeps the title on one line, and lets no file name add to it (T45)', () => {
    const forged = changeTitle(call, change(none, text('a'), { path: `/home/ada/project/a\n· Approved${bidi}` }));
    assert.ok(forged.startsWith('Create a\\n· Approved\\u{202e}') && !forged.includes('\n'), forged);
  });

  it('offers changes by line, without icons of an agent', () => {
    assert.deepEqual(hunkRow({ line: 3, removed: 0, added: 2, begins: '$(check) ok\n' }), { label: 'Line 3', description: '+2', detail: '\\$(check) ok' });
  });

  it('has an address that carries the call and its bytes, the same path on both sides, and a language of its own when plain', () => {
    const before = sideAddress(call, 0, 'before', change(none, none, { divisible: true }), 'plain');
    const after = sideAddress(call, 0, 'after', change(none, none, { divisible: true }), 'plain');
    assert.equal(before.path, after.path);
    assert.deepEqual([after.path, after.query.endsWith('.some')], ['/conductor-change/src/app.ts ', true]);
    assert.deepEqual(parseSideAddress(after), { id: call.id, digest: call.digest, file: 0, side: 'after' });
    assert.equal(sideAddress(call, 0, 'after', change(none, none), 'file').path, '/conductor-file/src/app.ts');
    assert.equal(sideAddress(call, 0, 'after', change(none, none, { path: '/else/?#where/../a%b.some' }), 'file').path, '/conductor-file/else/__where/a_b.some');
    for (const query of ['', `${after.query}x`, after.query.replace('evt_', 'x_'), after.query.replace('after', 'other')]) assert.equal(parseSideAddress({ query }), undefined, query);
  });
});

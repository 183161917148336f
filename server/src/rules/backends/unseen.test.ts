import assert from 'node:assert/strict';
import { besideOf, loggedBeside } from './beside';
import { markText, markValue, mayHideText } from './unseen';

describe('characters that cannot be seen in what a server says', () => {
  const hidden: [title: string, text: string, marked: string][] = [
    ['zero width', 'pass\u200bword', 'pass\\u{200b}word'],
    ['a direction of writing', 'a\u202eb', 'a\\u{202e}b'],
    ['isolates', 'a\u2066b\u2069', 'a\\u{2066}b\\u{2069}'],
    ['tags', 'a\u{e0049}\u{e0067}', 'a\\u{e0049}\\u{e0067}'],
    ['selectors beyond the usual', 'a\u{e0101}', 'a\\u{e0101}'],
    ['selectors behind letters', 'a\ufe01', 'a\\u{fe01}'],
    ['escapes of a terminal', '\u001b[2Ja', '\\u{1b}[2Ja'],
    ['a soft hyphen', 'a\u00adb', 'a\\u{ad}b'],
    ['a mark of order within', 'a\ufeffb', 'a\\u{feff}b'],
    ['fillers', 'a\u3164b\uffa0', 'a\\u{3164}b\\u{ffa0}'],
    ['half a character', 'a\ud800b', 'a\\u{d800}b'],
    ['a joiner between Latin letters', 'a\u200db', 'a\\u{200d}b'],
    ['a joiner at the end of a word', 'می\u200c', 'می\\u{200c}'],
    ['a mark of direction in Latin text', 'a\u200eb', 'a\\u{200e}b'],
    ['tags behind a flag that say something else', '\u{1f3f4}\u{e0061}\u{e007f}', '\u{1f3f4}\\u{e0061}\\u{e007f}'],
    ['a row of selectors behind a symbol', '❤\ufe0f\ufe0f', '❤\ufe0f\\u{fe0f}'],
  ];
  for (const [title, text, marked] of hidden) {
    it(`backends:hidden T59: ${title}`, () => {
      assert.equal(mayHideText(JSON.stringify(text)), true, 'the quick look finds it');
      assert.equal(markText(text).text, marked);
    });
  }

  it('backends:hidden: text that needs such characters is left as it is', () => {
    const ordinary = ['می\u200cخواهم', 'क\u094d\u200dष', '👩\u200d👩\u200d👧', '❤\ufe0f', '1\ufe0f\u20e3', '🏳\ufe0f\u200d🌈', '👍🏽', 'שלום\u200f!', '\ufeffa file', 'a\u00a0b', '全角\u3000', 'é', 'a\tb\r\nc', '葛\u{e0100}', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}'];
    for (const text of ordinary) assert.deepEqual(markText(text), { text, count: 0 }, JSON.stringify(text));
    assert.equal(mayHideText(JSON.stringify('a\tb\nc "d" \\u200b')), false);
  });

  it('backends:hidden: texts and names of members anywhere are marked, and what goes back to the server is not', () => {
    const answer = { kind: 'result', result: { content: [{ type: 'text', text: 'a\u200bb' }], structuredContent: { 'x\u202ey': ['\u200b'], nextCursor: '\u200b' }, nextCursor: 'c\u200b', requestState: 's\u200b' } };
    const { value, count } = markValue(answer);
    assert.equal(count, 4);
    assert.deepEqual(value, { kind: 'result', result: { content: [{ type: 'text', text: 'a\\u{200b}b' }], structuredContent: { 'x\\u{202e}y': ['\\u{200b}'], nextCursor: '\\u{200b}' }, nextCursor: 'c\u200b', requestState: 's\u200b' } });
  });

  it('backends:hidden T63: millions of them take no longer than they are many', () => {
    const { count } = markText(`\u{1f3f4}${'\u{e0041}'.repeat(1_000_000)}`);
    assert.equal(count, 1_000_000);
  });

  it('backends:hidden: nesting hides nothing', () => {
    const deep = JSON.parse(`${'['.repeat(3000)}"\u200b"${']'.repeat(3000)}`) as unknown;
    const { value, count } = markValue(deep);
    assert.equal(count, 1);
    assert.doesNotMatch(JSON.stringify(value), /\u200b/);
  });
});

describe('what goes out beside the arguments', () => {
  it('backends:beside: what only traces one request binds nothing; everything else does, and what merely looks so', () => {
    const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { bound, passing } = besideOf({ traceparent: parent, 'claudecode/toolUseId': 'toolu_01', vendor: { order: 'rm' }, tracestate: 5, 'io.modelcontextprotocol/protocolVersion': '2026-07-28' });
    assert.deepEqual(passing, { traceparent: parent, 'claudecode/toolUseId': 'toolu_01' });
    assert.deepEqual(bound, { vendor: { order: 'rm' }, tracestate: 5 });
    assert.deepEqual(besideOf({ traceparent: 'delete everything', 'claudecode/toolUseId': { a: 1 } }).passing, {});
  });

  it('backends:beside: the log keeps it up to a size, and names the size of more', () => {
    assert.equal(loggedBeside(besideOf({})), undefined);
    assert.deepEqual(loggedBeside(besideOf({ a: 1 })), { a: 1 });
    assert.deepEqual(loggedBeside(besideOf({ a: 'x'.repeat(10_000) })), { tooLong: true, bytes: 10_008 });
  });
});

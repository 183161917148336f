import assert from 'node:assert/strict';
import { oddWords, reveal } from './display';

/** Letters are written by their numbers here: nobody could see which ones they are. */
const a = '\u0430';
const paypal = 'р\u0430ypal';

describe('text of agents made safe to show', () => {
  const marked: readonly (readonly [string, string, string])[] = [
    ['a Cyrillic letter in a Latin word', `echo p${a}ypal`, 'echo p\\u{430}ypal'],
    ['several of them', `echo ${paypal}`, 'echo \\u{440}\\u{430}ypal'],
    ['a Greek letter in a Latin word', 'cat n\u03bfte', 'cat n\\u{3bf}te'],
    ['a capital', '\u0410pprove', '\\u{410}pprove'],
    ['a word of such letters alone', `rm -rf ${a}`, 'rm -rf \\u{430}'],
    ['one joined to Latin, beside ordinary Russian', `rm ./\u0441\u043e.js # привет`, 'rm ./\\u{441}\\u{43e}.js # привет'],
  ];
  for (const [what, text, shown] of marked) it(`T45 writes out ${what}`, () => assert.deepEqual([reveal(text).text, reveal(text).count], [shown, 0]));

  const ordinary = ['привет, мир', 'рост а с хором', 'echo привет', 'SQL-запрос', 'Καλημέρα κόσμε', 'Δx and 5 μs', 'grün, naïve, 漢字', 'x', ''];
  for (const text of ordinary) it(`leaves ${JSON.stringify(text)} as it is`, () => assert.deepEqual(reveal(text), { text, count: 0, alike: 0 }));

  it('T45 counts both kinds by name', () => {
    assert.equal(oddWords([`a\u202e`, `p${a}`, `p${a}p${a}`]), '1 hidden character and 3 look-alike letters');
    assert.equal(oddWords([`p${a}`]), '1 look-alike letter');
    assert.equal(oddWords(['plain']), undefined);
  });

  it('takes no time that grows faster than its text', () => {
    const { alike } = reveal(`p${a} `.repeat(100_000));
    assert.equal(alike, 100_000);
  });
});

import assert from 'node:assert/strict';
import { jsonText, quoted } from './json';

describe('JSON text of small values', () => {
  const texts = ['', 'filesystem.write', 'a "quoted" word', 'back\\slash', 'line\nbreak', '\u0000', '\u007f', '\u2028', 'Grüße', '\ud800', '😀', '~', ' ', 'x'.repeat(64), 'x'.repeat(65), `${'x'.repeat(63)}"`];

  it('quotes as JSON.stringify does', () => {
    for (const text of texts) assert.equal(quoted(text), JSON.stringify(text));
  });

  it('writes what JSON.stringify writes, whatever the value', () => {
    const values = [
      ...texts, 0, -0, 1.5, 1e21, 1e-7, Number.NaN, Number.POSITIVE_INFINITY, true, false, null, [], {}, [1, undefined], new Date(0), new Map([[1, 2]]), Object.create(null),
      { b: 1, a: 'x', 10: true, 9: false }, { gone: undefined, a: 1, b: undefined }, { nan: Number.NaN }, { nested: { a: [1] } }, { none: null }, { act: () => 1, a: 1 },
      { toJSON: () => 'other' }, JSON.parse('{"__proto__":1,"a\\"b":"c\\u2028"}'),
      new (class { readonly a = 1; toJSON(): string { return 'mine'; } })(),
    ] as unknown[];
    for (const value of values) assert.equal(jsonText(value), JSON.stringify(value));
  });
});

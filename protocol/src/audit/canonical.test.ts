import assert from 'node:assert/strict';
import { canonicalJson, escapeInvisible } from './canonical';

const text = (value: unknown): string => canonicalJson(value).text;

describe('canonical JSON (RFC 8785)', () => {
  for (const [name, value, wanted] of [
    ['sorts members by UTF-16 code units', { '\ufb33': 1, '\u{1f600}': 2, b: 3, a: 4, '': 5, 10: 6, 9: 7 }, '{"":5,"10":6,"9":7,"a":4,"b":3,"😀":2,"\ufb33":1}'],
    ['keeps the order of arrays', [3, [], [1, [2]], {}], '[3,[],[1,[2]],{}]'],
    ['prints numbers as ECMAScript does', [1e21, 1e-7, -0, 0.1, 333333333.3333333, 4.5, 1e30], '[1e+21,1e-7,0,0.1,333333333.3333333,4.5,1e+30]'],
    ['escapes only what it must', '"\\\b\f\n\r\t\u000f/é€', '"\\"\\\\\\b\\f\\n\\r\\t\\u000f/é€"'],
    ['takes scalars', [true, false, null, 'x'], '[true,false,null,"x"]'],
    ['leaves out undefined members, and keeps places in arrays', { a: undefined, b: [undefined, 1] }, '{"b":[null,1]}'],
    ['never fails on infinities, which JSON.parse can produce', [JSON.parse('1e400'), JSON.parse('-1e400')], '["Infinity","-Infinity"]'],
    ['takes a member named __proto__ as any other', JSON.parse('{"__proto__":{"x":1},"a":2}'), '{"__proto__":{"x":1},"a":2}'],
    ['escapes lone surrogates', '\ud800x', '"\\ud800x"'],
  ] as const) {
    it(name, () => assert.equal(text(value), wanted));
  }

  it('gives the same text for the same value, however it was ordered', () => {
    const value = { z: [{ b: 1, a: { d: [], c: 'x' } }], y: null };
    const turned = JSON.parse('{"y":null,"z":[{"a":{"c":"x","d":[]},"b":1}]}') as unknown;
    assert.equal(text(value), text(turned));
    assert.deepEqual(JSON.parse(text(value)), value);
  });

  it('measures depth and survives nesting that recursion would not', () => {
    assert.deepEqual([canonicalJson(1).depth, canonicalJson({}).depth, canonicalJson([[1], 2]).depth], [0, 1, 2]);
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
    const { text: written, depth } = canonicalJson(deep);
    assert.deepEqual([written.length, depth], [200_000, 100_000]);
  });

  it('writes the same on both sides of the depth at which recursion ends', () => {
    for (let depth = 28; depth < 40; depth += 1) {
      const wanted = `${'{"a":[1,'.repeat(depth / 2)}"x"${']}'.repeat(depth / 2)}`;
      assert.deepEqual(canonicalJson(JSON.parse(wanted)), { text: wanted, depth: Math.floor(depth / 2) * 2 });
    }
  });

  it('throws for what only a bug can put there', () => {
    for (const value of [new Map(), new Set(), new Date(), () => 1, Symbol('x'), 1n]) {
      assert.throws(() => canonicalJson({ value }), TypeError);
    }
  });
});

describe('escaping of invisible characters', () => {
  it('T85 escapes controls, direction marks and tags, and changes no value', () => {
    const value = 'a\u007f\u009b\u00ad\u061c\u200e\u202e\u2066\ufeff\u{e0001}\u{e007f}z';
    const escaped = escapeInvisible(JSON.stringify(value));
    assert.match(escaped, /^[\x20-\x7e]+$/);
    assert.equal(JSON.parse(escaped), value);
  });

  it('leaves what people read alone', () => {
    const value = JSON.stringify('Grüße, 世界 😀 \u{e0100}');
    assert.equal(escapeInvisible(value), value);
  });
});

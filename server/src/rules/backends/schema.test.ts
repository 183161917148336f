import assert from 'node:assert/strict';
import { argumentRows } from './argumentRows';
import { patternFits, patternWork } from './pattern';
import { flawWords, schemaFlaws } from './schema';

const words = (schema: unknown, value: unknown): string => flawWords(schemaFlaws(schema, value));

describe('arguments against the schema of a server', () => {
  const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });
  const tree = { $defs: { node: object({ name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } }, { required: ['name'] }) }, $ref: '#/$defs/node' };
  const refused: [title: string, schema: unknown, value: unknown, words: RegExp][] = [
    ['a missing argument', object({ a: {} }, { required: ['a'] }), {}, /^a is missing$/],
    ['an inherited member for an argument', object({}, { required: ['constructor'] }), {}, /^constructor is missing$/],
    ['another type', object({ a: { type: 'number' } }), { a: '1' }, /^a must be number, and is string$/],
    ['none of several types', object({ a: { type: ['string', 'null'] } }), { a: 1 }, /^a must be string or null/],
    ['a fraction for an integer', object({ a: { type: 'integer' } }), { a: 1.5 }, /integer/],
    ['a value that is not listed', object({ a: { enum: ['x', { y: 1 }] } }), { a: { y: 2 } }, /^a must be one of \["x",\{"y":1\}\]$/],
    ['another constant', object({ a: { const: null } }), { a: 0 }, /must be null/],
    ['an argument that is not known', object({ a: {} }, { additionalProperties: false }), { a: 1, b: 2 }, /^b is no argument that the schema knows$/],
    ['a further argument of another type', object({ a: {} }, { additionalProperties: { type: 'string' } }), { b: 2 }, /^b must be string/],
    ['a place deep inside', object({ list: { type: 'array', items: object({ path: { type: 'string' } }) } }), { list: [{ path: 'a' }, { path: 1 }] }, /^list\[1\]\.path must be string/],
    ['a list that is too long', object({ a: { maxItems: 1 } }), { a: [1, 2] }, /at most 1 items/],
    ['a list with twins', object({ a: { uniqueItems: true } }), { a: [{ x: 1, y: 2 }, { y: 2, x: 1 }] }, /twice/],
    ['a place of a fixed list', { prefixItems: [{ type: 'string' }], items: false }, ['a', 'b'], /^\[1\] must not be there$/],
    ['a fixed list of older drafts', { items: [{ type: 'string' }], additionalItems: false }, ['a', 'b'], /^\[1\]/],
    ['text that is too short, by characters', object({ a: { minLength: 3 } }), { a: '🙂🙂' }, /at least 3 characters/],
    ['text of another pattern', object({ a: { pattern: '^[a-z]+$' } }), { a: 'A' }, /must fit the pattern/],
    ['a number out of bounds', object({ a: { minimum: 1, exclusiveMaximum: 3 } }), { a: 3 }, /less than 3/],
    ['a number that is no multiple', object({ a: { multipleOf: 0.1 } }), { a: 0.25 }, /multiple/],
    ['none of several forms', object({ a: { anyOf: [{ type: 'string' }, { type: 'number' }] } }), { a: true }, /^a has none of the forms/],
    ['the form that comes nearest', object({ a: { anyOf: [{ type: 'string' }, object({ b: { type: 'number' } })] } }), { a: { b: 'x' } }, /^a\.b must be number/],
    ['two of one form', object({ a: { oneOf: [{ type: 'number' }, { minimum: 1 }] } }), { a: 2 }, /exactly one/],
    ['what is forbidden', object({ a: { not: { type: 'string' } } }), { a: 'x' }, /forbids/],
    ['all of several forms', { allOf: [object({}, { required: ['a'] }), object({}, { required: ['b'] })] }, { a: 1 }, /^b is missing$/],
    ['a condition', { if: object({ kind: { const: 'file' } }), then: { required: ['path'] } }, { kind: 'file' }, /^path is missing$/],
    ['a reference to itself', tree, { name: 'a', children: [{ name: 'b', children: [{}] }] }, /^children\[0\]\.children\[0\]\.name is missing$/],
    ['a member that needs another', { dependentRequired: { a: ['b'] } }, { a: 1 }, /^b is missing beside a$/],
    ['a name of another form', { propertyNames: { maxLength: 1 } }, { ab: 1 }, /at most 1 characters/],
    ['everything, where the schema is false', false, {}, /must not be there/],
  ];
  for (const [title, schema, value, expected] of refused) it(`backends:arguments: refuses ${title}, and says where`, () => assert.match(words(schema, value), expected));

  const taken: [title: string, schema: unknown, value: unknown][] = [
    ['no schema', undefined, { a: 1 }],
    ['what fits', object({ a: { type: 'integer', minimum: 1 }, b: { type: 'array', items: { enum: [1, 2] } } }, { required: ['a'], additionalProperties: false }), { a: 1, b: [2, 1] }],
    ['a tenth of something, whatever binary makes of it', object({ a: { multipleOf: 0.1 } }), { a: 0.3 }],
    ['null where it is allowed in the way of OpenAPI', object({ a: { type: 'string', nullable: true } }), { a: null }],
    ['keywords that nobody knows', { 'x-vendor': 1, type: 'hologram' }, {}],
    ['a name that fits a pattern', { patternProperties: { '^x-': { type: 'string' } }, additionalProperties: false }, { 'x-a': 'b' }],
    ['what `not` says in words that are left to the server', { not: { format: 'email' } }, 'a@b.c'],
    ['what two forms may have in common as far as is known', { oneOf: [{ pattern: '(a+)+$' }, { pattern: '(b+)+$' }] }, 'a'],
  ];
  for (const [title, schema, value] of taken) it(`backends:arguments: takes ${title}`, () => assert.equal(words(schema, value), ''));

  describe('beside what a person is shown of them', () => {
    const isCall = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
    const shownWrong = (schema: unknown, value: Readonly<Record<string, unknown>>): boolean => argumentRows(value, schema).rows.some(({ mark, says }) => mark === 'wrong' || mark === 'missing' || (mark === 'unknown' && says?.includes('allows nothing else') === true));
    // Keywords that the layout leaves aside (docs/decisions/040-two-readers-of-schemas.md).
    const aside = /uniqueItems|"pattern"|exclusive|multipleOf|oneOf|"not"|"if"|dependent|propertyNames/;
    for (const [title, schema, value] of refused) if (isCall(value) && !aside.test(JSON.stringify(schema))) it(`approvals:arguments: ${title} is marked`, () => assert.ok(shownWrong(schema, value)));
    for (const [title, schema, value] of taken) if (isCall(value)) it(`approvals:arguments: ${title} is not marked as wrong`, () => assert.ok(!shownWrong(schema, value)));
  });

  it('backends:arguments: follows no reference that leads out of the schema', () => {
    for (const $ref of ['http://127.0.0.1:9/schema.json', 'file:///etc/passwd', 'other.json#/a', '#/$defs/none', '#/__proto__/toString']) assert.equal(words({ properties: { a: { $ref } } }, { a: 1 }), '', $ref);
  });

  it('backends:arguments: a schema without end is refused, not worked at for ever', () => {
    assert.match(words({ $ref: '#' }, {}), /too large or too deep/);
    const double = (depth: number): object => (depth === 0 ? { type: 'string' } : { anyOf: [{ $ref: `#/$defs/d${depth - 1}` }, { $ref: `#/$defs/d${depth - 1}` }] });
    const $defs = Object.fromEntries(Array.from({ length: 40 }, (_, depth) => [`d${depth}`, double(depth)]));
    assert.match(words({ $defs, $ref: '#/$defs/d39' }, 1), /too large or too deep/);
    const deep = JSON.parse(`${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`) as unknown;
    assert.match(words({ $ref: '#/$defs/any', $defs: { any: { additionalProperties: { $ref: '#/$defs/any' } } } }, deep), /too large or too deep/);
    assert.match(words({ items: { enum: Array.from({ length: 10_000 }, (_, n) => ({ n })) } }, Array.from({ length: 10_000 }, (_, n) => ({ m: n }))), /too large|one of/);
  });

  it('backends:arguments T63: a pattern that could take for ever is not tried', () => {
    const evil = ['(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(.*)*x', '(?=(a+))\\1x', 'a?'.repeat(40) + 'a'.repeat(40), '.*.*.*.*.*x', '^(\\w+\\s?)*$', '([a-z]{1,100}){1,100}x', '(a*){2}b', '((a)*)*b'];
    for (const pattern of evil) assert.equal(patternWork(pattern, 5000), undefined, pattern);
    assert.equal(words({ pattern: '^(a+)+$' }, `${'a'.repeat(5000)}!`), '');
    const many = { allOf: Array.from({ length: 1000 }, () => ({ pattern: '^.*.*x$' })) };
    assert.match(words(many, 'a'.repeat(400)), /^The whole must fit/, 'what all patterns take together is bounded, too');
  });

  it('backends:arguments: patterns that people write are tried', () => {
    const plain: [pattern: string, fits: string, fails: string][] = [
      ['^[A-Za-z0-9_-]{1,64}$', 'a-b', 'a b'], ['^\\d{4}-\\d{2}-\\d{2}$', '2026-11-22', '2026-1-2'], ['^[^@]+@[^@]+\\.[a-z]{2,}$', 'a@b.cd', 'a.b'],
      ['^#[0-9a-fA-F]{6}$', '#12abEF', '#12'], ['^(?:GET|POST)$', 'GET', 'PUT'], ['^\\/', '/a', 'a'], ['^[\\]a]+$', ']a', 'b'], ['^v?(\\d+)\\.(\\d+)(-rc)?$', 'v1.2-rc', '1'], ['^\\p{Lu}', 'Ä', 'ä'],
    ];
    for (const [pattern, fits, fails] of plain) {
      assert.ok(patternWork(pattern, 64) !== undefined, pattern);
      assert.equal(patternFits(pattern, fits), true, pattern);
      assert.equal(patternFits(pattern, fails), false, pattern);
    }
    assert.equal(patternFits('(', 'a'), undefined);
  });
});

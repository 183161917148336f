import assert from 'node:assert/strict';
import { argumentRows, leavesOf } from './argumentRows';

/** How the arguments of an external tool stand to its schema, row by row. */

const marks = (input: Readonly<Record<string, unknown>>, schema: unknown): string[] => argumentRows(input, schema).rows.map(({ path, mark, required }) => `${path}${required === true ? '!' : ''} ${mark}`);

describe('rules/backends/argumentRows', () => {
  const schema = {
    type: 'object',
    properties: {
      path: { type: 'string' }, depth: { type: 'integer', minimum: 1, maximum: 3 }, mode: { enum: ['read', 'write'] }, where: { $ref: '#/$defs/place' },
      lines: { type: 'array', items: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'], additionalProperties: false } }, any: {}, either: { anyOf: [{ type: 'string' }, { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] }] },
    },
    required: ['path', 'mode'],
    $defs: { place: { type: 'object', properties: { host: { type: 'string' }, port: { type: ['integer', 'null'] } }, required: ['host'] } },
  };

  const table: readonly (readonly [what: string, input: Readonly<Record<string, unknown>>, rows: readonly string[]])[] = [
    ['what fits, in the order of the schema', { mode: 'read', path: 'a' }, ['path! fits', 'mode! fits']],
    ['what is required and missing', { path: 'a' }, ['path! fits', 'mode! missing']],
    ['what the schema does not name', { path: 'a', mode: 'read', force: true }, ['path! fits', 'mode! fits', 'force unknown']],
    ['another kind', { path: 7, mode: 'read' }, ['path! wrong', 'mode! fits']],
    ['none of the values', { path: 'a', mode: 'delete' }, ['path! fits', 'mode! wrong']],
    ['beyond a limit', { path: 'a', mode: 'read', depth: 9 }, ['path! fits', 'depth wrong', 'mode! fits']],
    ['a number where a whole one is wanted', { path: 'a', mode: 'read', depth: 1.5 }, ['path! fits', 'depth wrong', 'mode! fits']],
    ['members of members, through a reference', { path: 'a', mode: 'read', where: { port: null, extra: 1 } }, ['path! fits', 'mode! fits', 'where.host! missing', 'where.port fits', 'where.extra unknown']],
    ['items of lists', { path: 'a', mode: 'read', lines: [{ n: 1 }, { n: 'two', m: 0 }] }, ['path! fits', 'mode! fits', 'lines[0].n! fits', 'lines[1].n! wrong', 'lines[1].m unknown']],
    ['one of several forms', { path: 'a', mode: 'read', either: { id: 'x' } }, ['path! fits', 'mode! fits', 'either.id! fits']],
    ['none of several forms', { path: 'a', mode: 'read', either: { id: 1 } }, ['path! fits', 'mode! fits', 'either wrong']],
    ['names that look like paths', { path: 'a', mode: 'read', 'a.b': 1, 'path ': 2 }, ['path! fits', 'mode! fits', '["a.b"] unknown', '["path "] unknown']],
    ['an empty object in place of one with required members', { path: 'a', mode: 'read', where: {} }, ['path! fits', 'mode! fits', 'where.host! missing']],
  ];
  for (const [what, input, rows] of table) {
    it(`approvals:arguments: ${what}`, () => {
      assert.deepEqual(marks(input, schema), rows);
    });
  }

  it('approvals:arguments: what is no schema, allows nothing, or has inherited names', () => {
    for (const none of [undefined, null, 'x', 7, []]) assert.deepEqual(marks({ a: 1, b: { c: [] } }, none), ['a unchecked', 'b unchecked']);
    assert.deepEqual(marks({ a: 1 }, false), [' wrong', 'a unknown']);
    assert.deepEqual(marks({ constructor: 'x' }, { type: 'object', properties: {} }), ['constructor unknown']);
  });

  it('approvals:arguments: says what was expected and what is wrong, and cuts long values', () => {
    const { rows } = argumentRows({ path: 'x'.repeat(3000), mode: 'delete' }, schema);
    assert.equal(rows[0]?.value?.endsWith('… (1002 more characters)'), true);
    assert.deepEqual([rows[1]?.expected, rows[1]?.says], ['one of "read", "write"', 'It is none of the values that the schema allows.']);
  });

  it('T45 approvals:arguments: a hostile schema or call costs little: loops, deep references, thousands of forms and of arguments', () => {
    const loop = { $ref: '#', anyOf: [{ $ref: '#' }, { allOf: [{ $ref: '#' }, { $ref: '#' }] }], properties: { a: { $ref: '#' } } };
    assert.equal(argumentRows({ a: { a: { a: 1 } } }, loop).rows.length > 0, true);
    const wide = { oneOf: Array.from({ length: 3000 }, (_, index) => ({ properties: { a: { const: index } }, required: ['a'] })) };
    assert.equal(argumentRows({ a: { deep: { er: 1 } } }, wide).rows.length > 0, true);
    const many = argumentRows(Object.fromEntries(Array.from({ length: 9000 }, (_, index) => [`k${String(index)}`, 'v'])), { type: 'object', properties: {} });
    assert.equal(many.rows.length, 200);
    assert.deepEqual(many.left?.flawed, many.left?.rows);
    assert.equal(leavesOf(Object.fromEntries(Array.from({ length: 9000 }, (_, index) => [`k${String(index)}`, 'v']))).length, 1);
    // Patterns of a server are never run.
    assert.deepEqual(marks({ a: 'x'.repeat(50_000) }, { properties: { a: { type: 'string', pattern: '^(x+x+)+y$' } }, patternProperties: { '^(x+x+)+y$': {} }, additionalProperties: false }), ['a fits']);
  });
});

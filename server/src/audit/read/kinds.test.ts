import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Kinds, mixedKind, type Kind } from './kinds';

function lineOf(kind: Kind, input: unknown, actorMore: object = {}): Buffer {
  const { phase, tool, result, client, user } = kind;
  return Buffer.from(JSON.stringify({ v: 1, seq: 7, id: 'evt_1', phase, tool, input, result, verdict: { reason: 'a "quoted" \\ reason' }, actor: { role: 'agent', ...actorMore, client, user }, output: [{ result: 'x' }], prevHash: 'p', hash: 'h' }));
}

describe('kinds of entries', () => {
  it('are told apart by what JSON itself says of a line, whatever an agent wrote into it', () => {
    const word = fc.string({ unit: 'binary' });
    const kind = fc.record({ phase: word, tool: word, result: word, client: word, user: word });
    const kinds = new Kinds();
    fc.assert(
      fc.property(kind, fc.jsonValue(), (given, input) => {
        const line = lineOf(given, input, { result: 'spoof', connection: 3 });
        const number = kinds.numberOf(Buffer.concat([Buffer.from('x'), line]), 1, line.length + 1);
        assert.deepEqual(kinds.at(number), JSON.parse(JSON.stringify(given)));
        assert.deepEqual(kinds.at(kinds.known(given)), kinds.at(number));
      }),
    );
  });

  it('are not led astray by members of the input that are named like those of the entry', () => {
    const kinds = new Kinds();
    const given = { phase: 'denied', tool: 'shell.exec', result: 'denied', client: 'c', user: 'u' };
    const input = { result: 'success', actor: { client: 'other' }, inputHash: 'sha256:', nested: [{ tool: 'git.log', result: 'ok' }], text: '","result":"success"' };
    assert.deepEqual(kinds.at(kinds.numberOf(lineOf(given, input), 0, lineOf(given, input).length)), given);
  });

  it('give the same number to the same kind, and none to what is no entry', () => {
    const kinds = new Kinds();
    const given = { phase: 'done', tool: 'a.b', result: 'success', client: 'c', user: 'u' };
    const [one, other] = [lineOf(given, {}, { connection: 1 }), lineOf(given, { x: [1, 2, { y: null }] }, { connection: 2 })];
    assert.equal(kinds.numberOf(one, 0, one.length), kinds.numberOf(other, 0, other.length));
    for (const text of ['', 'what is this', '{', '{}', '{"phase":"done"', '{"phase":1,"tool":"a.b"}', '[1]']) assert.equal(kinds.numberOf(Buffer.from(text), 0, text.length), mixedKind, text);
  });

  it('are bounded in number, since agents choose their names', () => {
    const kinds = new Kinds();
    const numbers = Array.from({ length: 5_000 }, (_, n) => {
      const line = lineOf({ phase: 'done', tool: 'a.b', result: 'success', client: `client ${n}`, user: 'u' }, {});
      return kinds.numberOf(line, 0, line.length);
    });
    assert.equal(new Set(numbers).size, 4_097);
    assert.equal(numbers.at(-1), mixedKind);
  });
});

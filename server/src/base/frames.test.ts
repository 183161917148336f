import assert from 'node:assert/strict';
import { readFrame } from './frames';

const frame = (text: string | Buffer) => readFrame(Buffer.from(text));

describe('base/frames', () => {
  it('frames:request: a request keeps its id, method and params', () => {
    assert.deepEqual(frame('{"jsonrpc":"2.0","id":"a","method":"ping"}\r'), { kind: 'request', id: 'a', method: 'ping', params: {} });
    assert.deepEqual(frame('{"jsonrpc":"2.0","id":0,"method":"x","params":{"a":1}}'), { kind: 'request', id: 0, method: 'x', params: { a: 1 } });
  });

  it('frames:notification and response', () => {
    assert.equal(frame('{"jsonrpc":"2.0","method":"notifications/initialized"}').kind, 'notification');
    assert.equal(frame('{"jsonrpc":"2.0","id":1,"result":{}}').kind, 'response');
    assert.equal(frame('  ').kind, 'blank');
  });

  const refused: readonly (readonly [string, string | Buffer, number])[] = [
    ['T50: id null', '{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{}}', -32600],
    ['T50: id an object', '{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{}}', -32600],
    ['T50: id true', '{"jsonrpc":"2.0","id":true,"method":"tools/call","params":{}}', -32600],
    ['T50: params a list', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}', -32602],
    ['T50: params a number', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":3}', -32602],
    ['T51: a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
    ['T51: an empty batch', '[]', -32600],
    ['T52: not JSON', 'nope', -32700],
    ['T52: two objects', '{"jsonrpc":"2.0","method":"a"}{"jsonrpc":"2.0","method":"b"}', -32700],
    ['T52: JSON with a comment', '{"jsonrpc":"2.0",/**/"method":"a"}', -32700],
    ['T52: a duplicate member', '{"jsonrpc":"2.0","method":"a","method":"b"}', -32600],
    ['T52: a duplicate member behind an escape', '{"jsonrpc":"2.0","method":"a","m\\u0065thod":"b"}', -32600],
    ['T52: a duplicate in a list in an argument', '{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":[{"p":1,"p":2}]}}', -32600],
    ['T52: Method in capitals', '{"jsonrpc":"2.0","id":1,"Method":"tools/call","method":"ping"}', -32600],
    ['T52: bytes that are not UTF-8', Buffer.concat([Buffer.from('{"jsonrpc":"2.0","method":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]), -32700],
    ['T52: another version of JSON-RPC', '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ['T52: a method that is no string', '{"jsonrpc":"2.0","id":1,"method":["tools/call"]}', -32600],
    ['T52: null', 'null', -32600],
  ];
  for (const [what, line, code] of refused) {
    it(`${what} is refused`, () => {
      const found = frame(line);
      assert.equal(found.kind, 'refused');
      assert.equal(found.kind === 'refused' && found.code, code);
    });
  }

  it('T52: line separators inside a string are data, not the end of a message', () => {
    const found = frame('{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":"\u2028\u2029"}}');
    assert.equal(found.kind, 'request');
  });

  it('T18: a member named __proto__ is refused, and changes no object', () => {
    assert.equal(frame('{"jsonrpc":"2.0","id":1,"method":"a","params":{"__proto__":{"polluted":true}}}').kind, 'refused');
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });
});

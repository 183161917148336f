import assert from 'node:assert/strict';
import { encodingOf, inheritText, messageText, parseJsonText, textOf } from './jsonText';

/** What a text was read to. */
function read(text: string): Readonly<Record<string, unknown>> {
  const json = parseJsonText(text);
  assert.ok(json.kind === 'value');
  return json.value as Readonly<Record<string, unknown>>;
}

const long = ['x'.repeat(5000), 'é"\\\n'.repeat(2000), '\ud800 lone '.repeat(900)];

describe('texts of JSON values', () => {
  it('backends:as-it-came: what is handed on is to the letter what would be written anew, wherever it stood', () => {
    for (const text of long) {
      for (const whole of [{ jsonrpc: '2.0', id: 7, result: { content: [{ type: 'text', text }] } }, { method: 'tools/call', params: { name: 'a"b', arguments: { 'k"': text, n: [1, null, 1e21] }, _meta: { p: 1 } }, jsonrpc: '2.0', id: 'é' }, { 'a,': {}, params: { arguments: { text } }, z: [] }]) {
        const message = read(JSON.stringify(whole));
        for (const part of ['result', 'params']) inheritText(message, part);
        const { params, result } = message as { params?: Record<string, unknown>; result?: object };
        if (params !== undefined) inheritText(params, 'arguments');
        const parts = [result, params, params?.['arguments']].filter((one) => one !== undefined) as object[];
        for (const part of parts) assert.equal(textOf(part), JSON.stringify(part));
        const sent = { jsonrpc: '2.0', id: 1, none: undefined, result, params: params === undefined ? undefined : { name: 'other', arguments: params['arguments'], list: [1] } };
        assert.equal(messageText(sent), JSON.stringify(sent));
      }
    }
  });

  it('backends:as-it-came: a value made from another, and a text that was written otherwise, are written anew', () => {
    const text = JSON.stringify({ result: { text: 'x'.repeat(5000) } });
    const { result } = read(text) as { result: object };
    assert.equal(messageText({ result: { ...result, text: 'short' } }), '{"result":{"text":"short"}}');
    const spaced = read(text.replace(':', ' : ').replace('xx', '\\u0078x'));
    inheritText(spaced, 'result');
    assert.equal(messageText({ result: spaced['result'] }), text);
  });

  it('writes only plain texts byte by byte', () => {
    assert.deepEqual(long.map(encodingOf), ['latin1', 'utf8', 'utf8']);
    assert.equal(encodingOf(`${'x'.repeat(5000)}ÿ`), 'utf8');
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { prepareEntry, sha256, writeLine, zeroHash } from '../../../../protocol/src/audit/bytes';
import { storedEntry, type NewEntry } from '../../../../protocol/src/audit/entry';
import { PlainLine, Times } from '../../../../protocol/src/audit/plain';
import { isPlainEntry } from '../../../../protocol/src/audit/plainEntry';
import { readHead } from '../../../../protocol/src/audit/head';
import { readStrictly } from './strict';

/** The quick look at a line against the full reading: it may say no at any time, but yes only where the full reading finds nothing. */

const id = `evt_${'0'.repeat(25)}7`;
const agent = { role: 'agent', client: 'example 1.0', connection: 1, window: 'w', user: 'ann' } as const;

function lineOf(entry: NewEntry, timestamp = '2026-11-21T20:53:17.123Z'): string {
  const target = Buffer.alloc(20_000);
  const { end } = writeLine(target, 0, prepareEntry(entry, id, timestamp), 7, zeroHash);
  return target.toString('utf8', 0, end - 1);
}

function isPlain(text: string | Buffer): boolean {
  const bytes = Buffer.from(text);
  const line = new PlainLine();
  return line.read(bytes, 0, bytes.length) && isPlainEntry(bytes, 0, bytes.length, line);
}

/** A line whose input stands exactly so, with the hash of these bytes. */
function withInput(input: string, after = ''): string {
  return `{"v":1,"seq":7,"id":"${id}","timestamp":"2026-11-21T20:53:17.123Z","phase":"event","tool":"a.b","input":${input},"inputHash":"sha256:${sha256(input)}","result":"ok"${after},"prevHash":"sha256:${zeroHash}","hash":"sha256:${zeroHash}"}`;
}

const full: NewEntry = {
  phase: 'done', call: id, tool: 'filesystem.write', result: 'success', durationMs: 12.5, project: '/home/ann/straße', actor: agent,
  input: { path: 'a\n"b"\\', n: [1, -2, 0.5, true, false, null, {}, []], deep: { a: { b: {} } }, text: 'Grüße 世界' },
  verdict: { verdict: 'allow', rule: 'r', reason: 'x', policyHash: 'p' }, approval: { id: 'apr_1', decision: 'approved', by: 'editor', window: 'w', user: 'ann', waitedMs: 3, reason: 'x' },
  output: { sha256: `sha256:${'cd'.repeat(32)}`, bytes: 42 }, detail: { code: 'X' },
};

describe('the quick look at an entry', () => {
  it('knows every member that the schema names', () => {
    assert.equal(isPlain(lineOf(full)), true);
    const written = Object.keys(JSON.parse(lineOf(full)) as object);
    assert.deepEqual(Object.keys(storedEntry.shape).filter((name) => !written.includes(name)), ['removed'], 'what redaction took out is left to the full reading; all else the example must hold every member of the schema');
    // Every entry with a signed answer is read whole, since the signature is checked.
    const signed = ['level', 'signed'];
    for (const part of ['verdict', 'approval', 'actor', 'output'] as const) assert.deepEqual(Object.keys(storedEntry.shape[part].unwrap().shape).filter((name) => !(name in (full[part] ?? {}))), part === 'approval' ? signed : [], part);
    assert.equal(isPlain(lineOf({ ...full, approval: { id: 'apr_1', decision: 'approved', by: 'editor', waitedMs: 3, level: 'unsigned' } })), false);
    assert.equal(isPlain(lineOf({ ...full, input: { $sha256: `sha256:${'0'.repeat(64)}`, bytes: 3 } })), true);
  });

  for (const [what, text] of [
    ['a number with a zero at its end', withInput('{"a":1.0}')], ['minus zero', withInput('{"a":-0}')], ['an exponent', withInput('{"a":1e5}')], ['a leading zero', withInput('{"a":01}')],
    ['a long number', withInput('{"a":12345678901234567890}')], ['a letter as an escape', withInput('{"a":"\\u0041"}')], ['an escaped slash', withInput('{"a":"\\/"}')], ['a tab as a long escape', withInput('{"a":"\\u0009"}')],
    ['members out of order', withInput('{"b":1,"a":2}')], ['a member twice', withInput('{"a":1,"a":2}')], ['a blank', withInput('{"a": 1}')], ['a trailing comma', withInput('{"a":1,}')], ['a comma in an array', withInput('{"a":[1,]}')],
    ['an empty name', withInput('{,}')], ['an unclosed object', withInput('{"a":{"b":1}')], ['a raw control character', withInput('{"a":"\u0001"}')], ['a result twice', withInput('{}', ',"result":"ok"')], ['an unknown member', withInput('{}', ',"zzz":1')],
    ['a member of an actor twice', withInput('{}', ',"actor":{"role":"a","user":"b","user":"c"}')], ['an actor without a user', withInput('{}', ',"actor":{"role":"a"}')], ['a number as a rule', withInput('{}', ',"verdict":{"verdict":"deny","rule":1,"reason":""}')],
    ['a day that is not', lineOf(full, '2026-02-30T20:53:17.123Z')], ['an hour that is not', lineOf(full, '2026-02-20T24:53:17.123Z')], ['a negative duration', withInput('{}', ',"durationMs":-1')],
  ] as const) {
    it(`leaves ${what} to the full reading`, () => assert.equal(isPlain(text), false));
  }

  it('leaves what is not UTF-8 to the full reading', () => {
    const bytes = Buffer.from(lineOf(full));
    bytes[bytes.indexOf('ß') + 1] = 0x41;
    assert.equal(isPlain(bytes), false);
  });

  it('audit:quick-look says yes to nothing in which a full reading finds a flaw', () => {
    const odd = ['1.0', '-0', '0', '1e5', '01', '0.05', '-1.5', '12345678901234567890', '123456789012345.6', '"\\u0041"', '"\\u001f"', '"\\/"', '"\\n"', '"\ud800"', '"é"', '"\u202e"', '"\u007f"', 'true', 'nul', '{}', '[]', '{"a":1,"a":2}', '{"b":1,"a":2}', '{"a":[1,{"b":2}]}', ' 1', '"', '\\', '{"__proto__":1}', '{"$sha256":1}', ''];
    const name = fc.oneof(fc.constantFrom('a', 'b', 'ab', 'é', 'a\\u0062', '', '10', '9', '__proto__', ' ', '!', 'a"'), fc.string({ maxLength: 3 }));
    const value = fc.oneof(fc.constantFrom(...odd), fc.jsonValue().map((one) => JSON.stringify(one)), fc.string({ maxLength: 5 }));
    const input = fc.array(fc.tuple(name, value), { maxLength: 4 }).map((members) => `{${members.map(([key, text]) => `"${key}":${text}`).join(',')}}`);
    const after = fc.array(fc.oneof(fc.constantFrom(',"durationMs":1', ',"project":"p"', ',"actor":{"role":"a","user":"b"}', ',"detail":{"a":1}', ',"result":"ok"', ',"output":{"bytes":1}', ',"x":1', ','), value.map((text) => `,"detail":${text}`), value.map((text) => `,"durationMs":${text}`)), { maxLength: 2 }).map((texts) => texts.join(''));
    let said = 0;
    fc.assert(fc.property(input, after, (one, more) => {
      const text = withInput(one, more);
      if (!isPlain(text)) return;
      said += 1;
      const bytes = Buffer.from(text);
      const read = readStrictly(bytes, 0, bytes.length);
      assert.notEqual(typeof read, 'string', `${text}: ${String(read)}`);
    }), { numRuns: 20_000 });
    assert.ok(said > 1_000, `it said yes to ${said}`);
  });

  it('reads the same beginning as the full reading, or none', () => {
    const honest = lineOf(full);
    fc.assert(fc.property(fc.nat(250), fc.nat(3), fc.constantFrom('', '"', '\\', '0', 'Z', '\n', '\u0000', 'é'), (at, drop, put) => {
      const bytes = Buffer.from(honest.slice(0, at) + put + honest.slice(at + drop));
      const line = new PlainLine();
      if (!line.read(bytes, 0, bytes.length)) return;
      const text = (from: number, to: number): string => bytes.toString('latin1', from, to);
      const { seq, id: own, timestamp, phase, call, tool, toolEnd } = line;
      assert.deepEqual({ seq, id: text(own, own + 30), timestamp: text(timestamp, timestamp + 24), phase, call: call === -1 ? undefined : text(call, call + 30), tool: text(tool, toolEnd) }, readHead(bytes, 0, bytes.length));
    }), { numRuns: 5_000 });
  });

  it('T88 follows times as texts and as bytes alike', () => {
    const stamps = ['2026-11-21T20:53:17.123Z', '2026-11-21T20:53:17.122Z', '2026-11-21T20:53:17.122Z', '2027-01-01T00:00:00.000Z', '1999-01-01T00:00:00.000Z'];
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...stamps), fc.boolean()), { minLength: 1, maxLength: 6 }), (taken) => {
      const times = new Times();
      const said = taken.map(([stamp, inPlace]) => (inPlace ? times.takeAt(Buffer.from(`xx${stamp}`), 2) : times.take(stamp)));
      assert.deepEqual(said, taken.map(([stamp], i) => { const before = taken[i - 1]?.[0]; return before !== undefined && stamp < before ? before : undefined; }));
      assert.deepEqual([times.first, times.last], [taken[0]?.[0], taken.at(-1)?.[0]]);
    }));
  });
});

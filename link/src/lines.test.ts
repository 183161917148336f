import assert from 'node:assert/strict';
import { LineCutter } from './lines';

/** Cuts a text that comes in pieces of the given size. */
function cut(text: string, size: number, limit: number): string[] {
  const cutter = new LineCutter(limit);
  const bytes = Buffer.from(text);
  const found: string[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    for (const framed of cutter.push(bytes.subarray(start, start + size))) found.push(framed.kind === 'line' ? framed.line.toString() : '<too long>');
    assert.ok(cutter.held <= limit, 'never holds more than the limit');
  }
  return found;
}

describe('link/lines', () => {
  it('lines:any-pieces: the same lines come out however the bytes arrive', () => {
    const text = 'one\n\ntwo ü\nthree\nunfinished';
    for (let size = 1; size <= text.length + 2; size += 1) assert.deepEqual(cut(text, size, 100), ['one', '', 'two ü', 'three'], `pieces of ${String(size)}`);
  });

  it('T63: a line over the limit is reported once and dropped to its end, and the next one is whole', () => {
    for (const size of [1, 2, 3, 7, 100]) assert.deepEqual(cut(`ok\n${'x'.repeat(50)}\nnext\n`, size, 10), ['ok', '<too long>', 'next'], `pieces of ${String(size)}`);
  });

  it('lines:exact-limit: a line of exactly the limit passes', () => {
    assert.deepEqual(cut(`${'x'.repeat(10)}\n${'y'.repeat(11)}\n`, 4, 10), ['x'.repeat(10), '<too long>']);
  });
});

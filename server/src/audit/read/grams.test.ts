import assert from 'node:assert/strict';
import { prepareEntry, writeLine, zeroHash } from '../../../../protocol/src/audit/bytes';
import { Grams, gramTest } from './grams';

/** Lines as the writer lays them out, in one buffer. */
function linesOf(count: number): Buffer {
  const block = Buffer.alloc(count * 1_000);
  let [at, head] = [0, zeroHash];
  for (let seq = 1; seq <= count; seq += 1) {
    const id = `evt_01K${String(seq).padStart(23, '0')}`;
    const { end, hash } = writeLine(block, at, prepareEntry({ phase: 'intent', id, tool: 'shell.exec', input: { command: `make ${seq === count ? 'Last' : 'Target'}${String(seq)} – größer` }, result: 'admitted' }, id, '2026-11-21T20:53:17.123Z'), seq, head);
    [at, head] = [end, hash];
  }
  return block.subarray(0, at);
}

function gathered(bytes: Buffer): Grams {
  const grams = new Grams();
  for (let start = 0, newline = bytes.indexOf(0x0a); newline !== -1; start = newline + 1, newline = bytes.indexOf(0x0a, start)) grams.add(bytes, start, newline, start);
  return grams;
}

describe('triples of characters', () => {
  it('audit:filtered-soon never deny a text that stands in a line, whatever its place and its case', () => {
    const bytes = linesOf(3);
    const text = bytes.toString('utf8');
    const [stretch] = gathered(bytes).stretches;
    assert.ok(stretch !== undefined);
    assert.deepEqual([stretch.from, stretch.to], [0, bytes.length]);
    for (const line of text.split('\n').slice(0, -1)) {
      for (let at = 0; at < line.length; at += 1) {
        for (const length of [1, 3, 4, 9, 40]) {
          const part = line.slice(at, at + length);
          for (const needle of [part, part.replace(/[a-z]+/g, (word) => word.toUpperCase()), part.toLowerCase()]) assert.notEqual(gramTest(needle)?.(stretch), false, needle);
        }
      }
    }
  });

  it('deny what stands nowhere, and cannot tell of short texts and of digits', () => {
    const [stretch] = gathered(linesOf(3)).stretches;
    assert.ok(stretch !== undefined);
    for (const absent of ['rm -rf', 'production', 'target1 – größerer', 'Xargs']) assert.equal(gramTest(absent)?.(stretch), false, absent);
    for (const unknown of ['', 'ab', 'x', 'deadbeef', '–', 'größ'.slice(2)]) assert.equal(gramTest(unknown), undefined, unknown);
  });

  it('cut a log into stretches that follow each other without a gap', () => {
    const bytes = linesOf(1_500);
    const { stretches } = gathered(bytes);
    assert.ok(stretches.length > 2);
    stretches.forEach(({ from }, i) => assert.equal(from, stretches[i - 1]?.to ?? 0));
    assert.equal(stretches.at(-1)?.to, bytes.length);
    const which = stretches.map((stretch) => gramTest('make last')?.(stretch));
    assert.deepEqual([which.at(-1), which.at(0)], [true, false]);
  });
});

import assert from 'node:assert/strict';
import { prepareEntry, writeLine, zeroHash } from './bytes';
import { parseCheckpoint } from './checkpoint';
import { logKeyOf, newLogKeys, signCheckpoint } from './keys';
import { leafOf, proveInclusion, rootsOver } from './merkle';
import { checkEntryProof, entryProof, entryProofSchema, type EntryProof } from './proof';

const logId = 'cd'.repeat(16);
const keys = newLogKeys();
const pins = [logKeyOf(keys, logId)];

/** A small chain: its lines and their hashes. */
function chain(count: number): { line: string; hash: string }[] {
  const made: { line: string; hash: string }[] = [];
  for (let seq = 1; seq <= count; seq += 1) {
    const bytes = Buffer.alloc(2000);
    const own = { phase: 'genesis', tool: 'audit.genesis', input: { n: seq }, result: 'ok' } as const;
    const { end, hash } = writeLine(bytes, 0, prepareEntry(own, `evt_${String(seq).padStart(26, '0')}`, '2026-11-21T20:53:17.123Z'), seq, made.at(-1)?.hash ?? zeroHash);
    made.push({ line: bytes.toString('utf8', 0, end - 1), hash });
  }
  return made;
}

const entries = chain(9);
const rootOf = rootsOver(entries.map(({ hash }) => leafOf(Buffer.from(hash, 'hex'))));
const note = signCheckpoint(keys, { logId, size: 9, root: rootOf(0, 9).toString('hex'), head: entries[8]?.hash ?? '', segment: 1, bytes: 1, segmentDigest: zeroHash, previous: undefined, time: '2026-11-21T20:53:17.123Z' }, 'editor');

function proofOf(seq: number): EntryProof {
  const checkpoint = parseCheckpoint(note);
  const entry = entries[seq - 1];
  assert.ok(checkpoint !== undefined && entry !== undefined);
  return entryProofSchema.parse(JSON.parse(JSON.stringify(entryProof(entry.line, { seq, hash: entry.hash }, proveInclusion(seq - 1, 9, rootOf), checkpoint))));
}

describe('the proof of one entry', () => {
  it('holds for each entry, alone and offline', () => {
    for (let seq = 1; seq <= 9; seq += 1) {
      const verdict = checkEntryProof(proofOf(seq), pins);
      assert.deepEqual([verdict.kind, verdict.kind === 'valid' && verdict.pinned], ['valid', true]);
    }
    assert.equal(checkEntryProof(proofOf(4), []).kind, 'valid');
  });

  it('T78 falls with any change', () => {
    const good = proofOf(4);
    const other = proofOf(5);
    const forged = signCheckpoint(newLogKeys(), { ...parseCheckpoint(note), logId } as never, 'editor');
    const cases: readonly (readonly [Partial<EntryProof>, RegExp])[] = [
      [{ entry: good.entry.replace('"n":4', '"n":7') }, /changed/],
      [{ entry: other.entry, hash: other.hash }, /another number/],
      [{ entry: other.entry, hash: other.hash, seq: 5 }, /path does not lead/],
      [{ path: good.path.slice(1) }, /path does not lead/],
      [{ path: [...good.path].reverse() }, /path does not lead/],
      [{ entry: `${good.entry}\n${good.entry}` }, /not a line/],
      [{ checkpoint: forged, publicKey: good.publicKey }, /another key|not by the key/],
      [{ checkpoint: good.checkpoint.replace('\n9\n', '\n8\n') }, /path does not lead|not signed/],
      [{ checkpoint: good.checkpoint.replace('signer editor', 'signer file') }, /not signed/],
      [{ checkpoint: 'nothing' }, /no checkpoint/],
      [{ publicKey: 'x' }, /another key/],
    ];
    for (const [change, reason] of cases) {
      const verdict = checkEntryProof({ ...good, ...change }, pins);
      assert.match(verdict.kind === 'invalid' ? verdict.reason : 'valid', reason);
    }
    assert.match(JSON.stringify(checkEntryProof(good, [logKeyOf(newLogKeys(), logId)])), /not by the key that you gave/);
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { checkpointRecord, noteHash, parseCheckpoint, readCheckpointFile, type Checkpoint, type LogFacts } from './checkpoint';
import { logKeyOf, newLogKeys, nextEpoch, signCheckpoint, type LogKeys } from './keys';
import { cosignedAt, cosignText, isSignedBy, parseNote, parseVerifierKey, verifierKey } from './note';
import { epochKeyOf } from './keys';
import { publicKeyOf } from './ed25519';
import { judgeSeries } from './series';

/** Seeds in a row, so that a failing case can be run again. */
function counted(from: number): (bytes: number) => Buffer {
  let next = from;
  return (bytes) => createHash('sha512').update(String((next += 1))).digest().subarray(0, bytes);
}

const logId = 'ab'.repeat(16);
const first = newLogKeys(counted(0));

function facts(size: number, previous?: Checkpoint): LogFacts {
  const digest = (what: string): string => createHash('sha256').update(`${what} ${size}`).digest('hex');
  return { logId, size, root: digest('root'), head: digest('head'), segment: 1, bytes: size * 300, segmentDigest: digest('segment'), previous: previous && noteHash(previous), time: '2026-11-21T20:53:17.123Z' };
}

function signed(keys: LogKeys, about: LogFacts): Checkpoint {
  const read = parseCheckpoint(signCheckpoint(keys, about, 'editor'));
  assert.ok(read !== undefined);
  return read;
}

/** A series of sizes, each with the keys of its epoch. */
function series(...steps: readonly (readonly [LogKeys, number])[]): Checkpoint[] {
  const made: Checkpoint[] = [];
  for (const [keys, size] of steps) made.push(signed(keys, facts(size, made.at(-1))));
  return made;
}

const second = nextEpoch(first, counted(10));
const third = nextEpoch(second, counted(20));
const stranger = newLogKeys(counted(30));
const pin = logKeyOf(first, logId);

describe('a checkpoint', () => {
  it('says what it was made from, as three lines that any reader of C2SP checkpoints takes, and one of ours', () => {
    const about = facts(7);
    const made = signed(first, about);
    assert.deepEqual({ ...made, note: undefined }, { ...made, ...about, note: undefined });
    const [origin, size, root, extension, ...rest] = made.note.text.split('\n');
    assert.deepEqual([origin, size, root, rest], [`conductor.local/audit/${logId}`, '7', Buffer.from(about.root, 'hex').toString('base64'), ['']]);
    assert.match(extension ?? '', /^head sha256:\S+ bytes 2100 segment 1 sha256:\S+ logkey \S+ epoch 1 key \S+ nextkey \S+ signer editor time \S+ previous none$/);
    assert.equal(isSignedBy(made.note, pin), true);
    assert.equal(isSignedBy(made.note, epochKeyOf(made)), true);
  });

  it('is not read when any of its bytes is spelled otherwise', () => {
    const whole = signCheckpoint(first, facts(7), 'file');
    for (const wrong of [whole.replace('\n7\n', '\n07\n'), whole.replace('signer file', 'signer  file'), whole.replace(' previous none', ''), whole.replace('epoch 1', 'epoch 01'), whole.replace('previous none\n', 'previous none\nmore\n')]) {
      assert.notEqual(wrong, whole);
      assert.equal(parseCheckpoint(wrong), undefined);
    }
    const text = parseNote(whole)?.text ?? '';
    const key = /logkey (\S+)=/.exec(text)?.[1] ?? '';
    // The last character before the padding carries two bits that say nothing.
    const twin = key.slice(0, -1) + String.fromCharCode(key.charCodeAt(key.length - 1) + 1);
    assert.equal(parseCheckpoint(whole.replace(key, twin)), undefined);
  });
});

describe('the file of checkpoints', () => {
  it('gives back what was appended, and where a torn end begins', () => {
    const made = series([first, 3], [first, 9], [second, 12]);
    const text = made.map(({ note }) => checkpointRecord(note)).join('');
    const whole = readCheckpointFile(text);
    assert.deepEqual(whole, { checkpoints: made, wholeBytes: Buffer.byteLength(text), torn: false, damaged: false });
    for (let cut = text.length - 1; cut > text.lastIndexOf('conductor.local/audit/ab'); cut -= 1) {
      const rest = readCheckpointFile(text.slice(0, cut));
      assert.deepEqual([rest.checkpoints.length >= 2, rest.torn], [true, true], String(cut));
    }
    assert.equal(readCheckpointFile(text.replace('\n9\n', '\nnine\n')).damaged, true);
    assert.deepEqual(readCheckpointFile('').checkpoints, []);
  });

  it('joins a checkpoint with the cosignatures that came later', () => {
    const made = series([first, 3], [first, 9]);
    const [one, two] = made;
    assert.ok(one !== undefined && two !== undefined);
    const seed = Buffer.alloc(32, 1);
    const again = { text: one.note.text, signatures: [...one.note.signatures, cosignText(one.note.text, 'w.example/1', seed, 99)] };
    const { checkpoints } = readCheckpointFile([one.note, two.note, again].map(checkpointRecord).join(''));
    assert.equal(checkpoints.length, 2);
    const [joined] = checkpoints;
    assert.equal(joined?.note.signatures.length, 3);
    assert.equal(joined && cosignedAt(joined.note, verifierKey('w.example/1', publicKeyOf(seed), 'cosignature')), 99);
  });
});

describe('a series of checkpoints', () => {
  const good = series([first, 3], [first, 9], [second, 12], [third, 15], [third, 20]);

  it('hangs together over epochs, and counts as far as the key from elsewhere signed', () => {
    const { signed: found, problems, warnings } = judgeSeries(good, [pin]);
    assert.deepEqual([problems, warnings], [[], []]);
    assert.deepEqual(found.map(({ checkpoint, pinned }) => [checkpoint.size, pinned]), [[20, true]]);
    assert.equal(judgeSeries(good).signed[0]?.pinned, false);
    assert.deepEqual(judgeSeries(good, [logKeyOf(stranger, logId)]).signed, []);
  });

  it('can be pinned to the key of a closed epoch, which nobody has any more', () => {
    const [, , inSecond] = good;
    assert.ok(inSecond !== undefined);
    assert.deepEqual(judgeSeries(good, [epochKeyOf(inSecond)]).signed.map(({ checkpoint }) => checkpoint.size), [20]);
    // Who has the keys of the third epoch and of the log, but no longer those of the second, cannot rewrite the second.
    const forged = series([first, 3], [first, 9], [{ ...third, epoch: 2 }, 12], [third, 15]);
    assert.notDeepEqual(judgeSeries(forged, [epochKeyOf(inSecond)]).problems, []);
    assert.deepEqual(judgeSeries(forged, [epochKeyOf(inSecond)]).signed, []);
  });

  it('T81 names what was forged, removed, repeated, moved, or put back', () => {
    const flawOf = (checkpoints: readonly Checkpoint[]): string => judgeSeries(checkpoints, [pin]).problems.map(({ message }) => message).join(' ');
    const [a, b, c, d, e] = good;
    assert.ok(a && b && c && d && e);
    const broken = (one: Checkpoint, at: number): Checkpoint => ({ ...one, note: { ...one.note, signatures: one.note.signatures.map((line, i) => (i === at ? { ...line, bytes: Buffer.alloc(64) } : line)) } });
    assert.equal(flawOf(good), '');
    assert.match(flawOf([a, c, d, e]), /#12 does not follow #3: checkpoints between them were removed/);
    assert.match(flawOf([b, c, d, e]), /Checkpoints before #9 were removed/);
    assert.match(flawOf([a, b, b, c, d, e]), /#9 follows #9/);
    assert.match(flawOf([b, a, c, d, e]), /#3 follows #9/);
    assert.match(flawOf([a, b, c, d, broken(e, 0)]), /#20 is not signed by the key of the log/);
    assert.match(flawOf([a, b, c, d, broken(e, 1)]), /#20 is not signed by the key of its epoch 3/);
    assert.match(flawOf([a, broken(b, 1), c, d, e]), /#9 is not signed by the key of its epoch 1/);
    assert.match(flawOf(series([first, 3], [third, 9])), /claims epoch 3 with a key that epoch 1 did not announce/);
    assert.match(flawOf(series([first, 3], [nextEpoch({ ...first, next: 'ee'.repeat(32) }, counted(40)), 9])), /claims epoch 2/);
    assert.match(flawOf([...good, signed(third, { ...facts(25, e), logId: 'cd'.repeat(16) })]), /of another log/);
  });

  it('tells that it begins anew, which only a pin can judge', () => {
    const anew = [...series([first, 3]), ...series([first, 9])];
    assert.deepEqual(judgeSeries(anew, [pin]).problems, []);
    assert.match(judgeSeries(anew, [pin]).warnings[0]?.message ?? '', /begin anew at #9/);
  });

  it('keeps the lines of two keys apart, and counts each by itself', () => {
    const mixed = series([first, 3], [stranger, 5], [first, 9], [stranger, 11]);
    assert.deepEqual(judgeSeries(mixed, [pin]).signed.map(({ checkpoint, pinned }) => [checkpoint.size, pinned]), [[9, true]]);
    assert.deepEqual(judgeSeries(mixed).signed.map(({ checkpoint }) => checkpoint.size), [11, 9]);
  });

  it('verifies keys as text', () => {
    assert.equal(parseVerifierKey(judgeSeries(good).signed[0]?.key ?? '')?.keyId, pin.keyId);
  });
});

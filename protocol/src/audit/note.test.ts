import assert from 'node:assert/strict';
import { cosignedAt, cosignText, isSignedBy, noteText, parseNote, parseVerifierKey, signText, verifierKey, verifierKeyText } from './note';
import { publicKeyOf } from './ed25519';

/** The example of the Go package that began signed notes: a key and a note signed with it. */
const goKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const goNote =
  'If you think cryptography is the answer to your problem,\nthen you don\'t know what your problem is.\n\n' +
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

const seed = Buffer.alloc(32, 7);
const key = verifierKey('conductor.local/audit/x', publicKeyOf(seed));
const text = 'one line\nanother\n';

describe('signed notes', () => {
  it('reads and verifies a note of another implementation', () => {
    const pinned = parseVerifierKey(goKey);
    const note = parseNote(goNote);
    assert.ok(pinned !== undefined && note !== undefined);
    assert.equal(isSignedBy(note, pinned), true);
    assert.equal(verifierKeyText(pinned), goKey);
    assert.equal(noteText(note), goNote);
    const changed = parseNote(goNote.replace('answer', 'anwser'));
    assert.equal(changed !== undefined && isSignedBy(changed, pinned), false);
  });

  it('reads the key of a public log, whose id fits', () => {
    assert.equal(parseVerifierKey('sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8')?.keyId, '033de0ae');
  });

  it('signs what it verifies, also with several signatures, and ignores those of unknown keys', () => {
    const stranger = signText(text, 'somebody', Buffer.alloc(32, 8));
    const note = parseNote(noteText({ text, signatures: [stranger, signText(text, key.name, seed)] }));
    assert.ok(note !== undefined);
    assert.equal(isSignedBy(note, key), true);
    assert.equal(isSignedBy(note, verifierKey(key.name, publicKeyOf(Buffer.alloc(32, 9)))), false);
    assert.equal(isSignedBy(note, verifierKey('other', publicKeyOf(seed))), false);
    assert.throws(() => verifierKey('another name', publicKeyOf(seed)), RangeError);
  });

  it('refuses a note with a second, broken signature of the same key', () => {
    const good = signText(text, key.name, seed);
    const bad = { ...good, bytes: Buffer.alloc(64) };
    assert.equal(isSignedBy({ text, signatures: [good, bad] }, key), false);
  });

  it('cosigns with a time, which counts', () => {
    const witness = verifierKey('witness.example/w1', publicKeyOf(seed), 'cosignature');
    const note = parseNote(noteText({ text, signatures: [cosignText(text, witness.name, seed, 1_679_315_147)] }));
    assert.ok(note !== undefined);
    assert.equal(cosignedAt(note, witness), 1_679_315_147);
    assert.equal(isSignedBy(note, witness), false);
    assert.equal(parseVerifierKey(verifierKeyText(witness))?.kind, 'cosignature');
    const [line] = note.signatures;
    assert.ok(line !== undefined);
    const later = Buffer.from(line.bytes);
    later[7] = (later[7] ?? 0) + 1;
    assert.equal(cosignedAt({ text, signatures: [{ ...line, bytes: later }] }, witness), undefined);
  });

  for (const [what, whole] of [
    ['nothing', ''],
    ['no signature', `${text}\n`],
    ['no empty line', `${text}— a AAAAAAAA\n`],
    ['no newline at the end', goNote.slice(0, -1)],
    ['a control character', goNote.replace('you', 'y\tu')],
    ['a hyphen for the dash', goNote.replace('—', '-')],
    ['a name with a plus sign', goNote.replace('PeterNeumann ', 'Peter+Neumann ')],
    ['a line after the signatures', `${goNote}more\n`],
    ['too many signatures', goNote + (goNote.split('\n').at(-2) ?? '').concat('\n').repeat(64)],
  ] as const) {
    it(`does not read a note with ${what}`, () => assert.equal(parseNote(whole), undefined));
  }

  for (const [what, wrong] of [
    ['another id', goKey.replace('c74f20a3', 'c74f20a4')],
    ['another name', goKey.replace('Peter', 'Petra')],
    ['a short key', goKey.slice(0, -4)],
    ['an unknown type', goKey.replace('+ARpc', '+AhpS')],
    ['no name', goKey.replace('PeterNeumann', '')],
  ] as const) {
    it(`does not read a key with ${what}`, () => assert.equal(parseVerifierKey(wrong), undefined));
  }
});

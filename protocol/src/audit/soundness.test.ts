import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { sha256 } from './bytes';
import { publicKeyOf, signatureFits, signBytes } from './ed25519';
import { logFlaw, runtimeFlaw } from './kernelSoundness';
import { cryptoFlaw, type Primitives } from './soundness';

const sound: Primitives = {
  sha256, publicKeyOf, signBytes, signatureFits,
  sha256InParts: (parts) => createHash('sha256').update(Buffer.concat(parts)).digest('hex'),
};

describe('the test of a runtime\'s cryptography', () => {
  it('audit:self-test finds nothing here', () => {
    assert.deepEqual([cryptoFlaw(), logFlaw(), runtimeFlaw(), cryptoFlaw(sound)], [undefined, undefined, undefined, undefined]);
  });

  for (const [name, broken, says] of [
    ['a hash of text', { sha256: (data) => (typeof data === 'string' ? sha256(`${data}x`) : sha256(data)) }, /SHA-256/],
    ['a hash of bytes', { sha256: (data) => (typeof data === 'string' ? sha256(data) : sha256(data).toUpperCase()) }, /SHA-256/],
    ['a hash in parts that forgets one', { sha256InParts: (parts) => sound.sha256InParts(parts.slice(0, 1)) }, /SHA-256/],
    ['a public key', { publicKeyOf: () => Buffer.alloc(32) }, /Ed25519/],
    ['a signature', { signBytes: () => Buffer.alloc(64) }, /Ed25519/],
    ['a check that accepts everything', { signatureFits: () => true }, /Ed25519/],
    ['a check that accepts nothing', { signatureFits: () => false }, /Ed25519/],
    ['a missing algorithm', { signBytes: () => { throw new Error('unsupported'); } }, /fails: unsupported/],
  ] as readonly [string, Partial<Primitives>, RegExp][]) {
    it(`audit:self-test names ${name} that is wrong`, () => {
      assert.match(cryptoFlaw({ ...sound, ...broken }) ?? '', says);
      assert.match(logFlaw({ ...sound, ...broken }) ?? '', says);
    });
  }
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import vectors from '../../../test/vectors/paths/controlNames.json';
import { controlNameIn, controlNames } from './controlNames';

describe('control names', () => {
  for (const test of vectors.cases) {
    it(`${test.id} ${JSON.stringify(test.names)} ${'about' in test ? String(test.about) : ''}`, () => {
      assert.equal(controlNameIn(test.names) ?? null, test.control);
    });
  }

  it('pins the list, so that nothing leaves it by accident', () => {
    const sum = createHash('sha256').update([...controlNames].sort().join('\n')).digest('hex');
    assert.equal(sum, '4ab5c4c18d6215837f863599a88160cc5df5f05333511f720749ad57f39fef0d');
  });
});

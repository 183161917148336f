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
    assert.equal(sum, 'dadff812a8c49f39d03f4f8a2ab67cc43aa6addb91490ac1da05e0124ecace2b');
  });
});

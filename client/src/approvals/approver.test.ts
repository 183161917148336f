import assert from 'node:assert/strict';
import { approverSeed } from '../credentials/approverKey';
import type { Secrets } from '../credentials/logKeys';

function memorySecrets(): Secrets & { values: Map<string, string> } {
  const values = new Map<string, string>();
  return { values, get: (name) => Promise.resolve(values.get(name)), store: (name, value) => Promise.resolve(void values.set(name, value)) };
}

describe('the approver key of this editor', () => {
  it('N11 is made once and kept', async () => {
    const secrets = memorySecrets();
    const first = await approverSeed(secrets, () => Buffer.alloc(32, 1));
    assert.deepEqual(await approverSeed(secrets, () => Buffer.alloc(32, 2)), first);
    assert.deepEqual([...secrets.values.keys()], ['conductor.approver']);
  });

  it('N11 of two windows that begin at once, both use the key that was kept', async () => {
    const secrets = memorySecrets();
    const late: (() => void)[] = [];
    const settle = (): Promise<void> => new Promise((resolve) => late.push(resolve));
    const seeds = [1, 2].map((byte) => approverSeed(secrets, () => Buffer.alloc(32, byte), settle));
    while (late.length < 2) await new Promise(setImmediate);
    for (const go of late) go();
    const [one, two] = await Promise.all(seeds);
    assert.deepEqual(one, two);
    assert.deepEqual(await approverSeed(secrets, () => Buffer.alloc(32, 3)), one);
  });

  it('N11 a storage that forgets, or holds something else, is none', async () => {
    const forgetful: Secrets = { get: () => Promise.resolve(undefined), store: () => Promise.resolve() };
    await assert.rejects(approverSeed(forgetful, () => Buffer.alloc(32, 1)), /does not keep/);
    const foreign: Secrets = { get: () => Promise.resolve('hello'), store: () => Promise.resolve() };
    await assert.rejects(approverSeed(foreign, () => Buffer.alloc(32, 1)), /no key/);
  });
});

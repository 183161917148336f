import assert from 'node:assert/strict';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { credentialGround, type TestGround } from '../../../test/fakes/credentialGround';
import { ConductorError } from '../../../protocol/src/errors';
import { realFiles, type Files } from './files';
import { openCredentials, type CredentialStore } from './store';

/** Every stored byte, one after the other, is another than it was written: also those of the largest values, of many entries and of every kind of slot. */
describe('every stored byte of a credential store', function () {
  this.timeout(300_000);
  const key = 'ab'.repeat(32);
  const passphrase = 'correct horse battery staple';
  const values = new Map([['large.value', `${'0123456789abcdef'.repeat(4_095)}the end`], ['small.value', 'x'], ...Array.from({ length: 12 }, (_, i): [string, string] => [`name.number${String(i)}`, `value ${String(i)}`])]);
  const codes = /^(?:CREDENTIALS_REFUSED|CREDENTIALS_LOCKED|CREDENTIAL_DAMAGED)$/;
  let ground: TestGround;
  /** One byte of one file is read as another; nothing on the disk changes. */
  let flip: Readonly<{ path: string; at: number }> | undefined;
  const files: Files = {
    ...realFiles(),
    read(path, limit) {
      const bytes = realFiles().read(path, limit);
      if (bytes !== undefined && flip?.path === path) bytes[flip.at] = (bytes[flip.at] ?? 0) ^ (1 << (flip.at % 8));
      return bytes;
    },
    write: () => assert.fail('a store that is only read was written'),
    remove: () => assert.fail('a store that is only read lost a file'),
  };

  before(async () => {
    ground = credentialGround();
    const store = await openCredentials(ground);
    for (const [name, value] of values) await store.set(name, Buffer.from(value));
    await store.addSlot({ kind: 'editor', key }, 'stays');
    await store.addSlot({ kind: 'keyring', key: 'cd'.repeat(32) }, 'stays');
    await store.addSlot({ kind: 'passphrase', passphrase }, 'stays');
  });
  after(() => rmSync(ground.base, { recursive: true, force: true }));

  const stored = (): string[] => readdirSync(ground.folder, { recursive: true, encoding: 'utf8' }).map((name) => join(ground.folder, name)).filter((path) => statSync(path).isFile());
  const isValue = (path: string): boolean => /[/\\][0-9a-f]{40}$/.test(path);
  async function read(store: CredentialStore, name: string): Promise<string> {
    try {
      store.declare('test', [name]);
      const lease = await store.lease([name], 'test');
      return lease.value(name).toString('utf8');
    } catch (thrown) {
      assert.ok(thrown instanceof ConductorError, String(thrown));
      return thrown.code;
    }
  }

  it('credentials:each-byte T73: of the files of values each is noticed with its name, whatever their size, and the others are read', async () => {
    const store = await openCredentials({ ...ground, files });
    const paths = stored().filter(isValue);
    assert.equal(paths.length, values.size);
    for (const path of paths) {
      flip = { path, at: 0 };
      const damaged: string[] = [];
      for (const name of values.keys()) if ((await read(store, name)) !== values.get(name)) damaged.push(name);
      const [name = ''] = damaged;
      assert.equal(damaged.length, 1, path);
      for (let at = 0; at < statSync(path).size; at += 1) {
        flip = { path, at };
        assert.equal(await read(store, name), 'CREDENTIAL_DAMAGED', `${path} byte ${String(at)}`);
      }
    }
    flip = undefined;
    for (const [name, value] of values) assert.equal(await read(store, name), value);
  });

  it('credentials:each-byte T73: of the list, the slots and the salts each is a failure with a name, and no other value is ever given', async () => {
    const paths = stored().filter((path) => !isValue(path));
    assert.equal(paths.length, 3);
    let noticed = 0;
    for (const path of paths) {
      for (let at = 0; at < statSync(path).size; at += 1) {
        flip = { path, at };
        const store = await openCredentials({ ...ground, files });
        // Where the slot of this machine is no way in any more, another one is, or nothing.
        if (store.state().state === 'locked') await store.offer({ key }, 'stays').catch((thrown: unknown) => assert.ok(thrown instanceof ConductorError && codes.test(thrown.code), String(thrown)));
        const found = await read(store, 'small.value');
        if (found !== values.get('small.value')) assert.match(found, codes, `${path} byte ${String(at)}`);
        if (store.state().state !== 'open' || store.state().slots.some(({ trouble }) => trouble !== null)) noticed += 1;
        else assert.fail(`${path} byte ${String(at)} went unnoticed`);
      }
    }
    flip = undefined;
    assert.ok(noticed > 2_000);
  });
});
